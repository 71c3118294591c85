"""Purchase order -> 850, acknowledgment -> 855, invoice -> 810: what only one of them has. Pure.

The inverse of `order_places.py`, `answer_places.py` and `invoice_places.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from adapters.edi_x12 import codes, codes_out, notes_out, parts_out, write_out
from adapters.edi_x12.answer_reading import ACCEPTING
from adapters.edi_x12.as_sent import came_as_x12, kept_of, order_of
from adapters.edi_x12.page import Page
from adapters.edi_x12.schedules_out import schedules
from adapters.edi_x12.usual_out import write_usual_line
from canonical.acknowledgment import Acknowledgment, AcknowledgmentLine, LineResponse
from canonical.document import CanonicalDocument
from canonical.invoice import Invoice, InvoiceLine
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.values import KindedDate, Quantity


def write_order(page: Page, document: CanonicalDocument) -> None:
    """Put an order on the page."""
    assert isinstance(document, PurchaseOrder)  # noqa: S101 - WRITERS says so
    page.begin(0, kept_of(document))
    raw = document.raw_codes
    contract = raw.get("BEG06") or _contract(document)
    page.add(
        "BEG",
        [
            codes_out.code(document.purpose, raw.get("BEG01"), codes.PURPOSES, codes_out.PURPOSES, "00"),
            _order_type(page, document),
            document.number,
            document.release or "",
            parts_out.day(document.order_date),
            contract,
            *(raw.get(name, "") for name in _BEG_KEPT),
        ],
    )
    _head(page, document, "BY", "TD5")
    _derived_references(page, document)
    write_out.dates(page, "DTM", document.dates, document.requested, order_of(document, "DTM"))
    notes_out.notes(page, "", document, "850")
    write_out.totals(page, document, document.totals, len(document.lines))
    for line in document.lines:
        _order_line(page, line)


_BEG_KEPT = tuple(f"BEG{n:02}" for n in range(7, 13))


def _contract(document: PurchaseOrder) -> str:
    """Give the contract for BEG06, unless a REF names it."""
    number = document.contract
    if number is None or any(
        each.kind == "contract" and each.number == number for each in document.references
    ):
        return ""
    return number


def _order_type(page: Page, document: PurchaseOrder) -> str:
    """Give BEG02: as sent, else the partner's own code for the type, else X12's."""
    sent, own = document.raw_codes.get("BEG02"), page.partner.order_types
    theirs = next((code for code, word in own.items() if word == document.order_type), None)
    if sent is not None and own.get(sent, codes.ORDER_TYPES.get(sent, "other")) == document.order_type:
        return sent
    if theirs is not None:
        return theirs
    if document.order_type not in codes_out.ORDER_TYPES and sent is None:
        page.problem(
            "X12-OUT-CODE", "BEG02", f"is the order type '{document.order_type}', for which X12 has no code; "
            "name this partner's in `order_types`"
        )  # fmt: skip
    return codes_out.ORDER_TYPES.get(document.order_type, sent or "")


def _derived_references(page: Page, document: PurchaseOrder) -> None:
    """Write what an order from elsewhere says in fields of its own, and X12 in a REF."""
    if came_as_x12(document):
        return
    known = {(each.qualifier, each.number) for each in document.references}
    for qualifier, value in (("DP", document.department), ("VN", document.seller_number)):
        if value and (qualifier, value) not in known:
            page.add("REF", [qualifier, value])


def _order_line(page: Page, line: PurchaseOrderLine) -> None:
    if write_usual_line(page, line):
        return
    page.begin(line.sequence, kept_of(line))
    page.add("PO1", page.attempt("PO1", lambda: write_out.line_head(page, line, "PO1")))
    if _is_plain(line):
        return
    write_out.line_body(page, line, "PO1/", "850/line")
    write_out.shipping(page, "PO1/", line.shipping, "TD5")
    write_out.dates(page, "PO1/DTM", line.dates, line.requested, order_of(line, "DTM"))
    order = order_of(line, "PO1/N1") or ["ship_to", "supplier"]
    for field in order:
        value = line.supplier if field == "supplier" else line.ship_to
        if value is not None:
            write_out.party(page, "PO1/N1", value, "seller" if field == "supplier" else "ship_to")
            if field == "ship_to" and line.schedules:
                schedules(page, line, line.ship_to, inside=True)
    if line.schedules:
        schedules(page, line, line.ship_to, inside=False)
    write_out.sub_lines(page, line.sub_lines, "PO1/", "850/sub")


_HEAD_ONLY = frozenset({"sequence", "line_id", "quantity", "price", "item_ids", "raw_codes"})


def _is_plain(line: Any) -> bool:
    """Tell whether a line is its first segment and no more, as most are."""
    fields: set[str] = line.model_fields_set
    return fields <= _HEAD_ONLY


def write_answer(page: Page, document: CanonicalDocument) -> None:
    """Put an acknowledgment on the page."""
    assert isinstance(document, Acknowledgment)  # noqa: S101 - WRITERS says so
    page.begin(0, kept_of(document))
    raw, order = document.raw_codes, document.order
    own = page.partner.acknowledgments.responses
    sent = raw.get("BAK02")
    if sent is not None and own.get(sent, codes.RESPONSES.get(sent, "other")) == document.response:
        response = sent
    else:
        response = codes_out.RESPONSES.get(document.response, sent or "")
    named = {each.number for each in document.references if each.qualifier == "VN"}
    seller = raw.get("BAK08") or ("" if order.seller_number in named else order.seller_number or "")
    page.add(
        "BAK",
        [
            codes_out.code(document.purpose, raw.get("BAK01"), codes.PURPOSES, codes_out.PURPOSES, "00"),
            response,
            order.number or "",
            parts_out.day(order.date),
            order.release or "",
            raw.get("BAK06", ""),
            order.contract or "",
            seller,
            parts_out.day(document.acknowledged),
            raw.get("BAK10", ""),
        ],
    )
    _head(page, document, "SE", "TD5")
    write_out.dates(page, "DTM", document.dates)
    notes_out.notes(page, "", document, "855")
    write_out.totals(page, document, document.totals, len(document.lines))
    for line in document.lines:
        _answer_line(page, line)


def _answer_line(page: Page, line: AcknowledgmentLine) -> None:
    page.begin(line.sequence, kept_of(line))
    page.add("PO1", page.attempt("PO1", lambda: write_out.line_head(page, line, "PO1")))
    write_out.line_body(page, line, "PO1/", "855/line")
    write_out.dates(page, "PO1/DTM", line.dates)
    for each in line.responses or _made_responses(page, line):
        page.add("PO1/ACK", page.attempt("PO1/ACK", lambda each=each: _ack(page, each)))  # type: ignore[misc]
        for date in _split_dates(each)[1]:
            page.add_below("PO1/ACK", "PO1/ACK/DTM", parts_out.dated(date))
    if line.schedules:
        schedules(page, line, None, inside=False)
    write_out.sub_lines(page, line.sub_lines, "PO1/", "855/sub")


def _split_dates(response: LineResponse) -> tuple[KindedDate | None, tuple[KindedDate, ...]]:
    """Give the date that stands in the ACK, which has no room for a time, and those that stand behind it."""
    first = response.dates[0] if response.dates else None
    if first is None or "ACK05" in response.raw_codes or parts_out.moment(first)[1]:
        return None, response.dates
    return first, response.dates[1:]


def _ack(page: Page, each: LineResponse) -> list[str]:
    raw, quantity = each.raw_codes, each.quantity
    code = each.raw_code or codes_out.LINE_STATUSES.get(each.status, "")
    head = [code, "", "", "", "", raw.get("ACK06", "")]
    if quantity is not None:
        head[1] = parts_out.number(quantity.value)
        head[2] = parts_out.unit(quantity.unit, raw.get("ACK03"), page.partner)
    else:
        head[2] = raw.get("ACK03", "")
    dated = _split_dates(each)[0]
    head[3:5] = parts_out.dated(dated)[:2] if dated is not None else [raw.get("ACK04", ""), ""]
    gaps = [(int(name[3:]) - 7) // 2 for name, text in raw.items() if text == "" and name > "ACK06"]
    ids = parts_out.item_ids(each.item_ids, gaps, page.partner)
    tail = [raw.get(f"ACK{n}", "") for n in (27, 28, 29)]
    return [*head, *ids, *[""] * (20 - len(ids)), *tail]


def _made_responses(page: Page, line: AcknowledgmentLine) -> list[LineResponse]:
    """Give ACKs for an acknowledgment from elsewhere, by the reading that this partner has of them."""
    promised = [] if line.promised is None else [_promise(line)]
    reading = page.partner.acknowledgments.partial_backorder
    if line.accepted and line.backordered and reading in ("accepted", "backordered"):
        told = line.accepted if reading == "accepted" else line.backordered
        return [LineResponse(status="partly_backordered", quantity=told, dates=tuple(promised))]
    made: list[LineResponse] = []
    stated: tuple[tuple[Any, Quantity | None], ...] = (
        (_accepting(line), line.accepted), ("backordered", line.backordered), ("rejected", line.rejected),
    )  # fmt: skip
    for status, quantity in stated:
        if quantity is not None and quantity.value:
            ids = line.substitute_ids if status == "substituted" else ()
            dates = tuple(promised) if status not in ("backordered", "rejected") else ()
            made.append(LineResponse(status=status, quantity=quantity, dates=dates, item_ids=ids))
    if not made and line.status is not None and line.status in codes_out.LINE_STATUSES:
        made.append(LineResponse(status=line.status, dates=tuple(promised)))
    return made


def _accepting(line: AcknowledgmentLine) -> str:
    return line.status if line.status in ACCEPTING else "accepted"


def _promise(line: AcknowledgmentLine) -> KindedDate:
    assert line.promised is not None  # noqa: S101 - asked by the caller
    return KindedDate(kind="promised_delivery", date=line.promised.date)


def write_invoice(page: Page, document: CanonicalDocument) -> None:
    """Put an invoice on the page."""
    assert isinstance(document, Invoice)  # noqa: S101 - WRITERS says so
    page.begin(0, kept_of(document))
    raw = document.raw_codes
    order = document.orders[0] if document.orders else None
    page.add(
        "BIG",
        [
            parts_out.day(document.invoiced),
            document.number,
            parts_out.day(order.date) if order else "",
            (order.number or "") if order else "",
            (order.release or "") if order else "",
            (order.revision or "") if order else "",
            _invoice_type(page, document),
            _invoice_purpose(document),
            raw.get("BIG09", ""),
            document.corrects.number if document.corrects else "",
        ],
    )
    if len(document.orders) > 1:
        page.problem("X12-OUT-ORDERS", "BIG04", "can name one order, and the invoice's header names several")
    _head(page, document, "SE", "CAD")
    write_out.dates(page, "DTM", document.dates)
    notes_out.notes(page, "", document, "810")
    totals = document.totals
    if totals is None or totals.gross is None:
        page.problem("X12-OUT-TOTAL", "TDS01", "is mandatory, and the invoice states no gross total")
    else:
        stated = (totals.gross, totals.discountable, totals.discounted, totals.discount)
        page.add("TDS", page.attempt("TDS", lambda: [parts_out.cents(value) for value in stated]))
    write_out.totals(page, document, document.controls, len(document.lines))
    for line in document.lines:
        _invoice_line(page, line)


def _invoice_type(page: Page, document: Invoice) -> str:
    sent, own = document.raw_codes.get("BIG07"), page.partner.invoice_types
    if sent is not None and own.get(sent, codes.INVOICE_TYPES.get(sent, "other")) == document.invoice_type:
        return sent
    theirs = next((code for code, word in own.items() if word == document.invoice_type), None)
    if sent is None and document.invoice_type == "invoice" and theirs is None:
        return "" if came_as_x12(document) else "DI"
    return theirs or codes_out.INVOICE_TYPES.get(document.invoice_type, sent or "")


def _invoice_purpose(document: Invoice) -> str:
    sent = document.raw_codes.get("BIG08")
    if sent is None and document.purpose == "original":
        return "" if came_as_x12(document) else "00"
    return codes_out.code(document.purpose, sent, codes.PURPOSES, codes_out.PURPOSES)


def _invoice_line(page: Page, line: InvoiceLine) -> None:
    page.begin(line.sequence, kept_of(line))
    page.add("IT1", page.attempt("IT1", lambda: write_out.line_head(page, line, "IT1")))
    if _is_plain(line):
        return
    if line.shipped is not None:
        shipped = line.shipped
        page.add(
            "IT1/IT3",
            page.attempt(
                "IT1/IT3",
                lambda: [parts_out.number(shipped.value), parts_out.unit(shipped.unit, None, page.partner)],
            ),
        )
    write_out.line_body(page, line, "IT1/", "810/line")
    if line.order is not None and not _names_order(line):
        page.add("IT1/REF", ["PO", line.order.number or ""])
    write_out.dates(page, "IT1/DTM", line.dates)
    write_out.sub_lines(page, line.sub_lines, "IT1/", "810/line")


def _names_order(line: InvoiceLine) -> bool:
    number = line.order.number if line.order else None
    return any(each.qualifier == "PO" and each.value == number for each in line.item_ids) or any(
        each.qualifier == "PO" and each.number == number for each in line.references
    )


def _head(page: Page, document: Any, currency_of: str, carrier: str) -> None:
    """Write what the headers of all three have."""
    if document.currency is not None:
        page.add("CUR", [document.raw_codes.get("CUR01") or currency_of, document.currency])
    write_out.references(page, "REF", document.references)
    write_out.contacts(page, "PER", document.contacts)
    write_out.shipping(page, "", document.shipping, carrier)
    write_out.charges(page, "SAC", document.allowances_charges)
    write_out.terms(page, document.payment_terms)
    write_out.taxes(page, "TXI", document.taxes)
    write_out.header_parties(page, document)


WRITERS: Final[Mapping[str, tuple[str, Callable[[Page, CanonicalDocument], None]]]] = MappingProxyType(
    {
        "purchase_order": ("850", write_order),
        "acknowledgment": ("855", write_answer),
        "invoice": ("810", write_invoice),
    }
)
"""Document type -> set type, and what writes it."""
