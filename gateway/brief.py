"""What planning needs to know of a document, so that the document itself need not travel. Pure.

The sets of small messages are decoded and named together, in another process where there is one; a
document costs more to pack and unpack than all that is asked of it here.
"""

from __future__ import annotations

from typing import NamedTuple

from canonical.document import CanonicalDocument
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from canonical.registry import to_json
from gateway.echoes import ORIGIN
from gateway.order_facts import order_facts
from gateway.stage import OrderFacts


class Brief(NamedTuple):
    """What planning needs to know of a document."""

    canonical: bytes
    document_type: str
    is_rush: bool = False
    is_ours: bool = False  # the gateway itself made it: a copy, a remainder of an order that moved
    is_confirmation: bool = False
    is_revision: bool = False  # the buyer's own word about an order, which the supplier must get, too
    order: OrderFacts | None = None  # of one that names an order of the buyer's: what stages may look at


def brief_of(document: CanonicalDocument, order_key: str | None) -> Brief:
    """Give what planning needs to know; ``order_key``: of the first order that the document names."""
    return Brief(
        to_json(document),
        document.document_type,
        is_rush=getattr(document, "urgency", "normal") == "rush",
        is_ours=ORIGIN in document.extensions,
        is_confirmation=getattr(document, "purpose", None) == "confirmation",
        is_revision=_is_revision(document),
        order=order_facts(order_key, document) if order_key is not None else None,
    )


def _is_revision(document: CanonicalDocument) -> bool:
    match document:
        case PurchaseOrder():
            return document.purpose not in ("confirmation", "information_copy", "status", "draft")
        case OrderChange():
            return document.initiator == "buyer"
    return False
