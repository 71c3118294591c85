"""What people look at and do: exceptions, replays, alarms, the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.journal.types import AuditEntry, ExceptionItem, Overdue, RolledBack


class People(Protocol):
    """What a person must look at, and what people did."""

    async def exceptions(self, *, route: str | None = None, limit: int = 1_000) -> list[ExceptionItem]:
        """List what is parked and unresolved, oldest first."""
        ...

    async def exception_counts(self, route: str) -> Mapping[tuple[str, ...], int]:
        """Count what ``exceptions`` lists of a route, by the types of the sets that it is about.

        () for an input of which no set could be read. A move counts as the set type "move".
        """
        ...

    async def retry(self, exception_id: str, who: str, why: str, now: datetime) -> str:
        """Take a parked thing up again, audited; give what was done.

        That is one of "translate", "deliver", "look up" and "move". A parked delivery with an attempt in
        doubt becomes IN_DOUBT (look-up first), else READY with a fresh attempt budget; a parked message or
        document is translated again as a new generation (see ``replay``); a move that never began is AGREED
        again. Errors: UnknownError; RefusedError for a call that was passed through, which nobody but its
        own connection ever sends, and for a missing acknowledgment.
        """
        ...

    async def resolve(self, exception_id: str, resolution: str, who: str, why: str, now: datetime) -> None:
        """Close a thing without sending it (any more), audited: a delivery becomes VOID and frees its lanes.

        That is a parked message or document, or any unfinished delivery by its id: a held, ready or
        waiting one would otherwise be sent by itself. A missing acknowledgment is not waited for any more; a
        move that never began can only be "dismissed", since its order is where it was.
        ``resolution``: "dismissed", "done_elsewhere:<ref>", "placed_by_phone:<ref>". The last one
        makes the ledger entries of its orders, opened where there are none, transmitter NONE, and
        the message's other unfinished live deliveries that are about nothing but these orders VOID.
        Errors: UnknownError; RefusedError where one of them is being sent at this moment (CLAIMED,
        ATTEMPTING), and for another resolution of a move.
        """
        ...

    async def replay(self, message_id: str, *, resend: bool, who: str, why: str, now: datetime) -> int:
        """Begin a new plan generation of a message, audited; give its number. Errors: UnknownError."""
        ...

    async def overdue(
        self, now: datetime, untranslated_before: datetime, limit: int = 1_000
    ) -> list[Overdue]:
        """Give what is late: documents and deliveries past their deadline and not done, parked ones too.

        Also messages accepted before ``untranslated_before`` that are not planned. Resolved and
        acknowledged ones are left out.
        """
        ...

    async def rolled_back(self) -> list[RolledBack]:
        """Give the routes that went back by themselves last; acknowledged ones are left out."""
        ...

    async def alarm_sent(self, about: Sequence[Overdue | RolledBack], now: datetime) -> None:
        """Remember that an alarm went out."""
        ...

    async def acknowledge_alarm(self, subject: str, who: str, why: str, now: datetime) -> int:
        """Stop alarms, audited; give how many there were. Errors: UnknownError.

        ``subject``: a message, for its overdue work, or a route that went back by itself.
        """
        ...

    async def audit(self, *, limit: int = 1_000) -> list[AuditEntry]:
        """Give the newest entries, oldest first."""
        ...

    async def append_audit(
        self, who: str, action: str, subject: str, detail: Mapping[str, str], why: str, now: datetime
    ) -> AuditEntry:
        """Write an entry for a change that lives elsewhere."""
        ...

    async def verify_audit(self) -> str | None:
        """Check the chain and the head anchored outside the store; say what is wrong, or None."""
        ...
