"""Flat files: generated readers and writers against an interpreted field list and against csv.reader.

The file is headers and details of seven fields in 68 characters. The interpreted reader is the same one with
a loop over field descriptions in the place of the generated functions; it gives the same rows and checks the
same. csv.reader checks nothing. CPU time, medians of paired runs.
"""

from __future__ import annotations

import csv
import gc
import io
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from adapters.layouts import Grouper, Layout, Reader, Row, Writer, compile_layout
from adapters.layouts.model import Field, RecordType, Values
from adapters.layouts.values import read_value
from benchmarks.table import Row as Line

LINES = 40_000
PAIRS = 5
CHUNK_BYTES = 256 * 1024
READ_BAR, CSV_BAR, WRITE_BAR = 1.8, 0.5, 0.7
RSS_FILE_MB, RSS_BAR_MB = 500, 60.0
LAYOUT = """
layout: bench
format: fixed
encoding: ascii
records:
  H:
    match: {T: H}
    fields: [{name: T, len: 1}, {name: PO, len: 10}, {name: DAY, type: date(CCYYMMDD)}, {filler: 49}]
  D:
    match: {T: D}
    parent: H
    fields:
      - {name: T, len: 1}
      - {name: LINE, type: int(4)}
      - {name: ITEM, len: 12}
      - {name: NAME, len: 28}
      - {name: QTY, type: "dec(9,2)"}
      - {name: UOM, len: 2}
      - {name: PRICE, type: "dec(12,4)"}
"""


def run() -> list[Line]:
    """Measure all rows."""
    layout = compile_layout(LAYOUT, "bench.yaml")
    body = b"".join(lines(LINES))
    reading: list[float] = []
    against_csv: list[float] = []
    writing: list[float] = []
    speeds: list[float] = []
    read_all(layout, body[: 68 * 100])
    rows = list(Reader(layout, "bench").feed(body))
    only = [row for row, _ in rows]
    cells = _as_cells(layout, only)
    if [row.values for row, _ in Interpreting(layout, "bench").feed(body)] != [row.values for row in only]:
        raise AssertionError("the two readers do not give the same values")
    for _ in range(PAIRS):
        ours = _seconds(lambda: read_all(layout, body))
        theirs = _seconds(lambda: read_all(layout, body, Interpreting))
        csvs = _seconds(lambda: csv_dicts(cells))
        written = _seconds(lambda: Writer(layout).write(only))
        reading.append(theirs / ours)
        against_csv.append(csvs / ours)
        writing.append(ours / written)
        speeds.append(LINES / ours / 1000)
    if Writer(layout).write(only) != body:
        raise AssertionError("what was read is not written the same")
    speed = statistics.median(speeds)
    return [
        _row("flat: typed reader against an interpreted field list", speed, reading, READ_BAR),
        _row("flat: typed reader against csv.reader and dict", speed, against_csv, CSV_BAR),
        _row("flat: writer against the reader", speed * statistics.median(writing), writing, WRITE_BAR),
        _memory(),
    ]


def lines(count: int) -> Iterator[bytes]:
    """Give lines: a header before every nineteen details."""
    for n in range(count):
        if n % 20 == 0:
            yield f"H{n:<10}20261127{'':49}\n".encode()
        else:
            name = f"GAUZE SPONGE {n % 97}"
            yield f"D{n % 20:04}{n % 5000:<12}{name:<28}{n % 9999:09}EA{n * 37 % 10**9:012}\n".encode()


def read_all(layout: Layout, body: bytes, kind: type[Reader] = Reader) -> int:
    """Read everything as the decoder does, in chunks."""
    reader, count = kind(layout, "bench"), 0
    for start in range(0, len(body), CHUNK_BYTES):
        count += sum(1 for _ in reader.feed(body[start : start + CHUNK_BYTES]))
    return count + sum(1 for _ in reader.finish())


class Interpreting(Reader):
    """The same reader, whose records are read by walking the list of their fields, nothing generated."""

    def __init__(self, layout: Layout, source: str) -> None:
        super().__init__(layout, source)
        self._functions = {name: _walker(layout, record) for name, record in layout.records.items()}


def _walker(layout: Layout, record: RecordType) -> Callable[[object, bytes], Values]:
    spans: list[tuple[Field, int, int]] = []
    place = 0
    for item in record.items:
        if isinstance(item, Field):
            spans.append((item, place, place + item.length))
            place += item.length
    zones = layout.zones

    def read(text: Any, raw: bytes) -> Values:
        return {field.name: read_value(field, text[start:end], raw, zones) for field, start, end in spans}

    return read


def csv_dicts(text: str) -> int:
    """Give csv.reader's rows as dicts, nothing checked."""
    names = ["T", "LINE", "ITEM", "NAME", "QTY", "UOM", "PRICE"]
    return sum(1 for row in csv.reader(io.StringIO(text)) if dict(zip(names, row, strict=False)))


def _as_cells(layout: Layout, rows: list[Row]) -> str:
    names = {
        name: [item for item in record.items if isinstance(item, Field)]
        for name, record in layout.records.items()
    }
    return "".join(
        ",".join(str(row.values.get(field.name, "")) for field in names[row.name]) + "\n" for row in rows
    )


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    try:
        before = time.process_time()
        work()
        return time.process_time() - before
    finally:
        gc.enable()


def _row(name: str, speed: float, ratios: list[float], bar: float) -> Line:
    ratio = statistics.median(ratios)
    return Line(name, f"{speed:.0f} k lines/s", round(ratio, 2), f">= {bar} x", ratio >= bar)


def _memory() -> Line:
    """Read a file of 500 MB in a process of its own; its bytes are made as they are read."""
    command = [sys.executable, "-m", "benchmarks.bench_flat", str(RSS_FILE_MB)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    grown, count = float(told[0]), int(told[1])
    name = f"flat: memory above the imports while {RSS_FILE_MB} MB ({count} records) are read and grouped"
    return Line(name, f"{grown:.1f} MB", None, f"<= {RSS_BAR_MB:.0f} MB", grown <= RSS_BAR_MB)


def _measure_memory(size_mb: int) -> None:
    layout = compile_layout(LAYOUT, "bench.yaml")
    chunk = b"".join(lines(4_000))
    before = _peak_kb()
    reader, grouper = Reader(layout, "bench"), Grouper(layout, "bench")
    count = 0
    for _ in range(size_mb * 1024 * 1024 // len(chunk)):
        for _document in grouper.feed(reader.feed(chunk)):
            count += len(_document.rows)
    after = _peak_kb()
    sys.stdout.write(f"{(after - before) / 1024:.1f} {count}\n")


def _peak_kb() -> int:
    """Give the most memory that this process has had. Not ru_maxrss: that begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    _measure_memory(int(sys.argv[1]))
