"""Delivery schedules as segments: SCH, and SDQ where one is only a place and a quantity. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.edi_x12 import layout, parts_out
from adapters.edi_x12.as_sent import order_of
from adapters.edi_x12.page import Page
from adapters.edi_x12.write_out import shipping
from canonical.lines import Schedule
from canonical.values import Party, Quantity


def schedules(page: Page, line: Any, ship_to: Party | None, *, inside: bool) -> None:
    """SCH, and SDQ where a schedule is only a place and a quantity.

    ``inside``: those for the line's ship-to, which stand in its loop; else all others.
    """
    if not inside:
        _spread(page, line, [each for each in line.schedules if _is_spread(each)])
    path = "PO1/N1/SCH" if inside else "PO1/SCH"
    loop = "PO1/N1" if inside else path
    for each in line.schedules:
        if _is_spread(each) or (ship_to is not None and each.ship_to == ship_to) != inside:
            continue
        row = page.attempt(path, lambda each=each: _sch(page, each, inside=inside))  # type: ignore[misc]
        page.add_below(loop, path, row)
        if not inside:
            shipping(page, f"{path}/", each.shipping, "TD5", loop)


def _is_spread(each: Schedule) -> bool:
    to = each.ship_to
    return (
        to is not None
        and len(to.identifiers) == 1
        and to.name is None
        and to.address is None
        and each.quantity is not None
        and each.requested is None
        and not each.dates
    )


def _spread(page: Page, line: Any, values: Sequence[Schedule]) -> None:
    pairs: list[tuple[tuple[str, str], str, str]] = []
    for each in values:
        to, quantity = each.ship_to, each.quantity
        if to is None or quantity is None:
            continue
        elements = parts_out.party(to, "ship_to", page.partner)
        code = page.attempt(
            "PO1/SDQ",
            lambda each=each, q=quantity: [_sdq_unit(page, each, q)],  # type: ignore[misc]
        )
        pairs.append((((code or [""])[0], elements[2]), elements[3], parts_out.number(quantity.value)))
    hinted = [int(size) for size in order_of(line, "PO1/SDQ") or ()]
    sizes = hinted if sum(hinted) == len(pairs) else layout.spread_sizes([key for key, _, _ in pairs])
    at = 0
    for size in sizes:
        part = pairs[at : at + size]
        if part:
            flat = [text for _, place, quantity in part for text in (place, quantity)]
            page.add("PO1/SDQ", [*part[0][0], *flat])
        at += size


def _sdq_unit(page: Page, each: Schedule, quantity: Quantity) -> str:
    return parts_out.unit(quantity.unit, each.raw_codes.get("SDQ01"), page.partner)


def _sch(page: Page, each: Schedule, *, inside: bool) -> list[str]:
    raw, quantity = each.raw_codes, each.quantity
    made = [""] * 12
    if quantity is not None:
        made[0] = parts_out.number(quantity.value)
        made[1] = parts_out.unit(quantity.unit, raw.get("SCH02"), page.partner)
    if each.ship_to is not None and each.ship_to.name and not inside:
        made[2], made[3] = "ST", each.ship_to.name
    made[2], made[3] = raw.get("SCH03", made[2]), raw.get("SCH04", made[3])
    dated = [["002", *parts_out.moment(each.requested)]] if each.requested is not None else []
    dated += [parts_out.dated(value) for value in each.dates]
    for at, row in zip((4, 7), dated, strict=False):
        made[at : at + 3] = row[:3]
    made[10], made[11] = raw.get("SCH11", ""), each.schedule_id or ""
    return made
