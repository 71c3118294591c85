"""What a query asks: `$filter` as a test of one entity, and keys in an address.

Only what Dynamics 365 knows of OData V4 is known here: no `in`, no `has`, enumerations spelled out with
their type, and `*` in a compared text stands for anything. Source: Microsoft's page "Open Data Protocol
(OData)" for finance and operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from simulators.cloud_erp.base.fields import Rule

ENUM_NAMESPACE = "Microsoft.Dynamics.DataEntities."
Test = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<enum>[A-Za-z_][\w.]*\.[A-Za-z_]\w*'(?:[^']|'')*')"
    r"|(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w./]*))"
)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "gt": lambda one, other: one is not None and one > other,
    "ge": lambda one, other: one is not None and one >= other,
    "lt": lambda one, other: one is not None and one < other,
    "le": lambda one, other: one is not None and one <= other,
}


class QueryError(ValueError):
    """A query that this ERP refuses; the text says why."""


def filter_test(text: str, rules: Mapping[str, Rule]) -> Test:
    """Compile a `$filter`. Errors: QueryError."""
    parser = _Parser(_tokens(text), rules)
    test = parser.disjunction()
    parser.end()
    return test


def keys_of(text: str, names: tuple[str, ...]) -> dict[str, str]:
    """Read `dataAreaId='usmf',PurchaseOrderNumber='HB-1'`. Errors: QueryError where a key is missing."""
    pairs = re.findall(r"([A-Za-z_]\w*)=('(?:[^']|'')*'|[^,]+)", text)
    found = {name: _unquoted(value) for name, value in pairs}
    if set(found) != set(names):
        raise QueryError(f"the keys of this entity are {', '.join(names)}; all of them are needed")
    return found


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise QueryError(f"syntax error at position {place} in '{text}'")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        place = match.end()
    return found


class _Parser:
    """Recursive descent over or, and, comparisons."""

    def __init__(self, tokens: list[tuple[str, str]], rules: Mapping[str, Rule]) -> None:
        self._tokens = tokens
        self._rules = rules
        self._place = 0

    def disjunction(self) -> Test:
        tests = [self._conjunction()]
        while self._takes("word", "or"):
            tests.append(self._conjunction())
        return lambda entity: any(test(entity) for test in tests)

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise QueryError(f"'{self._tokens[self._place][1]}' is not expected there")

    def _conjunction(self) -> Test:
        tests = [self._single()]
        while self._takes("word", "and"):
            tests.append(self._single())
        return lambda entity: all(test(entity) for test in tests)

    def _single(self) -> Test:
        if self._takes("open", "("):
            test = self.disjunction()
            if not self._takes("close", ")"):
                raise QueryError("a closing parenthesis is missing")
            return test
        _, name = self._next("word")
        rule = self._rules.get(name)
        if rule is None:
            raise QueryError(f"could not find a property named '{name}'")
        _, operator = self._next("word")
        compare = _OPERATORS.get(operator)
        if compare is None:
            raise QueryError(f"the operator '{operator}' is not supported")
        value = self._value(name, rule)
        if operator == "eq" and isinstance(value, str) and "*" in value and not rule.values:
            like = re.compile(".*".join(map(re.escape, value.split("*"))) + r"\Z", re.S)
            return lambda entity: like.match(str(_comparable(entity.get(name), rule) or "")) is not None
        return lambda entity: compare(_comparable(entity.get(name), rule), value)

    def _value(self, name: str, rule: Rule) -> Any:
        kind, text = self._next()
        if rule.values:
            wanted = f"{ENUM_NAMESPACE}{rule.of}"
            if kind != "enum" or not text.startswith(f"{wanted}'"):
                raise QueryError(f"'{name}' is of type {wanted}; expected {wanted}'{rule.values[0]}'")
            return _unquoted(text.removeprefix(wanted))
        if kind == "word" and text == "null":
            return None
        expected = {"string": "text", "datetime": "moment", "date": "moment"}.get(rule.type, "number")
        if kind != expected:
            raise QueryError(f"'{name}' cannot be compared with {text}")
        return _comparable(_unquoted(text) if kind == "text" else text, rule)

    def _next(self, kind: str | None = None) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise QueryError("the filter ends too early")
        found = self._tokens[self._place]
        if kind is not None and found[0] != kind:
            raise QueryError(f"'{found[1]}' is not expected there")
        self._place += 1
        return found

    def _takes(self, kind: str, text: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place] == (kind, text):
            self._place += 1
            return True
        return False


def _comparable(value: Any, rule: Rule) -> Any:
    if value is None:
        return None
    if rule.type in ("number", "integer"):
        return Decimal(str(value))
    if rule.type in ("date", "datetime"):
        return str(value)[:10] if len(str(value)) == 10 else str(value)
    return str(value).casefold() if not rule.values else str(value)  # its collation ignores case
