"""What translation found in messages that were taken before: for sources that tell their senders.

The cursor is a message's sequence. It stops before the first message that is not judged yet, so nothing is
passed over; what is told twice after a crash is the same text under the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.base import Finding, Judged, Level
from gateway.journal.base import Journal
from gateway.journal.types import Message, MessageState
from gateway.stage import Stage

PAGE = 500
MESSAGES_MAX = 5_000  # of one question; the rest comes with the next
OPEN = (MessageState.ACCEPTED, MessageState.TRANSLATING)


class LateJudgments:
    """Answers for one endpoint that feeds one route.

    ``stage_of``: the route whose stage counts. ``since``: what was accepted before is told to nobody where
    nothing was ever asked; a journal may be older than the question.
    """

    def __init__(
        self, journal: Journal, *, route: str, stage_of: str, endpoint: str, since: datetime
    ) -> None:
        self._journal = journal
        self._stage_of = stage_of
        self._route = route
        self._endpoint = endpoint
        self._started_at = since

    async def __call__(self, after: str | None) -> tuple[Sequence[Judged], str]:
        """Give what was refused after a cursor, oldest first, and the next cursor."""
        if after is None:
            return (), str(await self._newest_before_the_start())
        cursor, found = int(after), []
        state = (await self._journal.stages()).get(self._stage_of)
        # There the legacy system gets the bytes as they came, whatever translation makes of them.
        passes_on = state is not None and state.stage in (Stage.LEGACY, Stage.SHADOW)
        for message in await self._after(cursor):
            if message.state in OPEN:
                break
            cursor = message.sequence
            is_ours = message.origin.peer == self._endpoint and message.state is not MessageState.REFUSED
            if is_ours and not passes_on and (findings := await self._findings(message)):
                found.append(
                    Judged(message.message_id, message.origin.name, message.accepted_at, tuple(findings))
                )
        return found, str(cursor)

    async def _after(self, cursor: int) -> list[Message]:
        """Give the messages after a cursor, oldest first."""
        found: list[Message] = []
        before: int | None = None
        while True:
            page = await self._journal.messages(route=self._route, before_sequence=before, limit=PAGE)
            found += [message for message in page if message.sequence > cursor]
            if len(page) < PAGE or page[-1].sequence <= cursor:
                return found[::-1][:MESSAGES_MAX]
            before = page[-1].sequence

    async def _newest_before_the_start(self) -> int:
        before: int | None = None
        while page := await self._journal.messages(route=self._route, before_sequence=before, limit=PAGE):
            for message in page:
                if message.accepted_at < self._started_at:
                    return message.sequence
            before = page[-1].sequence
        return 0

    async def _findings(self, message: Message) -> list[Finding]:
        """Give what is wrong with a message and with each of its sets that cannot be used.

        Of such a set all of it, also what alone would not refuse it: its sender mends a file once.
        """
        documents = await self._journal.documents(message_id=message.message_id)
        of_sets = [each.plan.findings for each in documents if each.generation == message.generation]
        return [
            finding
            for findings in (message.findings, *of_sets)
            if any(each.level is Level.REJECTED for each in findings)
            for finding in findings
            if finding.level is not Level.NOTE
        ]
