"""Which entry of one list is which of another: by what an entry is called, not by where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from canonical.lines import ItemLine, Schedule, SubLine
from canonical.model import Model
from canonical.values import (
    AllowanceCharge,
    Attribute,
    Contact,
    Distribution,
    ItemIdentifier,
    KindedDate,
    Lot,
    Note,
    PartyIdentifier,
    PartyInRole,
    Reference,
    Tax,
)

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries that are one; None on a side that lacks it. ``name`` is what paths call it."""

    name: str
    legacy: Any
    cloud: Any


def paired(legacy: Sequence[Any], cloud: Sequence[Any], by: str | None) -> Iterator[Pair]:
    """Give the entries of two lists as pairs, every entry once. ``by``: the declared field, or None."""
    key = _key_for(legacy, cloud, by)
    theirs, ours = _by_key(legacy, key), _by_key(cloud, key)
    for name in dict.fromkeys((*theirs, *ours)):
        yield from _same_key("/".join(name) or "-", theirs.get(name, []), ours.get(name, []))


def _same_key(name: str, legacy: list[Any], cloud: list[Any]) -> Iterator[Pair]:
    """Pair entries that are called the same: equal ones first, then in their order."""
    if len(legacy) == len(cloud) == 1:
        yield Pair(name, legacy[0], cloud[0])
        return
    left = list(cloud)
    unequal = []
    for each in legacy:
        if each in left:
            left.remove(each)
        else:
            unequal.append(each)
    for number in range(max(len(unequal), len(left))):
        yield Pair(
            name,
            unequal[number] if number < len(unequal) else None,
            left[number] if number < len(left) else None,
        )


def _by_key(entries: Sequence[Any], key: Callable[[Any], Key]) -> dict[Key, list[Any]]:
    found: dict[Key, list[Any]] = {}
    for each in entries:
        found.setdefault(key(each), []).append(each)
    return found


def _key_for(legacy: Sequence[Any], cloud: Sequence[Any], by: str | None) -> Callable[[Any], Key]:
    if by == "item":
        return _item_key
    if by is not None:
        return lambda entry: (_named(entry, by),)
    if legacy and cloud and isinstance(legacy[0], ItemLine) and isinstance(cloud[0], ItemLine):
        return _line_key_for(legacy, cloud)
    return entry_key


def _line_key_for(legacy: Sequence[Any], cloud: Sequence[Any]) -> Callable[[Any], Key]:
    """Match lines by their id where most ids are on both sides, else by item, else by their place.

    A legacy system that numbers 10, 20, 30 what was sent as 1, 2, 3 has no id in common with us.
    """
    for key in (_line_id, _item_key):
        theirs, ours = ([key(each) for each in side] for side in (legacy, cloud))
        common = set(theirs) & set(ours) - {("",)}
        if 2 * len(common) >= min(len(set(theirs)), len(set(ours))) and common:
            return key
    return lambda line: (str(line.sequence),)


def _line_id(line: Any) -> Key:
    text = (line.line_id or "").strip()
    return ((text.lstrip("0") or "0") if text else "",)


def _item_key(line: Any) -> Key:
    identifiers = sorted(f"{each.scheme}:{each.value}" for each in getattr(line, "item_ids", ()))
    return (identifiers[0] if identifiers else "",)


def _named(entry: Any, by: str) -> str:
    value = entry
    for part in by.split("."):
        value = getattr(value, part, None)
    text = "" if value is None else str(value)
    return (text.lstrip("0") or text) if by.endswith("line_id") else text


_KINDS: tuple[tuple[tuple[type[Any], ...], tuple[str, ...]], ...] = (
    ((PartyIdentifier, ItemIdentifier), ("scheme",)),
    ((Reference, Note, Tax, KindedDate), ("kind",)),
    ((PartyInRole, Contact), ("role",)),
    ((AllowanceCharge,), ("indicator", "kind")),
    ((Distribution,), ("account", "cost_center", "project")),
    ((Lot,), ("lot", "serial", "udi")),
    ((Attribute,), ("name",)),
    ((Schedule,), ("schedule_id",)),
    ((SubLine,), ("sub_line_id",)),
)
"""By which of its fields an entry is known again."""


def entry_key(entry: Any) -> Key:
    """Give what an entry of a list is called."""
    if isinstance(entry, ItemLine):
        return _line_id(entry)
    for types, names in _KINDS:
        if isinstance(entry, types):
            return tuple(value for name in names if (value := getattr(entry, name))) or ("",)
    return ("",) if isinstance(entry, Model) else (" ".join(str(entry).split()),)
