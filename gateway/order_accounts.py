"""One order's account: what its documents come to, and what each side has of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.base import Alias, AliasKind, Finding
from adapters.base.orders import LineThere, OrderAt, OrderThere
from canonical.key_rules import KeyRules
from canonical.registry import parse_document
from gateway.erp.connector.aliases import names_as_sent
from gateway.journal.base import Journal
from gateway.journal.moves import MoveState
from gateway.journal.types import DeliveryState, DeliveryView, DocumentView, Side
from gateway.order_documents import about
from gateway.order_line_parts import added_up
from gateway.order_lines import OrderState, order_state
from gateway.order_looks import EVERY, OrderLook, look_at
from gateway.order_reading import OrderReading
from gateway.reconciling import OrderAccount, SideSeen
from gateway.stage import RouteRule

PLACING = ("purchase_order", "requisition")


@dataclass(frozen=True, slots=True)
class Delivered:
    """A document of an order that a target has, and the delivery that brought it there."""

    document: DocumentView
    delivery: DeliveryView

    @property
    def places(self) -> bool:
        """Tell whether it placed the order there."""
        return self.document.plan.document_type in PLACING


class OrderAccounts:
    """Makes accounts. ``reading`` None: no gateway runs here, and the journal alone is asked."""

    def __init__(self, journal: Journal, reading: OrderReading | None) -> None:
        self._journal = journal
        self._reading = reading

    async def of(self, order_key: str, rule: RouteRule, rules: KeyRules) -> OrderAccount | None:
        """Give the account of an order; None where the ledger does not know it."""
        look = await look_at(self._journal, order_key, rules)
        entry = look.entry
        if entry is None:
            return None
        arrived = [each for each in look.moves if each.state is MoveState.DONE]
        seen = {}
        for side, target in ((Side.LEGACY, rule.legacy_target), (Side.CLOUD, rule.cloud_target)):
            if target is not None:
                seen[side] = await self._seen(look, side, target, rules)
        return OrderAccount(
            order_key,
            entry.side,
            look.state.lines,
            seen,
            last=arrived[-1] if arrived else None,
            before=arrived[-2] if len(arrived) > 1 else None,
            is_moving=entry.moving_to is not None,
            problems=look.state.problems,
        )

    async def _seen(self, look: OrderLook, side: Side, target: str, rules: KeyRules) -> SideSeen:
        delivered = await self._delivered(look, target)
        placed = [each for each in delivered if each.places]
        is_copy = bool(placed) and placed[-1].delivery.role == "copy"
        number = placed[-1].delivery.target_reference if placed else ""
        reference = placed[-1].delivery.reference if placed else ""
        is_elders = not placed and side is Side.LEGACY and (look.is_told or _is_imported(look))
        if is_elders or (placed and not number):
            number = look.state.order.number if look.state.order is not None else _imported_number(look)
        if self._reading is not None and number and self._reading.can_read(target):
            there = await self._reading.read(target, OrderAt(look.order_key, number, reference))
            if isinstance(there, Finding):
                return SideSeen("system", None, there.text, is_copy=is_copy)
            if there is not None and there.lines_named == "there":
                there = await self._named_as_sent(look.order_key, target, there)
            return SideSeen("system", there, is_copy=is_copy)
        if is_elders:
            problem = (
                "it came before the gateway, and its system, which alone knows what it has, cannot be asked "
                "from here; compare it there by hand"
            )
            return SideSeen("journal", None, problem)
        return SideSeen("journal", _by_documents(look, delivered, rules), is_copy=is_copy)

    async def _named_as_sent(self, order_key: str, target: str, there: OrderThere) -> OrderThere:
        """Give an order with its lines named as its documents name them."""
        rows = await self._journal.aliases(order_key, target)
        aliases = (Alias(AliasKind(kind), number, line, own) for kind, number, line, own in rows)
        names = names_as_sent(there.number, aliases)
        lines = [replace(each, line=names.get(each.line, each.line)) for each in there.lines]
        return replace(there, lines=added_up(lines), lines_named="sent")

    async def _delivered(self, look: OrderLook, target: str) -> list[Delivered]:
        """Give what a target has of an order, in the order of its arrival there."""
        done = await self._journal.deliveries(order_key=look.order_key, target=target, limit=EVERY)
        found = [
            Delivered(document, delivery)
            for delivery in done
            if delivery.role in ("live", "pass_through", "copy", "close")
            and (delivery.state is DeliveryState.DONE or delivery.resolution.startswith("done_elsewhere:"))
            for document in look.documents
            if _carries(delivery, document)
        ]
        return sorted(found, key=lambda each: (each.delivery.sequence, each.document.plan.index))


def _carries(delivery: DeliveryView, document: DocumentView) -> bool:
    if (delivery.message_id, delivery.generation) != (document.message_id, document.generation):
        return False
    if delivery.document_index is not None:
        return delivery.document_index == document.plan.index
    return any(target == delivery.target for target, _ in document.plan.passes_to)


def _by_documents(look: OrderLook, delivered: Sequence[Delivered], rules: KeyRules) -> OrderThere | None:
    """Say what a side has by the documents delivered there since the order was last placed there."""
    begins = max((at for at, each in enumerate(delivered) if each.places), default=None)
    if begins is None:
        return None
    own = delivered[begins:]
    contents = (each.document.plan.canonical for each in own)
    documents = [parse_document(content) for content in contents if content]
    state: OrderState = order_state(documents, about(look.order_key, (), rules))
    is_closed = any(each.delivery.role == "close" for each in own)
    return OrderThere(
        own[0].delivery.target_reference,
        "closed" if is_closed else "open",
        tuple(
            LineThere(line.line, line.ordered, line.unit, line.price, line.received, line.invoiced)
            for line in state.lines
        ),
    )


def _is_imported(look: OrderLook) -> bool:
    return look.entry is not None and look.entry.message_id is None


def _imported_number(look: OrderLook) -> str:
    """Give the number of an order of which no document is known: the last part of its key."""
    return look.order_key.rpartition("|")[2]
