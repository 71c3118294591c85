"""The sets of a message that the journal holds, decoded again as often as they are asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Set
from dataclasses import replace

from adapters.base import Decoded, Summary
from gateway.earlier import NOTHING_SENT, Sent, sent_earlier
from gateway.message_run import MessageRun

ALL_OF_THEM = 1_000_000  # documents or deliveries of one message, at most


async def sets_of(run: MessageRun, *, is_urgent: bool = False) -> AsyncIterator[Decoded | Summary]:
    """Give the sets of the message and at last the summary."""
    message, program = run.message, run.pinned
    library = program.context.library
    if program.crosswalks:
        tables = await run.tables(program.crosswalks)
        library = replace(library, crosswalk=tables, at=message.accepted_at)
    context = replace(program.context, source=message.origin.name or message.message_id, library=library)
    decoding = await run.executor.decoding(
        program.format_name, context, message.size_bytes, is_urgent=is_urgent or message.is_urgent
    )
    try:
        async for piece in run.journal.body(message.message_id):
            for decoded in await decoding.feed(piece):
                yield decoded
        rest, summary = await decoding.finish()
        for decoded in rest:
            yield decoded
        yield summary
    finally:
        await decoding.close()


async def found_again(run: MessageRun, indexes: Set[int]) -> tuple[dict[int, Decoded], int]:
    """Decode the message again, once, for some of its sets, and tell how many there are in all.

    Errors: LookupError where it has no such set.
    """
    found: dict[int, Decoded] = {}
    sets = 0
    # As an urgent one: the translator's loop waits for it, and must not wait behind a batch.
    async for decoded in sets_of(run, is_urgent=True):
        if isinstance(decoded, Summary):
            continue
        sets += 1
        if decoded.index in indexes:
            found[decoded.index] = decoded
    if missing := indexes - found.keys():
        raise LookupError(f"{run.message.message_id} has no set {min(missing)}")
    return found, sets


async def places_of(run: MessageRun) -> dict[int, int]:
    """Give in which interchange each set of the message stands, by set index."""
    return {
        decoded.index: decoded.interchange
        async for decoded in sets_of(run)
        if not isinstance(decoded, Summary)
    }


class EarlierGenerations:
    """What earlier generations of a message sent."""

    def __init__(self, run: MessageRun) -> None:
        self._run = run
        self._places: dict[int, int] | None = None  # set index -> interchange; the bytes never change

    async def sent(self) -> Sent:
        """Look it up; nothing of it counts where this generation is told to send again."""
        run, message = self._run, self._run.message
        if message.generation == 1 or message.resend:
            return NOTHING_SENT
        documents = await run.journal.documents(message_id=message.message_id, limit=ALL_OF_THEM)
        deliveries = await run.journal.deliveries(message_id=message.message_id, limit=ALL_OF_THEM)
        if self._places is None:
            self._places = await places_of(run)
        return sent_earlier(message.generation, documents, deliveries, self._places)
