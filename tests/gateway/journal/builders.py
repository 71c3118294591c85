"""Made-up messages, documents and deliveries for the journal's tests, and a scene that plays them.

Every value has a default that is good and dull; a test names only what its sentence is about.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    Effect,
    Finding,
    InDoubt,
    Origin,
    Outcome,
    Position,
    Reply,
    Request,
    StepResult,
    Unit,
    UnitKind,
    Verdict,
)
from gateway.journal.base import Journal
from gateway.journal.types import (
    Acceptance,
    Arrival,
    AwaitedOrder,
    Claim,
    ClaimedDelivery,
    DeliveryPlan,
    DeliveryState,
    DeliveryView,
    DocumentPlan,
    Expected,
    LedgerEntry,
    Moved,
    Plan,
    Planned,
    Settled,
    Side,
    Transmitter,
    Want,
)

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LEASE_S = 60.0
ROUTE = "orders_in"
ERP = "erp"


def after(seconds: float) -> datetime:
    """Give a time after the tests' beginning."""
    return T0 + timedelta(seconds=seconds)


def origin() -> Origin:
    """Say where an input came from."""
    return Origin("folder", T0, name="PO_0302.edi", identity="MERCY", facts={"mtime": "1772438400"})


def finding(code: str = "X12-REQ") -> Finding:
    """Make a finding."""
    return Finding(
        code, Position("PO_0302.edi", line=7, path="ST 0001 / BEG03"), "BEG03 is absent; expected 1-22"
    )


def arrival(message_id: str = "m1", *, key: str | None = None, **changes: object) -> Arrival:
    """Make an arrival that leaves hash and size to the journal."""
    made = Arrival(
        message_id=message_id,
        route=ROUTE,
        arrival_key=key,
        partner="MERCY",
        sha256="",
        size_bytes=0,
        origin=origin(),
        correlation_id=f"c-{message_id}",
        accepted_at=T0,
        is_urgent=False,
        config_revision=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def set_unit(index: int = 0) -> Unit:
    """Name the acceptance unit of one set."""
    return Unit(UnitKind.SET, f"{index}")


def group(key: str = "1") -> Unit:
    """Name a functional group."""
    return Unit(UnitKind.GROUP, key)


def document(index: int = 0, *orders: str, **changes: object) -> DocumentPlan:
    """Make a set that was decoded well, about these orders."""
    order_keys = orders or ("O-1",)
    made = DocumentPlan(
        index=index,
        set_type="850",
        units=(set_unit(index), group()),
        verdict=Verdict.ACCEPTED,
        findings=(),
        document_type="purchase_order",
        order_keys=order_keys,
        canonical=b'{"number":"%s"}' % order_keys[0].encode(),
        decision="stage cloud",
        side=Side.CLOUD,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def delivery(delivery_id: str, index: int | None = 0, *orders: str, **changes: object) -> DeliveryPlan:
    """Make a live delivery to the ERP that holds the lanes of these orders."""
    made = DeliveryPlan(
        delivery_id=delivery_id,
        document_index=index,
        target=ERP,
        role="live",
        reference=f"REF-{delivery_id}",
        lanes=orders or ("O-1",),
        is_urgent=False,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def entry(order_key: str = "O-1", side: Side = Side.CLOUD, **changes: object) -> LedgerEntry:
    """Make a ledger entry."""
    made = LedgerEntry(
        order_key=order_key,
        side=side,
        transmitter=Transmitter.ERP if side is Side.CLOUD else Transmitter.LEGACY,
        route=ROUTE,
        stage="cloud",
        reason="stage cloud takes every order",
        opened_at=T0,
        message_id="m1",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def alias(number: str, kind: AliasKind = AliasKind.ERP, **changes: str) -> Alias:
    """Make another name of an order."""
    return Alias(kind, number, **changes)


def awaited(*order_numbers: str, until: datetime | None = None) -> AwaitedOrder:
    """Say which order a follow-on waits for, by a number or by its key."""
    return AwaitedOrder(order_numbers or ("PO-7",), until or after(3600), ("O-7",))


def request(step: str = "create", effect: Effect = Effect.WRITE, body: bytes = b"<order/>") -> Request:
    """Make a request."""
    return Request(step, effect, "POST", "/orders", body, (("Content-Type", "application/xml"),))


def result(step: str = "create", outcome: Outcome | None = None, at: datetime = T0) -> StepResult:
    """Make the result of a step that was answered; accepted, where nothing else is said."""
    asked = request(step)
    return StepResult(
        asked, Reply(201, b"<ok/>"), outcome or Accepted("ERP-1"), at, at + timedelta(seconds=1)
    )


def in_doubt(step: str = "create") -> StepResult:
    """Make the result of a step that may have happened."""
    return StepResult(request(step), None, InDoubt("no reply"), T0, after(1))


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """Give bytes as a stream."""
    for part in parts:
        yield part


@dataclass
class Scene:
    """A journal, a wall clock and a worker, with one call for what every story does."""

    journal: Journal
    now: datetime = T0
    monotonic: float = 1_000.0

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds

    async def accept(
        self, message_id: str = "m1", body: bytes | None = None, **changes: object
    ) -> Acceptance:
        """Accept a message with bytes of its own."""
        made = replace(arrival(message_id), accepted_at=self.now)
        made = replace(made, **changes)  # type: ignore[arg-type]
        return await self.journal.accept(made, body if body is not None else f"ISA {message_id}".encode())

    async def plan(
        self,
        message_id: str = "m1",
        documents: Iterable[DocumentPlan] = (),
        deliveries: Iterable[DeliveryPlan] = (),
        **changes: object,
    ) -> Planned | Moved:
        """Plan a message in one chunk that is its last one, unless changed."""
        message = await self.journal.begin_translation(message_id, 1)
        made = Plan(
            message_id,
            message.generation,
            Expected(1),
            tuple(documents),
            tuple(deliveries),
            is_last=True,
        )
        return await self.journal.plan(replace(made, **changes), self.now)  # type: ignore[arg-type]

    async def order(
        self,
        message_id: str = "m1",
        *orders: str,
        opens: Sequence[LedgerEntry] = (),
        **delivery_changes: object,
    ) -> str:
        """Accept and plan a message with one document and one delivery; give the delivery's id."""
        delivery_id = f"{message_id}-d"
        await self.accept(message_id)
        planned = await self.plan(
            message_id,
            [document(0, *orders)],
            [replace(delivery(delivery_id, 0, *orders), **delivery_changes)],  # type: ignore[arg-type]
            opens=tuple(opens),
        )
        assert isinstance(planned, Planned)
        return delivery_id

    async def claim(
        self, slots: int = 100, *, urgent_slots: int = 0, target: str = ERP, worker: str = "w1"
    ) -> list[ClaimedDelivery]:
        """Claim what can be claimed of one target."""
        wants = [Want(target, slots, urgent_slots)]
        return await self.journal.claim(worker, wants, LEASE_S, self.now, self.monotonic)

    async def claim_ids(self, slots: int = 100, **want: object) -> list[str]:
        """Claim, and give only the deliveries' ids."""
        claimed = await self.claim(slots, **want)  # type: ignore[arg-type]
        return [each.claim.delivery_id for each in claimed]

    async def claim_only(self, **want: object) -> ClaimedDelivery:
        """Claim the one delivery that can be claimed."""
        (claimed,) = await self.claim(**want)  # type: ignore[arg-type]
        return claimed

    async def start(self, claim: Claim, step: str = "create") -> None:
        """Write down that a request goes out."""
        await self.journal.attempt_started(claim, request(step), self.now)

    async def settle(self, claim: Claim, state: DeliveryState, **changes: object) -> None:
        """Settle a delivery without a step."""
        await self.journal.settle(claim, Settled(state, **changes), self.now)  # type: ignore[arg-type]

    async def deliver(self, claim: Claim, **changes: object) -> None:
        """Send a claimed delivery, and have it accepted."""
        await self.start(claim)
        settled = Settled(DeliveryState.DONE, result(), reference="ERP-1", **changes)  # type: ignore[arg-type]
        await self.journal.settle(claim, settled, self.now)

    async def park(self, claim: Claim, step: StepResult | None = None) -> None:
        """Send a claimed delivery, and have it refused for good."""
        await self.start(claim)
        settled = Settled(DeliveryState.PARKED, step or result(), findings=(finding("ERP-422"),))
        await self.journal.settle(claim, settled, self.now)

    async def view(self, delivery_id: str) -> DeliveryView:
        """Look at one delivery."""
        (found,) = [v for v in await self.journal.deliveries() if v.delivery_id == delivery_id]
        return found

    async def state(self, delivery_id: str) -> DeliveryState:
        """Look at the state of one delivery."""
        return (await self.view(delivery_id)).state

    async def body(self, message_id: str) -> bytes:
        """Read a message's bytes."""
        return b"".join([piece async for piece in self.journal.body(message_id)])
