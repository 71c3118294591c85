"""Messages of the memory journal by what people call them: how an id begins, and names without an index."""

from __future__ import annotations

from itertools import islice

from gateway.journal.memory.records import MessageRecord, Tables

SHA256_CHARS = 16  # of its beginning, as a message's story shows it


def ids_beginning(tables: Tables, beginning: str, limit: int) -> list[str]:
    """Give the ids of messages that begin so, newest first."""
    return list(islice((each for each in reversed(tables.messages) if each.startswith(beginning)), limit))


def ids_bearing(tables: Tables, name: str, reference: str | None, since: int, before: int) -> list[str]:
    """Give the ids of messages of a stretch that bear a name, newest first."""
    numbers = range(min(before, len(tables.messages) + 1) - 1, max(since, 1) - 1, -1)
    records = (tables.by_sequence[number] for number in numbers)
    return [each.view.message_id for each in records if _bears(each, name, reference)]


def _bears(record: MessageRecord, name: str, reference: str | None) -> bool:
    view = record.view
    return (
        view.correlation_id == name
        or any(f"/{word}".endswith(f"/{name}") for word in (view.arrival_key or "", view.origin.name))
        or (len(name) >= SHA256_CHARS and view.sha256.startswith(name))
        or any(
            each.target_reference == name
            or (reference is not None and each.plan.reference.startswith(reference))
            for each in record.deliveries
        )
    )
