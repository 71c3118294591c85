"""What a record gets as a whole on writing: constants, totals, what was kept, and what is required."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from adapters.mapping.records import Record, SourcePath, name_of, path_text
from adapters.mapping.run import Run, UnfitError, fitted
from adapters.mapping.spec import SourceSpec
from adapters.mapping.stores import Put, store_at
from adapters.mapping.totals import total_writer


def source_writer(path: SourcePath, spec: SourceSpec) -> Put:
    """Compile writing a constant or a total."""
    store, shown = store_at(path), path_text(path)
    if spec.const is not None:
        constant = spec.const
        return lambda value, out, run: store(constant, out, run)
    total = total_writer(spec)

    def put_total(value: BaseModel, out: Record, run: Run) -> None:
        try:
            store(total(value), out, run)
        except UnfitError as error:
            run.refuse(shown, fitted(error, "the total", is_sensitive=False))

    return put_total


def rest_writer(mapping: str) -> Put:
    """Compile writing back what reading kept in extensions."""

    def put_rest(value: Any, out: Record, run: Run) -> None:
        kept = value.extensions.get(mapping)
        if isinstance(kept, Mapping):
            _merge(kept, out)

    return put_rest


def _merge(kept: Mapping[str, Any], out: Record) -> None:
    for name, value in kept.items():
        if isinstance(value, Mapping) and isinstance(out.get(name, {}), dict):
            _merge(value, out.setdefault(name, {}))
        elif isinstance(value, list | tuple) and isinstance(out.get(name), list):
            out[name] += _thawed(value)
        else:
            out.setdefault(name, _thawed(value))


def _thawed(value: Any) -> Any:
    """Give a record part as records hold it: extensions keep lists as tuples."""
    if isinstance(value, Mapping):
        return {name: _thawed(each) for name, each in value.items()}
    return [_thawed(each) for each in value] if isinstance(value, list | tuple) else value


def required_check(path: SourcePath) -> Put:
    """Compile telling a source field that the source requires and nothing filled."""
    above, last, shown = path[:-1], name_of(path[-1]), path_text(path)

    def check(value: Any, out: Record, run: Run) -> None:
        place: Any = out
        for step in map(name_of, above):
            place = place.get(step) if isinstance(place, dict) else None
            if place is None:
                return  # the record around it is absent
        if place.get(last) in (None, "", []):
            run.add(
                "MAP-REQUIRED", shown, "the source requires this field, and the document has no value for it"
            )

    return check
