"""Two requests to the cloud ERP, compared by what they say.

One is made of our document, the other by the same target of legacy's. JSON is compared by its values:
12.50 and 12.5 are one number, the order of an object's names is none. Anything else by its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from adapters.base import Request
from canonical.registry import DocumentError, read_json
from gateway.compare.rules import CompareRules
from gateway.journal.comparisons import Difference, DifferenceKind

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEYS = (
    "line_id",
    "LineNumber",
    "PurchaseOrderItem",
    "LineNum",
    "Line",
    "line",
    "number",
    "Name",
    "name",
    "id",
)
_TEXT_MAX = 300
_FREE = ("text", "note", "notes", "description", "comment", "comments", "longtext", "notetoreceiver",
         "notetosupplier")  # fmt: skip
FREE_TEXT = "(free text)"


def compare_requests(legacy: Request, cloud: Request, rules: CompareRules) -> Iterator[Difference | None]:
    """Give the differences of two rendered requests, and None where a caller may pause."""
    if legacy.method != cloud.method:
        yield _difference("value", "method", "method", legacy.method, cloud.method)
    if legacy.address != cloud.address:
        yield _difference("value", "address", "address", legacy.address, cloud.address)
    try:
        bodies = (read_json(legacy.body), read_json(cloud.body))
    except DocumentError:
        if legacy.body != cloud.body:
            yield _difference(
                "value", "body", "body", f"{len(legacy.body)} bytes", f"{len(cloud.body)} bytes"
            )
        return
    for each in _Walk(rules).values("", "", *bodies):
        if each is None or rules.is_compared(f"request.{each.pattern}"):
            yield each


class _Walk:
    """One comparison on its way."""

    def __init__(self, rules: CompareRules) -> None:
        self._rules = rules

    def values(self, path: str, pattern: str, legacy: Any, cloud: Any) -> Iterator[Difference | None]:
        if _is_empty(legacy) and _is_empty(cloud):
            return
        if _is_empty(legacy):
            if self._rules.untold == "differs":
                yield _difference("extra", path, pattern, "", _shown(pattern, cloud))
        elif _is_empty(cloud):
            yield _difference("missing", path, pattern, _shown(pattern, legacy), "")
        elif isinstance(legacy, dict) and isinstance(cloud, dict):
            yield from self._objects(path, pattern, legacy, cloud)
        elif isinstance(legacy, list) and isinstance(cloud, list):
            for name, theirs, ours in _entries(legacy, cloud, self._rules.key_of(f"request.{pattern}")):
                yield from self.values(f"{path}[{name}]", f"{pattern}[]", theirs, ours)
                yield None
        elif not _is_equal(pattern, legacy, cloud, self._rules):
            yield _difference("value", path, pattern, _shown(pattern, legacy), _shown(pattern, cloud))

    def _objects(
        self, path: str, pattern: str, legacy: dict[str, Any], cloud: dict[str, Any]
    ) -> Iterator[Difference | None]:
        if all("document_type" in each and "schema_version" in each for each in (legacy, cloud)):
            return  # a canonical document, sent as it is: documents are compared as documents
        for name in dict.fromkeys((*legacy, *cloud)):
            inner, shape = (f"{each}.{name}" if each else name for each in (path, pattern))
            yield from self.values(inner, shape, legacy.get(name), cloud.get(name))


def _is_equal(pattern: str, legacy: Any, cloud: Any, rules: CompareRules) -> bool:
    numbers = [_number(each) for each in (legacy, cloud)]
    if numbers[0] is not None and numbers[1] is not None:
        return rules.tolerates(f"request.{pattern}", numbers[0], numbers[1])
    if all(isinstance(each, str) and _HASH.fullmatch(each) for each in (legacy, cloud)):
        return True  # it follows from the rest, and says nothing itself
    texts = [" ".join(each.split()) if isinstance(each, str) else each for each in (legacy, cloud)]
    return bool(texts[0] == texts[1]) and isinstance(legacy, bool) == isinstance(cloud, bool)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _entries(legacy: list[Any], cloud: list[Any], by: str | None) -> Iterator[tuple[str, Any, Any]]:
    key = by or next(
        (each for each in _KEYS if _tells_apart(each, legacy) and _tells_apart(each, cloud)), None
    )
    if key is None:
        for number in range(max(len(legacy), len(cloud))):
            yield str(number + 1), _at(legacy, number), _at(cloud, number)
        return
    theirs, ours = ({_key_text(each, key): each for each in side} for side in (legacy, cloud))
    for name in dict.fromkeys((*theirs, *ours)):
        yield name, theirs.get(name), ours.get(name)


def _tells_apart(key: str, entries: list[Any]) -> bool:
    names = [_key_text(each, key) for each in entries]
    return all(names) and len(set(names)) == len(names)


def _key_text(entry: Any, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    return "" if value is None or isinstance(value, dict | list) else str(value).lstrip("0") or "0"


def _at(entries: Sequence[Any], number: int) -> Any:
    return entries[number] if number < len(entries) else None


def _is_empty(value: Any) -> bool:
    return value is None or value in ({}, [])


def _shown(pattern: str, value: Any) -> str:
    if pattern.rsplit(".", 1)[-1].lower() in _FREE or any(
        f".{word}" in f".{pattern.lower()}" for word in _FREE
    ):
        return FREE_TEXT
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(f'{pattern}.{name}', each)}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(_shown(f"{pattern}[]", each) for each in value)
    return str(value)


def _difference(kind: DifferenceKind, path: str, pattern: str, legacy: str, cloud: str) -> Difference:
    return Difference("request", kind, pattern, path, legacy[:_TEXT_MAX], cloud[:_TEXT_MAX])
