"""850 bytes to validated canonical JSON, against pyx12's validation of the same interchange.

Both engines know the same rules: pyx12's map in `pyx12_maps/` is written from our guide, and is parsed
before anything is timed. CPU time, medians of paired runs in one process.
"""

from __future__ import annotations

import functools
import gc
import io
import logging
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
from benchmarks.x12_corpus import interchange, pieces
from canonical.registry import to_json

MAPS = Path(__file__).parent / "pyx12_maps"
ORDERS = 536
ORDERS_OF_20_MB = 10_500
PAIRS = 3
CHUNK_BYTES = 65_536
BAR, AIM = 25.0, 60.0
RSS_BAR_MB = 50.0
ONE_ORDER_BAR_MS = 1.0
CONTEXT = DecodeContext(source="benchmark", environment="production", partner="acme", zone="America/Chicago")


def run() -> list[Row]:
    """Measure all rows."""
    logging.getLogger("pyx12").setLevel(logging.CRITICAL)
    body = interchange(ORDERS)
    _keep_pyx12_maps()
    ratios, ours = _paired(body)
    return [_throughput(body, ratios, ours), _one_order(), _memory()]


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


def _paired(body: bytes) -> tuple[list[float], list[float]]:
    text = body.decode()
    small = interchange(3)
    validate_with_pyx12(small.decode())
    translate(small)
    gc.collect()
    ratios, ours = [], []
    for _ in range(PAIRS):
        theirs = _cpu_s(lambda: validate_with_pyx12(text))
        mine = statistics.median(_cpu_s(lambda: translate(body)) for _ in range(3))
        ratios.append(theirs / mine)
        ours.append(mine)
    return ratios, ours


def _throughput(body: bytes, ratios: list[float], ours: list[float]) -> Row:
    ratio, seconds = statistics.median(ratios), statistics.median(ours)
    figure = f"{len(body) / seconds / 1e6:.1f} MB/s, {ratio:.0f} x pyx12 validate"
    return Row(
        "850 to validated canonical JSON", figure, ratio, f">= {BAR:.0f} x (aim {AIM:.0f} x)", ratio >= BAR
    )


def _one_order() -> Row:
    body = interchange(1, mean_lines=12)
    translate(body)
    milliseconds = 1000 * statistics.median(_cpu_s(lambda: translate(body)) for _ in range(50))
    figure = f"{milliseconds:.2f} ms for {len(body)} bytes"
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024 * 1024)


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
