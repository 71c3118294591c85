"""Dotted paths into JSON replies, and decimals written as JSON numbers. Pure."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any, Final


class Missing:
    """Says that a path leads nowhere, which is not the same as to null."""


MISSING: Final = Missing()


def dig(value: Any, path: str) -> Any:
    """Give what stands at a path such as `data.0.id`; the value itself for an empty path, else MISSING."""
    for part in path.split(".") if path else ():
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


def text_at(value: Any, path: str) -> str:
    """Give a text or a number as text; empty where there is neither, or the path is empty."""
    found = dig(value, path) if path else None
    match found:
        case bool():
            return ""
        case str():
            return found
        case int() | Decimal():
            return str(found)
        case _:
            return ""


def write_json(value: Any) -> str:
    """Write JSON whose decimals are numbers with all their digits, which the json module cannot do.

    The json module writes decimals as texts between marks, which then fall away: ten times faster than
    writing in Python. A text that holds such a mark itself shows in the count, and is written the slow way.
    """
    marked = 0

    def other(each: object) -> str:
        nonlocal marked
        if isinstance(each, Decimal):
            marked += 1
            return f"{_MARK}{each:f}{_MARK}"
        if isinstance(each, date):  # a datetime too; as pydantic writes it
            return each.isoformat().replace("+00:00", "Z")
        raise TypeError(f"{type(each).__name__} has no place in JSON")

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=other, allow_nan=False)
    if not marked:
        return text
    if text.count(_AS_WRITTEN) != 2 * marked:
        return _written(value)
    return text.replace(f'"{_AS_WRITTEN}', "").replace(f'{_AS_WRITTEN}"', "")


_MARK = "\x00"
_AS_WRITTEN = "\\u0000"  # how the json module writes it


def _written(value: Any) -> str:
    """Write JSON piece by piece."""
    match value:
        case Decimal():
            return format(value, "f")
        case dict():
            members = (f"{json.dumps(str(key))}:{_written(each)}" for key, each in value.items())
            return "{" + ",".join(members) + "}"
        case list() | tuple():
            return "[" + ",".join(_written(each) for each in value) + "]"
        case date():
            return json.dumps(value.isoformat().replace("+00:00", "Z"))
        case _:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
