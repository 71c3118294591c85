"""A SOAP endpoint that is called, built as the gateway builds it: mappings, the one HTTP sink."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from canonical.registry import parse_document, to_json
from gateway.config import Configuration, load
from gateway.destination import Destination
from gateway.destinations import Destinations
from gateway.security.secrets import SecretStore
from simulators.soap_mms import SoapMms
from tests.gateway.support import Course, RealClock, SeededRng, delivery

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "soap"
SERVICE = "/services/MaterialsManagement"

TEXT = """\
version: 1
gateway: {{environment: test, organisation: mercy, journal: "memory:", listen: {{http: 127.0.0.1:8080}}}}
mappings:
  order_out: mappings/purchase_order_out.yaml
  order_status: mappings/purchase_order_status.yaml
  budget_out: mappings/check_budget_out.yaml
  order_read: mappings/order_read.yaml
  order_close: mappings/order_close.yaml
endpoints:
  mms:
    kind: soap
    environment: test
    wsdl: {wsdl}/materials_management.wsdl
    call:
      address: {address}
      faults:
        {{code: Code, text: Message, retryable: Retryable, lines: LineError, busy: [SYSTEM_BUSY],
         duplicate: [DUPLICATE], missing: [NOT_FOUND]}}
      operations:
        purchase_order:
          operation: SubmitPurchaseOrder
          mapping: order_out
          number: PONumber
          {look_up}
        budget_check: {{operation: CheckBudget, mapping: budget_out}}
{more}
routes:
  - {{id: {route}}}
"""
ROUTE = "po, from: {http: true, document: purchase_order}, targets: {cloud: mms}, stage: cloud"
HEADER = """{RequestHeader: {MessageId: "{reference}", SenderId: BRIDGE, CreatedAt: "{at}",
                               TestIndicator: "{is_test}"}}"""
LOOK_UP = """look_up: {operation: GetPurchaseOrderStatus, mapping: order_status, number: PONumber,
                    waits: [0s], quiet: 0s}"""


ORDERS = """{read: {operation: GetPurchaseOrderStatus, mapping: order_read},
               close: {operation: ClosePurchaseOrder, mapping: order_close, already: [ALREADY_CLOSED]},
               number: PONumber, state: Status, closed: [CLOSED], lines: LineStatus, quantity: Ordered.value,
               unit: Ordered.@uom, received: Received.value, invoiced: Invoiced.value}"""


def configuration(
    address: str, *, look_up: str = LOOK_UP, more: str = "", route: str = ROUTE, **call: Any
) -> Configuration:
    """Give a configuration with one endpoint; `call` adds keys to `call:` (as YAML text)."""
    given = {"header": HEADER, "queries": "[CheckBudget, GetPurchaseOrderStatus, ValidateSupplier]"}
    if address.startswith("http:"):
        given |= {"plaintext": "true", "timeout": "5s"}
    values = given | call
    lines = "\n".join(f"      {key}: {value}" for key, value in values.items())
    text = TEXT.format(
        wsdl=FIXTURES / "wsdl",
        address=address,
        look_up=look_up,
        route=route,
        more=f"{lines}\n{more}".rstrip(),
    )
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(FIXTURES / "mappings", Path(folder) / "mappings")
        file = Path(folder) / "routes.yaml"
        file.write_text(text)
        made = load(file)
    assert isinstance(made, Configuration), "\n".join(map(str, made))
    return made


class Called:
    """One endpoint as the gateway delivers to it. Close it with `close()`."""

    def __init__(self, mms: SoapMms | str, *, clock: Any = None, **settings: Any) -> None:
        address = mms if isinstance(mms, str) else mms.url.replace("localhost", "127.0.0.1") + SERVICE
        self.clock = clock or RealClock()
        self._destinations = Destinations(self.clock, SeededRng(), SecretStore(Path()))
        self._destinations.take_over(self._destinations.prepared(configuration(address, **settings)))

    @property
    def destination(self) -> Destination:
        return self._destinations()["mms"]

    def course(self, **order: Any) -> Course:
        """Give the course of one order through target and sink."""
        canonical = to_json(parse_document(document(**order)))
        made = delivery(canonical=canonical, target="mms")
        return Course(self.destination.target, self.destination.sink, made, self.clock)

    def course_of_close(self, canonical: bytes) -> Course:
        """Give the course of an order change, or an order, by which an order is closed."""
        made = delivery(canonical=canonical, target="mms", role="close")
        return Course(self.destination.target, self.destination.sink, made, self.clock)

    def course_of_bytes(self, body: bytes, **changes: Any) -> Course:
        made = delivery(canonical=None, body=body, target="mms", **changes)
        return Course(self.destination.target, self.destination.sink, made, self.clock)

    async def close(self) -> None:
        await self._destinations.close()


def document(
    number: str = "PO-1001", vendor: str = "V-1042", item: str = "8881-2210", **changes: Any
) -> dict:
    """Give a canonical order of one line that fills what the WSDL requires."""
    return {
        "document_type": "purchase_order",
        "number": number,
        "order_type": "rush",
        "order_date": {"date": "2026-11-20"},
        "seller": {"identifiers": [{"scheme": "assigned_by_buyer", "value": vendor}]},
        "ship_to": {"identifiers": [{"scheme": "assigned_by_buyer", "value": "DOCK-04"}]},
        "lines": [
            {
                "sequence": 1,
                "line_id": "1",
                "item_ids": [{"scheme": "vendor", "value": item}],
                "quantity": {"value": "12", "unit": "BX"},
                "price": {"amount": "18.50", "currency": "USD"},
                "distributions": [{"cost_center": "7310", "account": "614000", "percent": "100"}],
            }
        ],
        "totals": {"amount": {"amount": "222.00", "currency": "USD"}},
    } | changes
