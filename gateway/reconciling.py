"""What both sides should have of an order, and where they differ from it. Pure.

A side commits to what it has open, and to what was received or invoiced there once it has closed the order.
An order is committed twice where both sides have it open and neither is a copy that encumbers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from adapters.base.orders import LineThere, OrderThere
from gateway.journal.moves import Move, MoveLine
from gateway.journal.types import Side
from gateway.moving import fixed_there

ZERO = Decimal(0)
Source = Literal["system", "journal"]


@dataclass(frozen=True, slots=True)
class SideSeen:
    """What a side has of an order. ``source``: whether it was asked, or the journal's documents say it.

    ``there`` None: it has none. ``problem``: it could not be asked. ``is_copy``: it is declared to be one.
    """

    source: Source
    there: OrderThere | None
    problem: str = ""
    is_copy: bool = False

    @property
    def commits(self) -> bool:
        """Tell whether it has the order open, and means it."""
        is_open = self.there is not None and self.there.state == "open"
        return is_open and not (self.is_copy or (self.there is not None and self.there.encumbers is False))


@dataclass(frozen=True, slots=True)
class OrderAccount:
    """One order with all that is to be compared. ``lines``: what its documents come to, on both sides."""

    order_key: str
    side: Side
    lines: Sequence[MoveLine]
    seen: Mapping[Side, SideSeen]
    last: Move | None = None  # its last move that arrived
    before: Move | None = None  # the one before that
    is_moving: bool = False
    problems: Sequence[str] = field(default=())
    gone_route: str = ""  # by which it came, where that is not configured any more


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be. Quantities are in the line's own unit."""

    order_key: str
    side: Side
    line: str
    what: str  # "committed", "received", "invoiced", "state", "unread", "twice", "gone"
    expected: str
    found: str

    def __str__(self) -> str:
        where = f"{self.order_key} on {self.side.value}" + (f", line {self.line}" if self.line else "")
        return f"{where}: {self.what} {self.found}, expected {self.expected}"


def of_gone_route(order_key: str, side: Side, route: str) -> OrderAccount:
    """Give the account of an order whose route is not configured any more: nobody knows whom to ask."""
    unknown = SideSeen("journal", None, f"its route '{route}' is not configured any more")
    return OrderAccount(order_key, side, (), {side: unknown}, gone_route=route)


def expected_lines(account: OrderAccount) -> dict[Side, dict[str, LineThere]]:
    """Give what each side should show, line by line; nothing for a side that should have none of it."""
    here, there = account.side, _other(account.side)
    last = {each.line: each for each in account.last.lines} if account.last is not None else {}
    before = {each.line: each for each in account.before.lines} if account.before is not None else {}
    expected: dict[Side, dict[str, LineThere]] = {here: {}, there: {}}
    for line in account.lines:
        moved = last.get(line.line)
        expected[here][line.line] = _shown(
            line,
            line.ordered - (moved.fixed if moved is not None else ZERO),
            line.received - (moved.received if moved is not None else ZERO),
            line.invoiced - (moved.invoiced if moved is not None else ZERO),
        )
        if moved is not None:
            earlier = before.get(line.line)
            expected[there][line.line] = _shown(
                line,
                fixed_there(moved, earlier)[0],
                moved.received - (earlier.received if earlier is not None else ZERO),
                moved.invoiced - (earlier.invoiced if earlier is not None else ZERO),
            )
    return expected


def differences(account: OrderAccount) -> list[Difference]:
    """List what differs. An order that is moving is between the two, and only counted as such."""
    if account.gone_route:
        told = f"route '{account.gone_route}', which is not configured any more"
        return [_told(account, account.side, "", "gone", "a route that is configured", told)]
    if account.is_moving:
        return []
    found = [_told(account, account.side, "", "unread", "documents that count", p) for p in account.problems]
    expected = expected_lines(account)
    for side, seen in account.seen.items():
        if seen.problem:
            found.append(_told(account, side, "", "unread", "an order that can be read", seen.problem))
        elif not seen.is_copy:
            found += _of_side(account, side, seen, expected[side])
    if is_open_twice(account):
        found.append(
            _told(account, _other(account.side), "", "twice", "open on one side", "open on both sides")
        )
    return found


def is_open_twice(account: OrderAccount) -> bool:
    """Tell whether both sides have an order open and mean it; while it is moving that is no mistake."""
    return len(account.seen) > 1 and all(seen.commits for seen in account.seen.values())


def is_unread(account: OrderAccount) -> bool:
    """Tell whether a side could not be read: then nobody can say that an order is not open on both."""
    return any(seen.problem for seen in account.seen.values())


def _of_side(
    account: OrderAccount, side: Side, seen: SideSeen, expected: Mapping[str, LineThere]
) -> list[Difference]:
    there = seen.there
    lines = {name: line for name, line in expected.items() if line.quantity or line.received or line.invoiced}
    state = "open" if side is account.side else "closed"
    if there is None:
        is_due = side is account.side or any(line.quantity for line in lines.values())
        return [_told(account, side, "", "state", state, "not there")] if is_due else []
    if not expected:
        return [_told(account, side, "", "state", "not there", there.state)] if seen.commits else []
    found = []
    if there.state != state:
        found.append(_told(account, side, "", "state", state, there.state))
    shown = {line.line: line for line in there.lines}
    for name in sorted(lines.keys() | shown.keys()):
        found += _of_line(account, side, name, expected.get(name), shown.get(name))
    return found


def _of_line(
    account: OrderAccount, side: Side, name: str, expected: LineThere | None, shown: LineThere | None
) -> list[Difference]:
    due = expected or LineThere(name, ZERO)
    if shown is None:
        return [_told(account, side, name, "committed", str(due.quantity), "no such line")]
    found = []
    if shown.unit and due.unit and shown.unit != due.unit:
        return [_told(account, side, name, "unit", due.unit, shown.unit)]
    for what, wanted, has in (
        ("committed", due.quantity, shown.quantity),
        ("received", due.received, shown.received),
        ("invoiced", due.invoiced, shown.invoiced),
        ("price", due.price, shown.price),
    ):
        if has is not None and wanted is not None and has != wanted:
            found.append(_told(account, side, name, what, str(wanted), str(has)))
    return found


@dataclass(frozen=True, slots=True)
class Totals:
    """What one side has of the orders compared: how many, and what they are worth there.

    ``unread``: orders that could not be read there; the sums are without them.
    """

    orders: int = 0
    unread: int = 0
    committed: Decimal = ZERO
    received: Decimal = ZERO
    invoiced: Decimal = ZERO

    def __add__(self, other: Totals) -> Totals:
        """Give those of both."""
        return Totals(
            self.orders + other.orders,
            self.unread + other.unread,
            self.committed + other.committed,
            self.received + other.received,
            self.invoiced + other.invoiced,
        )


def totals(accounts: Iterable[OrderAccount], side: Side) -> Totals:
    """Add up what a side shows, copies left out; values in money, without lines that have no price."""
    count, unread, sums = 0, 0, [ZERO, ZERO, ZERO]
    for account in accounts:
        seen = account.seen.get(side)
        if seen is not None and seen.problem:
            unread += 1
            continue
        if seen is None or seen.there is None or seen.is_copy:
            continue
        count += 1
        prices = {each.line: each.price for each in account.lines}
        for line in seen.there.lines:
            price = line.price if line.price is not None else prices.get(line.line) or ZERO
            for at, quantity in enumerate((line.quantity, line.received, line.invoiced)):
                sums[at] += (quantity or ZERO) * price
    return Totals(count, unread, *sums)


def _shown(line: MoveLine, quantity: Decimal, received: Decimal, invoiced: Decimal) -> LineThere:
    return LineThere(line.line, quantity, line.unit, line.price, received, invoiced)


def _told(account: OrderAccount, side: Side, line: str, what: str, expected: str, found: str) -> Difference:
    return Difference(account.order_key, side, line, what, expected, found)


def _other(side: Side) -> Side:
    return Side.CLOUD if side is Side.LEGACY else Side.LEGACY
