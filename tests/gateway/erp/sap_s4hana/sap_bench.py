"""What tests of the SAP connector share: a bench with the simulated tenant's ledger at hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from canonical.document import CanonicalDocument
from canonical.registry import parse_document
from gateway.journal.types import DeliveryState, DeliveryView
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.sap_s4hana import SapS4Hana, Tenant
from simulators.cloud_erp.sap_s4hana.orders import ITEMS
from simulators.faults import Fault
from tests.gateway.erp.bench import Bench
from tests.gateway.erp.erps import Sap

DONE, PARKED = DeliveryState.DONE, DeliveryState.PARKED


class SapBench(Bench):
    """A bench with SAP's ledger at hand. `settings` are the connector's, `tenant` is SAP's."""

    @property
    def sap(self) -> SapS4Hana:
        assert isinstance(self.simulator, SapS4Hana)
        return self.simulator

    def ledger(self, kind: str = "purchase_order") -> list[str]:
        return [each.event for each in self.sap.documents.entries(kind)]

    def items(self) -> list[dict[str, Any]]:
        (number,) = self.sap.documents.keys("purchase_order")
        items: list[dict[str, Any]] = self.sap.document("purchase_order", number)[ITEMS]
        return items

    def fail(self, *faults: Fault) -> None:
        self.script.replace(faults)


class SapWith(Sap):
    """SAP as a tenant that a test sets up."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def simulator(self, behaviour: Behaviour, faults, tls, clock) -> SapS4Hana:
        return SapS4Hana(behaviour, faults, tls, clock=clock, tenant=self._tenant)


Make = Callable[..., Awaitable[SapBench]]


def codes(view: DeliveryView) -> list[str]:
    return [each.code for each in view.findings]


def document(**fields: Any) -> CanonicalDocument:
    return parse_document(fields)
