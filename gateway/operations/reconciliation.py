"""Proving what was moved by count and value, and comparing what both sides have of orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from gateway.journal.moves import OPEN_MOVES, MoveState
from gateway.journal.types import Side
from gateway.moving import total
from gateway.operations.base import Count, JsonObject, OperationsBase, Text
from gateway.operations.discretion import HIDDEN
from gateway.order_accounts import OrderAccounts
from gateway.reconciling import (
    Difference,
    OrderAccount,
    Totals,
    differences,
    is_open_twice,
    is_unread,
    of_gone_route,
    totals,
)

SHOWN_MAX = 1_000
PAGE = 1_000  # ledger entries that are read together


class ReconciliationOperations(OperationsBase):
    """Operations that read both sides, and change nothing."""

    async def orders_proof(self, batch: Text) -> JsonObject:
        """Prove a batch by count and value, on both sides."""
        moves = await self._moves_of(batch)
        done = [each for each in moves if each.state is MoveState.DONE]
        accounts = [found for each in done if (found := await self._account(each.order_key)) is not None]
        differ = [each for account in accounts for each in differences(account)]
        counts = Counter(each.state for each in moves)
        moved = [line for each in done for line in each.lines]
        sums = {what: total(moved, what) for what in ("ordered", "fixed", "remainder")}
        over = sum(
            (max(each.fixed - each.ordered, Decimal(0)) * (each.price or 0) for each in moved), Decimal(0)
        )
        to = moves[0].to
        keeps = sums["ordered"] + over == sums["fixed"] + sums["remainder"]
        return {
            "batch": batch,
            "orders": len(moves),
            "states": {state.value: counts[state] for state in MoveState if counts[state]},
            "not_moved": [
                {"order_key": each.order_key, "why": each.outcome}
                for each in moves
                if each.state is MoveState.ENDED
            ][:SHOWN_MAX],
            "value": {what: _money(value) for what, value in sums.items()},
            "sides": {side.value: _side_view(totals(accounts, side)) for side in (moves[0].was, to)},
            "differences": [difference_view(each) for each in differ[:SHOWN_MAX]],
            "difference_count": len(differ),
            "is_finished": not any(each.state in OPEN_MOVES for each in moves),
            "holds": keeps and not differ and len(accounts) == len(done),
        }

    async def orders_reconcile(
        self, route: str | None = None, orders: list[Text] | None = None, limit: Count | None = None
    ) -> JsonObject:
        """Compare both sides' committed, received and invoiced quantities with what the documents say.

        ``limit``: as many orders at most; all that are open by default. Errors: OperationError for a route
        that opens no orders, and for a number that the ledger lacks: nothing to compare would read as if all
        of it agreed.
        """
        if route is not None and not await self._is_left_behind(route):
            self._opening(route)
        tally = Tally()
        async for keys in self._pages(route, orders, limit):
            tally.add([found for key in keys if (found := await self._account(key)) is not None])
        return tally.view() | {"sides": {side.value: _side_view(tally.sides[side]) for side in Side}}

    async def _is_left_behind(self, route: str) -> bool:
        """Tell whether a route is not configured any more and has orders that are still open."""
        if route in self._configuration().routes:
            return False
        return bool(await self._journal.open_entries(route=route, limit=1))

    async def _pages(
        self, route: str | None, orders: list[str] | None, limit: int | None
    ) -> AsyncIterator[list[str]]:
        """Give the keys of the orders to compare, a page at a time."""
        if orders:
            for order in orders:
                yield await self._entered(order)
            return
        count, after = 0, ""
        while limit is None or count < limit:
            size = PAGE if limit is None else min(PAGE, limit - count)
            page = await self._journal.open_entries(route=route, after=after, limit=size)
            if not page:
                return
            yield [each.order_key for each in page]
            count, after = count + len(page), page[-1].order_key

    async def _account(self, key: str) -> OrderAccount | None:
        entry = (await self._journal.facts((key,), (), ())).ledger.get(key)
        if entry is None:
            return None
        route = self._configuration().routes.get(entry.route)
        if route is None:
            return of_gone_route(key, entry.side, entry.route)
        configuration = self._configuration()
        rules = configuration.key_rules(route.source.partner)
        return await OrderAccounts(self._journal, self._hooks.reading).of(
            key, configuration.rule(route), rules
        )


class Tally:
    """What the orders compared so far come to; of what is listed one by one, the first ``SHOWN_MAX``."""

    def __init__(self) -> None:
        self.sides = dict.fromkeys(Side, Totals())
        self._counts = Counter[str]()
        self._read_from = Counter[str]()
        self._gone = Counter[str]()  # orders by route
        self._differences: list[JsonObject] = []
        self._of_gone_routes: list[JsonObject] = []
        self._twice: list[str] = []
        self._moving_on_both: list[str] = []

    def add(self, accounts: Sequence[OrderAccount]) -> None:
        """Count some orders more."""
        for side in Side:
            self.sides[side] += totals(accounts, side)
        for each in accounts:
            self._add(each)
        for shown in (self._differences, self._of_gone_routes, self._twice, self._moving_on_both):
            del shown[SHOWN_MAX:]

    def _add(self, account: OrderAccount) -> None:
        found = differences(account)
        self._counts.update(
            orders=1,
            moving=account.is_moving,
            differences=len(found),
            unread=sum(each.what in ("unread", "gone") for each in found),
            orders_unread=not account.is_moving and is_unread(account),
        )
        self._read_from.update(each.source for each in account.seen.values() if not each.problem)
        if account.gone_route:
            self._gone[account.gone_route] += 1
        listed = self._of_gone_routes if account.gone_route else self._differences
        listed += [difference_view(each) for each in found]
        self._twice += [each.order_key for each in found if each.what == "twice"]
        if account.is_moving and is_open_twice(account):
            self._moving_on_both.append(account.order_key)

    def view(self) -> JsonObject:
        """Show all but the sides. Orders of routes that are gone are listed behind all that differs."""
        return {
            "orders": self._counts["orders"],
            "moving": self._counts["moving"],
            "read_from": dict(self._read_from),
            "differences": (self._differences + self._of_gone_routes)[:SHOWN_MAX],
            "difference_count": self._counts["differences"],
            "committed_twice": self._twice,
            "moving_on_both": self._moving_on_both,
            "unread": self._counts["unread"],
            "orders_unread": self._counts["orders_unread"],
            "routes_gone": dict(sorted(self._gone.items())),
        }


def _side_view(sums: Totals) -> JsonObject:
    """Show what a side has; no sums where nothing of it could be read, for nobody knows them."""
    is_known = sums.orders > 0 or not sums.unread
    values = {"committed": sums.committed, "received": sums.received, "invoiced": sums.invoiced}
    return {
        "orders": sums.orders,
        "unread": sums.unread,
        **{what: _money(value) if is_known else None for what, value in values.items()},
    }


def difference_view(difference: Difference) -> JsonObject:
    """Show a difference; of a price only that it differs."""
    is_price = difference.what == "price"
    return {
        "order_key": difference.order_key,
        "side": difference.side.value,
        "line": difference.line,
        "what": difference.what,
        "expected": HIDDEN if is_price else difference.expected,
        "found": HIDDEN if is_price else difference.found,
    }


def _money(value: Decimal) -> str:
    return f"{value:.2f}"
