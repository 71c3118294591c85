"""A hundred and twenty days of orders on a simulated clock: what is sent when, and what people do then.

Values only, drawn from a seed. Each order has its 850, an 855, perhaps changes, receipts in parts, invoices.
The route goes from legacy by shadow and a rising canary to cloud, and is rolled back twice on its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from tests.gateway.order_hospital import acknowledgment, change, invoice, order, receipt

DAYS = 120.0
ROLL_BACKS = (47.0, 80.0)
DAY_S = 86_400.0

STAGES: tuple[tuple[float, str, int], ...] = (
    (8.0, "shadow", 0),
    *((16.0 + 3 * step, "canary", 5 + 5 * step) for step in range(10)),
    (47.0, "legacy", 0),  # the first roll-back
    (52.0, "canary", 50),
    *((55.0 + 3 * step, "canary", 55 + 5 * step) for step in range(8)),
    (80.0, "shadow", 0),  # the second one
    (86.0, "canary", 90),
    (95.0, "canary", 100),
    (104.0, "cloud", 0),
)

What = Literal["document", "again", "stage", "recall", "restart", "crash", "replay", "move", "pause"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens, ``at_s`` after the beginning."""

    at_s: float
    what: What
    number: str = ""  # of the order that it is about
    route: str = ""
    document: Mapping[str, Any] | None = None
    stage: str = ""
    share: int = 0


def course_of(seed: int, orders: int) -> list[Event]:
    """Give everything that happens, in its order."""
    chance = Random(f"course {seed}")
    events: list[Event] = []
    for at in range(orders):
        events += _lifecycle(chance, f"PO-{seed}-{at}")
    for day, stage, share in STAGES:
        at_s = day * DAY_S
        events.append(Event(at_s, "stage", stage=stage, share=share))
        if day in ROLL_BACKS:
            events.append(Event(at_s, "recall", stage=stage))
    for what, count in (("restart", 30), ("crash", 40), ("replay", max(20, orders // 4)), ("pause", 60)):
        events += [Event(chance.uniform(0, DAYS + 20) * DAY_S, what) for _ in range(count)]  # type: ignore[arg-type]
    events += [Event(chance.uniform(20, DAYS) * DAY_S, "move") for _ in range(max(10, orders // 10))]
    return sorted(events, key=lambda each: each.at_s)


def _lifecycle(chance: Random, number: str) -> list[Event]:
    """Give one order's documents, in the days after it was placed."""
    day = chance.uniform(0.0, DAYS)
    if chance.random() < 0.04:
        day = chance.choice(ROLL_BACKS) - 1e-4  # seconds before it: nothing of it is attempted yet
    quantities = [chance.randint(2, 40) for _ in range(chance.randint(1, 4))]
    fields: dict[str, Any] = {"facility": chance.choice(("04", "04", "04", "01"))}
    placed = order(number, *quantities, **fields)
    if chance.random() < 0.1:
        placed["lines"][0]["line_class"] = chance.choice(("implant", "blood", "pharmacy"))
    if chance.random() < 0.1:
        placed["lines"][0]["stock"] = "stock"
    made = [(day, "po", placed), (day + chance.uniform(0.01, 2.0), "acks", acknowledgment(number))]
    for at in range(chance.choice((0, 0, 1, 2))):
        line = chance.randint(1, len(quantities))
        quantities[line - 1] += chance.randint(1, 5)  # more of it: never below what was received
        name = f"{number}-C{at}"
        made.append((day + 2.1 + at, "changes", change(number, name, line, quantities[line - 1])))
    made += _received(chance, number, quantities, day + 5.0)
    events = [Event(at * DAY_S, "document", number, route, document) for at, route, document in made]
    events += [
        Event(each.at_s + chance.uniform(60, 20 * DAY_S), "again", number, each.route, each.document)
        for each in events
        if chance.random() < 0.04
    ]
    return events


def _received(
    chance: Random, number: str, quantities: list[int], day: float
) -> list[tuple[float, str, dict[str, Any]]]:
    """Give receipts in parts, and the invoice of each part some days later."""
    made = []
    part = 0
    for line, quantity in enumerate(quantities, start=1):
        left = quantity
        while left > 0:
            take = left if chance.random() < 0.5 else chance.randint(1, left)
            at = day + chance.uniform(0.0, 15.0)
            part += 1
            made.append((at, "receipts", receipt(number, f"{number}-R{part}", line, take)))
            if chance.random() < 0.9:
                later = at + chance.uniform(0.05, 6.0)
                made.append((later, "invoices", invoice(number, f"{number}-I{part}", line, take)))
            left -= take
    return made
