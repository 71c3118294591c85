"""What to ask an ERP about itself, for the documents that routes send there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from gateway.erp.drift.shapes import Shapes, described_shapes, edmx_shapes
from gateway.erp.drift.uses import DYNAMICS, ORACLE, SAP_V2, SAP_V4, EntityUse
from gateway.erp.settings import HttpSettings


@dataclass(frozen=True, slots=True)
class Question:
    """One description to fetch, and which entities are looked for in it."""

    address: str
    uses: Mapping[str, EntityUse]
    read: Callable[[bytes], Shapes]
    accept: str = "application/xml"


def questions(kind: str, settings: HttpSettings, documents: Collection[str]) -> list[Question]:
    """Give the questions for an endpoint; none for a kind that publishes nothing about itself."""
    match kind:
        case "dynamics365":
            used = _needed(DYNAMICS, _dynamics(settings, documents))
            return [_edmx("data/$metadata", used)] if used else []
        case "sap_s4hana":
            orders = getattr(settings, "order_service", "")
            v2 = getattr(settings, "v2_services", "")
            asked = [(f"{orders}/$metadata", SAP_V4)]
            asked += [(f"{v2}/{service}/$metadata", entities) for service, entities in SAP_V2.items()]
            found = [(address, _needed(entities, documents)) for address, entities in asked]
            return [_edmx(address, used) for address, used in found if used]
        case "oracle_fusion":
            root = f"fscmRestApi/resources/{getattr(settings, 'release', '')}"
            asked = [(f"{root}/{resource}/describe", entities) for resource, entities in ORACLE.items()]
            found = [(address, _needed(entities, documents)) for address, entities in asked]
            return [Question(at, used, described_shapes, "application/json") for at, used in found if used]
    return []


def _edmx(address: str, used: Mapping[str, EntityUse]) -> Question:
    names = tuple(used)
    return Question(address, used, lambda body: edmx_shapes(body, names))


def _needed(entities: Mapping[str, EntityUse], documents: Collection[str]) -> dict[str, EntityUse]:
    return {name: use for name, use in entities.items() if not documents or use.documents & set(documents)}


def _dynamics(settings: HttpSettings, documents: Collection[str]) -> set[str]:
    """Name a receipt by its way of posting, and leave out responses that are not written."""
    every = {document for use in DYNAMICS.values() for document in use.documents}
    wanted = set(documents) or {each.partition(".")[0] for each in every}
    strategy = getattr(getattr(settings, "receipts", None), "strategy", "person")
    if "goods_receipt" in wanted:
        wanted.add(f"goods_receipt.{strategy}")
    return wanted
