"""An order that a buyer of Mercy North enters in Oracle Fusion itself; the ERP's event tells of it.

The event only names the order: the gateway reads it from the ERP's API, and the supplier gets it as an 850.
"""

from __future__ import annotations

import json
from pathlib import Path

from simulators.cloud_erp.base.erp import SimulatedErp
from simulators.edi_x12.documents import END
from simulators.scenario import Checked, Ending, Ground, Sent, ends

NUMBER = "US990001"
QUANTITY = 6
SUPPLIERS_FOLDER = "acme/north"


def entered(pod: SimulatedErp) -> None:
    """Put the order into the pod, as its own pages do."""
    line = {
        "LineNumber": 1,
        "LineType": "Goods",
        "Item": "100217",
        "SupplierItem": "ACM-100217",
        "Description": "EXAM GLOVES NITRILE MEDIUM",
        "Quantity": QUANTITY,
        "UOM": "BX",
        "Price": 18,
        "schedules": [{"ScheduleNumber": 1, "Quantity": QUANTITY, "RequestedDeliveryDate": "2026-12-04"}],
    }
    fields = {
        "_id": "entered-by-hand",
        "POHeaderId": 300_199_001,
        "OrderNumber": NUMBER,
        "StatusCode": "OPEN",
        "Status": "Open",
        "ProcurementBU": "Mercy North",
        "Supplier": "ACME Medical Supply",
        "Currency": "USD",
        "CreationDate": "2026-11-27",
        "Description": "Gloves for the new ward",
        "lines": [line],
    }
    pod.documents.create("orders", "entered-by-hand", fields, number=NUMBER)


async def told(ground: Ground) -> None:
    """Let the ERP tell of the order; what is read because of that is a message of its own."""
    ground.tell("event: Oracle Fusion tells of an order that a buyer entered there; the supplier gets an 850")
    event = {"eventId": "o-1", "eventName": "poApproved", "OrderNumber": NUMBER}
    await ground.post(
        "/events/fusion", json.dumps(event).encode(), client="north-erp",
        headers={"Content-Type": "application/json"}, route="events.north",
        label=f"Oracle Fusion's event about {NUMBER}", ending=Ending(ends("fusion"), status=200),
    )  # fmt: skip
    read = Ending(ends("acme-north"))
    ground.sent.append(
        Sent(f"{NUMBER} as read from Fusion", "ERP", "po.north-own", "read from fusion", b"", read)
    )


def checked(folder: Path) -> Checked:
    """Look into the supplier's folder."""
    files = sorted((folder / "var" / SUPPLIERS_FOLDER).glob("*.edi"))
    segments = [each for file in files for each in file.read_text("utf-8").replace("!", END).split(END)]
    orders = [each.split("*") for each in segments if each.startswith("BEG*")]
    lines = [each.split("*") for each in segments if each.startswith("PO1*")]
    is_there = [each[3] for each in orders] == [NUMBER] and [each[2] for each in lines] == [str(QUANTITY)]
    text = f"the supplier got one 850 of order {NUMBER}, which was entered in Oracle Fusion itself"
    return Checked(text, is_there, f"{orders} {lines}")
