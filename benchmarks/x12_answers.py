"""Made-up 855s and 810s to the orders of `x12_corpus`: the same catalog, parties and order sizes."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.x12_corpus import SEED, catalog_line, line_count

_GROUPS = {"855": "PR", "810": "IN"}


def answers(kind: str, sets: int, seed: int = SEED) -> bytes:
    """Give one clean interchange with that many 855s or 810s."""
    chance = random.Random(seed)
    head = (
        "ISA*00*          *00*          *ZZ*MEDSUPPLYHUB   *ZZ*MERCYHOSPITAL  *260304*0930*U*00401*"
        f"000000042*0*P*>~\nGS*{_GROUPS[kind]}*MEDSUPPLYHUB*MERCYHOSPITAL*20260304*0930*42*X*004010~\n"
    )
    bodies = [_set(kind, chance, number) for number in range(1, sets + 1)]
    return "".join([head, *bodies, f"GE*{sets}*42~\nIEA*1*000000042~\n"]).encode()


def _set(kind: str, chance: random.Random, number: int) -> str:
    lines = line_count(chance, 17.5)
    make = _acknowledgment if kind == "855" else _invoice
    segments = [f"ST*{kind}*{number:04}", *make(chance, number, lines)]
    segments.append(f"SE*{len(segments) + 1}*{number:04}")
    return "".join(f"{segment}~\n" for segment in segments)


def _acknowledgment(chance: random.Random, number: int, lines: int) -> Iterator[str]:
    yield f"BAK*00*AC*PO{7_000_000 + number}*20260304"
    yield f"REF*IA*{chance.randint(10_000, 99_999)}"
    yield "N1*SE*MEDSUPPLY INC*92*V00417"
    for line in range(1, lines + 1):
        ids, unit, price, text = catalog_line(chance)
        quantity = chance.randint(1, 400)
        yield f"PO1*{line}*{quantity}*{unit}*{price}*PE*{ids}"
        yield f"PID*F****{text}"
        yield f"ACK*IA*{quantity}*{unit}*068*202604{chance.randint(1, 28):02}"
    yield f"CTT*{lines}"


def _invoice(chance: random.Random, number: int, lines: int) -> Iterator[str]:
    yield f"BIG*20260304*INV{number}*20260301*PO{7_000_000 + number}"
    yield "CUR*SE*USD"
    yield f"REF*IA*{chance.randint(10_000, 99_999)}"
    yield "N1*RE*MEDSUPPLY INC*92*V00417"
    yield "ITD*01*3*2**10**30"
    total = 0
    for line in range(1, lines + 1):
        ids, unit, price, text = catalog_line(chance)
        quantity = chance.randint(1, 400)
        total += quantity * round(float(price) * 100)
        yield f"IT1*{line}*{quantity}*{unit}*{price}*PE*{ids}"
        yield f"PID*F****{text}"
    yield f"TDS*{total}"
    yield f"CTT*{lines}"
