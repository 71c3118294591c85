"""Made-up 850s of many order sizes, the same on every machine: what the X12 benchmarks read.

As a hospital's are: items come from its catalog, where an item keeps its ids, unit and description, and
buyers and places to ship to keep their names and addresses. Every item is ordered as often as any other,
which is less repetition than a hospital has; quantities, dates, references and one price in ten vary.
Another seed gives other orders of the same hospital.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

SEED = 850
CATALOG_ITEMS = 5_000
CHANGED_PRICES = 0.1  # of the lines: a contract's or a promotion's price instead of the catalog's
_ITEMS = (
    "CATHETER FOLEY 16FR SILICONE", "GLOVE EXAM NITRILE MED", "SUTURE VICRYL 3-0 27IN", "GAUZE SPONGE 4X4",
    "SYRINGE LUER LOCK 10ML", "IV START KIT W/CHLORAPREP", "DRAPE LAPAROTOMY", "MASK SURGICAL EARLOOP",
    "TROCAR BLADELESS 12MM", "SCREW CORTICAL 3.5X24MM", "STAPLER LINEAR 60MM", "ELECTRODE ECG ADULT",
)  # fmt: skip
_UNITS = ("EA", "BX", "CA", "PK", "CS", "DZ")
_NAMES = ("HARBOR GENERAL", "ST LUKE EAST", "METRO SURGICAL CENTER", "VALLEY CLINIC", "NORTH CAMPUS")


def interchange(orders: int, mean_lines: float = 17.5, seed: int = SEED) -> bytes:
    """Give one clean interchange with that many orders of 1 to 500 lines."""
    return b"".join(pieces(orders, mean_lines, seed))


def pieces(orders: int, mean_lines: float = 17.5, seed: int = SEED) -> Iterator[bytes]:
    """Give the same in pieces, one per order, for inputs that should not stand in memory."""
    chance = random.Random(seed)
    yield (
        b"ISA*00*          *00*          *ZZ*MERCYHOSPITAL  *ZZ*MEDSUPPLYHUB   *260304*0930*U*00401*"
        b"000000042*0*P*>~\nGS*PO*MERCYHOSPITAL*MEDSUPPLYHUB*20260304*0930*42*X*004010~\n"
    )
    for number in range(1, orders + 1):
        yield order(chance, number, line_count(chance, mean_lines))
    yield f"GE*{orders}*42~\nIEA*1*000000042~\n".encode()


def order(chance: random.Random, number: int, lines: int) -> bytes:
    """Give one ST..SE."""
    control = f"{number:04}"
    segments = [f"ST*850*{control}", *_header(chance, number)]
    total = 0
    for line in range(1, lines + 1):
        quantity = chance.randint(1, 400)
        total += quantity
        segments.extend(_line(chance, line, quantity))
    segments.append(f"CTT*{lines}*{total}")
    segments.append(f"SE*{len(segments) + 1}*{control}")
    return "".join(f"{segment}~\n" for segment in segments).encode()


def line_count(chance: random.Random, mean: float) -> int:
    """Give how many lines an order has: mostly a few, seldom hundreds."""
    return max(1, min(500, round(chance.lognormvariate(0, 1.1) * mean / 1.83)))


def _header(chance: random.Random, number: int) -> list[str]:
    day = chance.randint(1, 28)
    return [
        f"BEG*00*{chance.choice(('SA', 'NE', 'NE', 'RO'))}*PO{7_000_000 + number}**202603{day:02}",
        "CUR*BY*USD",
        f"REF*DP*{chance.randint(100, 999)}",
        f"REF*IA*{chance.randint(10_000, 99_999)}",
        chance.choice(_BUYERS),
        "FOB*PP",
        "ITD*01*3*2**10**30",
        f"DTM*002*202604{day:02}",
        "TD5**2*UPSN*M*UPS GROUND",
        chance.choice(_FACILITIES),
        "N1*SE*MEDSUPPLY INC*92*V00417",
        *chance.choice(_SHIP_TO),
    ]


def _line(chance: random.Random, line: int, quantity: int) -> Iterator[str]:
    ids, unit, price, text = catalog_line(chance)
    yield f"PO1*{line}*{quantity}*{unit}*{price}*PE*{ids}"
    yield f"PID*F****{text}"
    if chance.random() < 0.3:
        yield f"REF*RQ*R{chance.randint(10_000, 99_999)}"
    if chance.random() < 0.6:
        yield f"DTM*002*202604{chance.randint(1, 28):02}"


def catalog_line(chance: random.Random) -> tuple[str, str, str, str]:
    """Give an item's ids, unit, price and description; one price in ten is not the catalog's."""
    ids, unit, price, text = chance.choice(_CATALOG)
    return ids, unit, _price(chance) if chance.random() < CHANGED_PRICES else price, text


def _catalog() -> list[tuple[str, str, str, str]]:
    chance = random.Random(SEED)
    return [
        (
            f"VN*{chance.randint(100_000, 999_999)}*IN*H{number:05}",
            chance.choice(_UNITS),
            _price(chance),
            f"{chance.choice(_ITEMS)} {number}",
        )
        for number in range(CATALOG_ITEMS)
    ]


def _price(chance: random.Random) -> str:
    return f"{chance.randint(1, 90_000) / 100:.2f}"


def _ship_to(chance: random.Random, number: int) -> tuple[str, str, str]:
    return (
        f"N1*ST*{chance.choice(_NAMES)}*92*{number:05}",
        f"N3*{chance.randint(1, 9999)} HARBOR BLVD*DOCK {chance.randint(1, 9)}",
        f"N4*OAKLAND*CA*9{chance.randint(4000, 4999)}*US",
    )


_CATALOG = _catalog()
_CHANCE = random.Random(SEED + 1)
_BUYERS = [f"PER*BD*BUYER {number}*TE*555010{_CHANCE.randint(1000, 9999)}" for number in range(60)]
_FACILITIES = [f"N1*BY*{_CHANCE.choice(_NAMES)}*92*{number:04}" for number in range(40)]
_SHIP_TO = [_ship_to(_CHANCE, number) for number in range(400)]
