"""A goods receipt (or return): a material document against order items, posted once. Pure.

SAP knows no unique reference here: posted twice, the stock is doubled. So it is looked up before and
after, and after an unknown outcome a person is asked, never the goods posted again by guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Finished
from canonical.goods_receipt import GoodsReceipt, GoodsReceiptLine
from canonical.values import Lot, Quantity
from gateway.erp.connector.references import reference_for
from gateway.erp.connector.rendering import Rendering, accounting_date, without_nothing
from gateway.erp.connector.series import Answer, Hit, LookUp, Series, Write
from gateway.erp.odata.bodies import decimal_of
from gateway.erp.odata.literals import Version, equals
from gateway.erp.odata.times import ODataValueError
from gateway.erp.sap_s4hana.order_body import QUANTITY
from gateway.erp.sap_s4hana.order_items import OrderItem, order_item
from gateway.erp.sap_s4hana.services import MOVEMENTS, found_by, v2_entity, v2_rows, without_zeros
from gateway.erp.sap_s4hana.settings import SapDefaults, SapSettings

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana

SET, ITEMS = "A_MaterialDocumentHeader", "to_MaterialDocumentItem"
REFERENCE = "ReferenceDocument"
REFERENCE_LENGTH = 16


_UNKNOWN_LINE = "post it in SAP, then resolve this"


def receipt(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Post a receipt, once."""
    document = delivery.document
    assert isinstance(document, GoodsReceipt)  # noqa: S101 - the kind says so
    movement = connector.settings.movement_types.get(document.kind)
    if movement is None:
        text = f"a goods movement of kind '{document.kind}' has no movement type (settings.movement_types)"
        raise connector.place.stuck("ERP-MOVEMENT-TYPE", f"{text}; post it in SAP, then resolve this", "kind")
    reference = reference_for(delivery, REFERENCE_LENGTH)
    items = [
        order_item(connector, delivery, document, at, _UNKNOWN_LINE) for at in range(len(document.lines))
    ]
    day = accounting_date(
        connector.settings.accounting_date, document.posted or document.received, delivery.accepted_at
    )
    body = connector.rendered(
        delivery,
        lambda r, d: (
            _body(document, items, movement, r, connector.settings, d)
            | {REFERENCE: reference, "PostingDate": day}
        ),
    )
    look_up = LookUp(
        connector.services.v2_found(MOVEMENTS, SET, equals(REFERENCE, reference, Version.V2), expand=ITEMS),
        lambda answer: _hits(answer, reference, body),
    )
    call = connector.services.v2_create(MOVEMENTS, SET, lambda: body)
    created = yield Write("post_movement", call, look_up, looks_first=True, is_movement=True)
    notes = connector.notes(delivery, created, Version.V2)
    return Finished(_number(v2_entity(created.fields)), notes=notes)


def _body(
    document: GoodsReceipt,
    items: Sequence[OrderItem],
    movement: str,
    rendering: Rendering,
    settings: SapSettings,
    defaults: SapDefaults,
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for at, (line, item) in enumerate(zip(document.lines, items, strict=True)):
        rows += _rows(line, f"lines[{at}]", item, movement, document, rendering, defaults)
    received = document.received or document.posted
    if received is None:
        rendering.required(None, "the day of receipt", "received")
    if not rows:
        rendering.problem("ERP-MISSING", "nothing was received", "lines")
    fields = {
        "GoodsMovementCode": "01",  # receipt for a purchase order
        "DocumentDate": received.date if received is not None else None,
        # The delivery's own number, for people: our reference takes the field that can be searched.
        "MaterialDocumentHeaderText": (document.shipment_number or document.number)[:25],
        ITEMS: rows,
    }
    return without_nothing(fields)


def _rows(
    line: GoodsReceiptLine,
    path: str,
    item: OrderItem,
    movement: str,
    document: GoodsReceipt,
    rendering: Rendering,
    defaults: SapDefaults,
) -> list[dict[str, Any]]:
    """Give one row for a line, or one for each of its lots: SAP's item holds one batch."""
    counted = line.accepted or line.quantity
    line = line.model_copy(update={"quantity": counted})
    unit = rendering.bounded(rendering.unit(line, path), 3, f"{path}.quantity.unit")
    place = rendering.location(line.deliver_to, line.facility or document.facility)
    storage = line.inventory_location or document.inventory_location
    base = {
        "PurchaseOrder": item[0],
        "PurchaseOrderItem": item[1],
        "GoodsMovementType": movement,
        "GoodsMovementRefDocType": "B",  # a purchase order
        "EntryUnit": unit,
        "Plant": place or defaults.plant,
        "StorageLocation": storage
        if storage is not None and len(storage) <= 4
        else defaults.storage_location,
        "IsCompletelyDelivered": line.is_final,
    }
    lots = _lots(line)
    if len(lots) < 2:
        row = {
            "QuantityInEntryUnit": rendering.quantity(line, path, *QUANTITY),
            **_lot(lots[:1], path, rendering),
        }
        return [without_nothing(base | row)]
    _check_lots(lots, counted, path, rendering)
    return [
        without_nothing(
            base | {"QuantityInEntryUnit": _of(each, path, rendering), **_lot([each], path, rendering)}
        )
        for each in lots
    ]


def rows_of(line: GoodsReceiptLine) -> int:
    """Give how many rows a line becomes."""
    return max(1, len(_lots(line)))


def _lots(line: GoodsReceiptLine) -> list[Lot]:
    return [each for each in line.lots if each.lot is not None or each.expires is not None]


def _lot(lots: Sequence[Lot], path: str, rendering: Rendering) -> dict[str, Any]:
    if not lots:
        return {}
    lot = lots[0]
    batch = rendering.bounded(lot.lot, 10, f"{path}.lots") if lot.lot is not None else None
    return {"Batch": batch, "ShelfLifeExpirationDate": lot.expires}


def _of(lot: Lot, path: str, rendering: Rendering) -> Any:
    if lot.quantity is None:
        return rendering.required(None, "the quantity of each lot", f"{path}.lots")
    return rendering.number(lot.quantity.value, *QUANTITY, f"{path}.lots")


def _check_lots(lots: Sequence[Lot], counted: Quantity | None, path: str, rendering: Rendering) -> None:
    known = [each.quantity for each in lots if each.quantity is not None]
    if counted is None or len(known) != len(lots):
        return
    if sum(each.value for each in known) != counted.value or any(
        each.unit not in (None, counted.unit) for each in known
    ):
        text = "the lots do not add up to the line's quantity in its unit"
        rendering.problem("ERP-LOTS", text, f"{path}.lots")


def _hits(answer: Answer, reference: str, body: Mapping[str, Any]) -> Sequence[Hit] | str:
    ours = found_by(v2_rows(answer.fields), REFERENCE, reference)
    if isinstance(ours, str):
        return ours
    return [Hit(_number(each), {"d": each}, tuple(_differences(body, each))) for each in ours]


def _differences(body: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Compare the quantities by order item and batch; nothing where SAP shows no items."""
    listed = theirs.get(ITEMS)
    shown = listed.get("results") if isinstance(listed, Mapping) else None
    if not isinstance(shown, list):
        return []
    mine, other = _sums(body[ITEMS]), _sums(shown)
    return [
        f"{order} item {item}"
        for order, item, batch in mine.keys() | other.keys()
        if mine.get((order, item, batch)) != other.get((order, item, batch))
    ]


def _sums(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], Any]:
    sums: dict[tuple[str, str, str], Any] = {}
    for row in rows:
        key = (
            str(row.get("PurchaseOrder") or ""),
            without_zeros(row.get("PurchaseOrderItem")),
            str(row.get("Batch") or ""),
        )
        try:
            sums[key] = sums.get(key, 0) + decimal_of(row.get("QuantityInEntryUnit"))
        except ODataValueError:
            sums[key] = None
    return sums


def _number(entity: Mapping[str, Any]) -> str:
    """Give a material document's number with its year: SAP's numbers begin anew each year."""
    number, year = str(entity.get("MaterialDocument") or ""), str(entity.get("MaterialDocumentYear") or "")
    return f"{number}/{year}" if number and year else number
