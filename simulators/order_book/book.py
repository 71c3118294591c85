"""The book itself, without a network: what a system that keeps orders does with each request. Pure.

An independent witness: it shares no code with the gateway. It sends an order to its supplier exactly where it
is told to (``transmitter`` is its own word), so that whoever counts what the supplier got counts the truth.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Transmit = Callable[[str, str], None]  # order key, what of it: the order itself, or a change's own key


@dataclass(slots=True)
class Line:
    """One line of an order, quantities as decimals."""

    line_id: str
    quantity: Decimal
    unit: str = ""
    price: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    invoiced: Decimal = Decimal(0)


@dataclass(slots=True)
class Order:
    """One order as this system keeps it."""

    number: str
    order_key: str
    reference: str
    transmitter: str
    lines: dict[str, Line]
    state: str = "open"

    @property
    def value(self) -> Decimal:
        """Give what it commits to: what is open, or what came before it was closed."""
        return sum((each.quantity * each.price for each in self.lines.values()), Decimal(0))


@dataclass(slots=True)
class Book:
    """All orders of one system. ``word`` is what its own name is where a transmitter is named."""

    word: str
    prefix: str
    transmit: Transmit = lambda order_key, what: None
    refuses: bool = False  # every order, as one whose supplier it does not know
    orders: dict[str, Order] = field(default_factory=dict)  # by number
    documents: list[tuple[str, str, str, str]] = field(default_factory=list)  # type, order, reference, key
    _answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by reference: what was answered
    _of_key: dict[str, list[Order]] = field(default_factory=dict)

    def handle(self, method: str, address: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Do what a request asks; give status and answer."""
        parts = urlsplit(address)
        path = [unquote(each) for each in parts.path.strip("/").split("/")]
        match method, path:
            case "GET", ["documents", _]:
                reference = parse_qs(parts.query).get("reference", [""])[0]
                return 200, {"items": self._found(reference)}
            case "POST", ["documents", document_type]:
                return self._take(document_type, json.loads(body))
            case "GET", ["orders", number]:
                order = self.orders.get(number)
                return (404, {"title": "no such order"}) if order is None else (200, shown(order))
            case "POST", ["orders", number, "close"]:
                return self._close(number, json.loads(body))
        return 404, {"title": "no such place"}

    def of(self, order_key: str) -> list[Order]:
        """Give the orders of a key: two are a double."""
        return list(self._of_key.get(order_key, ()))

    def _found(self, reference: str) -> list[dict[str, Any]]:
        return self._answers.get(reference, [])

    def _receipt(self, entry: tuple[str, str, str, str], order: Order | None) -> dict[str, Any]:
        document_type, _, reference, document_key = entry
        number = order.number if order is not None else f"{document_type}-{len(self.documents)}"
        return {
            "number": number,
            "reference": reference,
            "document_key": document_key,
            "lines": [
                {"sequence": str(at), "id": f"{number}-{at}"}
                for at, _ in enumerate(order.lines if order is not None else (), start=1)
            ],
        }

    def _take(self, document_type: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        document, order_key = fields.get("document", {}), str(fields.get("order_key", ""))
        reference, document_key = str(fields.get("reference", "")), str(fields.get("document_key", ""))
        entry = (document_type, order_key, reference, document_key)
        transmitter = str(fields.get("transmitter", ""))
        purpose = document.get("purpose", "original")
        if document_type == "purchase_order" and self.refuses:
            return 422, {
                "title": "not acceptable",
                "errors": [{"field": "supplier", "message": "is not known"}],
            }
        order = None
        if document_type == "purchase_order" and purpose == "original":
            order = self._place(document, order_key, reference, transmitter)
        elif document_type == "order_change":
            self._change(document, order_key)
        else:
            self._count(document_type, document, order_key)
        if document_type in ("purchase_order", "order_change") and transmitter == self.word:
            self.transmit(order_key, document_key or reference)
        self.documents.append(entry)
        receipt = self._receipt(entry, order)
        self._answers.setdefault(reference, []).append(receipt)
        return 201, receipt

    def _place(self, document: dict[str, Any], order_key: str, reference: str, transmitter: str) -> Order:
        lines = [_line(each, at) for at, each in enumerate(document.get("lines", []), start=1)]
        number = f"{self.prefix}{len(self.orders) + 1}"
        order = Order(number, order_key, reference, transmitter, {each.line_id: each for each in lines})
        self.orders[number] = order
        self.keep(order)
        return order

    def keep(self, order: Order) -> None:
        """Find an order by its key from now on; one that was there before the gateway is put in by hand."""
        self._of_key.setdefault(order.order_key, []).append(order)

    def _change(self, document: dict[str, Any], order_key: str) -> None:
        order = self._open(order_key)
        for fields in document.get("lines", []) if order is not None else ():
            line = _line(fields, int(fields["sequence"]))
            if order is not None and line.line_id in order.lines:
                order.lines[line.line_id].quantity = line.quantity

    def _count(self, document_type: str, document: dict[str, Any], order_key: str) -> None:
        order = self._open(order_key)
        for fields in document.get("lines", []) if order is not None else ():
            name = str(fields.get("order_line_id") or fields.get("line_id") or "")
            if order is None or name not in order.lines:
                continue
            quantity = Decimal(fields["quantity"]["value"])
            if document_type == "goods_receipt":
                order.lines[name].received += quantity
            elif document_type == "invoice":
                order.lines[name].invoiced += quantity

    def _open(self, order_key: str) -> Order | None:
        return next((each for each in self.of(order_key) if each.state == "open"), None)

    def _close(self, number: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        order = self.orders.get(number)
        if order is None:
            return 404, {"title": "no such order"}
        for line in fields.get("document", {}).get("lines", []):
            if str(line.get("line_id")) in order.lines:
                order.lines[str(line["line_id"])].quantity = Decimal(line["quantity"]["value"])
        order.state = "closed"
        return 200, shown(order)


def shown(order: Order) -> dict[str, Any]:
    """Give an order as this system shows it."""
    return {
        "number": order.number,
        "order_key": order.order_key,
        "state": order.state,
        "transmitter": order.transmitter,
        "lines": [
            {
                "line_id": each.line_id,
                "quantity": str(each.quantity),
                "unit": each.unit,
                "price": str(each.price),
                "received": str(each.received),
                "invoiced": str(each.invoiced),
            }
            for each in order.lines.values()
        ],
    }


def _line(fields: dict[str, Any], at: int) -> Line:
    quantity = fields.get("quantity") or {}
    price = fields.get("price") or {}
    return Line(
        str(fields.get("line_id") or at),
        Decimal(quantity.get("value", "0")),
        str(quantity.get("unit", "")),
        Decimal(price.get("amount", "0")) / Decimal(price.get("base_quantity", "1")),
    )
