"""Proving what was moved by count and value, and comparing what both sides have of orders."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from gateway.journal.moves import OPEN_MOVES, MoveState
from gateway.journal.types import Side
from gateway.moving import total
from gateway.operations.base import Count, JsonObject, OperationsBase, Text
from gateway.operations.discretion import HIDDEN
from gateway.order_accounts import OrderAccounts
from gateway.reconciling import Difference, OrderAccount, differences, is_open_twice, is_unread, totals

SHOWN_MAX = 1_000


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
            "sides": {side.value: self._side(accounts, side) for side in (moves[0].was, to)},
            "differences": [difference_view(each) for each in differ[:SHOWN_MAX]],
            "difference_count": len(differ),
            "is_finished": not any(each.state in OPEN_MOVES for each in moves),
            "holds": keeps and not differ and len(accounts) == len(done),
        }

    async def orders_reconcile(
        self, route: str | None = None, orders: list[Text] | None = None, limit: Count = 100_000
    ) -> JsonObject:
        """Compare both sides' committed, received and invoiced quantities with what the documents say.

        Errors: OperationError for a route that opens no orders, and for a number that the ledger lacks:
        nothing to compare would read as if all of it agreed.
        """
        if route is not None:
            self._opening(route)
        keys: list[str] = []
        if orders:
            for order in orders:
                keys += await self._entered(order)
        else:
            entries = await self._journal.orders(route=route, limit=limit)
            keys = [each.order_key for each in reversed(entries) if each.closed_at is None]
        accounts = [found for key in keys if (found := await self._account(key)) is not None]
        differ = [each for account in accounts for each in differences(account)]
        twice = [each for each in differ if each.what == "twice"]
        sources = Counter(
            seen.source for account in accounts for seen in account.seen.values() if not seen.problem
        )
        return {
            "orders": len(accounts),
            "moving": sum(1 for each in accounts if each.is_moving),
            "sides": {side.value: self._side(accounts, side) for side in Side},
            "read_from": dict(sources),
            "differences": [difference_view(each) for each in differ[:SHOWN_MAX]],
            "difference_count": len(differ),
            "committed_twice": [each.order_key for each in twice][:SHOWN_MAX],
            "moving_on_both": [each.order_key for each in accounts if each.is_moving and is_open_twice(each)][
                :SHOWN_MAX
            ],
            "unread": sum(1 for each in differ if each.what == "unread"),
            "orders_unread": sum(1 for each in accounts if not each.is_moving and is_unread(each)),
        }

    async def _account(self, key: str) -> OrderAccount | None:
        entry = (await self._journal.facts((key,), (), ())).ledger.get(key)
        route = self._configuration().routes.get(entry.route) if entry is not None else None
        if route is None:
            return None
        configuration = self._configuration()
        rules = configuration.key_rules(route.source.partner)
        return await OrderAccounts(self._journal, self._hooks.reading).of(
            key, configuration.rule(route), rules
        )

    def _side(self, accounts: list[OrderAccount], side: Side) -> JsonObject:
        """Show what a side has; no sums where nothing of it could be read, for nobody knows them."""
        sums = totals(accounts, side)
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
