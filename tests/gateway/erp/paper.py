"""The documents of the common suite: made up, small, and such that every ERP under test can hold them."""

from __future__ import annotations

from typing import Any, TypeVar

from canonical.acknowledgment import Acknowledgment
from canonical.document import CanonicalDocument
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from canonical.registry import parse_document

T = TypeVar("T", bound=CanonicalDocument)

SUPPLIER = {"name": "Acme Medical", "identifiers": [{"scheme": "assigned_by_buyer", "value": "1013"}]}
PROVENANCE = {"source": "PO_0302.edi", "control_numbers": {"ST02": "0001"}}


def order(number: str = "PO-1", lines: int = 2, **changes: Any) -> PurchaseOrder:
    """Give an order as an 850 says it: each line's id is not its place."""
    fields = {
        "document_type": "purchase_order",
        "number": number,
        "currency": "USD",
        "order_date": {"date": "2026-03-02"},
        "seller": SUPPLIER,
        "provenance": PROVENANCE,
        "lines": [
            {
                "sequence": each,
                "line_id": f"00{each}0",
                "item_ids": [
                    {"scheme": "buyer", "value": f"TG{each}"},
                    {"scheme": "vendor", "value": f"V-{each}"},
                ],
                "description": f"Gloves size {each}",
                "quantity": {"value": f"{each}0", "unit": "EA"},
                "price": {"amount": f"{each}.25"},
                "requested": {"date": "2026-04-01"},
            }
            for each in range(1, lines + 1)
        ],
        **changes,
    }
    return _typed(fields, PurchaseOrder)


def cancellation(number: str = "PO-1") -> PurchaseOrder:
    """Give what cancels an order."""
    return order(number, purpose="cancellation")


def change(number: str = "PO-1", line_id: str = "0020", quantity: str = "15") -> OrderChange:
    """Give what changes one line's quantity."""
    fields = {
        "document_type": "order_change",
        "order": {"number": number},
        "number": "C-1",
        "currency": "USD",
        "seller": SUPPLIER,
        "lines": [
            {
                "sequence": 1,
                "line_id": line_id,
                "action": "quantity_decrease",
                "quantity": {"value": quantity, "unit": "EA"},
            }
        ],
    }
    return _typed(fields, OrderChange)


def answer(
    number: str = "PO-1", *lines: dict[str, Any], response: str = "acknowledged_with_detail"
) -> Acknowledgment:
    """Give a supplier's answer; each line has at least its `line_id` and `status`."""
    fields = {
        "document_type": "acknowledgment",
        "order": {"number": number},
        "response": response,
        "provenance": PROVENANCE,
        "lines": [{"sequence": at, **line} for at, line in enumerate(lines, start=1)],
    }
    return _typed(fields, Acknowledgment)


def _typed(fields: dict[str, Any], model: type[T]) -> T:
    made = parse_document(fields)
    assert isinstance(made, model)
    return made
