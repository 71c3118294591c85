"""Mistakes in words: what pydantic found, said so that a tired person can mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.config.texts import Odd, fields_of, item_of, model_of

_EXPECTED = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number in plain digits",
    "int_parsing": "a whole number in plain digits",
    "float_type": "a number in plain digits",
    "float_parsing": "a number in plain digits",
    "decimal_type": "a number in plain digits",
    "decimal_parsing": "a number in plain digits",
    "string_type": "a text",
    "time_delta_type": "a duration, such as 15m",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "keys with values below it",
    "mapping_type": "keys with values below it",
    "model_type": "keys with values below it",
    "model_attributes_type": "keys with values below it",
    "dataclass_type": "keys with values below it",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake inside an entry; ``loc`` is its path of keys and indexes there."""

    code: str
    loc: tuple[str | int, ...]
    text: str


def problems_of(error: ValidationError, model: type[BaseModel], also: Iterable[str] = ()) -> list[Problem]:
    """Give every mistake of a validation. ``also``: keys that the file may use beside the model's own."""
    found = error.errors(include_url=False)
    return [Problem(*_judged(each, model, tuple(also))) for each in found]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, else which there are."""
    names = sorted(set(known))
    if close := get_close_matches(name, names, n=1, cutoff=0.6):
        return f"did you mean '{close[0]}'?"
    if not names:
        return "there is none"
    shown = ", ".join(names[:12])
    return f"there are: {shown}{' ...' if len(names) > 12 else ''}"


def _judged(
    error: Mapping[str, Any], model: type[BaseModel], also: tuple[str, ...]
) -> tuple[str, tuple[str | int, ...], str]:
    kind, loc, value = error["type"], tuple(error["loc"]), error.get("input")
    if isinstance(value, Odd) and value.text is None and kind != "missing":
        return "CONFIG-EMPTY", loc, _empty(str(loc[-1]) if loc else "", _keys_at(model, loc[:-1]))
    if kind == "missing":
        return "CONFIG-MISSING", loc, f"'{loc[-1]}' is missing; it has no default"
    if kind == "extra_forbidden":
        known = (*_keys_at(model, loc[:-1]), *(also if len(loc) == 1 else ()))
        return "CONFIG-UNKNOWN-KEY", loc, f"unknown key '{loc[-1]}'; {suggestion(str(loc[-1]), known)}"
    return "CONFIG-VALUE", loc, _value_text(kind, value, error)


def _empty(key: str, known: Sequence[str]) -> str:
    """Say that a key has no value, or that its value was taken for a part of it: ``{zone:UTC, ...}``."""
    name = re.split(r"[: ]", key, maxsplit=1)[0]
    if name != key and name in known:
        return f"a colon with a space behind it is missing; write '{name}: ...'"
    return "nothing stands here; write a value, or remove the key"


def _value_text(kind: str, value: object, error: Mapping[str, Any]) -> str:
    context = error.get("ctx", {})
    if kind in ("literal_error", "enum"):
        words = [word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")]
        close = get_close_matches(str(value), words, n=1, cutoff=0.6)
        told = f"; did you mean '{close[0]}'?" if close else ""
        return f"{_shown(value)} found; expected {_choice(words)}{told}"
    if kind in _EXPECTED:
        return f"{_shown(value)} found; expected {_EXPECTED[kind]}"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return f"{_shown(value)} found; {_bound(error['msg'])}"
    if kind == "string_too_short":
        return f"{_shown(value)} found; expected a text of {least(context['min_length'], 'character')}"
    if kind == "too_short":
        return f"expected {least(context['min_length'], 'entry', 'entries')}"
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} found; expected a text of the form {context['pattern']}"
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    return str(error["msg"]).replace("Input should", "it should")


def least(count: int, noun: str, plural: str | None = None) -> str:
    """Write a least number of things: at least 1 character."""
    return f"at least {count} {noun if count == 1 else plural or noun + 's'}"


def _choice(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _bound(message: str) -> str:
    return message.replace("Input should be", "expected")


def _shown(value: object) -> str:
    match value:
        case Odd(str(text)) | str(text):
            return f"'{text[:80]}'"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case None | Odd():
            return "nothing"
        case _:
            return f"'{value}'"


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Give the keys of the model that stands at a path below another one."""
    here: Any = model
    for part in loc:
        inner = model_of(here)
        here = fields_of(inner).get(str(part), Any) if inner is not None else item_of(here)
    found = model_of(here)
    return [] if found is None else list(fields_of(found))
