"""Bytes in and out: JSON with every digit, error bodies of both versions, filters, keys. Pure.

Written for this simulator alone: it shares no code with the gateway, so that a mistake in one shows
against the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from simulators.cloud_erp.sap_s4hana.schema import Problem

_KEYS = re.compile(r"(?:([A-Za-z_]\w*)=)?'((?:[^']|'')*)'")
_CONDITION = re.compile(
    r"\(?\s*([A-Za-z_][\w/]*)\s+(eq|ne)\s+(?:'((?:[^']|'')*)'|(true|false)|datetime'([0-9T:-]+)'"
    r"|([0-9]{4}-[0-9]{2}-[0-9]{2})|(-?[0-9.]+)M?)\s*\)?"
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One OData request, alone or from a batch. `path` is below the service root, decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation was answered."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class ODataError(Exception):
    """An operation that is refused: the HTTP status and all problems."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(problems[0].text if problems else str(status))
        self.status = status
        self.problems = problems


def read(body: bytes) -> Any:
    """Read JSON; numbers with a fraction keep their digits. Errors: ODataError 400."""
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError as error:
        raise ODataError(400, Problem("/IWBEP/CM_MGC/010", f"Malformed payload: {error}", "")) from error


def write(value: Any) -> bytes:
    """Write JSON; decimals become numbers with all their digits."""
    return _text(value).encode()


def error_body(version: str, error: ODataError, transaction: str) -> bytes:
    """Write an error body in the version's shape; the outer code is generic where there are several."""
    problems = error.problems or (Problem("/IWFND/CM_MGW/000", "An exception was raised", ""),)
    outer = problems[0]
    if version == "v4":
        details = [
            {
                "code": each.code,
                "message": each.text,
                "target": each.target,
                "@SAP__common.numericSeverity": 4,
            }
            for each in problems[1:] or problems
        ]
        first = {"code": outer.code, "message": outer.text, "target": outer.target, "details": details}
        return write({"error": first})
    several = len(problems) > 1
    inner = {
        "application": {"component_id": "MM-PUR", "service_namespace": "/SAP/", "service_version": "0001"},
        "transactionid": transaction,
        "timestamp": "",
        "Error_Resolution": {"SAP_NOTE": "", "SAP_Transaction": "Run transaction /IWFND/ERROR_LOG"},
        "errordetails": [_detail(each) for each in problems],
    }
    message = "An exception was raised" if several else outer.text
    code = "/IWBEP/CM_MGC/006" if several else outer.code
    return write({"error": {"code": code, "message": {"lang": "en", "value": message}, "innererror": inner}})


def keys_of(segment: str) -> tuple[str, dict[str, str]]:
    """Divide `Set(A='x',B='y')` into its set and keys; a single key may go without its name (`""`)."""
    name, bracket, rest = segment.partition("(")
    if not bracket:
        return name, {}
    return name, {key: text.replace("''", "'") for key, text in _KEYS.findall(rest)}


def counted(operation: Operation, option: str, default: int) -> int:
    """Give a query option that counts, such as `$top`. Errors: ODataError 400."""
    text = operation.query.get(option, str(default))
    if not (text.isascii() and text.isdigit()):
        raise ODataError(400, Problem("/IWBEP/CM_MGC/020", f"Invalid value '{text}' of {option}", ""))
    return int(text)


def reference_asked(condition: str, name: str) -> str | None:
    """Give the value that a filter asks of one field first, None where it does not begin with it."""
    found = re.match(rf"\s*{name} eq '((?:[^']|'')*)'(?:\s+and\s|\s*\Z)", condition)
    return found[1].replace("''", "'") if found is not None else None


def matches(condition: str, values: Mapping[str, Any]) -> bool:
    """Tell whether an entity meets a `$filter` of equalities joined by and, or. Errors: ODataError 400.

    Texts are compared to the letter: `10` does not find `00010`.
    """
    if not condition.strip():
        return True
    groups = [part for part in re.split(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)", condition) if part]
    return all(
        any(_holds(each, values) for each in re.split(r"\s+or\s+(?=(?:[^']*'[^']*')*[^']*$)", group))
        for group in groups
    )


def _holds(condition: str, values: Mapping[str, Any]) -> bool:
    found = _CONDITION.fullmatch(condition.strip())
    if found is None:
        raise ODataError(400, Problem("/IWBEP/CM_MGC/020", f"Invalid filter: {condition}", ""))
    name, operator = found[1], found[2]
    value = values.get(name)
    is_equal = _equals(value, found)
    return is_equal if operator == "eq" else not is_equal


def _equals(value: Any, found: re.Match[str]) -> bool:
    _, _, text, word, moment, day, number = found.groups()
    if text is not None:
        return bool(value == text.replace("''", "'"))
    if word is not None:
        return value is (word == "true")
    if number is not None:
        return value is not None and bool(value == Decimal(number))
    return value is not None and bool(value.isoformat() == (day or moment[:10]))


def _detail(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.text,
        "propertyref": problem.target,
        "severity": "error",
        "transition": False,
        "target": "",
    }


def _text(value: Any) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(k))}:{_text(each)}" for k, each in value.items()) + "}"
        case str():
            return json.dumps(value)
        case Sequence():
            return "[" + ",".join(_text(each) for each in value) + "]"
        case _:
            return json.dumps(value)
