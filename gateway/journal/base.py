"""The journal's contract: the one durable store, and the only place where state changes.

Every method that changes anything is one transaction, durable when it returns; everything is
either written whole or not at all. The same tests run on every implementation
(``tests/gateway/journal/``). Times come in as arguments: a journal reads no clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from adapters.base import Alias, Finding, Origin, Request, SourceMemory, StepResult
from gateway.journal.comparisons import (
    Approval,
    AttemptCount,
    Comparison,
    ComparisonCounts,
    ComparisonState,
    DifferenceGroup,
    DocumentInOrder,
    NoiseReading,
    PlannedStage,
)
from gateway.journal.moves import Move, MoveBegin, MoveState, Recalled
from gateway.journal.types import (
    Acceptance,
    Arrival,
    AuditEntry,
    Claim,
    ClaimedDelivery,
    CrosswalkRow,
    DeliveryPlan,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    ExceptionItem,
    Expected,
    Facts,
    LedgerEntry,
    Message,
    MessageState,
    Moved,
    Overdue,
    Plan,
    Planned,
    Settled,
    StageState,
    Want,
)


class JournalError(Exception):
    """The store failed (disk full, I/O, fsync): nothing of the call is durable, the process must end."""


class JournalBusyError(Exception):
    """The bounded queue in front of the store is full. Nothing was written; the caller may try again."""


class StaleClaimError(Exception):
    """The claim is no longer ours: it expired and was taken over, or a person moved the delivery."""


class StaleStageError(Exception):
    """The stage is not what the caller expected it to be."""


class UnknownError(Exception):
    """There is no such message, delivery, exception or route."""


class RefusedError(Exception):
    """It would be wrong now, and nothing was changed; the text is a sentence that says what to do instead."""


class Journal(SourceMemory, Protocol):
    """The durable store."""

    # -- life ------------------------------------------------------------------------------

    async def bind_environment(self, environment: str) -> None:
        """Tie a new store to ``test`` or ``production``. Errors: JournalError where it is tied otherwise."""
        ...

    async def recover(self, now: datetime) -> int:
        """Put in order what a dead process left, before any work; give how many deliveries that were.

        A lease of any worker is ended: without an attempt the delivery is READY again, with one
        IN_DOUBT. ``pass_through`` deliveries without an attempt are VOID (their caller is gone),
        with one IN_DOUBT and parked with code PASS-THROUGH-IN-DOUBT. Staged bodies nobody accepted go.
        """
        ...

    async def is_healthy(self) -> bool:
        """Tell whether writing still works; False for good after a JournalError."""
        ...

    async def close(self) -> None:
        """Finish what is queued and close."""
        ...

    # -- messages --------------------------------------------------------------------------

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

    async def next_to_translate(self, route: str, *, urgent: bool, limit: int = 1) -> list[Message]:
        """Give the oldest messages of a route that are ACCEPTED or TRANSLATING, of that urgency only."""
        ...

    async def routes_to_translate(self) -> list[tuple[str, bool]]:
        """Give (route, is_urgent) of every lane with something to translate."""
        ...

    # -- planning --------------------------------------------------------------------------

    async def begin_translation(self, message_id: str, config_revision: int) -> Message:
        """Mark a message TRANSLATING.

        The first call of a generation fixes its configuration revision; later ones (after a kill) leave
        it, and give how far the plan is durable (``planned_through``): sets before it are skipped when
        the input is decoded again.
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
    ) -> bool:
        """Write the decision about a follow-on that waited; False where something moved meanwhile."""
        ...

    # -- delivery --------------------------------------------------------------------------

    async def claim(
        self, worker: str, wants: Sequence[Want], lease_s: float, now: datetime, monotonic: float
    ) -> list[ClaimedDelivery]:
        """Lease deliveries: heads of all their lanes, due, urgent first, then oldest first.

        Claimable: READY, WAITING and IN_DOUBT whose ``not_before`` has passed, and expired leases
        (READY without an attempt, IN_DOUBT with one). Never ``pass_through``. For each Want:
        up to ``slots`` of any urgency, and up to ``urgent_slots`` more that are urgent.
        """
        ...

    async def claim_one(
        self, delivery_id: str, worker: str, lease_s: float, now: datetime, monotonic: float
    ) -> ClaimedDelivery | None:
        """Lease one delivery by id (a pass-through by its own connection); None where it cannot be now."""
        ...

    async def attempt_started(self, claim: Claim, request: Request, now: datetime) -> None:
        """Write down a request before it is sent, frozen. Errors: StaleClaimError."""
        ...

    async def still_mine(self, claim: Claim, monotonic: float) -> bool:
        """Tell whether the claim holds; a sink asks right before it writes."""
        ...

    async def renew(self, claim: Claim, lease_s: float, monotonic: float) -> Claim:
        """Extend a lease. Errors: StaleClaimError."""
        ...

    async def settle(self, claim: Claim, settled: Settled, now: datetime) -> None:
        """Write down what a step came to, and what follows. Errors: StaleClaimError.

        READY with a result keeps nothing: the delivery can be claimed again at once (the caller
        that goes on with the next step itself calls ``step_done`` instead).
        """
        ...

    async def step_done(self, claim: Claim, result: StepResult, now: datetime) -> None:
        """Write down a finished step in the middle of a series; the claim stays. Errors: StaleClaimError."""
        ...

    async def unsent_calls(self, limit: int = 1_000) -> list[tuple[str, str]]:
        """Give (message id, delivery id) of ``pass_through`` deliveries that nobody has attempted yet.

        Workers never send them; whose caller is gone would hold its order's lanes for ever.
        """
        ...

    async def next_due(self, targets: Sequence[str]) -> datetime | None:
        """Give when the earliest waiting delivery of these targets is due, for the worker's sleep."""
        ...

    async def deliveries(
        self,
        *,
        message_id: str | None = None,
        order_key: str | None = None,
        target: str | None = None,
        states: Sequence[str] = (),
        limit: int = 1_000,
    ) -> list[DeliveryView]:
        """List deliveries, oldest first, with their steps."""
        ...

    async def documents(
        self, *, message_id: str | None = None, order_key: str | None = None, limit: int = 1_000
    ) -> list[DocumentView]:
        """List documents, oldest first."""
        ...

    # -- orders ----------------------------------------------------------------------------

    async def import_orders(
        self,
        entries: Sequence[LedgerEntry],
        aliases: Mapping[str, Sequence[str]],
        who: str,
        why: str,
        now: datetime,
    ) -> int:
        """Seed the ledger with open orders of the legacy system; give how many were new.

        Existing entries stay as they are. ``aliases``: order key -> further numbers. Audited.
        """
        ...

    async def orders(
        self, *, side: str | None = None, route: str | None = None, limit: int = 1_000
    ) -> list[LedgerEntry]:
        """List ledger entries, newest first."""
        ...

    async def open_orders(self, route: str) -> Mapping[str, int]:
        """Count ledger entries of a route that are not closed, by side; those under way as "moving"."""
        ...

    async def close_orders(self, order_keys: Sequence[str], who: str, why: str, now: datetime) -> int:
        """Mark orders closed, audited; give how many were open. Retention counts from here."""
        ...

    async def aliases(
        self, order_key: str, target: str | None = None
    ) -> tuple[tuple[str, str, str, str], ...]:
        """Give an order's names as (kind, number, line, line number).

        ``target``: only those that it told, or nobody in particular.
        """
        ...

    # -- moving orders to the other side ---------------------------------------------------

    async def ask_moves(self, moves: Sequence[Move], who: str, why: str, now: datetime) -> int:
        """Write down that orders are to be moved; give how many that are. Audited.

        Errors: RefusedError where one of them is being moved already; then nothing is written.
        """
        ...

    async def agree_moves(self, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
        """Agree to moves that another person asked for: they are begun from now on. Audited.

        Errors: UnknownError, RefusedError (the same person; not one that is asked for); then none is.
        """
        ...

    async def drop_moves(self, move_ids: Sequence[str], who: str, why: str, now: datetime) -> int:
        """End moves that have not begun. Audited. Errors: UnknownError, RefusedError; then none is."""
        ...

    async def moves(
        self,
        *,
        states: Sequence[MoveState] = (),
        batch: str | None = None,
        order_key: str | None = None,
        limit: int = 1_000,
    ) -> list[Move]:
        """List moves, oldest first."""
        ...

    async def moves_due(self, limit: int = 100) -> list[Move]:
        """Give moves under way (CREATING, CLOSING) of which no delivery is unfinished, oldest first."""
        ...

    async def begin_move(self, begin: MoveBegin, now: datetime) -> str | None:
        """Begin a move that was agreed to: from now on its order is moving. Audited.

        Its message is written PLANNED, with one document and the delivery that creates it. Says why it
        cannot begin, where it cannot; then nothing was written. Errors: UnknownError.
        """
        ...

    async def close_moved(self, move_id: str, delivery: DeliveryPlan, now: datetime) -> bool:
        """Go on from CREATING to CLOSING with the delivery that closes the old order; False where it had."""
        ...

    async def finish_move(
        self, move_id: str, aliases: Sequence[Alias], now: datetime, left: str | None = None
    ) -> bool:
        """End a move that is CLOSING: the ledger says the new side from now on, transmitter NONE. Audited.

        ``left``: the endpoint that has it no longer; the ERP's names that it told become LEFT.
        What waits for the order is decided again. False where it was not CLOSING (any more).
        """
        ...

    async def end_move(self, move_id: str, outcome: str, now: datetime) -> bool:
        """End a move without having moved anything: the order stays where it is. Audited.

        One that is AGREED or CREATING, and of which nothing is unfinished. False where it is none.
        """
        ...

    async def recall(self, route: str, side: str, who: str, why: str, now: datetime) -> Recalled:
        """Take back the orders of a route on one side of which nothing was attempted yet. Audited.

        Their deliveries are SUPERSEDED and their ledger entries taken back in the same transaction, and
        their messages begin a new generation, which decides them by the stage of then. Orders that
        another message followed, moved or imported ones, and calls that were passed through stay.
        """
        ...

    # -- acknowledgments of what we sent ---------------------------------------------------

    async def mark_unacknowledged(self, now: datetime) -> int:
        """Make exceptions of deliveries whose acknowledgment is overdue; give how many that were.

        Only what was delivered counts: before that its own deadline speaks. An acknowledgment that comes
        later closes the exception by itself.
        """
        ...

    # -- counters, stages, configuration ---------------------------------------------------

    async def next_control_number(self, emitter: str, kind: str, lowest: int, highest: int) -> int:
        """Give the next number of an emitter's range and kind, wrapping to ``lowest`` after ``highest``."""
        ...

    async def load_configuration(self, text: str, sha256: str, who: str, now: datetime) -> int:
        """Keep a configuration as an immutable revision, make it current; the same text is no new one."""
        ...

    async def configuration(self, revision: int) -> str:
        """Give the text of a revision. Errors: UnknownError."""
        ...

    async def stages(self) -> Mapping[str, StageState]:
        """Give the live stage of every route that was ever declared or set."""
        ...

    async def declare_stages(self, declared: Mapping[str, tuple[str, str]], now: datetime) -> None:
        """Set (stage, share) for routes that have none yet: the default of routes.yaml. Others stay."""
        ...

    async def set_stage(
        self, route: str, expected: str, stage: str, share_percent: str, who: str, why: str, now: datetime
    ) -> StageState:
        """Move a route, audited in the same transaction. Errors: StaleStageError, UnknownError."""
        ...

    # -- people ----------------------------------------------------------------------------

    async def exceptions(self, *, route: str | None = None, limit: int = 1_000) -> list[ExceptionItem]:
        """List what is parked and unresolved, oldest first."""
        ...

    async def retry(self, exception_id: str, who: str, why: str, now: datetime) -> str:
        """Take a parked thing up again, audited; give what was done ("translate", "deliver", "look up").

        A parked delivery with an attempt in doubt becomes IN_DOUBT (look-up first), else READY
        with a fresh attempt budget; a parked message or document is translated again as a new
        generation (see ``replay``). Errors: UnknownError; RefusedError for a call that was passed
        through, which nobody but its own connection ever sends, and for a missing acknowledgment.
        """
        ...

    async def resolve(self, exception_id: str, resolution: str, who: str, why: str, now: datetime) -> None:
        """Close a thing without sending it (any more), audited: a delivery becomes VOID and frees its lanes.

        That is a parked message or document, or any unfinished delivery by its id: a held, ready or
        waiting one would otherwise be sent by itself. A missing acknowledgment is not waited for any more.
        ``resolution``: "dismissed", "done_elsewhere:<ref>", "placed_by_phone:<ref>". The last one
        makes the ledger entries of its orders, opened where there are none, transmitter NONE, and
        the message's other unfinished live deliveries that are about nothing but these orders VOID.
        Errors: UnknownError; RefusedError where one of them is being sent at this moment (CLAIMED,
        ATTEMPTING).
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

    async def alarm_sent(self, overdue: Sequence[Overdue], now: datetime) -> None:
        """Remember that an alarm went out."""
        ...

    async def acknowledge_alarm(self, message_id: str, who: str, why: str, now: datetime) -> int:
        """Stop alarms about a message's overdue work, audited; give how many there were."""
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

    # -- crosswalks ------------------------------------------------------------------------

    async def load_crosswalk(
        self, table: str, rows: Sequence[CrosswalkRow], who: str, why: str, now: datetime
    ) -> int:
        """Replace a table by a new version, audited; give the version."""
        ...

    async def crosswalk_version(self, table: str) -> int:
        """Give a table's current version, 0 where there is none."""
        ...

    async def crosswalk(self, table: str) -> tuple[int, list[CrosswalkRow]]:
        """Give a table's current version and rows; (0, []) where there is none."""
        ...

    # -- comparisons, approvals, planned stages --------------------------------------------

    async def documents_after(
        self, message_routes: Sequence[str], position: int, limit: int = 100
    ) -> tuple[list[DocumentInOrder], int]:
        """Give documents of messages of these routes in the order of planning, from after a position on.

        The number is the position up to which everything was looked at: where to go on next time.
        """
        ...

    async def one_document(
        self, message_id: str, document_index: int
    ) -> tuple[DocumentView, list[DeliveryView]] | None:
        """Give one document of a message's present generation, with its deliveries and the whole message's.

        At most a thousand deliveries; None where there is no such document.
        """
        ...

    async def note_comparisons(self, found: Sequence[Comparison]) -> None:
        """Write comparisons, each in the place of an earlier one of the same document.

        One of an older generation than what stands there changes nothing.
        """
        ...

    async def comparisons(
        self,
        *,
        route: str | None = None,
        state: ComparisonState | None = None,
        order_key: str | None = None,
        message_id: str | None = None,
        document_index: int | None = None,
        group_id: str | None = None,
        limit: int = 100,
    ) -> list[Comparison]:
        """List comparisons with their differences, newest accepted first."""
        ...

    async def waiting_comparisons(self, limit: int = 1_000) -> list[Comparison]:
        """Give those that wait for legacy's version, those first that are due first."""
        ...

    async def difference_groups(self, route: str | None, since: datetime) -> list[DifferenceGroup]:
        """Give the groups of differences of documents accepted since then, the most frequent first."""
        ...

    async def count_comparisons(
        self, route: str, since: datetime, excused: Collection[str]
    ) -> ComparisonCounts:
        """Count a route's comparisons of documents accepted since then.

        ``excused``: groups that make no mismatch. A document with any other difference is one.
        """
        ...

    async def note_reading(self, reading: NoiseReading) -> None:
        """Write down that a record was read twice, once for each second reading."""
        ...

    async def readings(self, route: str) -> list[NoiseReading]:
        """Give what was learned from records that were read twice, the newest thousand."""
        ...

    async def approve(self, approval: Approval) -> None:
        """Write down an approval, audited. The same person in the same role renews it."""
        ...

    async def approvals(self, route: str) -> list[Approval]:
        """Give a route's approvals, oldest first."""
        ...

    async def plan_stage(self, planned: PlannedStage, now: datetime) -> None:
        """Plan a stage change in the place of one that was planned before, audited."""
        ...

    async def hold_stage(self, route: str, held: str, now: datetime) -> bool:
        """Say why a planned change did not happen when it was due, audited; False where none is planned."""
        ...

    async def unplan_stage(self, route: str, who: str, why: str, now: datetime) -> bool:
        """Take a planned change back, audited; False where none is planned."""
        ...

    async def planned_stages(self) -> list[PlannedStage]:
        """Give what is planned, the earliest first."""
        ...

    async def attempt_counts(self, target: str, since: datetime) -> list[AttemptCount]:
        """Count the attempts at a target since then, by role; of the newest twenty thousand deliveries."""
        ...

    # -- retention -------------------------------------------------------------------------

    async def prune(
        self,
        now: datetime,
        bodies_before: datetime,
        keys_before: datetime,
        orders_before: datetime,
        limit: int,
    ) -> int:
        """Forget what is old, at most ``limit`` things; give how many.

        These are bodies (message, document, request, reply) of settled messages older than
        ``bodies_before``, arrival keys, document keys and control numbers older than ``keys_before``, and
        ledger entries, with all names of their orders, that were closed before ``orders_before``. Open work
        is never touched, nor is the ledger entry of an order that something unfinished is about.
        """
        ...
