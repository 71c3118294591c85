"""Messages as they arrived, and the plans that are made of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from adapters.base import Alias, Finding, Origin
from gateway.journal.types import (
    NO_ALIASES,
    Acceptance,
    Arrival,
    DeliveryPlan,
    DocumentPlan,
    DocumentView,
    Expected,
    Facts,
    Message,
    MessageState,
    Moved,
    Plan,
    Planned,
)


class Messages(Protocol):
    """What arrived, and what was planned of it."""

    # -- messages ------------------------------------------------------------------------

    async def accept(self, arrival: Arrival, body: bytes | AsyncIterator[bytes]) -> Acceptance:
        """Write a message and its body; when this returns the sender may be told.

        A stream is written in bounded pieces first; the message appears in the last transaction
        (sha256 and size are then the journal's own count and must match the arrival's where it
        gives them: pass sha256 "" and size 0 to leave them to the journal). Same key and bytes:
        SAME. Same key, other bytes: CONFLICT, written as a PARKED message with code
        ARRIVAL-CONFLICT. Equal bytes on the same route under another key (or none): NEW with
        ``repeat_of``.
        """
        ...

    async def accept_together(self, inputs: Sequence[tuple[Arrival, bytes]]) -> list[Acceptance]:
        """Write small messages in their order by one commit, each as ``accept`` does: all of them or none.

        Each has a message id of its own. Errors: those of ``accept`` about any of them; nothing is written.
        """
        ...

    async def refuse(self, route: str, origin: Origin, finding: Finding, at: datetime) -> str:
        """Keep the finding of an input that was refused before acceptance, without its body; give its id."""
        ...

    async def count_refused(self, since: datetime) -> int:
        """Count the inputs that were refused before acceptance at a moment or later."""
        ...

    async def knows_arrival(self, route: str, arrival_key: str) -> bool:
        """Tell whether a message came by a route under this key, whatever its bytes."""
        ...

    async def message(self, message_id: str) -> Message:
        """Give one message. Errors: UnknownError."""
        ...

    def body(self, message_id: str) -> AsyncIterator[bytes]:
        """Give a message's bytes in pieces. Errors: UnknownError, also where retention has taken them."""
        ...

    async def messages(
        self,
        *,
        route: str | None = None,
        states: Sequence[MessageState] = (),
        before_sequence: int | None = None,
        limit: int = 100,
    ) -> list[Message]:
        """List messages, newest first."""
        ...

    async def ids_beginning(self, beginning: str, limit: int = 100) -> list[str]:
        """Give the ids of messages that begin so, newest first."""
        ...

    async def ids_bearing(self, name: str, reference: str | None, since: int, before: int) -> list[str]:
        """Give the ids of the messages of a stretch of sequences that bear a name, newest first.

        That is their correlation id, what they arrived as, their arrival key (of a path or a key the part
        behind any of its slashes is enough), their SHA-256 (its first 16 digits are), or the number that
        a target gave. ``reference``: what one of their deliveries' references begins with. There is no index
        of these: a person asks, by stretches that hold up no other reader.
        """
        ...

    async def next_to_translate(self, route: str, *, urgent: bool, limit: int = 1) -> list[Message]:
        """Give the oldest messages of a route that are ACCEPTED or TRANSLATING, of that urgency only."""
        ...

    async def routes_to_translate(self) -> list[tuple[str, bool]]:
        """Give (route, is_urgent) of every lane with something to translate."""
        ...

    # -- planning ------------------------------------------------------------------------

    async def begin_translation(self, message_id: str, config_revision: int) -> Message:
        """Mark a message TRANSLATING.

        The first call of a generation fixes its configuration revision; later ones (after a kill) leave
        it, and give how far the plan is durable (``planned_through``): sets before it are skipped when
        the input is decoded again.
        """
        ...

    async def begin_together(
        self, message_ids: Sequence[str], config_revision: int
    ) -> list[tuple[Message, bytes | None]]:
        """Mark messages TRANSLATING by one commit, each as ``begin_translation`` does: all of them or none.

        With each comes its body where that is one piece and there; where it is None, ``body`` streams it, or
        tells what became of it. Errors: UnknownError about any of them; nothing is begun.
        """
        ...

    async def facts(
        self,
        order_keys: Sequence[str],
        document_keys: Sequence[str],
        order_numbers: Sequence[str],
        control_keys: Sequence[str] = (),
    ) -> Facts:
        """Look up what decisions depend on, in one consistent read."""
        ...

    async def plan(self, plan: Plan, now: datetime) -> Planned | Moved:
        """Write one chunk of a plan, or say what moved. See Plan.

        Documents of a generation are idempotent by index: a chunk that is already durable changes
        nothing. From generation 2 on: deliveries of earlier generations of the message that were
        never attempted become SUPERSEDED with the first chunk; a planned delivery whose
        (reference, target, role) was sent in an earlier generation (``sent.was_sent``) is not
        written, unless the message says ``resend``. A delivery that would enter a lane behind a later
        (``sequence``, index) one that was already attempted or done at that target is written
        PARKED with ORDER-OVERTAKEN. Deliveries hold their lanes in order of (message sequence,
        document index), not of planning.
        """
        ...

    async def plan_together(self, plans: Sequence[Plan], now: datetime) -> list[Planned | Moved]:
        """Do what ``plan`` does for plans of different messages, in their order, by one commit.

        Errors: UnknownError about any of them: nothing is written.
        """
        ...

    async def awaiting(self, now: datetime, limit: int = 100) -> list[DocumentView]:
        """Give follow-ons whose awaited order became known, or whose ``until`` has passed."""
        ...

    async def plan_awaited(
        self,
        message_id: str,
        document: DocumentPlan,
        deliveries: Sequence[DeliveryPlan],
        expected: Expected,
        now: datetime,
        aliases: Mapping[str, Sequence[Alias]] = NO_ALIASES,
    ) -> bool:
        """Write the decision about a follow-on that waited; False where something moved meanwhile.

        ``aliases``: order key -> names of the order that the document tells, written with it.
        """
        ...
