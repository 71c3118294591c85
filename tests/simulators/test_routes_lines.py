"""What a simulated ERP prints to be pointed at: lines that `check` takes, and that let a gateway in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.commands.reachability import unreachable
from gateway.config import Configuration, load_text
from gateway.erp.generic_rest_settings import GenericRestSettings
from gateway.journal.types import DeliveryState
from gateway.serving import Served, serving
from tests.docs.pages import PROJECT
from tests.gateway.support import Certificates
from tests.gateway.test_coexistence_through import send

HEAD = "version: 1\ngateway: {environment: test, organisation: mercy}\n"
ERPS = ["dynamics365", "oracle_fusion", "sap_s4hana"]


@asynccontextmanager
async def told_by(erp: str, *options: str) -> AsyncIterator[str]:
    """Run a simulated ERP as the command does; give what it prints below `endpoints:`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "simulate", erp, *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert b"listens on" in await process.stdout.readline()
            said = (await process.stdout.readuntil(b"defaults:") + await process.stdout.readline()).decode()
        yield said[said.index("endpoints:") :]
    finally:
        process.terminate()
        await process.wait()


def loaded(folder: Path, lines: str) -> Configuration:
    configuration = load_text(HEAD + lines, folder=folder)
    assert isinstance(configuration, Configuration), configuration
    return configuration


@pytest.mark.parametrize(
    "options", [(), ("--client", "ann:s3cret"), ("--user", "ann:s3cret")], ids=["open", "client", "user"]
)
@pytest.mark.parametrize("erp", ERPS)
async def test_what_an_erp_prints_is_a_good_endpoint_and_lets_a_gateway_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, erp: str, options: tuple[str, ...]
) -> None:
    for name in ("D365_SECRET", "FUSION_SECRET", "S4_PASSWORD"):
        monkeypatch.setenv(name, "s3cret")
    async with told_by(erp, *options) as lines:
        configuration = loaded(tmp_path, lines)
        found = await unreachable(configuration)
        monkeypatch.setenv("D365_SECRET", "wrong")
        monkeypatch.setenv("FUSION_SECRET", "wrong")
        monkeypatch.setenv("S4_PASSWORD", "wrong")
        refused = await unreachable(loaded(tmp_path, lines))

    assert found == [], lines
    assert bool(refused) == bool(options), [each.text for each in refused]


ROUTE = """\
partners:
  mms: {environment: test, edi_x12: {isa: [{qualifier: ZZ, id: MERCYMMS}]}}
routes:
  - id: po
    from: {http: true, format: edi_x12, partner: mms, set: "850"}
    targets: {cloud: NAME}
    stage: cloud
    acknowledge: {type: none}
"""
BEGIN = """\
version: 1
gateway:
  {environment: test, organisation: mercy, journal: "sqlite:journal.db", workers: 0,
   listen: {http: "127.0.0.1:0"}}
"""


@pytest.mark.parametrize("erp", ERPS)
async def test_the_demo_s_850s_go_through_with_the_printed_lines_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, erp: str
) -> None:
    for name in ("D365_SECRET", "FUSION_SECRET", "S4_PASSWORD"):
        monkeypatch.setenv(name, "s3cret")
    orders = sorted((PROJECT / "fixtures" / "demo").glob("*.850"))
    assert len(orders) == 2
    async with told_by(erp) as lines:
        name = lines.splitlines()[1].strip(" :")
        (tmp_path / "routes.yaml").write_text(BEGIN + lines + ROUTE.replace("NAME", name))
        async with serving(tmp_path / "routes.yaml") as served:
            for each in orders:
                await send(served, "po", each.read_bytes())
            done = await settled(served, len(orders))

    assert [state for state, _ in done] == ["done", "done"], done


async def settled(served: Served, count: int) -> list[tuple[str, str]]:
    """Give state and reason of all deliveries once so many are there that do not go on by themselves."""
    ends = (DeliveryState.DONE, DeliveryState.PARKED)
    async with asyncio.timeout(30):
        while True:
            parked = await served.gateway.journal.exceptions()
            views = await served.gateway.journal.deliveries(limit=10)
            ended = [(each.state.value, each.reason) for each in views if each.state in ends]
            told = [str(finding) for item in parked for finding in item.findings]
            assert not told, told
            if len(ended) == count:
                return ended
            await asyncio.sleep(0.05)


async def test_what_the_order_book_prints_is_a_good_endpoint_whose_orders_can_be_read_and_closed(
    tmp_path: Path,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "simulate", "order_book", "--word", "legacy",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            said = (await process.stdout.readuntil(b"cancelled]\n")).decode()
        configuration = loaded(tmp_path, said[said.index("endpoints:") :])
        assert await unreachable(configuration) == []
    finally:
        process.terminate()
        await process.wait()

    settings = configuration.endpoints["legacy"].settings
    assert isinstance(settings, GenericRestSettings)
    assert settings.closes_orders
    assert settings.suppresses_transmission
    assert settings.orders is not None
    assert settings.orders.transmits_word == "legacy"


async def test_over_tls_only_the_files_are_to_be_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D365_SECRET", "s3cret")
    made = Certificates(tmp_path)
    own = ("--certificate", str(tmp_path / "server.pem"), "--key", str(tmp_path / "server.key"))
    mutual = ("--client-ca", str(tmp_path / "ca.pem"), "--client", "ann:s3cret")
    async with told_by("dynamics365", *own, *mutual) as lines:
        filled = lines.replace("CA.pem", "ca.pem").replace("CLIENT.", "client.")
        found = await unreachable(loaded(made.folder, filled))

    assert "plaintext" not in lines
    assert found == [], lines
