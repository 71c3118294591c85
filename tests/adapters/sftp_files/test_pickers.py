"""Several picker processes of one gateway on one partner's folder, with deaths of theirs and of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators.cloud_erp import CloudErp, Settings
from simulators.edi_x12.documents import Order, orders
from tests.adapters.sftp_files.partner import Partner
from tests.scale import scaled

COMMAND = Path(sys.executable).with_name("legacy-bridge")
ROUTES = """
version: 1
gateway: {{environment: test, organisation: mercy, journal: "sqlite:journal.db", control_socket: control.sock, workers: 0}}
endpoints:
  inbox:
    kind: sftp_files
    environment: test
    sftp: {{host: 127.0.0.1, port: {port}, user: {user}, key: "file:{key}", host_key: "{host_key}", folder: {folder}}}
    pattern: "*.850"
    ready: rename
    poll: 50ms
    lease: 2s
    pickers: 4
  erp: {{kind: generic_rest, environment: test, base: "{erp}", plaintext: true, limits: {{concurrent: 8}},
        quiet_period_s: 2, look_up_waits_s: [0.2]}}
partners: {{mms: {{environment: test}}}}
routes:
  - id: po
    from: {{endpoint: inbox, format: edi_x12, partner: mms, set: "850", identity: path_size_mtime_hash}}
    targets: {{cloud: erp}}
    stage: cloud
    acknowledge: {{type: none}}
"""  # noqa: E501

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def erp() -> AsyncIterator[CloudErp]:
    async with CloudErp(Settings()) as found:
        yield found


async def test_four_pickers_and_their_owner_may_die_and_each_file_is_in_the_erp_once(
    tmp_path: Path, partner: Partner, erp: CloudErp
) -> None:
    count = scaled(160, full=2_000)
    names = [f"{number:05}.850" for number in range(count)]

    def put(numbers: range) -> None:
        for number in numbers:
            partner.put(names[number], orders(10_000 + number, [Order(str(500_000 + number))]))

    put(range(count // 2))
    routes(tmp_path, partner, erp)
    try:
        gateway = await start(tmp_path)
        pickers = await four_pickers(gateway.pid)
        await until(lambda: len(erp.committed) > count // 10)
        os.kill(pickers[0], signal.SIGKILL)
        second = await asyncio.create_subprocess_exec(
            COMMAND, "serve", cwd=tmp_path, stderr=asyncio.subprocess.PIPE
        )
        _, words = await second.communicate()
        assert second.returncode == 2
        assert b"another" in words, words
        assert len(await four_pickers(gateway.pid, instead_of=pickers[0])) == 4

        put(range(count // 2, count))  # so that there is work left, however quick the gateway was meanwhile
        await until(lambda: len(erp.committed) > count // 2)
        gateway.kill()
        await gateway.wait()
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pickers))  # they end with it
        assert len(erp.committed) < count

        gateway = await start(tmp_path)
        await until(lambda: partner.names() == partner.names(".work") == [], within_s=60)
        await until(lambda: len(erp.committed) >= count, within_s=60)
    finally:
        gateway.terminate()
        await gateway.wait()

    assert Counter(each.order_key.rpartition("|")[2] for each in erp.committed) == Counter(
        str(500_000 + number) for number in range(count)
    )
    assert partner.names(".done") == names


def routes(folder: Path, partner: Partner, erp: CloudErp) -> None:
    server = partner.server
    text = ROUTES.format(
        port=server.port, user=server.user, key=server.client_key.path, host_key=server.host_key.public,
        folder=partner.name, erp=erp.url.replace("localhost", "127.0.0.1"),
    )  # fmt: skip
    (folder / "routes.yaml").write_text(text)


async def start(folder: Path) -> asyncio.subprocess.Process:
    with (folder / "gateway.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(COMMAND, "serve", cwd=folder, stderr=log, stdout=log)


async def four_pickers(parent: int, instead_of: int = 0) -> list[int]:
    found: list[int] = []

    def are_four() -> bool:
        found[:] = [pid for pid in children(parent) if pid != instead_of]
        return len(found) == 4

    await until(are_four)
    return found


def children(parent: int) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = place.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == parent and words[0] != "Z":
            found.append(int(place.parent.name))
    return found


async def until(holds: object, within_s: float = 30.0) -> None:
    assert callable(holds)
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.02)
