"""A WSDL that changed on disk comes into force by a reload; a broken one leaves the old one serving."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from adapters.soap.wsdl_loader import read_again, version_of, wsdl_of
from simulators.cloud_erp import CloudErp
from simulators.soap_mms import LegacyClient, Settings, SoapMms
from simulators.soap_mms.client import purchase_order
from tests.adapters.soap.client_rig import FIXTURES, HEADER, SERVICE, document
from tests.adapters.soap.test_moved_orders import _address, _until, post
from tests.lifecycles.test_convert_killed import Gateway

LONG = "PO-" + "7" * 25  # longer than the sample schema's DocumentNumber allows
ROUTES = """\
version: 1
gateway: {{environment: test, organisation: HB, journal: "sqlite:var/journal.db", workers: 0,
          listen: {{http: "127.0.0.1:0"}}}}
mappings:
  order_in: mappings/purchase_order.yaml
  order_out: mappings/purchase_order_out.yaml
endpoints:
  facade:
    kind: soap
    environment: test
    wsdl: wsdl/materials_management.wsdl
    serve: {{path: /services/MaterialsManagement, message_id: "soap:Header.RequestHeader.MessageId"}}
  mms:
    kind: soap
    environment: test
    wsdl: wsdl/materials_management.wsdl
    call:
      address: {mms}
      plaintext: true
      header: {header}
      operations: {{purchase_order: {{operation: SubmitPurchaseOrder, mapping: order_out, number: PONumber}}}}
  erp: {{kind: generic_rest, environment: test, base: "{erp}", plaintext: true}}
partners:
  mms: {{environment: test}}
routes:
  - id: po.soap
    from:
      endpoint: facade
      format: soap
      set: SubmitPurchaseOrder
      partner: mms
      identity: message_id
      settings:
        mapping: order_in
        replies:
          delivered: {{PONumber: "{{reference}}", Status: APPROVED}}
          pending: {{PONumber: "{{request.PurchaseOrder.PONumber}}", Status: PENDING}}
    targets: {{cloud: erp}}
    stage: cloud
    reply: {{mode: wait, within: 20s, pending: reference}}
  - id: po.json
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{legacy: mms}}
    stage: legacy
    reply: {{mode: wait, within: 20s, pending: reference}}
"""


class Run:
    """A gateway process that serves and calls one WSDL, and the systems around it."""

    def __init__(self, folder: Path, gateway: Gateway, mms: SoapMms, address: str) -> None:
        self.folder, self.gateway, self.mms, self.address = folder, gateway, mms, address
        self._sent = 0

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / "wsdl" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    async def reload(self, until: str) -> str:
        """Ask for a reload; give what the log says of it once it holds a text."""
        log = self.folder / "gateway.log"
        before = len(log.read_text())
        assert self.gateway.process is not None
        self.gateway.process.send_signal(signal.SIGHUP)
        await _until(lambda: until in log.read_text()[before:])
        return log.read_text()[before:]

    async def takes_long_numbers(self) -> bool:
        """Tell whether a request is valid here whose order has a long number."""
        self._sent += 1
        client = LegacyClient(self.address + SERVICE)
        body = client.envelope(f"m-{self._sent}", purchase_order(f"{LONG}-{self._sent}"), datetime.now(UTC))
        answer = await client.send("SubmitPurchaseOrder", body)
        assert answer.status == 200 or b"DocumentNumber" in answer.body or b"PONumber" in answer.body
        return answer.status == 200

    async def shown(self) -> bytes:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.address}{SERVICE}?xsd=common.xsd") as got,
        ):
            return await got.read()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Run]:
    shutil.copytree(FIXTURES / "wsdl", folder / "wsdl")
    shutil.copytree(FIXTURES / "mappings", folder / "mappings")
    (folder / "var").mkdir()
    async with SoapMms(Settings()) as mms, CloudErp() as erp:
        address = mms.url.replace("localhost", "127.0.0.1") + SERVICE
        (folder / "routes.yaml").write_text(ROUTES.format(mms=address, erp=erp.url, header=HEADER))
        gateway = Gateway(folder)
        await gateway.start()
        try:
            yield Run(folder, gateway, mms, await _address(folder))
        finally:
            await gateway.stop()


@pytest.mark.timeout(120)
async def test_a_changed_wsdl_comes_into_force_by_a_reload_and_a_broken_one_leaves_the_old_one_serving(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as run:
        assert not await run.takes_long_numbers()
        run.change("common.xsd", '<xs:maxLength value="22"/>', '<xs:maxLength value="40"/>')
        run.change(
            "materials_management.wsdl", '"urn:mercy-health:mms:Submit', '"urn:mercy-health:mms:v3:Submit'
        )
        assert not await run.takes_long_numbers(), "nothing is looked at before a reload"

        await run.reload("configuration.reloaded")
        assert await run.takes_long_numbers(), "the facade and the decoder judge by the new schema"
        assert b'value="40"' in await run.shown()
        await post(run.address, document("PO-8"), "k-8")
        assert run.mms.requests[-1].action == '"urn:mercy-health:mms:v3:SubmitPurchaseOrder"', (
            "the calls, too"
        )

        run.change("common.xsd", '<xs:maxLength value="40"/>', '<xs:maxLength value="30">')
        log = await run.reload("configuration.reloaded")
        assert "configuration.finding" in log
        assert "wsdl/common.xsd:" in log
        assert "what was read of it before stays in force" in log
        assert await run.takes_long_numbers()
        assert b'value="40"' in await run.shown()

        run.change("common.xsd", '<xs:maxLength value="30">', '<xs:maxLength value="22"/>')
        await run.reload("configuration.reloaded")
        assert not await run.takes_long_numbers(), "mended, and in force"


@pytest.mark.timeout(120)
async def test_a_wsdl_that_no_longer_fits_its_routes_refuses_the_reload_as_a_whole(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        run.change("common.xsd", '<xs:maxLength value="22"/>', '<xs:maxLength value="40"/>')
        run.change(
            "materials_management.wsdl", 'operation name="SubmitPurchaseOrder"', 'operation name="Order"'
        )

        log = await run.reload("configuration.refused")
        assert "SubmitPurchaseOrder" in log
        assert not await run.takes_long_numbers(), "facade and decoder go on by the old one"
        await post(run.address, document("PO-9"), "k-9")
        assert run.mms.requests[-1].action == '"urn:mercy-health:mms:SubmitPurchaseOrder"'


@pytest.fixture
def wsdl(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURES / "wsdl", tmp_path / "wsdl")
    return tmp_path / "wsdl" / "materials_management.wsdl"


def test_a_wsdl_is_read_again_only_where_a_file_of_it_has_changed(wsdl: Path) -> None:
    path = str(wsdl)
    first, version = wsdl_of(path), version_of(path)
    assert not read_again([path]).has_changed
    assert wsdl_of(path) is first

    (wsdl.parent / "common.xsd").write_text((wsdl.parent / "common.xsd").read_text() + "<!-- touched -->")
    reread = read_again([path])
    assert (reread.has_changed, reread.findings) == (True, ())
    assert version_of(path) != version

    reread.undo()
    assert (wsdl_of(path) is first, version_of(path)) == (True, version)


BREAKS: dict[str, Callable[[Path], object]] = {
    "not well-formed": lambda wsdl: wsdl.write_text("<wsdl:definitions"),
    "gone": lambda wsdl: wsdl.unlink(),
    "a schema that is gone": lambda wsdl: (wsdl.parent / "common.xsd").unlink(),
    "schemas that do not compile": lambda wsdl: (wsdl.parent / "common.xsd").write_text(
        (wsdl.parent / "common.xsd").read_text().replace('base="xs:token"', 'base="xs:tokens"')
    ),
    "no operation": lambda wsdl: wsdl.write_text(
        '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:x"/>'
    ),
}


@pytest.mark.parametrize("how", BREAKS)
def test_whatever_is_broken_about_it_the_old_one_stays_and_a_finding_says_where(wsdl: Path, how: str) -> None:
    path = str(wsdl)
    first = wsdl_of(path)
    BREAKS[how](wsdl)

    reread = read_again([path])

    assert not reread.has_changed
    assert reread.findings
    assert all("stays in force" in each.text for each in reread.findings)
    assert all(str(wsdl.parent) in each.at.source for each in reread.findings)
    assert wsdl_of(path) is first


def test_a_wsdl_that_nobody_names_any_more_is_forgotten_and_not_told_of(wsdl: Path) -> None:
    path = str(wsdl)
    first = wsdl_of(path)
    wsdl.write_text("<broken")

    assert read_again([]).findings == ()
    shutil.copy(FIXTURES / "wsdl" / wsdl.name, wsdl)
    assert wsdl_of(path) is not first


async def test_a_reload_does_not_stop_the_loop_while_a_wsdl_is_read(wsdl: Path) -> None:
    path = str(wsdl)
    wsdl_of(path)
    wsdl.write_text(wsdl.read_text() + "<!-- touched -->")
    turns = 0
    reading = asyncio.create_task(asyncio.to_thread(read_again, [path]))
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1

    assert (await reading).has_changed
    assert turns > 1
