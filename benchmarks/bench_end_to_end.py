"""Orders through a whole gateway process over mTLS, against a proxy without work, in turn, in one run.

An 850 of twenty lines comes in over mTLS, becomes canonical JSON, is journaled, planned, sent to a REST
ERP over mTLS and recorded. The clock stops when the ERP has them all. Sender, gateway (or proxy) and ERP
share the machine's cores in both cases.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from benchmarks.mtls_peers import client_context
from benchmarks.processes import free_port, listening
from benchmarks.table import Row
from gateway.security.certificates import write_development_certificates

MESSAGES = 3_000
WARM = 300  # messages before the clock runs: the process beside the gateway's loop starts with a first burst
WARM_S = 2.0
SENDERS = 32
PAIRS = 3
BAR = 0.3
LINES = 20

SERVE = """
import asyncio, pathlib
from gateway.serving import serve
asyncio.run(serve(pathlib.Path('routes.yaml')))
"""

ROUTES = """\
version: 1
gateway:
  environment: test
  organisation: bench
  journal: "sqlite:{folder}/journal.db"
  listen:
    https: "127.0.0.1:{port}"
    tls:
      certificate: "file:certs/gateway.pem"
      key: "file:certs/gateway.key"
      client_ca: "file:certs/ca.pem"
endpoints:
  erp:
    kind: generic_rest
    environment: test
    base: "https://127.0.0.1:{erp}"
    tls: {{certificate: "file:certs/client.pem", key: "file:certs/client.key", ca: "file:certs/ca.pem"}}
    unique_reference: true
    look_up: after_doubt
    limits: {{concurrent: 32}}
partners:
  mms: {{environment: test, certificates: ["cn:client"], edi_x12: {{isa: [{{qualifier: ZZ, id: MMS}}]}}}}
routes:
  - id: po
    from: {{http: true, format: edi_x12, partner: mms, set: "850"}}
    targets: {{cloud: erp}}
    stage: cloud
"""


def run() -> list[Row]:
    """Measure the pairs and give the median ratio."""
    with tempfile.TemporaryDirectory(prefix="legacy-bridge-bench-") as name:
        folder = Path(name)
        write_development_certificates(folder / "certs", datetime.now(UTC))
        pairs = [(_proxy_rate(folder), _gateway_rate(folder, pair)) for pair in range(PAIRS)]
    ratio = statistics.median(gateway / proxy for proxy, gateway in pairs)
    gateway = statistics.median(rate for _, rate in pairs)
    proxy = statistics.median(rate for rate, _ in pairs)
    figure = f"{gateway:.0f} msg/s, proxy {proxy:.0f} msg/s"
    return [Row("end to end over mTLS / proxy", figure, ratio, f">= {BAR} (then 0.4, aim 0.6)", ratio >= BAR)]


def _proxy_rate(folder: Path) -> float:
    with _process("erp", folder) as erp, _process("proxy", folder, f"https://127.0.0.1:{erp}") as port:
        return asyncio.run(_rate(folder, f"https://127.0.0.1:{port}/in", erp))


def _gateway_rate(folder: Path, pair: int) -> float:
    port = free_port()
    with _process("erp", folder) as erp:
        own = folder / f"gateway-{pair}"
        own.mkdir()
        (own / "certs").symlink_to(folder / "certs")
        (own / "routes.yaml").write_text(ROUTES.format(folder=own, port=port, erp=erp))
        with listening([sys.executable, "-c", SERVE], port, cwd=own):
            return asyncio.run(_rate(folder, f"https://127.0.0.1:{port}/v1/inbound/po", erp))


async def _rate(folder: Path, url: str, erp: int) -> float:
    """Send all messages and wait until the ERP has them; give messages a second, once all is warm."""
    context = client_context(folder / "certs")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SENDERS, ssl=context)) as session:
        await _through(session, url, erp, 0, WARM)
        await asyncio.sleep(WARM_S)
        return MESSAGES / await _through(session, url, erp, WARM, MESSAGES)


async def _through(session: aiohttp.ClientSession, url: str, erp: int, first: int, count: int) -> float:
    """Send messages and wait until the ERP has them; give the seconds it took."""
    bodies = iter([_order(first + number) for number in range(count)])

    async def sender() -> None:
        for body in bodies:
            async with session.post(url, data=body, headers={"Content-Type": "application/edi-x12"}) as reply:
                await reply.read()
                if reply.status not in (200, 201, 202):
                    raise RuntimeError(f"{url} answered {reply.status}")

    began = time.monotonic()
    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    while True:
        async with session.get(f"https://127.0.0.1:{erp}/count") as reply:
            if (await reply.json())["count"] >= first + count:
                return time.monotonic() - began
        await asyncio.sleep(0.01)


def _order(number: int) -> bytes:
    control = f"{number + 1:09}"
    segments = [
        f"ISA*00*{' ' * 10}*00*{' ' * 10}*ZZ*{'MMS':15}*ZZ*{'BRIDGE':15}*260115*0830*U*00401*{control}*0*T*>",
        f"GS*PO*MMS*BRIDGE*20260115*0830*{number + 1}*X*004010",
        "ST*850*0001",
        f"BEG*00*NE*PO{number}**20260115",
        "N1*ST*MERCY FACILITY 04*92*04",
        *(
            f"PO1*{line}*12*EA*18.{line:02}**IN*1002{line:02}*VC*ACM-{line:05}"
            for line in range(1, LINES + 1)
        ),
        f"CTT*{LINES}",
        f"SE*{LINES + 5}*0001",
        f"GE*1*{number + 1}",
        f"IEA*1*{control}",
    ]
    return ("~\n".join(segments) + "~\n").encode()


@contextlib.contextmanager
def _process(kind: str, folder: Path, *more: str) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.mtls_peers", kind, str(folder / "certs"), str(port), *more]
    with listening(command, port):
        yield port
