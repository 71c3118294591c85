"""Whether a document can be written for a target that takes bytes, tried before anybody is asked for it.

What is written here goes nowhere, and takes no control number.
"""

from __future__ import annotations

from datetime import datetime

from adapters.base import Format
from adapters.base.registry import adapter
from canonical.document import CanonicalDocument
from canonical.registry import to_json
from gateway.compiling import crosswalks_of, writes_of
from gateway.config import Configuration, Route
from gateway.crosswalk import CodeTableCache
from gateway.journal.base import Journal
from gateway.journal.types import Side
from gateway.writing import unwritten, written


async def cannot_be_written(
    journal: Journal,
    configuration: Configuration,
    route: Route,
    to: Side,
    order: CanonicalDocument,
    now: datetime,
) -> str:
    """Say everything that keeps an order from being written for a side, "" where nothing does."""
    target = (route.targets.legacy if to is Side.LEGACY else route.targets.cloud) or ""
    if target not in route.write:
        return ""
    writing = writes_of(configuration, route)[target]
    tables = await CodeTableCache(journal)(crosswalks_of(configuration, route))
    number, environment = writing.control_numbers.lowest, configuration.gateway.environment
    body = written(writing, _format, to_json(order), number, environment, tables, now, now)
    return "" if isinstance(body, bytes) else unwritten(target, body)


def _format(name: str) -> Format:
    made = adapter(name).format
    if made is None:
        raise LookupError(f"the adapter '{name}' has no format")
    return made()
