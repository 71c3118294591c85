"""What a record is checked for as a whole on reading: constants, totals, and what nothing reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adapters.mapping.conditions import stripped
from adapters.mapping.numbers import exact_sum, plain_number
from adapters.mapping.plan import LevelNode
from adapters.mapping.records import Pick, Record, SourcePath, getter, name_of, path_text, source_path
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


def _left(record: Record, known: Mapping[str, Known]) -> Record:
    left: Record = {}
    for name, value in record.items():
        reading = known.get(name)
        if reading is None:
            if value not in (None, "", [], {}):
                left[name] = value
        elif reading.picks and value.__class__ is list:
            others = [entry for entry in value if not any(pick.matches(entry) for pick in reading.picks)]
            if others and not reading.is_whole:
                left[name] = others
        elif reading.below and value.__class__ is dict:
            below = _left(value, reading.below)
            if below:
                left[name] = below
    return left


@dataclass(slots=True)
class Known:
    """What is read of a source name: all of it, some of a record's fields, some of a list's records."""

    is_whole: bool = False
    below: dict[str, Known] = field(default_factory=dict)
    picks: list[Pick] = field(default_factory=list)


def known_names(level: LevelNode) -> dict[str, Known]:
    """Give what a level reads, as a tree of source names."""
    known: dict[str, Known] = {}
    for path in read_paths(level):
        place = known
        for number, step in enumerate(path):
            reading = place.setdefault(name_of(step), Known())
            reading.is_whole = reading.is_whole or number == len(path) - 1
            if isinstance(step, Pick):
                reading.picks.append(step)
            place = reading.below
    return known


def read_paths(level: LevelNode) -> list[SourcePath]:
    """Give every source path that a level reads, tests, checks or ignores."""
    paths = [path for leaf in level.leaves for path in leaf.sources]
    paths += [source_path(name) for leaf in level.leaves for name in leaf.spec.when]
    paths += [path for path, _, _ in level.source]
    if isinstance(level.spec, GroupSpec):
        paths += [source_path(name) for name in level.spec.when]
    return paths + [group.source for group in level.groups]
