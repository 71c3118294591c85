"""Conditions on source records: which of them, or which of their fields, a mapping means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from adapters.mapping.records import Record, getter, source_path
from adapters.mapping.spec import Condition, NotSpec

Test: TypeAlias = Callable[[Record], bool]


def condition_test(when: Mapping[str, Condition]) -> Test | None:
    """Compile conditions on a record; all must hold. Blanks around a text do not count."""
    if not when:
        return None
    tests = tuple(_one_test(path, condition) for path, condition in when.items())
    return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)


def _one_test(path: str, condition: Condition) -> Test:
    get = getter(source_path(path))
    if isinstance(condition, NotSpec):
        refused = frozenset(condition.is_not)
        return lambda record: stripped(get(record)) not in refused
    wanted = frozenset(condition)
    return lambda record: stripped(get(record)) in wanted


def stripped(value: object) -> str:
    """Give a text without the blanks around it, "" for what is none."""
    return value.strip() if isinstance(value, str) else ""
