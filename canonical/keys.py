"""The two keys of a document: which document it is, and which order it belongs to. Pure.

The *document key* dedupes: equal keys are the same business document, arrived again. The *order key*
is followed: everything about one order carries it, all releases of a blanket share it.
Keys are printable ASCII, `<kind>:<version>|part|part...`; `%`, `|`, blanks and everything that is not
ASCII are percent-encoded, so that no two lists of parts give one key. They outlive releases of this
program: whatever changes one needs a new version number (tests/canonical/test_keys.py, golden table).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from canonical.acknowledgment import Acknowledgment
from canonical.approval_decision import ApprovalDecision
from canonical.budget_check import BudgetCheck
from canonical.document import (
    SAME_AS_ORIGINAL,
    CanonicalDocument,
    DocumentAboutAnother,
    OrderReference,
    Purpose,
)
from canonical.goods_receipt import GoodsReceipt
from canonical.inventory_movement import InventoryMovement
from canonical.invoice import Invoice
from canonical.item import Item
from canonical.key_rules import KeyRules, NumberRule, organisation_name, party_key, supplier_name, trimmed
from canonical.lines import FollowOnLine
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from canonical.registry import content_hash
from canonical.requisition import Requisition
from canonical.ship_notice import ShipNotice
from canonical.status_event import StatusEvent
from canonical.supplier import Supplier
from canonical.values import DateValue, Party

KEY_VERSION = 1

__all__ = [
    "KEY_VERSION",
    "KeyRules",
    "NumberRule",
    "document_key",
    "order_key",
    "order_key_of",
    "order_keys",
    "own_order_keys",
    "party_key",
    "receipt_line_keys",
]


Parts = tuple[str | None, ...]


def document_key(document: CanonicalDocument, rules: KeyRules) -> str:
    """Give the key by which a repeat of this business document is recognised."""
    return _key(document.document_type, _TABLE[document.document_type].document(document, rules))


def order_keys(document: CanonicalDocument, rules: KeyRules) -> tuple[str, ...]:
    """Give the keys of all orders that a document names by the buyer's number, each once.

    Empty where only a seller's or an ERP's number is there: resolve `order_references` first, then
    use `order_key_of`.
    """
    return tuple(dict.fromkeys(_TABLE[document.document_type].orders(document, rules)))


def own_order_keys(document: CanonicalDocument, rules: KeyRules) -> tuple[str, ...]:
    """Give the order keys that no order named has: that of a requisition, which has no order yet."""
    orders = _TABLE[document.document_type].orders
    return () if orders is _named_orders else orders(document, rules)


def order_key(document: CanonicalDocument, rules: KeyRules) -> str | None:
    """Give the key of the (first) order that a document belongs to, None where it names none."""
    return next(iter(order_keys(document, rules)), None)


def order_key_of(number: str, rules: KeyRules, buyer: Party | None = None) -> str:
    """Give the order key of a buyer's order number: configured buyer organisation + number."""
    return _key("order", (organisation_name(buyer, rules), rules.order_number.apply(number)))


def receipt_line_keys(document: GoodsReceipt | InventoryMovement, rules: KeyRules) -> tuple[str, ...]:
    """Give one key per line, for systems that send a receipt line by line and then again as a whole."""
    parts = _TABLE[document.document_type].document(document, rules)[:-1]
    kind = f"{document.document_type}_line"
    return tuple(_key(kind, (*parts, name)) for name in _line_names(document.lines))


def _order(document: PurchaseOrder, rules: KeyRules) -> Parts:
    return (
        organisation_name(document.buyer, rules),
        rules.order_number.apply(document.number),
        _release(document.release, rules),
        *_edition(document, document.purpose, document.revision),
    )


def _acknowledgment(document: Acknowledgment, rules: KeyRules) -> Parts:
    return (
        *_order_named(document.order, document.buyer, rules),
        supplier_name(document.seller, rules),
        document.number,
        _date(document.acknowledged),
        _content(document),
    )


def _order_change(document: OrderChange, rules: KeyRules) -> Parts:
    revision = _revision(document.revision)
    return (
        *_order_named(document.order, document.buyer, rules),
        document.initiator,
        document.number,
        revision,
        document.purpose,
        None if document.number or revision else _content(document),
    )


def _invoice(document: Invoice, rules: KeyRules) -> Parts:
    return (
        supplier_name(document.seller, rules),
        party_key(document.remit_to),
        rules.invoice_number.apply(document.number),
        _date(document.invoiced),
        document.debit_credit,
        *_edition(document, document.purpose, None),
    )


def _requisition(document: Requisition, rules: KeyRules) -> Parts:
    return (
        organisation_name(document.buyer, rules),
        rules.requisition_number.apply(document.number),
        *_edition(document, document.purpose, document.revision),
    )


def _goods_receipt(document: GoodsReceipt, rules: KeyRules) -> Parts:
    return (
        organisation_name(document.buyer, rules),
        party_key(document.receiver) or document.facility,
        rules.receipt_number.apply(document.number),
        document.kind,
        _lines(document),
    )


def _inventory_movement(document: InventoryMovement, rules: KeyRules) -> Parts:
    return (
        organisation_name(document.buyer, rules),
        document.facility,
        rules.receipt_number.apply(document.number),
        document.kind,
        _lines(document),
    )


def _ship_notice(document: ShipNotice, rules: KeyRules) -> Parts:
    return (
        supplier_name(document.seller, rules),
        rules.shipment_number.apply(document.number),
        _date(document.shipped),
        *_edition(document, document.purpose, None),
    )


def _master(document: Supplier | Item, rules: KeyRules) -> Parts:
    return (
        organisation_name(document.buyer, rules),
        document.number,
        _revision(document.revision) or _content(document),
    )


def _decision(document: ApprovalDecision, rules: KeyRules) -> Parts:
    return (*_subject(document, rules), document.step, document.number or _content(document))


def _budget_check(document: BudgetCheck, rules: KeyRules) -> Parts:
    return (*_subject(document, rules), document.number or _content(document))


def _status_event(document: StatusEvent, rules: KeyRules) -> Parts:
    return (*_subject(document, rules), document.status, document.number or _content(document))


def _named_orders(document: CanonicalDocument, rules: KeyRules) -> tuple[str, ...]:
    buyer = getattr(document, "buyer", None)
    numbers = (order.number for order in document.named_orders)
    return tuple(order_key_of(number, rules, buyer) for number in numbers if number)


def _requisition_itself(document: Requisition, rules: KeyRules) -> tuple[str, ...]:
    number = rules.requisition_number.apply(document.number)
    return (_key("requisition_order", (organisation_name(document.buyer, rules), number)),)


class _Keys(NamedTuple):
    document: Callable[[Any, KeyRules], Parts]
    orders: Callable[[Any, KeyRules], tuple[str, ...]] = _named_orders


_TABLE: Mapping[str, _Keys] = MappingProxyType(
    {
        "purchase_order": _Keys(_order),
        "acknowledgment": _Keys(_acknowledgment),
        "order_change": _Keys(_order_change),
        "invoice": _Keys(_invoice),
        "requisition": _Keys(_requisition, _requisition_itself),
        "goods_receipt": _Keys(_goods_receipt),
        "ship_notice": _Keys(_ship_notice),
        "supplier": _Keys(_master),
        "item": _Keys(_master),
        "inventory_movement": _Keys(_inventory_movement),
        "approval_decision": _Keys(_decision),
        "budget_check": _Keys(_budget_check),
        "status_event": _Keys(_status_event),
    }
)


def _order_named(order: OrderReference, buyer: Party | None, rules: KeyRules) -> Parts:
    """Name an order by its best number; another issuer's number is marked, it is another numbering."""
    best = next(iter(order.numbers), None)
    if best is None or best.issuer == "buyer":
        number = rules.order_number.apply(best.number) if best else None
    else:
        number = f"{best.issuer}:{trimmed(best.number)}"
    return (organisation_name(buyer, rules), number, _release(order.release, rules))


def _subject(document: DocumentAboutAnother, rules: KeyRules) -> Parts:
    subject = document.subject
    return (
        organisation_name(document.buyer, rules),
        subject.document_type,
        _number_rule(subject.document_type, rules).apply(subject.number),
        _release(subject.release, rules),
        _revision(subject.revision),
        subject.line_id,
    )


def _number_rule(document_type: str, rules: KeyRules) -> NumberRule:
    match document_type:
        case "purchase_order":
            return rules.order_number
        case "requisition":
            return rules.requisition_number
        case "invoice":
            return rules.invoice_number
        case "goods_receipt":
            return rules.receipt_number
        case _:
            return NumberRule()


def _lines(document: GoodsReceipt | InventoryMovement) -> str | None:
    """Name the line, or mark the set of lines where there are several."""
    names = sorted(_line_names(document.lines))
    if len(names) <= 1:
        return next(iter(names), None)
    mark = hashlib.sha256("|".join(quote(name) for name in names).encode()).hexdigest()[:32]
    return f"{len(names)}-lines-{mark}"


def _line_names(lines: Sequence[FollowOnLine]) -> tuple[str, ...]:
    """Name each line by its id, else its place; a repeated id (one line, two lots) is counted on."""
    seen: Counter[str] = Counter()
    names: list[str] = []
    for line in lines:
        name = line.line_id or f"#{line.sequence}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return tuple(names)


def _edition(document: CanonicalDocument, purpose: Purpose, revision: str | None) -> Parts:
    """Tell a cancel or replace from its original, and two of them from each other.

    Revision 0 is the original. Without a revision, content tells: a second replace that says something
    else is another document, one that says the same is a repeat.
    """
    number = _revision(revision)
    if purpose in SAME_AS_ORIGINAL:
        return (number,)
    return (number, purpose, None if number else _content(document))


def _revision(revision: str | None) -> str:
    return trimmed(revision or "").lstrip("0")


def _release(release: str | None, rules: KeyRules) -> str | None:
    return rules.release_number.apply(release) if release else None


def _content(document: CanonicalDocument) -> str:
    """128 bits are enough to tell the editions of one number apart."""
    return content_hash(document)[:32]


def _date(value: DateValue | None) -> str | None:
    return value.date.isoformat() if value else None


_SAFE = "/#+=,:;@!$&*()"
_is_plain = re.compile(rf"[A-Za-z0-9_.~{_SAFE}-]*").fullmatch  # what `quote` leaves as it is


def _key(kind: str, parts: Parts) -> str:
    return "|".join((f"{kind}:{KEY_VERSION}", *map(_encoded, parts)))


def _encoded(part: str | None) -> str:
    if not part:
        return ""
    # Nearly all are plain; to see that takes less time than to have it seen by `quote`.
    return part if _is_plain(part) else quote(part, safe=_SAFE)
