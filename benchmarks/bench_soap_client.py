"""A canonical order of 50 lines to the bytes of a SOAP request, mapping included, against bare zeep.

zeep is given its own ready record and writes the envelope; ours begins with the canonical document. CPU
time, medians of paired runs in one process.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree
from zeep import Client as ZeepClient

from adapters.base import Library, SourceText
from adapters.soap.call_settings import Call
from adapters.soap.client import HeaderFacts
from adapters.soap.compiling import compile_client
from adapters.soap.wsdl_loader import wsdl_of
from benchmarks.table import Row
from canonical.document import CanonicalDocument
from canonical.registry import parse_document

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "soap"
WSDL = FIXTURES / "wsdl" / "materials_management.wsdl"
LINES = 50
PAIRS = 7
REPEATS = 10
BAR = 4.0
AT = datetime(2026, 11, 20, tzinfo=UTC)


def run() -> list[Row]:
    """Measure the row."""
    ours, theirs = _ours(), _theirs()
    ratios, times = [], []
    for _ in range(PAIRS):
        before, own, after = _seconds(theirs), _seconds(ours), _seconds(theirs)
        ratios.append((before + after) / 2 / own)
        times.append(own)
    ratio = statistics.median(ratios)
    figure = f"{1 / statistics.median(times):,.0f}/s"
    name = "SOAP client: a 50-line order to a request"
    return [Row(name, figure, ratio, f">= {BAR:g} x zeep", ratio >= BAR)]


def _ours() -> Callable[[], bytes]:
    call = Call.model_validate(
        {
            "address": "https://mms.example/x",
            "header": {"RequestHeader": {"MessageId": "{reference}", "SenderId": "B", "CreatedAt": "{at}"}},
            "operations": {"purchase_order": {"operation": "SubmitPurchaseOrder", "mapping": "out"}},
        }
    )
    text = (FIXTURES / "mappings" / "purchase_order_out.yaml").read_text()
    client = compile_client(
        "mms", call, wsdl_of(str(WSDL)), Library({"out": SourceText("purchase_order_out.yaml", text)})
    )
    plan, document = client.submissions["purchase_order"].plan, _document()
    facts = HeaderFacts("REFERENCE", AT, "key", "order", "c-1", is_test=True)
    return lambda: plan.write(document, facts, "benchmark")


def _theirs() -> Callable[[], bytes]:
    client = ZeepClient(str(WSDL))
    service: Any = client.bind("MaterialsManagement", "Soap11")
    order, header = _zeep_order(), {"MessageId": "REFERENCE", "SenderId": "B", "CreatedAt": AT}

    def write() -> bytes:
        message = client.create_message(
            service, "SubmitPurchaseOrder", PurchaseOrder=order, _soapheaders={"header": header}
        )
        return etree.tostring(message, xml_declaration=True, encoding="UTF-8")

    return write


def _document() -> CanonicalDocument:
    line = {
        "item_ids": [{"scheme": "vendor", "value": "8881-2210"}, {"scheme": "buyer", "value": "100245"}],
        "description": "Syringe, 10 mL, luer lock",
        "quantity": {"value": "12", "unit": "BX"},
        "price": {"amount": "18.50", "currency": "USD"},
        "requested": {"date": "2026-11-26"},
        "distributions": [
            {"cost_center": "7310", "account": "614000", "percent": "60"},
            {"cost_center": "7320", "account": "614000", "percent": "40"},
        ],
    }
    return parse_document(
        {
            "document_type": "purchase_order",
            "number": "4500017",
            "order_type": "rush",
            "order_date": {"date": "2026-11-20"},
            "seller": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "V-1042"}]},
            "ship_to": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "DOCK-04"}]},
            "lines": [line | {"sequence": each, "line_id": str(each)} for each in range(1, LINES + 1)],
            "totals": {"amount": {"amount": "11100.00", "currency": "USD"}},
        }
    )


def _zeep_order() -> dict[str, Any]:
    accounting = [
        {"CostCenter": "7310", "Account": "614000", "percent": "60"},
        {"CostCenter": "7320", "Account": "614000", "percent": "40"},
    ]
    lines = [
        {
            "LineNumber": each,
            "Item": {
                "VendorCatalog": "8881-2210",
                "BuyerItem": "100245",
                "Description": "Syringe, 10 mL, luer lock",
            },
            "Quantity": {"_value_1": "12", "uom": "BX"},
            "UnitPrice": {"_value_1": "18.50", "currency": "USD"},
            "NeedBy": "2026-11-26",
            "Accounting": accounting,
        }
        for each in range(1, LINES + 1)
    ]
    return {
        "type": "RUSH",
        "PONumber": "4500017",
        "OrderDate": "2026-11-20",
        "VendorId": "V-1042",
        "ShipTo": {"LocationCode": "DOCK-04"},
        "Line": lines,
        "Total": {"_value_1": "11100.00", "currency": "USD"},
    }


def _seconds(work: Callable[[], bytes]) -> float:
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        for _ in range(REPEATS):
            work()
        return (time.process_time() - begun) / REPEATS
    finally:
        gc.enable()
