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
    """Write JSON whose decimals are numbers with all their digits, which the json module cannot do."""
    match value:
        case Decimal():
            return format(value, "f")
        case dict():
            return (
                "{"
                + ",".join(f"{json.dumps(str(key))}:{write_json(each)}" for key, each in value.items())
                + "}"
            )
        case list() | tuple():
            return "[" + ",".join(write_json(each) for each in value) + "]"
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case date():  # a datetime too; as pydantic writes it
            return json.dumps(value.isoformat().replace("+00:00", "Z"))
        case _:
            raise TypeError(f"{type(value).__name__} has no place in JSON")
