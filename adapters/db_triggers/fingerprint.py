"""The shape of a legacy table: its columns, and a short text that changes when they do. Pure.

Triggers carry the fingerprint of the table that they were rendered for. Where the live table has another
one, a column may be missing from the images, so the feed stops instead of dropping it in silence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

FINGERPRINT_CHARS = 16


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the database's catalog tells it; ``type`` in the catalog's own words."""

    name: str
    type: str
    is_nullable: bool = True


def fingerprint_of(columns: Sequence[Column]) -> str:
    """Give 16 hexadecimal characters over names and types. The order of columns does not count."""
    shape = sorted((column.name, column.type.lower()) for column in columns)
    text = json.dumps(shape, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_CHARS]


def captured(columns: Sequence[Column], chosen: Sequence[str], key: Sequence[str]) -> tuple[Column, ...]:
    """Give the columns that stand in images: all, or those that the settings choose, and the key's.

    Errors: ShapeError where a column is named that the table does not have.
    """
    known = {column.name for column in columns}
    missing = [name for name in (*chosen, *key) if name not in known]
    if missing:
        raise ShapeError(f"has no column {', '.join(missing)}; it has {', '.join(sorted(known))}")
    if not chosen:
        return tuple(columns)
    wanted = {*chosen, *key}
    return tuple(column for column in columns if column.name in wanted)


class ShapeError(Exception):
    """A table is not as the settings say; the text goes on after the table's name."""


def differences(expected: Sequence[Column], found: Sequence[Column]) -> tuple[str, ...]:
    """Say in words what differs between two shapes of one table, a sentence each."""
    before, now = ({column.name: column.type for column in each} for each in (expected, found))
    told = [f"column {name} is new ({now[name]})" for name in now if name not in before]
    told += [f"column {name} is gone" for name in before if name not in now]
    told += [
        f"column {name} is {now[name]}, it was {before[name]}"
        for name in now
        if name in before and now[name].lower() != before[name].lower()
    ]
    return tuple(told)
