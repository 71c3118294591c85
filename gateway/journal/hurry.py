"""Whether what is asked of the journal may wait: the work of a shadow does, what is live never.

A journal takes calls that are made inside ``unhurried`` once nothing live has asked it for a moment, and
at the latest after a bound of its own. It keeps them just as durably. What is asked outside never waits
for them.
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_IS_UNHURRIED: ContextVar[bool] = ContextVar("legacy_bridge_unhurried", default=False)


def is_unhurried() -> bool:
    """Tell whether what runs now lets live work go first; tasks that it begins do so, too."""
    return _IS_UNHURRIED.get()


async def unhurried(work: Awaitable[T], *, unless: bool = False) -> T:
    """Give what work gives that lets live work go first. ``unless``: it has done so for long enough."""
    token = _IS_UNHURRIED.set(not unless)
    try:
        return await work
    finally:
        _IS_UNHURRIED.reset(token)
