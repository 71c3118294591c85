"""What a record is checked for as a whole on reading: constants, totals, and what nothing reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from adapters.mapping.conditions import stripped
from adapters.mapping.numbers import exact_sum, plain_number
from adapters.mapping.plan import LevelNode
from adapters.mapping.records import Record, SourcePath, getter, path_text, source_path
from adapters.mapping.run import Run, UnfitError, fitted
from adapters.mapping.spec import GroupSpec, SourceSpec
from adapters.mapping.totals import read_number, values_at

Check: TypeAlias = Callable[[Record, dict[str, Any], Run], None]


def source_check(path: SourcePath, spec: SourceSpec) -> Check | None:
    """Compile checking a constant or a total of the source; None where nothing is to be checked."""
    if not spec.verify:
        return None
    get, shown = getter(path), path_text(path)
    if spec.const is not None:
        expected = spec.const

        def check_constant(record: Record, out: dict[str, Any], run: Run) -> None:
            found = stripped(get(record))
            if found != expected.strip():
                run.add("MAP-CONST", shown, f"'{found}' stands here; expected '{expected}'")

        return check_constant
    number = read_number(spec)

    def check_total(record: Record, out: dict[str, Any], run: Run) -> None:
        text = stripped(get(record))
        if not text or run.findings:  # a value that could not be read makes every total wrong
            return
        try:
            stated = exact_sum([number(text)])
        except UnfitError as error:
            run.refuse(shown, fitted(error, text, is_sensitive=False))
            return
        if spec.count is not None:
            counted = exact_sum([str(len(values_at(out, spec.count)))])
        else:
            counted = exact_sum([plain_number(str(value)) for value in values_at(out, spec.sum or "")])
        if counted != stated:
            what = f"entries of {spec.count}" if spec.count else f"sum of {spec.sum}"
            run.add("MAP-TOTAL", shown, f"the total says {stated:f}, but the {what} is {counted:f}")

    return check_total


def rest_keeper(level: LevelNode, mapping: str) -> Check:
    """Compile keeping what nothing reads in the document's extensions, under the mapping's name."""
    known = known_names(level)

    def keep_rest(record: Record, out: dict[str, Any], run: Run) -> None:
        left = _left(record, known)
        if left:
            out["extensions"] = {**out.get("extensions", {}), mapping: left}

    return keep_rest


def _left(record: Record, known: Mapping[str, Any]) -> Record:
    left: Record = {}
    for name, value in record.items():
        inner = known.get(name)
        if inner is None:
            if value not in (None, "", [], {}):
                left[name] = value
        elif inner and value.__class__ is dict:
            below = _left(value, inner)
            if below:
                left[name] = below
    return left


def known_names(level: LevelNode) -> dict[str, Any]:
    """Give the source names that a level reads, as a tree; an empty dict is a name read whole."""
    known: dict[str, Any] = {}
    for path in read_paths(level):
        place = known
        for step in path:
            place = place.setdefault(step, {})
    return known


def read_paths(level: LevelNode) -> list[SourcePath]:
    """Give every source path that a level reads, tests, checks or ignores."""
    paths = [path for leaf in level.leaves for path in leaf.sources]
    paths += [source_path(name) for leaf in level.leaves for name in leaf.spec.when]
    paths += [path for path, _, _ in level.source]
    if isinstance(level.spec, GroupSpec):
        paths += [source_path(name) for name in level.spec.when]
    return paths + [group.source for group in level.groups]
