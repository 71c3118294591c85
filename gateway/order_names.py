"""The lines that a system shows, by the names that the order itself gives them. Pure.

An ERP numbers lines its own way, and may have one for each schedule. What was ordered, received and invoiced
is told by the order's names: the sender's line ids, or else the places. The alias table has both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from adapters.base import AliasKind
from adapters.base.orders import LineThere, OrderThere
from gateway.erp.connector.aliases import SENT

AliasRow = tuple[str, str, str, str]  # kind, number, line, line number


def by_own_names(there: OrderThere, aliases: Iterable[AliasRow], names: Collection[str]) -> OrderThere:
    """Give an order with its lines called as the order calls them; several that are one line are added up.

    ``names``: of the order's lines. A line of which no alias tells such a name keeps what its system says.
    """
    known = _names(there.number, aliases)
    lines: dict[str, list[LineThere]] = {}
    for line in there.lines:
        name = known.get(line.line, "")
        lines.setdefault(name if name in names else line.line, []).append(line)
    return replace(there, lines=tuple(_added(name, parts) for name, parts in lines.items()))


def _names(number: str, aliases: Iterable[AliasRow]) -> dict[str, str]:
    """Give the order's name for each line id of the system's."""
    own = [
        (line, theirs)
        for kind, named, line, theirs in aliases
        if (kind, named) == (AliasKind.ERP, number) and line and theirs
    ]
    sent = {line.removeprefix(SENT): theirs for line, theirs in own if line.startswith(SENT)}
    found: dict[str, str] = {}
    # Lines before schedules: where schedules are counted anew in each line, their ids are no lines'.
    for line, theirs in sorted(own, key=lambda each: "/" in each[0]):
        sequence = line.partition("/")[0]
        if sequence.isdecimal():
            found.setdefault(theirs, sent.get(sequence, sequence))
    return found


def _added(name: str, parts: Sequence[LineThere]) -> LineThere:
    first = parts[0]
    if len(parts) == 1:
        return replace(first, line=name)
    return LineThere(
        name,
        sum((each.quantity for each in parts), Decimal(0)),
        first.unit if len({each.unit for each in parts}) == 1 else "",
        first.price if len({each.price for each in parts}) == 1 else None,
        _sum([each.received for each in parts]),
        _sum([each.invoiced for each in parts]),
    )


def _sum(quantities: Sequence[Decimal | None]) -> Decimal | None:
    """Add up what all parts tell; None where one of them does not."""
    known = [each for each in quantities if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(quantities) else None
