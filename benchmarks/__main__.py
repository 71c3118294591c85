"""``python -m benchmarks``: run every ``bench_*.py``, print one table, write results.json beside this file.

A missed bar is a line in the table, never a failure: figures depend on the machine, ratios are for people
to judge.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.table import Row

FOLDER = Path(__file__).parent
HEAD = ("name", "figure", "ratio", "bar", "holds")


def main() -> int:
    """Run what is asked for, everything by default."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these, such as: journal x12")
    names = parser.parse_args().names or sorted(
        path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py")
    )
    rows: list[Row] = []
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.bench_{name}").run()
    print(table(rows))
    results = FOLDER / "results.json"
    results.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    print(f"written to {results.parent.name}/{results.name}", file=sys.stderr)
    return 0


def table(rows: list[Row]) -> str:
    """Lay rows out in columns."""
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return (row.name, row.figure, ratio, row.bar, "yes" if row.holds else "NO")


if __name__ == "__main__":
    raise SystemExit(main())
