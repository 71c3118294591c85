"""What the live path feels of a shadow's tenant that is down, slow or hostile; and a stage change under load.

Two gateway processes with the same route in stage shadow, which sends everything to a tenant and compares
with legacy's answer: the one's tenant is well, the other's is not. A further row sets the first beside one
in stage legacy that compares nothing: what shadow and comparison cost. Requests come at a fixed rate (open
loop: a late answer delays no later request), in turn to the one and to the other, so that whatever else the
machine does befalls both, and each at a random moment of its turn, so that no shadow's fixed delay meets or
misses them all; the clock runs from when a request was due. A pair is one block.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.processes import free_port, listening
from benchmarks.table import Row
from gateway.control import call
from gateway.journal.comparisons import ComparisonState
from gateway.journal.sqlite import SqliteJournal
from gateway.system import SystemClock

PAIRS = 9
REQUESTS = 500  # of one block, to each gateway: of fewer, the p99 of one block and the next differ by 3 ms
RATE_PER_S = 60.0
GROWTH_MAX = 0.05
GROWTH_MAX_S = 0.001
TENANTS = ("down", "slow", "hostile")

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
  workers: 0
  owners:
    suppliers: {{legacy: legacy, cloud: cloud}}
    budgets: {{legacy: legacy, cloud: cloud}}
    approvals: {{legacy: legacy, cloud: cloud}}
    order_status: {{legacy: legacy, cloud: cloud}}
  listen: {{http: "127.0.0.1:{port}"}}
endpoints:
  legacy:
    {{kind: raw_http, environment: test, base: "http://127.0.0.1:{legacy}", plaintext: true, path: orders}}
  erp: {{kind: generic_rest, environment: test, base: "http://127.0.0.1:{good}", plaintext: true}}
  tenant: {{kind: generic_rest, environment: test, base: "http://127.0.0.1:{tenant}", plaintext: true}}
partners:
  mms: {{environment: test, edi_x12: {{isa: [{{qualifier: ZZ, id: MMS}}]}}, acknowledge: {{type: none}}}}
routes:
  - id: po.shadow
    from: {{http: true, format: edi_x12, partner: mms, set: "850"}}
    targets: {{legacy: legacy, cloud: erp}}
    stage: {stage}
    reply: {{mode: pass_through, within: 20s}}
{shadow}  - id: po.moved
    from: {{http: true, format: edi_x12, partner: mms, set: "850"}}
    targets: {{legacy: legacy, cloud: erp}}
    stage: legacy
    canary: {{select: {{facility: ["04"]}}}}
    losing_side: nothing
    ownership: {{receiving: {{at: owner}}, matching: {{at: owner}}, on_order: none}}
"""

SHADOW = """\
    compare: {with: reply, reads: {seller_number: number}}
    shadow:
      mode: sandbox
      to: tenant
      allow: [{host: 127.0.0.1, methods: [GET, POST]}]
"""


@dataclass(frozen=True)
class Ground:
    """A gateway that runs: where it listens, where its journal and its control socket are."""

    url: str
    folder: Path


def run() -> list[Row]:
    """Measure every kind of tenant, then a stage change."""
    rows = [_growth(f"beside a shadow tenant that is {each}", ("good", "shadow"), each) for each in TENANTS]
    return [*rows, _growth("with a shadow leg, to none", ("good", "legacy"), "good"), _stage_change()]


def _growth(name: str, before: tuple[str, str], tenant: str) -> Row:
    """Measure a gateway with a tenant against another one: its tenant, and its route's stage."""
    with _ground(*before) as without, _ground(tenant, "shadow") as ground:
        calm, shadowed = zip(*asyncio.run(_pairs(without, ground)), strict=True)
        if tenant == "good":
            asyncio.run(_all_answered(ground))
    growths = [after - before for before, after in zip(calm, shadowed, strict=True)]
    ratios = [after / before for before, after in zip(calm, shadowed, strict=True)]
    grown_s, ratio, base_s = statistics.median(growths), statistics.median(ratios), statistics.median(calm)
    holds = grown_s <= max(GROWTH_MAX * base_s, GROWTH_MAX_S)
    figure = f"p99 {base_s * 1e3:.1f} ms, grows by {grown_s * 1e3:+.2f} ms (median of {PAIRS} pairs)"
    return Row(f"live p99 {name}", figure, ratio, "<= +5 % or 1 ms", holds)


async def _all_answered(ground: Ground) -> None:
    """See that shadows went all their way, and were compared: a leg that ends early costs less."""
    journal = await SqliteJournal.open_readonly(ground.folder / "journal.db", clock=SystemClock())
    try:
        found = await journal.comparisons(route="po.shadow", limit=100_000)
    finally:
        await journal.close()
    ended = [each.shadow for each in found if each.state is ComparisonState.COMPARED]
    if len(ended) < (PAIRS - 1) * REQUESTS or set(ended) != {"answered"}:
        raise RuntimeError(f"{len(ended)} shadows ended as {sorted(set(ended))}; expected answered ones")


async def _pairs(without: Ground, ground: Ground) -> list[tuple[float, float]]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        urls = [f"{each.url}/v1/inbound/po.shadow" for each in (without, ground)]
        await _block(session, urls, 0, 100)
        pairs = []
        for pair in range(PAIRS):
            took = await _block(session, urls, 1 + pair, 2 * REQUESTS)
            calm, shadowed = (sorted(took[turn::2]) for turn in (0, 1))
            pairs.append((calm[int(0.99 * len(calm))], shadowed[int(0.99 * len(shadowed))]))
        return pairs


async def _block(session: aiohttp.ClientSession, urls: list[str], block: int, count: int) -> list[float]:
    """Send requests at a fixed rate, to each address in turn; give how long each took since it was due."""
    chance = random.Random(block)
    began = time.monotonic()
    tasks = []
    for number in range(count):
        due = began + (number + chance.random()) / RATE_PER_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        body = _order(block * 10_000 + number)
        tasks.append(asyncio.create_task(_post(session, urls[number % len(urls)], body, due)))
    return await asyncio.gather(*tasks)


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, due: float) -> float:
    async with session.post(url, data=body, headers={"Content-Type": "application/edi-x12"}) as reply:
        await reply.read()
        if reply.status not in (200, 201, 202):
            raise RuntimeError(f"{url} answered {reply.status}")
    return time.monotonic() - due


def _stage_change() -> Row:
    with _ground("good", "legacy") as ground:
        asked_at, sent = asyncio.run(_change(ground))
        entries = asyncio.run(_ledger(ground))
    late = [each.opened_at for each in entries if each.side.value == "legacy" and each.opened_at > asked_at]
    effective_s = max(((at - asked_at).total_seconds() for at in late), default=0.0)
    lost, doubled = sent - len({each.order_key for each in entries}), len(entries) - sent
    after = sum(each.side.value == "cloud" for each in entries)
    figure = (
        f"{effective_s:.3f} s; {sent} orders, {after} by the new stage, {lost} lost, {max(doubled, 0)} twice"
    )
    holds = effective_s <= 1.0 and lost == 0 and doubled == 0 and after > 0
    return Row("a stage change under load is effective after", figure, None, "<= 1 s, 0 lost, 0 split", holds)


async def _change(ground: Ground) -> tuple[datetime, int]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        load = asyncio.create_task(_block(session, [f"{ground.url}/v1/inbound/po.moved"], 1, 300))
        await asyncio.sleep(2.0)
        asked_at = datetime.now(UTC)
        arguments = {"route": "po.moved", "stage": "canary", "who": "bench", "why": "measure"}
        moved: Any = await asyncio.to_thread(
            call, ground.folder / "journal.db.sock", "routes.set", arguments, 10.0
        )
        if moved["to"]["stage"] != "canary":
            raise RuntimeError("the route was not moved")
        sent = len(await load)
        await asyncio.sleep(2.0)  # what was accepted last is planned by then
        return asked_at, sent


async def _ledger(ground: Ground) -> list[Any]:
    journal = await SqliteJournal.open_readonly(ground.folder / "journal.db", clock=SystemClock())
    try:
        return list(await journal.orders(route="po.moved", limit=100_000))
    finally:
        await journal.close()


@contextlib.contextmanager
def _ground(tenant: str, stage: str) -> Iterator[Ground]:
    with (
        tempfile.TemporaryDirectory(prefix="legacy-bridge-bench-") as name,
        contextlib.ExitStack() as running,
    ):
        folder = Path(name)
        ports = {each: free_port() for each in ("port", "legacy", "good", "tenant")}
        for kind in ("legacy", "good"):
            running.enter_context(_peer(kind, ports[kind]))
        if tenant != "down":
            running.enter_context(_peer(tenant, ports["tenant"]))
        (folder / "routes.yaml").write_text(
            ROUTES.format(folder=folder, stage=stage, shadow=SHADOW if stage == "shadow" else "", **ports)
        )
        running.enter_context(listening([sys.executable, "-c", SERVE], ports["port"], folder, is_quiet=True))
        yield Ground(f"http://127.0.0.1:{ports['port']}", folder)


def _peer(kind: str, port: int) -> contextlib.AbstractContextManager[None]:
    command = [sys.executable, "-m", "benchmarks.shadow_peers", str(port), kind]
    return listening(command, port, is_quiet=True)


def _order(number: int) -> bytes:
    control = f"{number + 1:09}"
    segments = [
        f"ISA*00*{' ' * 10}*00*{' ' * 10}*ZZ*{'MMS':15}*ZZ*{'BRIDGE':15}*260115*0830*U*00401*{control}*0*T*>",
        f"GS*PO*MMS*BRIDGE*20260115*0830*{number + 1}*X*004010",
        "ST*850*0001",
        f"BEG*00*NE*PO{number}**20260115",
        "N1*ST*MERCY FACILITY 04*92*04",
        *(f"PO1*{line}*12*EA*18.{line:02}**IN*1002{line:02}*VC*ACM-{line:05}" for line in range(1, 6)),
        "CTT*5",
        "SE*10*0001",
        f"GE*1*{number + 1}",
        f"IEA*1*{control}",
    ]
    return ("~\n".join(segments) + "~\n").encode()
