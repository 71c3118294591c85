"""SFTP, measured against a real OpenSSH server: the OpenSSH client, paramiko's defaults, one channel.

Runs are paired and alternate, so that a busy machine hits both alike; ratios are medians over the pairs.
Both sides connect anew for each transfer of 50 MB. Ours also flushes what it wrote to the server's disk.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import paramiko

from adapters.sftp_files.driver_sftp import SftpPort
from adapters.sftp_files.driver_ssh import open_socket
from adapters.sftp_files.server import SftpServer
from benchmarks.table import Row
from gateway.system import SystemClock, SystemRng
from simulators.sftp_partner.proxy import FaultProxy
from simulators.sftp_partner.server import PartnerServer

LARGE_BYTES = 50_000_000
LOOP_BYTES, PIECE_BYTES = 1_000_000, 32_768
PAIRS = 5
FAR_FILES, FAR_BYTES, ROUND_TRIP_S = 80, 4_096, 0.02
ENTRIES = 5_000


def run() -> list[Row]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        server = PartnerServer(Path(folder) / "partner")
        try:
            server.start()
            return asyncio.run(_measure(server, Path(folder)))
        finally:
            server.stop()


async def _measure(server: PartnerServer, folder: Path) -> list[Row]:
    server.make_folder("out")
    body = os.urandom(LARGE_BYTES)
    (folder / "large").write_bytes(body)
    return [
        await _put(server, folder, body),
        await _get(server, folder, body),
        await _far(server),
        await _listing(server),
        _loop(server, body[:LOOP_BYTES]),
    ]


def _port(server: PartnerServer, port: int = 0, channels: int = 4, folder: str = "out") -> SftpPort:
    settings = SftpServer.model_validate(
        {
            "host": "127.0.0.1", "port": str(port or server.port), "user": server.user, "folder": folder,
            "key": f"file:{server.client_key.path}", "host_key": server.host_key.public,
            "channels": str(channels),
        }
    )  # fmt: skip
    return SftpPort(settings, lambda ref: Path(ref[5:]).read_text(), SystemClock(), SystemRng().token)


async def _took_s(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _openssh_s(server: PartnerServer, folder: Path, command: str) -> float:
    """Give how long the OpenSSH client takes for one transfer, connection included."""
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key.public}\n")
    options = (f"UserKnownHostsFile={known}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes")
    words = ["sftp", "-q", "-b", "-", "-P", str(server.port), "-i", str(server.client_key.path)]
    began = time.perf_counter()
    subprocess.run(
        [*words, *(word for each in options for word in ("-o", each)), f"{server.user}@127.0.0.1"],
        input=f"{command}\n".encode(), check=True, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - began


async def _put(server: PartnerServer, folder: Path, body: bytes) -> Row:
    async def ours() -> None:
        port = _port(server)
        await port.write_atomic("ours", body)
        await port.close()

    return await _transfer("sftp put 50 MB", server, folder, ours, f"put {folder / 'large'} out/theirs")


async def _get(server: PartnerServer, folder: Path, body: bytes) -> Row:
    async def ours() -> None:
        port = _port(server)
        size = 0
        with (folder / "got").open("wb") as file:
            async for piece in port.open_read("ours"):
                size += file.write(piece)
        await port.close()
        if size != len(body):
            raise ValueError("the file is not whole")

    return await _transfer("sftp get 50 MB", server, folder, ours, f"get out/ours {folder / 'theirs'}")


async def _transfer(
    name: str, server: PartnerServer, folder: Path, ours: Callable[[], Awaitable[None]], command: str
) -> Row:
    pairs = [(await _took_s(ours), _openssh_s(server, folder, command)) for _ in range(PAIRS)]
    ratio = median(theirs / mine for mine, theirs in pairs)
    rate, rate_theirs = (LARGE_BYTES / 1e6 / median(side) for side in zip(*pairs, strict=True))
    figure = f"{rate:,.0f} MB/s, OpenSSH {rate_theirs:,.0f}"
    return Row(name, figure, round(ratio, 2), ">= 0.7 x the OpenSSH client", ratio >= 0.7)


async def _far(server: PartnerServer) -> Row:
    place = server.make_folder("out")
    for number in range(FAR_FILES):
        (place / f"far{number}").write_bytes(b"x" * FAR_BYTES)
    with FaultProxy(server.port) as proxy:
        proxy.round_trip_s = ROUND_TRIP_S
        pairs = []
        for _ in range(3):
            one, eight = _port(server, proxy.port, channels=1), _port(server, proxy.port, channels=8)
            pairs.append((await _far_s(one, FAR_FILES // 4), await _far_s(eight, FAR_FILES)))
    ratio = median(4 * one_s / eight_s for one_s, eight_s in pairs)  # the one read a quarter of them
    figure = f"{FAR_FILES / median(each[1] for each in pairs):,.0f} files/s at 20 ms"
    return Row("sftp 8 channels, far away", figure, round(ratio, 2), ">= 6 x one channel", ratio >= 6)


async def _far_s(port: SftpPort, count: int) -> float:
    """Give how long small files take, everything connected before."""

    async def read(number: int) -> None:
        async for _ in port.open_read(f"far{number}"):
            pass

    await asyncio.gather(*(read(number) for number in range(8)))
    took_s = await _took_s(lambda: asyncio.gather(*(read(number) for number in range(count))))
    await port.close()
    return took_s


async def _listing(server: PartnerServer) -> Row:
    place = server.make_folder("many")
    for number in range(ENTRIES):
        (place / f"{number:05}.850").touch()
    port = _port(server, folder="many")
    await port.stat("nobody")
    took = []
    for _ in range(PAIRS):
        took.append(await _took_s(lambda: port.list("", 100_000)))
    await port.close()
    figure = f"{median(took):.2f} s, {ENTRIES / median(took) / 1000:,.0f} k entries/s"
    return Row("sftp list 5,000 entries", figure, None, "<= 1 s", median(took) <= 1.0)


def _loop(server: PartnerServer, body: bytes) -> Row:
    """Compare plain writes, one at a time: paramiko as it comes, and on our own socket."""
    pairs = []
    for _ in range(3):
        with open_socket("127.0.0.1", server.port, 10) as sock:
            ours_s = _loop_s(paramiko.Transport(sock), server, body)
        pairs.append((ours_s, _loop_s(paramiko.Transport(("127.0.0.1", server.port)), server, body)))
    ratio = median(theirs / mine for mine, theirs in pairs)
    rate, rate_theirs = (LOOP_BYTES / 1e6 / median(side) for side in zip(*pairs, strict=True))
    figure = f"{rate:,.1f} MB/s, paramiko {rate_theirs:,.1f}"
    return Row("sftp writes on our socket", figure, round(ratio, 2), ">= 20 x paramiko's", ratio >= 20)


def _loop_s(transport: paramiko.Transport, server: PartnerServer, body: bytes) -> float:
    key = paramiko.Ed25519Key.from_private_key_file(str(server.client_key.path))
    transport.connect(username=server.user, pkey=key)
    client = paramiko.SFTPClient.from_transport(transport)
    if client is None:
        raise ValueError("no session")
    with client.open("out/loop", "wb") as file:
        began = time.perf_counter()
        for start in range(0, len(body), PIECE_BYTES):
            file.write(body[start : start + PIECE_BYTES])
        took_s = time.perf_counter() - began
    transport.close()
    return took_s
