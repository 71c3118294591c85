"""What a set is called: its document key, its hash, and every order that it names. Pure.

A number counts in its own numbering only; which orders it may mean is looked up in the facts. With the
names stands what planning needs to know of the document, so that the document itself need not travel: the
sets of small messages are named where they are decoded, which may be another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from adapters.base import Alias, AliasKind, Decoded
from canonical.document import CanonicalDocument, Issuer, OrderNumber, OrderReference
from canonical.keys import document_key, order_key_of, own_order_keys
from canonical.registry import content_hash, read_own
from gateway.brief import Brief, brief_of
from gateway.journal.types import (
    Facts,
    LedgerEntry,
    Transmitter,
    naming_counts,
)
from gateway.program import NO_TENANT, Naming, Tenant


class NamedOrder(NamedTuple):
    """One order that a set names: its key by the buyer's number, and every number of it, as sent."""

    key: str | None
    numbers: tuple[OrderNumber, ...]
    sellers: tuple[str, ...] = ()  # among them: the seller's, told from those that other sellers give


class Keyed(NamedTuple):
    """One decoded set with its keys, before any decision. ``brief``: None where it has no document.

    A tuple, as all that travels between processes with each set: it is unpacked three times as fast.
    """

    decoded: Decoded
    document_key: str | None = None
    content_hash: str | None = None
    orders: tuple[NamedOrder, ...] = ()
    opens: bool = False  # may open a ledger entry
    tenant: Tenant = NO_TENANT  # of which ERP the orders named are
    brief: Brief | None = None

    @property
    def document(self) -> CanonicalDocument | None:
        """Give the document itself; one that did not travel is read from its canonical JSON."""
        if self.decoded.document is not None or self.brief is None:
            return self.decoded.document
        return read_own(self.brief.canonical)

    def without_document(self) -> Keyed:
        """Give what travels: a document costs more to pack and unpack than to read again, if ever."""
        if self.decoded.document is None:
            return self
        return self._replace(decoded=self.decoded._replace(document=None))

    @property
    def order_keys(self) -> tuple[str, ...]:
        """Give the keys of the orders named, by the buyer's numbers, each once."""
        return tuple(dict.fromkeys(order.key for order in self.orders if order.key is not None))

    @property
    def order_numbers(self) -> tuple[str, ...]:
        """Give every order number named, each once, for alias look-up."""
        return tuple(dict.fromkeys(number.number for order in self.orders for number in order.numbers))


def keyed(decoded: Decoded, naming: Naming, route: str, sha256: str) -> Keyed:
    """Give a set of a message of ``route`` its keys; ``sha256`` is that of the whole message.

    What goes on in its own bytes is known again by the bytes of its whole message: two interchanges may
    well hold the same set (an empty stock report), and each is news.
    """
    document, rules = decoded.document, naming.key_rules
    if document is None:
        numbers = tuple(dict.fromkeys(decoded.order_numbers))
        orders = tuple(
            NamedOrder(order_key_of(each, rules), (OrderNumber("buyer", each),)) for each in numbers
        )
        if not decoded.is_passed_through:
            return Keyed(decoded, orders=orders, tenant=naming.tenant)
        key = f"bytes:{route}:{sha256}:{decoded.index}"
        return Keyed(decoded, key, sha256, orders, tenant=naming.tenant)
    orders = _named_orders(document, naming)
    opens = naming.originates and bool(getattr(document, "opens_order", False))
    return Keyed(
        decoded,
        document_key=document_key(document, rules),
        content_hash=content_hash(document),
        orders=orders,
        opens=opens,
        tenant=naming.tenant,
        brief=brief_of(document, next((each.key for each in orders if each.key is not None), None)),
    )


def _named_orders(document: CanonicalDocument, naming: Naming) -> tuple[NamedOrder, ...]:
    rules, buyer = naming.key_rules, getattr(document, "buyer", None)
    named = tuple(
        _named(order_key_of(order.number, rules, buyer) if order.number else None, order, naming.partner)
        for order in document.named_orders
    )
    # A requisition has no order yet: its own key stands for it.
    own = own_order_keys(document, rules)
    return (*(NamedOrder(key, ()) for key in own), *named) if own else named


def _named(key: str | None, order: OrderReference, partner: str | None) -> NamedOrder:
    """Give an order's names; a seller's number counts among that partner's own, and as it is if imported."""
    numbers = order.numbers
    if partner is None or order.seller_number is None:
        return NamedOrder(key, numbers)
    own = f"{order.seller_number} of {partner}"
    return NamedOrder(key, (*numbers, OrderNumber("seller", own, order.release)), (own,))


def told_names(
    each: Keyed, facts: Facts, ledger: Mapping[str, LedgerEntry]
) -> Mapping[str, tuple[Alias, ...]]:
    """Give what a seller calls the orders that a document names, by order key: next it may say no more.

    A number that may mean two orders is nobody's name.
    """
    told: dict[str, tuple[Alias, ...]] = {}
    for order in each.orders:
        known = [key for key in keys_of(order, each, facts) if key in ledger] if order.sellers else []
        if len(known) == 1:
            told[known[0]] = (
                *told.get(known[0], ()),
                *(Alias(AliasKind.SELLER, own) for own in order.sellers),
            )
    return told


def orders_named(each: Keyed, facts: Facts) -> tuple[str, ...]:
    """Give the order keys that a set may mean: by the buyer's numbers, and by other names of an order."""
    return tuple(dict.fromkeys(key for order in each.orders for key in keys_of(order, each, facts)))


def keys_of(order: NamedOrder, each: Keyed, facts: Facts) -> tuple[str, ...]:
    """Give the order keys that one order named may be.

    A name counts in its own numbering only: the seller's 1001 is not the ERP's. What a document calls
    the buyer's number is the one that the supplier was given: the ERP's, where the ERP sent the order.

    Two tenants of one ERP number alike. What a tenant itself tells of is never another tenant's order; what
    anybody else sends is about the tenant that its route goes to, where that has an order of this name.
    A seller may use one number for several orders; it is asked only where the buyer's is not known.
    """
    is_known = order.key in facts.ledger
    found: dict[str, bool] = {}  # by key: whether this tenant, or nobody in particular, calls it so
    if order.key is not None and not (each.tenant.tells and is_anothers(order, order.key, each, facts)):
        found[order.key] = True
    asked = [number for number in order.numbers if not (is_known and number.issuer == "seller")]
    for number in asked:
        for key, namings in facts.resolved.get(number.number, {}).items():
            kinds = _numberings(number.issuer, facts.ledger.get(key))
            named = [naming.target for naming in namings if naming.kind in kinds]
            if named:
                is_here = any(naming_counts(target, each.tenant.endpoints) for target in named)
                found[key] = found.get(key, False) or is_here
    is_any_here = each.tenant.tells or any(is_here for key, is_here in found.items() if key != order.key)
    return tuple(key for key, is_here in found.items() if is_here or not is_any_here)


def is_anothers(order: NamedOrder, key: str, each: Keyed, facts: Facts) -> bool:
    """Tell whether an order of this very number is another tenant's of the same ERP, by its names."""
    told = {
        naming.target
        for number in order.numbers
        for naming in facts.resolved.get(number.number, {}).get(key, ())
        if naming.kind in (AliasKind.ERP, AliasKind.LEFT)
    }
    return bool(told & each.tenant.others) and not told & {"", *each.tenant.endpoints}


def _numberings(issuer: Issuer, entry: LedgerEntry | None) -> frozenset[AliasKind]:
    """Give the numberings in which a number of this issuer may name this order."""
    kinds = {AliasKind.IMPORTED}
    match issuer:
        case "seller":
            kinds |= {AliasKind.SELLER}
        case "erp":
            kinds |= {AliasKind.ERP, AliasKind.LEFT}
        case "buyer":
            kinds |= {AliasKind.BUYER, AliasKind.SUPPLIER_VISIBLE}
            if entry is not None and entry.transmitter is Transmitter.ERP:
                kinds |= {AliasKind.ERP}
    return frozenset(kinds)
