"""A requisition: validated first, where the endpoint says so, then created once. Pure.

SAP's validation (`PurReqnDoOnlyValidation`) stores nothing; it is the nearest to a dry run that the API
has. A budget check it has none: the answer is NOT_SUPPORTED, which is no pass.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Alias, Delivery, Finished
from canonical.requisition import Requisition, RequisitionLine
from gateway.erp.connector.aliases import ErpLine, order_aliases
from gateway.erp.connector.comparing import differing
from gateway.erp.connector.references import reference_for
from gateway.erp.connector.rendering import Rendering, without_nothing
from gateway.erp.connector.series import Answer, Ask, Hit, LookUp, Read, Series, Write
from gateway.erp.odata.literals import Version, equals
from gateway.erp.sap_s4hana.order_body import QUANTITY, item_number
from gateway.erp.sap_s4hana.order_texts import left_out
from gateway.erp.sap_s4hana.prices import sap_price
from gateway.erp.sap_s4hana.services import REQUISITIONS, found_by, v2_entity, v2_rows, without_zeros
from gateway.erp.sap_s4hana.settings import SapDefaults, SapSettings

if TYPE_CHECKING:
    from gateway.erp.sap_s4hana.connector import SapS4Hana

HEADER_SET, ITEM_SET = "A_PurchaseRequisitionHeader", "A_PurchaseRequisitionItem"
REFERENCE = "PurReqnExternalReference"
REFERENCE_LENGTH = 26  # of 35 that the field holds: the whole reference
COMPARED = ("Material", "RequestedQuantity", "BaseUnit", "PurchaseRequisitionPrice", "Plant")


def requisition(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Create a requisition, once."""
    document = delivery.document
    assert isinstance(document, Requisition)  # noqa: S101 - the kind says so
    reference = reference_for(delivery, REFERENCE_LENGTH)
    body = connector.rendered(
        delivery, lambda r, d: requisition_body(document, reference, r, connector.settings, d)
    )
    if connector.settings.validate_requisitions:
        yield from _validated(connector, body)
    condition = equals(REFERENCE, reference, Version.V2)
    look_up = LookUp(
        # Rows are items: enough of them to show a second requisition.
        connector.services.v2_found(REQUISITIONS, ITEM_SET, condition, top=2 * len(document.lines) + 1),
        lambda answer: _hits(answer, reference, body),
    )
    call = connector.services.v2_create(REQUISITIONS, HEADER_SET, lambda: body)
    created = yield Write("create_requisition", call, look_up, looks_first=True)
    number = str(v2_entity(created.fields).get("PurchaseRequisition"))
    names = requisition_names(number, document)
    notes = connector.notes(delivery, created, Version.V2)
    return Finished(number, names, (*notes, *left_out(connector.name, document, connector.settings)))


def requisition_names(number: str, document: Requisition) -> tuple[Alias, ...]:
    """Give the names of a requisition, by which its changes find it; items by the numbers we asked for."""
    lines = [ErpLine(line.sequence, item_number(line.sequence)) for line in document.lines]
    return order_aliases(number, lines, document.lines)


def budget_check(connector: SapS4Hana, delivery: Delivery, now: datetime) -> Series:
    """Answer that SAP has no budget check of its own in these APIs."""
    yield from ()
    return Finished("NOT_SUPPORTED")


def requisition_body(
    document: Requisition, reference: str, rendering: Rendering, settings: SapSettings, defaults: SapDefaults
) -> dict[str, Any]:
    """Give the body of a deep insert."""
    if not document.lines:
        rendering.problem("ERP-MISSING", "the requisition has no lines", "lines")
    text = document.description or document.number
    items = [
        requisition_item(line, f"lines[{at}]", document, reference, rendering, settings, defaults)
        for at, line in enumerate(document.lines)
    ]
    return {
        "PurchaseRequisitionType": defaults.requisition_type,
        "PurReqnDescription": text[:40].rstrip(),
        "to_PurchaseReqnItem": items,
    }


def requisition_item(
    line: RequisitionLine,
    path: str,
    document: Requisition,
    reference: str,
    rendering: Rendering,
    settings: SapSettings,
    defaults: SapDefaults,
) -> dict[str, Any]:
    """Give one item of a requisition."""
    material, theirs = rendering.item(line), rendering.supplier_item(line)
    currency = document.currency or defaults.currency
    wanted = line.requested or document.need_by
    supplier = line.supplier or document.seller
    place = rendering.location(line.ship_to or document.ship_to, line.facility or document.facility)
    group = (
        defaults.material_group
        if material
        else rendering.required(defaults.material_group, "material_group", path)
    )
    if not line.description and not material:
        rendering.problem("ERP-MISSING", "neither an item number nor a description", path)
    fields = {
        "PurchaseRequisitionItem": item_number(line.sequence),
        "PurchaseRequisitionItemText": (line.description or "")[:40].rstrip(),
        "Material": rendering.bounded(material, 40, f"{path}.item_ids") if material else None,
        "MaterialGroup": group,
        "SupplierMaterialNumber": rendering.bounded(theirs, 35, f"{path}.item_ids") if theirs else None,
        "RequestedQuantity": rendering.quantity(line, path, *QUANTITY),
        "BaseUnit": rendering.bounded(rendering.unit(line, path), 3, f"{path}.quantity.unit"),
        **_price(line, path, currency, rendering, settings),
        "CompanyCode": rendering.required(defaults.company_code, "company_code", ""),
        "PurchasingOrganization": defaults.purchasing_organization,
        "PurchasingGroup": rendering.required(defaults.purchasing_group, "purchasing_group", ""),
        "Plant": rendering.required(place or defaults.plant, "the plant", f"{path}.ship_to"),
        "StorageLocation": defaults.storage_location,
        "DeliveryDate": wanted.date if wanted is not None else None,
        "FixedSupplier": rendering.supplier(supplier, f"{path}.supplier") if supplier is not None else None,
        REFERENCE: reference,
        # Ten characters: the requester's own number of the line, where it fits as a whole.
        "PurReqnItemExternalReference": line.line_id if line.line_id and len(line.line_id) <= 10 else None,
    }
    return without_nothing(fields)


def _price(
    line: RequisitionLine, path: str, currency: str, rendering: Rendering, settings: SapSettings
) -> dict[str, Any]:
    found = rendering.price(line, path)
    if found is None:
        return {}
    written = sap_price(*found, settings.decimals(currency), digits=12)
    if written is None:
        rendering.problem("ERP-DIGITS", "SAP has no room for all digits of the price", f"{path}.price")
        return {}
    named = rendering.required(currency, "the currency", "currency")
    return {
        "PurchaseRequisitionPrice": written[0],
        "PurReqnPriceQuantity": written[1],
        "PurReqnItemCurrency": named,
    }


def _validated(connector: SapS4Hana, body: Mapping[str, Any]) -> Generator[Ask, Answer, None]:
    """Have SAP check all of it. It stores nothing, so asking again does no harm; a refusal parks."""
    checked = {**body, "PurReqnDoOnlyValidation": True}
    yield Read("validate", connector.services.v2_create(REQUISITIONS, HEADER_SET, lambda: checked))


def _hits(answer: Answer, reference: str, body: Mapping[str, Any]) -> Sequence[Hit] | str:
    ours = found_by(v2_rows(answer.fields), REFERENCE, reference)
    if isinstance(ours, str):
        return ours
    wanted = {each["PurchaseRequisitionItem"]: each for each in body["to_PurchaseReqnItem"]}
    found: dict[str, list[str]] = {}
    for row in ours:
        number = str(row.get("PurchaseRequisition"))
        name = without_zeros(row.get("PurchaseRequisitionItem"))
        mine = wanted.get(name)
        differences = [f"item {name}"] if mine is None else differing(mine, row, COMPARED, f"item {name} ")
        found.setdefault(number, []).extend(differences)
    return [
        Hit(number, {"d": {"PurchaseRequisition": number}}, tuple(differences))
        for number, differences in found.items()
    ]
