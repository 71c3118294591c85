"""From a request's words to a verb's arguments. Pure.

A query and a path hold text; the contract says which of it is a number or a truth. What it does not name
is refused, so that a misspelt filter never quietly shows everything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.api.contract import WHO, Parameter, Resource


class ArgumentError(Exception):
    """The request does not fit the contract; the text is a sentence."""


def in_query(resource: Resource, query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Read a query. Errors: ArgumentError."""
    known = {each.name: each for each in resource.others}
    found: dict[str, Any] = {}
    for name, text in query:
        parameter = known.get(name)
        if parameter is None:
            raise ArgumentError(f"'{name}' is no parameter here; there are: {', '.join(known) or 'none'}")
        kinds = _kinds(parameter.schema)
        if "array" in kinds:
            found.setdefault(name, []).append(text)
        elif name in found:
            raise ArgumentError(f"'{name}' is given twice")
        else:
            found[name] = _value(name, text, kinds)
    _check_all_there(resource, found)
    return found


def in_body(resource: Resource, body: bytes) -> dict[str, Any]:
    """Read a JSON object. Errors: ArgumentError."""
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ArgumentError("the body is no JSON; expected one object") from error
    if not isinstance(found, dict):
        raise ArgumentError("the body is no JSON object")
    known = [each.name for each in resource.others]
    if WHO in found:
        raise ArgumentError("'who' is not told here: it is who holds the token")
    for name in found:
        if name not in known:
            raise ArgumentError(f"'{name}' is no member here; there are: {', '.join(known) or 'none'}")
    _check_all_there(resource, found)
    return found


def in_path(resource: Resource, matched: Mapping[str, str]) -> dict[str, Any]:
    """Read what stands in the path. Errors: ArgumentError."""
    return {
        each.name: _value(each.name, matched[each.name], _kinds(each.schema)) for each in resource.in_path
    }


def _check_all_there(resource: Resource, found: Mapping[str, Any]) -> None:
    missing = [each.name for each in resource.others if each.is_required and each.name not in found]
    if missing:
        raise ArgumentError(f"{', '.join(missing)} must be there")


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    choices = schema.get("anyOf", (schema,))
    return {str(each.get("type", "string")) for each in choices}


def _value(name: str, text: str, kinds: set[str]) -> Any:
    if "\0" in text:
        raise ArgumentError(f"'{name}' holds a character that no text has")
    if "boolean" in kinds:
        if text not in ("true", "false"):
            raise ArgumentError(f"'{name}' is true or false")
        return text == "true"
    if "integer" in kinds:
        if not text.isascii() or not text.removeprefix("-").isdecimal() or len(text) > 18:
            raise ArgumentError(f"'{name}' is a whole number")
        return int(text)
    if "number" in kinds:
        return _number(name, text)
    return text


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ArgumentError(f"'{name}' is a number") from error
    if not math.isfinite(value):
        raise ArgumentError(f"'{name}' is a finite number")
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(text)


__all__ = ["ArgumentError", "Parameter", "in_body", "in_path", "in_query"]
