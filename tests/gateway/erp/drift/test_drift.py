"""Drift: what an ERP publishes against what its connector uses, and the command that tells it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.base import NoReply, Reply, Request, Sink
from canonical.registry import read_json
from gateway.cli import main
from gateway.erp.drift.compare import changes, differences
from gateway.erp.drift.shapes import FieldShape, ShapeError, described_shapes, edmx_shapes
from gateway.erp.drift.uses import DYNAMICS, ORACLE, SAP_V2, SAP_V4, EntityUse
from gateway.journal.memory import MemoryJournal
from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.dynamics365 import Dynamics365
from simulators.cloud_erp.dynamics365.erp import FIELD_RULES, SETS
from simulators.cloud_erp.dynamics365.metadata import metadata
from simulators.cloud_erp.oracle_fusion import OracleFusion
from simulators.cloud_erp.sap_s4hana import SapS4Hana
from tests.gateway.erp.bench import Bench, ElasticClock
from tests.gateway.erp.erps import ERPS, ErpUnderTest
from tests.gateway.erp.paper import answer, cancellation, change, order

REFERENCE = '"VendorOrderReference"'
LONG, SHORT = 'Type="Edm.String" MaxLength="60"', 'Type="Edm.String" MaxLength="20"'
KEYS = {name: each.keys for name, each in SETS.items()}


def published(change: Callable[[str], str] = str) -> bytes:
    return change(metadata(FIELD_RULES.entities, KEYS)).encode()


def told(change: Callable[[str], str]) -> list[tuple[str, str]]:
    shapes = edmx_shapes(published(change), tuple(DYNAMICS))
    return [(each.code, each.at.path) for each in differences("d365", DYNAMICS, shapes)]


def test_a_tenant_as_it_was_differs_in_nothing() -> None:
    assert told(str) == []


@pytest.mark.parametrize(
    "change, expected",
    [
        (
            lambda text: re.sub(r'<Property Name="VendorOrderReference"[^>]*/>', "", text, count=1),
            ("ERP-DRIFT-MISSING", "PurchaseOrderHeadersV2/VendorOrderReference"),
        ),
        (
            lambda text: text.replace(f'{REFERENCE} Type="Edm.String"', f'{REFERENCE} Type="Edm.Int32"', 1),
            ("ERP-DRIFT-TYPE", "PurchaseOrderHeadersV2/VendorOrderReference"),
        ),
        (
            lambda text: text.replace(f"{REFERENCE} {LONG}", f"{REFERENCE} {SHORT}", 1),
            ("ERP-DRIFT-LENGTH", "PurchaseOrderHeadersV2/VendorOrderReference"),
        ),
        (
            lambda text: text.replace('<Member Name="AcceptedWithChanges" Value="2"/>', "", 1),
            ("ERP-DRIFT-MEMBER", "PurchaseOrderResponseHeaders/ResponseStatus"),
        ),
        (
            lambda text: text.replace('<EntitySet Name="VendorsV2"', '<EntitySet Name="VendorsV3"'),
            ("ERP-DRIFT-ENTITY", "VendorsV2"),
        ),
    ],
)  # fmt: skip
def test_what_is_gone_shorter_or_of_another_type_is_told_with_its_place(
    change: Callable[[str], str], expected: tuple[str, str]
) -> None:
    assert told(change) == [expected]


def test_only_the_entities_asked_about_are_parsed_however_large_the_description() -> None:
    other = '<EntityType Name="Other"><Property Name="A" Type="Edm.String"/></EntityType>'
    body = published(lambda text: text.replace("<EntityType ", other * 50_000 + "<EntityType ", 1))
    shapes = edmx_shapes(body, ("VendorsV2",))

    assert set(shapes) == {"VendorsV2"}
    assert shapes["VendorsV2"]["VendorAccountNumber"] == FieldShape("text", 20, is_required=True)


@pytest.mark.parametrize("body", [b"", b"<html>sign in</html>", b"{}", b"<a"])
def test_what_is_no_description_is_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(ShapeError):
        edmx_shapes(body, ("PurchaseOrder",))
    with pytest.raises(ValueError, match=r".+"):
        described_shapes(body)


def test_a_new_required_field_and_a_changed_length_are_told_against_an_earlier_look() -> None:
    before = {"E": {"A": FieldShape("text", 20), "B": FieldShape("date")}}
    after = {"E": {"A": FieldShape("text", 10), "C": FieldShape("text", None, is_required=True)}}

    assert [(each.at.path, each.text) for each in changes("x", before, after)] == [
        ("E/A", "was a text of 20 characters, is a text of 10 characters"),
        ("E/B", "is gone since"),
        ("E/C", "is new since, and must be given"),
    ]


# --- the lists of what is used hold what is really written ---------------------------------------------


class Recording(Sink):
    """A sink that keeps the bodies which pass it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.bodies: list[tuple[str, Any]] = []

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if request.body.startswith(b"{"):
            self.bodies.append((request.address, read_json(request.body)))
        return await self._sink.send(request, still_mine=still_mine)

    async def close(self) -> None:
        await self._sink.close()


USED: dict[str, dict[str, EntityUse]] = {
    "dynamics365": dict(DYNAMICS),
    "sap_s4hana": {**SAP_V4, **{name: use for each in SAP_V2.values() for name, use in each.items()}},
    "oracle_fusion": {name: use for each in ORACLE.values() for name, use in each.items()},
}
NESTED = {
    "_PurchaseOrderItem": "PurchaseOrderItem",
    "_PurchaseOrderScheduleLineTP": "PurchaseOrderScheduleLine",
}
OF_ITS_OWN = {"DFF"}  # a customer's own flexfield is the customer's to keep


def written(entity: str, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            below = NESTED.get(name, f"{entity}/{name}")
            for each in value:
                yield from written(below, each)
        elif not isinstance(value, dict):
            yield entity, name


def answered(line_id: str, quantity: str) -> dict[str, Any]:
    said = {"value": quantity, "unit": "EA"}
    return {"line_id": line_id, "status": "accepted", "quantity": said, "accepted": said}


@pytest.mark.parametrize("erp", ERPS, ids=lambda each: each.kind)
async def test_every_field_that_a_connector_writes_is_in_the_list_of_its_uses(erp: ErpUnderTest) -> None:
    clock = ElasticClock()
    async with Bench(erp, MemoryJournal(clock=clock), clock) as bench:
        recording = Recording(bench.sink)
        accepted = answer("PO-1", answered("0010", "10"), answered("0020", "15"))
        for document in (order(), change(), accepted, cancellation()):
            await bench.finish(await bench.plan(document), recording)
    used = USED[erp.kind]
    found = {
        pair
        for address, body in recording.bodies
        if "/action/" not in address
        for pair in written(address.partition("?")[0].rpartition("/")[2].partition("(")[0], body)
    }
    lacking = [(entity, name) for entity, name in found if entity in used and name not in used[entity].fields]

    assert len(found) > 10, "the documents were really sent"
    assert lacking == []


# --- the command --------------------------------------------------------------------------------------

ROUTES = """\
version: 1
gateway: {{environment: test, organisation: mercy, journal: "memory:", listen: {{http: 127.0.0.1:8080}}}}
endpoints:
  erp: {{kind: {kind}, environment: test, base: "{url}", plaintext: true{more}}}
routes:
  - id: po
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{cloud: erp}}
    stage: cloud
"""
MORE = {
    "dynamics365": ", defaults: {company: usmf}",
    "sap_s4hana": "",
    "oracle_fusion": ", defaults: {procurement_bu: H BU}",
}


def configured(folder: Path, kind: str, url: str) -> Path:
    path = folder / "routes.yaml"
    path.write_text(ROUTES.format(kind=kind, url=url, more=MORE[kind]))
    return path


async def checked(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["erp", "check", *arguments])


@pytest.mark.parametrize("make", [Dynamics365, SapS4Hana, OracleFusion], ids=lambda each: each.title)
async def test_a_simulated_erp_is_good_and_what_it_lost_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], make: Any
) -> None:
    erp = make()
    async with erp:
        kind = {"dynamics365": "dynamics365", "oracle_fusion": "oracle_fusion"}.get(erp.title, "sap_s4hana")
        path = configured(tmp_path, kind, erp.url)
        good = await checked("erp", "-c", str(path), "--save", str(tmp_path / "kept.json"))
        out = capfd.readouterr().out
        again = await checked("erp", "-c", str(path), "--against", str(tmp_path / "kept.json"), "--json")
        report = json.loads(capfd.readouterr().out)

    assert (good, again) == (0, 0), out
    assert "in use, 0 differ" in out
    assert report["is_good"]
    assert report["findings"] == []


async def test_a_field_that_a_tenant_lost_is_told_and_ends_with_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    erp = SapS4Hana()
    async with erp:
        path = configured(tmp_path, "sap_s4hana", erp.url)
        erp.missing_fields = frozenset({"PurchaseOrder/CorrespncInternalReference"})
        code = await checked("erp", "-c", str(path))
    said = capfd.readouterr()

    assert code == 1
    assert "PurchaseOrder/CorrespncInternalReference" in said.err
    assert "ERP-DRIFT-MISSING" in said.err
    assert "1 difference or refusal" in said.out


async def test_refused_credentials_are_told_as_such(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_SECRET", "wrong")
    erp = Dynamics365(Behaviour(access=AccessRules(clients={"bridge": "right"})))
    async with erp:
        path = configured(tmp_path, "dynamics365", erp.url)
        oauth2 = f"oauth2: {{token_url: {erp.url}/oauth2/v1/token, plaintext: true, client_id: bridge"
        declared = f"plaintext: true, {oauth2}, client_secret: env:ERP_SECRET}},"
        path.write_text(path.read_text().replace("plaintext: true,", declared, 1))
        code = await checked("erp", "-c", str(path))
    said = capfd.readouterr()

    assert code == 1
    assert "ERP-CREDENTIALS" in said.err
    assert "refused" in said.out


async def test_an_erp_that_is_down_is_told_and_another_kind_of_endpoint_is_no_erp(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, "dynamics365", "http://127.0.0.1:9")
    code = await checked("erp", "-c", str(path))
    said = capfd.readouterr()
    unknown = await checked("nothing", "-c", str(path))

    assert code == 1
    assert "ERP-UNREACHABLE" in said.err
    assert unknown == 2
