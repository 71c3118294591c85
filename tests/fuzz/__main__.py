"""Fuzz the X12 reader: ``python -m tests.fuzz [SECONDS] [CORPUS]``; stops at the first broken promise.

Coverage-guided where the package atheris is installed (it is no dependency of the project: put it into a
virtual environment of its own beside the locked packages). Else seeded mutations of the golden inputs.
CORPUS is a folder that keeps the inputs which reached new code.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
import time
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "edi_x12"
DEFAULT_S = 60
INPUT_BYTES_MAX = 20_000


def main() -> int:
    """Run as long as was asked for."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_S
    if importlib.util.find_spec("atheris") is not None:
        _guided(seconds, sys.argv[2:])
        return 0
    print("atheris is not installed: mutating without guidance", file=sys.stderr)
    print(f"{_mutating(seconds)} inputs, every promise held")
    return 0


def _guided(seconds: int, corpus: list[str]) -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["adapters.edi_x12", "adapters.mapping", "canonical"]):
        from tests.adapters.edi_x12.anything import judge_anything

    def one(body: bytes) -> None:
        judge_anything(body, (len(body) // 3, len(body) * 3 // 4))

    options = [
        f"-max_total_time={seconds}",
        f"-max_len={INPUT_BYTES_MAX}",
        "-timeout=20",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, *corpus, str(FIXTURES)], one)
    atheris.Fuzz()


def _mutating(seconds: int) -> int:
    from tests.adapters.edi_x12.anything import judge_anything

    bodies = [path.read_bytes() for path in sorted(FIXTURES.glob("*.edi"))]
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        chance = random.Random(count)
        body = bytearray(chance.choice(bodies))
        for _ in range(chance.randint(1, 8)):
            at, width = chance.randrange(len(body) + 1), chance.randrange(40)
            other = chance.choice(bodies)
            start = chance.randrange(len(other) + 1)
            body[at : at + width] = other[start : start + chance.randrange(40)] or chance.randbytes(3)
        judge_anything(bytes(body), (chance.randrange(len(body) + 1),))
        count += 1
    return count


if __name__ == "__main__":
    raise SystemExit(main())
