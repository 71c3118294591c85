"""Values of rows as text, the way triggers write them into images, and back for a look-up. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

exactly = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str).decode
"""Read JSON with each number as the text that stands there: no digit is rounded."""


def text_of(value: object) -> str | None:
    """Give a column's value as text: numbers with all their digits, times in ISO 8601, bytes in hex."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return _clock(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def image_of(row: Mapping[str, object]) -> str:
    """Give a row as the JSON object that a trigger would have written."""
    texts = {name: text_of(value) for name, value in row.items()}
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def key_of(values: Sequence[object]) -> str:
    """Give a row's key as a JSON array, as triggers write it."""
    return json.dumps([text_of(value) for value in values], ensure_ascii=False)


def record_of(image: str | None) -> dict[str, Any]:
    """Read an image into texts for a mapping: numbers keep every digit, null is None.

    Errors: ValueError where it is no JSON object.
    """
    if image is None:
        return {}
    made = exactly(image)
    if not isinstance(made, dict):
        raise ValueError("expected a JSON object")
    return {name: text_of(value) for name, value in made.items()}


def key_values(key: str) -> list[str | None]:
    """Read a row's key. Errors: ValueError where it is no JSON array."""
    made = exactly(key)
    if not isinstance(made, list):
        raise ValueError("expected a JSON array")
    return [text_of(value) for value in made]


def value_for(kind: type[object], text: str | None) -> object:
    """Give the value to look a column of a type up by. Errors: ValueError."""
    if text is None or kind is str:
        return text
    if kind is bool:
        return text in ("true", "1")
    if kind in (int, float, Decimal, UUID):
        return kind(text)
    if kind in (date, datetime, time):
        return kind.fromisoformat(text)
    if kind is bytes:
        return bytes.fromhex(text)
    return text


def _clock(value: timedelta) -> str:
    """Give MariaDB's TIME as text; it may be negative and longer than a day."""
    whole = abs(value)
    seconds = int(whole.total_seconds())
    sign = "-" if value < timedelta(0) else ""
    fraction = f".{whole.microseconds:06}" if whole.microseconds else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"
