"""What stands around reading 850s: other sets, writing, damage, growth, and who waits meanwhile.

Ratios inside one run, medians of pairs measured by turns; CPU time but for the last row.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.base import DecodeContext, Envelope
from adapters.edi_x12.config import InterchangeId, X12Partner
from adapters.edi_x12.format import X12Format
from benchmarks.table import Row
from benchmarks.x12_answers import answers
from benchmarks.x12_corpus import SEED, interchange, pieces
from benchmarks.x12_hostile import KINDS, hostile
from canonical.document import CanonicalDocument
from canonical.registry import to_json

ORDERS = 300
PAIRS = 5
FEW, MANY = 300, 3_000
REQUESTS_S, REQUESTS_EVERY_S = 4.0, 0.05  # 20 a second
PARTNER = X12Partner(
    isa=(InterchangeId(qualifier="ZZ", id="MEDSUPPLYHUB"),),
    us=InterchangeId(qualifier="ZZ", id="MERCYHOSPITAL"),
)
CONTEXT = DecodeContext(
    source="benchmark", environment="production", partner="acme", partner_settings=PARTNER
)
ENVELOPE = Envelope(1, datetime(2026, 3, 4, tzinfo=UTC), "production", partner_settings=PARTNER)
FORMAT = X12Format()


def run() -> list[Row]:
    """Measure all rows."""
    return [_damaged(), _other("855"), _other("810"), _writing(), _growth(), _waiting()]


def _read(body: bytes) -> list[CanonicalDocument]:
    decoder = FORMAT.decoder(CONTEXT)
    documents = [each.document for each in decoder.feed(body)]
    decoder.finish()
    return [each for each in documents if each is not None]


def _translated(body: bytes) -> int:
    return sum(len(to_json(each)) for each in _read(body))


def _damaged() -> Row:
    """Every tenth set has a quantity that is none: it is judged again, explained and rejected."""
    ratios = []
    _translated(_damage(interchange(ORDERS)))
    for number in range(PAIRS):
        clean = interchange(ORDERS, seed=SEED + 1 + 2 * number)
        damaged = _damage(interchange(ORDERS, seed=SEED + 2 + 2 * number))
        clean_s, damaged_s = _cpu_s(lambda: _translated(clean)), _cpu_s(lambda: _translated(damaged))  # noqa: B023
        ratios.append((clean_s / len(clean)) / (damaged_s / len(damaged)))
    ratio = statistics.median(ratios)
    return Row("850, every tenth set damaged", f"{ratio:.2f} x clean", ratio, ">= 0.5 x clean", ratio >= 0.5)


def _damage(body: bytes) -> bytes:
    sets = body.split(b"ST*850*")
    return b"ST*850*".join(
        part.replace(b"PO1*1*", b"PO1*1*x", 1) if number % 10 == 1 else part
        for number, part in enumerate(sets)
    )


def _other(kind: str) -> Row:
    ratios = []
    _translated(answers(kind, ORDERS))
    for number in range(PAIRS):
        orders, others = interchange(ORDERS, seed=SEED + 1 + number), answers(kind, ORDERS, SEED + 1 + number)
        order_s = _cpu_s(functools.partial(_translated, orders)) / orders.count(b"~")
        other_s = _cpu_s(functools.partial(_translated, others)) / others.count(b"~")
        ratios.append(other_s / order_s)
    ratio = statistics.median(ratios)
    figure = f"{ratio:.2f} x an 850's segment"
    return Row(f"{kind} to canonical JSON, a segment", figure, ratio, "<= 1.5 x", ratio <= 1.5)


def _writing() -> Row:
    ratios, rates = [], []
    for number in range(PAIRS):
        body = interchange(ORDERS, seed=SEED + 1 + number)
        read_s = _cpu_s(functools.partial(_translated, body))
        documents = _read(body)
        write_s = _cpu_s(functools.partial(FORMAT.encode, documents, ENVELOPE))
        ratios.append(read_s / write_s)
        rates.append(len(body) / write_s / 1e6)
    ratio = statistics.median(ratios)
    figure = f"{statistics.median(rates):.1f} MB/s, {ratio:.2f} x as fast as reading"
    return Row("canonical to 850", figure, ratio, ">= 1 x reading", ratio >= 1.0)


def _growth() -> Row:
    """Ten times as much of anything hostile takes about ten times as long; squared it would be a hundred."""
    ratios = {}
    for kind in KINDS:
        few, many = hostile(kind, FEW), hostile(kind, MANY)
        _read(few)
        few_s = min(_cpu_s(functools.partial(_read, few)) for _ in range(3))
        ratios[kind] = min(_cpu_s(functools.partial(_read, many)) for _ in range(2)) / max(few_s, 1e-3)
    kind = max(ratios, key=lambda each: ratios[each])
    figure = f"{ratios[kind]:.0f} x the time for 10 x the size ({kind})"
    return Row("time grows with size, the worst kind", figure, ratios[kind], "<= 20 x", ratios[kind] <= 20)


def _waiting() -> Row:
    """p99 of one small order, 20 a second, while a process of its own (niced) translates 20 MB, and alone."""
    body = interchange(1, mean_lines=12, seed=7)
    ratios = []
    with TemporaryDirectory() as folder:
        large = Path(folder) / "large.edi"
        with large.open("wb") as file:
            file.writelines(pieces(10_500))
        for _ in range(PAIRS):
            idle = asyncio.run(_p99(body, None))
            ratios.append(asyncio.run(_p99(body, large)) / idle)
    ratio = statistics.median(ratios)
    figure = f"{ratio:.2f} x idle at 20 a second"
    return Row("a small order beside a 20 MB file, p99", figure, ratio, "<= 2 x", ratio <= 2.0)


async def _p99(body: bytes, large: Path | None) -> float:
    process = None
    if large is not None:
        command = (sys.executable, "-m", "benchmarks.bench_x12_around", "--translate", str(large))
        process = await asyncio.create_subprocess_exec(*command, preexec_fn=lambda: os.nice(10) and None)
        await asyncio.sleep(1.0)  # it has imported and is at work
    took: list[float] = []
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while (at := begun + len(took) * REQUESTS_EVERY_S) < begun + REQUESTS_S:
        await asyncio.sleep(max(0.0, at - loop.time()))
        _translated(body)
        took.append(loop.time() - at)
    if process is not None:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return statistics.quantiles(took, n=100)[98]


def _cpu_s(work: Callable[[], object]) -> float:
    gc.collect()  # of what was left before: it used to hit the same side of each pair
    start = time.process_time()
    work()
    return time.process_time() - start


def main(arguments: Sequence[str]) -> None:
    """Translate a file again and again until killed, or measure."""
    if arguments[:1] == ["--translate"]:
        while True:
            decoder = FORMAT.decoder(CONTEXT)
            with Path(arguments[1]).open("rb") as file:
                while piece := file.read(65_536):
                    for each in decoder.feed(piece):
                        to_json(each.document) if each.document is not None else b""
            decoder.finish()
    for row in run():
        print(row)


if __name__ == "__main__":
    main(sys.argv[1:])
