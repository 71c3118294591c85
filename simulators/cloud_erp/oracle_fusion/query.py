"""Oracle's `q`: conditions joined by `and` from framework version 2, by `;` in version 1."""

from __future__ import annotations

import re
from typing import Any

_CONDITION = re.compile(r"\s*([\w.]+)\s*(=|LIKE\b)\s*(?:'((?:[^']|'')*)'|([\w.-]+))\s*\Z", re.IGNORECASE)


class QueryError(ValueError):
    """A `q` that cannot be understood."""


def matching(q: str, version: int, members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the members that a `q` lets through. Errors: QueryError."""
    if not q:
        return members
    if version >= 2 and ";" in re.sub(r"'(?:[^']|'')*'", "", q):
        raise QueryError("use 'and' between conditions from framework version 2 on")
    parts = q.split(";") if version < 2 else _split(q)
    found = members
    for part in parts:
        condition = _CONDITION.match(part)
        if condition is None:
            raise QueryError(f"the condition {part.strip()!r} is not understood")
        name, operator, quoted, bare = condition.groups()
        value = quoted.replace("''", "'") if quoted is not None else bare
        found = [each for each in found if _is_match(_values(each, name), operator.upper(), value)]
    return found


def _split(q: str) -> list[str]:
    """Split at `and` outside of quotes."""
    parts, start = [], 0
    for at in re.finditer(r"\sand\s", q, re.IGNORECASE):
        if q[: at.start()].count("'") % 2 == 0:
            parts.append(q[start : at.start()])
            start = at.end()
    return [*parts, q[start:]]


def _values(member: dict[str, Any], name: str) -> list[str]:
    """Give what stands under a name; `DFF.segment` reads the first row of a child."""
    head, _, tail = name.partition(".")
    value = member.get(head)
    if tail:
        return [str(row[tail]) for row in value or [] if isinstance(row, dict) and row.get(tail) is not None]
    return [] if value is None or isinstance(value, list) else [str(value)]


def _is_match(values: list[str], operator: str, value: str) -> bool:
    if operator == "=":
        return value in values
    pattern = ".*".join(re.escape(part) for part in value.split("%"))
    return any(re.fullmatch(pattern, each, re.DOTALL) for each in values)
