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
from tests.gateway.support import Certificates

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
