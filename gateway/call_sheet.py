"""The call sheet for a downtime: what to order by phone while the gateway or its targets are down. Pure.

One call is one order that is not delivered: whom to ring, what to order, where it goes. No prices,
and nothing that may be a patient's. It is made from what the journal holds, whoever opened it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.base import Role
from canonical.document import CanonicalDocument
from canonical.lines import ItemLine
from canonical.model import Model
from canonical.privacy import MASK, masked
from canonical.registry import DocumentError, parse_document
from canonical.values import Party
from gateway.journal.sent import may_be_there
from gateway.journal.types import (
    FINISHED,
    DeliveryState,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    LedgerEntry,
    Message,
    MessageState,
    Transmitter,
)

LIVE: tuple[Role, ...] = ("live", "pass_through")
CALLED = frozenset({"purchase_order", "requisition", "order_change"})
ASK = "ask before you order"
UNKNOWN = ""  # what the document does not say stays blank, for a pen


@dataclass(frozen=True, slots=True)
class CallLine:
    """One thing to order."""

    line: str
    item: str  # the supplier's number where there is one
    our_item: str
    description: str
    quantity: str
    unit: str

    def to_json(self) -> dict[str, str]:
        """Give it as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Call:
    """One order that somebody may have to place by phone."""

    order_number: str
    supplier: str
    phone: str
    ship_to: str
    is_urgent: bool
    deadline_at: datetime
    why: str  # where it stands, and why it is not delivered
    message_id: str
    source: str  # the file or request that brought it
    exception_ids: tuple[str, ...]  # what ``exceptions resolve`` takes: parked things, unfinished deliveries
    lines: tuple[CallLine, ...]

    @property
    def rank(self) -> tuple[bool, datetime, bool, str]:
        """Order calls by what cannot wait; those without a number come behind their like."""
        return (not self.is_urgent, self.deadline_at, not self.order_number, self.order_number)

    def is_late(self, now: datetime) -> bool:
        """Tell whether the order should have been delivered by now."""
        return self.deadline_at <= now

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return {
            "order_number": self.order_number,
            "supplier": self.supplier,
            "phone": self.phone,
            "ship_to": self.ship_to,
            "is_urgent": self.is_urgent,
            "deadline_at": self.deadline_at.isoformat(),
            "why": self.why,
            "message_id": self.message_id,
            "source": self.source,
            "exception_ids": list(self.exception_ids),
            "lines": [each.to_json() for each in self.lines],
        }


@dataclass(frozen=True, slots=True)
class Situation:
    """One message, what it brought, and where that stands.

    ``documents``: of its current generation. ``deliveries``: live ones, finished ones too.
    ``parked``: ids of its open exceptions. ``deadline_at``: for what has no deadline of its own.
    ``ledger``: of its orders. ``supplier``: where the gateway itself sends orders to the supplier.
    """

    message: Message
    documents: Sequence[DocumentView]
    deliveries: Sequence[DeliveryView]
    parked: Sequence[str]
    deadline_at: datetime
    ledger: Mapping[str, LedgerEntry] = field(default_factory=dict)
    supplier: str | None = None


def calls(situation: Situation, phones: Mapping[str, str]) -> list[Call]:
    """Give the orders of a message that are not delivered. ``phones``: by any identifier of a supplier."""
    carried = _Carried(situation.deliveries)
    found = [
        call
        for view in situation.documents
        if (call := _of_document(situation, carried, view.plan, phones)) is not None
    ]
    rest = _of_rest(situation)
    return [*found, rest] if rest is not None else found


class _Carried:
    """Which deliveries carry a document, found without looking at all of them for each of ten thousand."""

    def __init__(self, deliveries: Sequence[DeliveryView]) -> None:
        self._by_index: dict[int, list[DeliveryView]] = {}
        self._of_bytes: list[tuple[DeliveryView, frozenset[str]]] = []
        for each in deliveries:
            if each.document_index is None:
                self._of_bytes.append((each, frozenset(each.lanes)))
            else:
                self._by_index.setdefault(each.document_index, []).append(each)

    def of(self, plan: DocumentPlan) -> list[DeliveryView]:
        """Give the deliveries of a document: its own, and those of bytes that it is a part of.

        Bytes carry the sets whose orders they hold, or all where they hold none (a whole message).
        """
        targets = {target for target, _ in plan.passes_to}
        bytes_ = (
            each
            for each, orders in self._of_bytes
            if each.target in targets and (not orders or not orders.isdisjoint(plan.order_keys))
        )
        return [*self._by_index.get(plan.index, ()), *bytes_]


def _of_document(
    situation: Situation, carried: _Carried, plan: DocumentPlan, phones: Mapping[str, str]
) -> Call | None:
    is_order = plan.document_type is None or plan.document_type in CALLED
    if not is_order or plan.repeats is not None:
        return None  # an answer or an invoice is not placed by phone; a repeat is its first one's affair
    deliveries = carried.of(plan)
    still_open = [each for each in deliveries if each.state not in FINISHED]
    own_id = f"{situation.message.message_id}/{plan.index}"
    is_parked = own_id in situation.parked
    if deliveries and not still_open:
        return None  # delivered, or closed by a person; what we could not read went on in its own bytes
    if not still_open and not is_parked and plan.awaits is None:
        return None
    document = _document(plan)
    if _supplier_knows(situation, plan, document, deliveries):
        return None
    ids = [each.delivery_id for each in still_open]
    deadlines = [each.deadline_at for each in still_open if each.deadline_at is not None]
    seller = _seller(document)
    return Call(
        order_number=_number(document, plan),
        supplier=_party(seller),
        phone=_phone(document, seller, phones),
        ship_to=_ship_to(document),
        is_urgent=plan.is_urgent,
        deadline_at=min(deadlines, default=plan.deadline_at or situation.deadline_at),
        why=_why(plan, still_open, is_parked=is_parked),
        message_id=situation.message.message_id,
        source=situation.message.origin.name,
        exception_ids=(*((own_id,) if is_parked else ()), *ids),
        lines=tuple(_line(each) for each in getattr(document, "lines", ())),
    )


def _supplier_knows(
    situation: Situation,
    plan: DocumentPlan,
    document: CanonicalDocument | None,
    deliveries: Sequence[DeliveryView],
) -> bool:
    """Tell whether the supplier surely has an order, though a system of ours still lacks it.

    Somebody placed it by phone, or the gateway transmits it and has done so. Rung again, it would come
    twice. A change to an order placed by phone is not placed with it.
    """
    entries = [situation.ledger.get(key) for key in plan.order_keys]
    if not entries:
        return False
    if all(entry is not None and entry.transmitter is Transmitter.NONE for entry in entries):
        return document is None or document.opens_order
    is_ours = all(entry is not None and entry.transmitter is Transmitter.GATEWAY for entry in entries)
    return is_ours and any(
        each.target == situation.supplier and each.state is DeliveryState.DONE for each in deliveries
    )


def _of_rest(situation: Situation) -> Call | None:
    """Give a call for what no document tells of: a message not translated yet, or that nobody can read."""
    message = situation.message
    is_untranslated = message.state in (MessageState.ACCEPTED, MessageState.TRANSLATING)
    is_parked = message.message_id in situation.parked
    if situation.deliveries and all(each.state in FINISHED for each in situation.deliveries):
        is_parked = False  # its bytes went on as they were
    if not is_untranslated and not is_parked:
        return None
    text = message.findings[0].text if message.findings else "it could not be read"
    name = message.origin.name or message.message_id
    return Call(
        order_number=UNKNOWN,
        supplier=UNKNOWN,
        phone=UNKNOWN,
        ship_to=UNKNOWN,
        is_urgent=message.is_urgent,
        deadline_at=situation.deadline_at,
        why=f"not translated yet: look into {name}" if is_untranslated else f"{text}: look into {name}",
        message_id=message.message_id,
        source=message.origin.name,
        exception_ids=(message.message_id,) if is_parked else (),
        lines=(),
    )


def _why(plan: DocumentPlan, still_open: Sequence[DeliveryView], *, is_parked: bool) -> str:
    parts = [_standing(each) for each in still_open]
    if is_parked:
        reason = plan.findings[-1].text if plan.findings else plan.decision
        parts.append(f"parked: {reason}")
    if plan.awaits is not None:
        parts.append(plan.decision)
    return "; ".join(parts)


def _standing(delivery: DeliveryView) -> str:
    words = {
        DeliveryState.IN_DOUBT: f"in doubt, it may be there: {ASK}",
        DeliveryState.ATTEMPTING: f"may just be under way: {ASK}",
        DeliveryState.PARKED: "parked",
        DeliveryState.WAITING: "waiting",
    }
    word = words.get(delivery.state, "not sent yet")
    if may_be_there(delivery.steps) and not word.endswith(ASK):
        word = f"{word}, it may be there: {ASK}"
    reason = f" ({delivery.reason})" if delivery.reason else ""
    return f"{delivery.target}: {word}{reason}"


def _document(plan: DocumentPlan) -> CanonicalDocument | None:
    if plan.canonical is None:
        return None
    try:
        return masked(parse_document(plan.canonical))
    except DocumentError:  # written by another version; the sheet still names the order
        return None


def _number(document: CanonicalDocument | None, plan: DocumentPlan) -> str:
    numbers = (getattr(document, "number", None), *(each.number for each in _named(document)))
    known = next((each for each in numbers if each), None)
    # Of what was not translated only its key is kept: kind, organisation and, last, the number.
    return str(known) if known else ", ".join(key.rpartition("|")[2] for key in plan.order_keys)


def _named(document: CanonicalDocument | None) -> Iterable[Any]:
    return document.named_orders if document is not None else ()


def _seller(document: CanonicalDocument | None) -> Party | None:
    header: Party | None = getattr(document, "seller", None)
    lines = (getattr(each, "supplier", None) for each in getattr(document, "lines", ()))
    return header or next((each for each in lines if each is not None), None)


def _phone(document: CanonicalDocument | None, seller: Party | None, phones: Mapping[str, str]) -> str:
    said = [phone for each in seller.contacts for phone in each.phones] if seller is not None else []
    known = [phones[each.value] for each in seller.identifiers if each.value in phones] if seller else []
    contacts = getattr(document, "contacts", ())
    desk = [phone for each in contacts if each.role in ("sales", "order") for phone in each.phones]
    return next(iter((*known, *said, *desk)), UNKNOWN)


def _ship_to(document: CanonicalDocument | None) -> str:
    where: Party | None = getattr(document, "ship_to", None) or getattr(document, "deliver_to", None)
    place = _party(where)
    address = where.address if where is not None else None
    if address is not None:
        parts = (*address.lines, address.city, address.region, address.postal_code)
        place = ", ".join(filter(None, (place, *parts)))
    return place or str(getattr(document, "facility", None) or UNKNOWN)


def _party(party: Party | None) -> str:
    if party is None:
        return UNKNOWN
    number = party.identifiers[0].value if party.identifiers else ""
    if party.name and number:
        return f"{party.name} ({number})"
    return party.name or number


def _line(line: Model) -> CallLine:
    if not isinstance(line, ItemLine):
        return CallLine(*[UNKNOWN] * 6)
    item = next(
        (found for scheme in ("vendor", "catalog", "manufacturer", "gtin", "ndc", "upc")
         if (found := line.item_id(scheme))),
        None,
    )  # fmt: skip
    ours = line.item_id("buyer")
    first = line.item_ids[0].value if line.item_ids else UNKNOWN
    quantity = line.quantity
    is_hidden = line.description == MASK and bool(line.item_ids)  # where a number is, the mask tells nothing
    return CallLine(
        line=line.line_id or str(line.sequence),
        item=item or (UNKNOWN if ours else first),
        our_item=ours or UNKNOWN,
        description=UNKNOWN if is_hidden else line.description or UNKNOWN,
        quantity=f"{quantity.value:f}" if quantity is not None else UNKNOWN,
        unit=(quantity.unit if quantity is not None else None) or UNKNOWN,
    )
