"""850 bytes to validated canonical JSON, against pyx12's validation of the same interchange.

Both engines know the same rules: pyx12's map in `pyx12_maps/` is written from our guide, and is parsed
before anything is timed. CPU time, medians of paired runs in one process.
"""

from __future__ import annotations

import functools
import gc
import io
import itertools
import logging
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyx12.map_if
import pyx12.params
import pyx12.x12n_document

from adapters.base import DecodeContext
from adapters.edi_x12.format import X12Format
from benchmarks.table import Row
from benchmarks.x12_corpus import SEED, interchange, pieces
from canonical.registry import to_json

MAPS = Path(__file__).parent / "pyx12_maps"
ORDERS = 536  # 1 MB
PYX12_ORDERS = 180
ORDERS_OF_20_MB = 10_500
PAIRS = 5
REPEATS = 3  # of ours before and after each of theirs
ONE_ORDERS = 100
CHUNK_BYTES = 65_536
BAR, AIM = 25.0, 60.0
RSS_BAR_MB = 50.0
ONE_ORDER_BAR_MS = 1.0
CONTEXT = DecodeContext(source="benchmark", environment="production", partner="acme", zone="America/Chicago")


def run() -> list[Row]:
    """Measure all rows."""
    logging.getLogger("pyx12").setLevel(logging.CRITICAL)
    _keep_pyx12_maps()
    return [_throughput(_paired()), _one_order(), _memory()]


def translate(body: bytes) -> int:
    """Give the size of the canonical JSON of an interchange, every set translated."""
    decoder = X12Format().decoder(CONTEXT)
    written = 0
    for start in range(0, len(body), CHUNK_BYTES):
        for each in decoder.feed(body[start : start + CHUNK_BYTES]):
            if each.document is None:
                raise AssertionError(f"the corpus must be clean: {each.findings}")
            written += len(to_json(each.document))
    decoder.finish()
    return written


def validate_with_pyx12(body: str) -> None:
    """Let pyx12 validate an interchange and write its 997."""
    parameters = pyx12.params.ParamsBase()
    if not pyx12.x12n_document.x12n_document(
        parameters, io.StringIO(body), io.StringIO(), None, map_path=str(MAPS)
    ):
        raise AssertionError("pyx12 must find the corpus clean")


def _keep_pyx12_maps() -> None:
    """Parse each of pyx12's maps once, since it parses them anew for every file."""
    load = pyx12.map_if.load_map_file
    kept = functools.cache(lambda name: load(name, pyx12.params.ParamsBase(), str(MAPS)))
    pyx12.map_if.load_map_file = lambda name, *_: kept(name)


def _paired() -> list[tuple[float, float]]:
    """Give pairs of seconds a byte, theirs and ours, measured by turns.

    Every interchange is a new one of the same hospital: nothing is translated twice but what repeats
    from order to order in its catalog and addresses. pyx12 remembers nothing, so one does for it.
    """
    theirs = interchange(PYX12_ORDERS)
    text = theirs.decode()
    validate_with_pyx12(interchange(3).decode())
    translate(interchange(ORDERS))
    gc.collect()
    seeds = itertools.count(SEED + 1)
    pairs = []
    for _ in range(PAIRS):
        bodies = [interchange(ORDERS, seed=next(seeds)) for _ in range(2 * REPEATS)]
        before = [_cpu_s(functools.partial(translate, body)) / len(body) for body in bodies[:REPEATS]]
        pyx12_s = _cpu_s(lambda: validate_with_pyx12(text)) / len(theirs)
        after = [_cpu_s(functools.partial(translate, body)) / len(body) for body in bodies[REPEATS:]]
        pairs.append((pyx12_s, statistics.median(before + after)))
    return pairs


def _throughput(pairs: list[tuple[float, float]]) -> Row:
    ratio = statistics.median(theirs / ours for theirs, ours in pairs)
    seconds = statistics.median(ours for _, ours in pairs)
    figure = f"{1 / seconds / 1e6:.1f} MB/s, {ratio:.0f} x pyx12 validate"
    return Row(
        "850 to validated canonical JSON", figure, ratio, f">= {BAR:.0f} x (aim {AIM:.0f} x)", ratio >= BAR
    )


def _one_order() -> Row:
    bodies = [interchange(1, mean_lines=12, seed=seed) for seed in range(ONE_ORDERS)]
    translate(bodies[0])
    size_bytes = round(statistics.median(map(len, bodies)))
    milliseconds = 1000 * statistics.median(_cpu_s(functools.partial(translate, body)) for body in bodies)
    figure = f"{milliseconds:.2f} ms for {size_bytes} bytes"
    bar = f"<= {ONE_ORDER_BAR_MS:.0f} ms"
    return Row("one 850, bytes to JSON", figure, None, bar, milliseconds <= ONE_ORDER_BAR_MS)


def _memory() -> Row:
    """Translate 20 MB in a process of its own and see how far it grew beyond its imports."""
    command = [sys.executable, "-m", "benchmarks.bench_x12", "--memory"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=MAPS.parent.parent)
    size_bytes, grown_mb = done.stdout.split()
    figure = f"{float(grown_mb):.1f} MB above the imports for {int(size_bytes) / 1e6:.1f} MB"
    holds = float(grown_mb) <= RSS_BAR_MB
    return Row("850 memory, 20 MB interchange", figure, None, f"<= {RSS_BAR_MB:.0f} MB", holds)


def _grow() -> None:
    translate(interchange(1))
    before = _peak_mb()
    decoder = X12Format().decoder(CONTEXT)
    size_bytes = 0
    for piece in pieces(ORDERS_OF_20_MB):
        size_bytes += len(piece)
        for each in decoder.feed(piece):
            if each.document is not None:
                to_json(each.document)
    decoder.finish()
    print(size_bytes, _peak_mb() - before)


def _peak_mb() -> float:
    """Give this program's own peak. Linux's ru_maxrss starts with that of the process which started it."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if peak is not None:
            return int(peak[1]) / 1024
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_bytes / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _cpu_s(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    if sys.argv[1:] == ["--memory"]:
        _grow()
    else:
        for row in run():
            print(row)
