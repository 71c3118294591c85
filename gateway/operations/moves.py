"""Moving orders to the other side: asked for, agreed to by another person, watched."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import Literal, NamedTuple

from canonical.registry import to_json
from gateway.config import Route
from gateway.journal.base import RefusedError, UnknownError
from gateway.journal.move_rules import not_at_rest
from gateway.journal.moves import OPEN_MOVES, Move, MoveLine, MoveState, OrderStanding
from gateway.journal.types import FINISHED, DeliveryState, LedgerEntry, Side
from gateway.moving import cannot_take, pinned, remainder
from gateway.operations.base import EVERYTHING, Count, JsonObject, OperationsBase, Person, Text
from gateway.operations.errors import OperationError
from gateway.operations.open_lines import LineRow, LineRows, Numbers, ToldOrders, told_orders
from gateway.operations.trial_writing import cannot_be_written
from gateway.operations.views import instant
from gateway.order_lines import differs
from gateway.order_looks import look_at

SHOWN_MAX = 1_000
PROBLEMS_SHOWN = 5


class Asked(NamedTuple):
    """A move that can be asked for, and what the order comes to as it stands."""

    move: Move
    lines: tuple[MoveLine, ...]


class MoveOperations(OperationsBase):
    """Operations on moves."""

    async def orders_move(
        self, orders: Numbers, to: Literal["legacy", "cloud"], who: Person, why: Text
    ) -> JsonObject:
        """Ask for orders to be moved; another person must agree.

        Errors: OperationError where one of them cannot move as it stands; then none is asked for.
        """
        asked: list[Asked] = []
        problems: list[str] = []
        batch = self._batch(who, why, orders)
        for order in orders:
            keys = await self._in_ledger(order)
            if len(keys) != 1:
                problems.append(f"{order} ({' or '.join(keys) if keys else 'no entry in the ledger'})")
                continue
            found = await self._asked(keys[0], Side(to), batch, who, why, {})
            if isinstance(found, str):
                problems.append(f"{order}: {found}")
            else:
                asked.append(found)
        if problems:
            shown = "; ".join(problems[:PROBLEMS_SHOWN])
            more = f"; and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
            raise OperationError("refused", f"these cannot move: {shown}{more}. Nothing was asked for")
        return await self._ask(asked, batch, who, why, [])

    async def orders_convert(
        self,
        route: Text,
        to: Literal["legacy", "cloud"],
        who: Person,
        why: Text,
        rows: LineRows | None = None,
    ) -> JsonObject:
        """Ask for all open orders of a route to be moved, or for those of a file; tell which cannot be.

        ``rows``: the old side's own export. For an order that came before the gateway it is what there is;
        for any other it must agree with the journal, line by line.
        """
        asked, batch, problems = await self._convertible(route, Side(to), who, why, rows)
        return await self._ask(asked, batch, who, why, problems)

    async def orders_convertible(
        self, route: Text, to: Literal["legacy", "cloud"], rows: LineRows | None = None
    ) -> JsonObject:
        """Say which open orders of a route could be moved as they stand; nothing is asked for."""
        return self._told(*await self._convertible(route, Side(to), "", "", rows))

    async def _convertible(
        self, route: str, to: Side, who: str, why: str, rows: list[LineRow] | None
    ) -> tuple[list[Asked], str, list[JsonObject]]:
        """Give the moves of all open orders, how they are called together, and which cannot move."""
        by_order = self._told_orders(route, rows or [])
        side = Side.LEGACY if to is Side.CLOUD else Side.CLOUD
        entries = await self._journal.orders(side=side.value, route=route, limit=EVERYTHING)
        open_entries = {each.order_key: each for each in reversed(entries) if each.closed_at is None}
        open_keys = list(open_entries)
        keys = list(by_order) if rows is not None else open_keys
        batch = self._batch(who, why, keys)
        asked: list[Asked] = []
        problems: list[JsonObject] = []
        for key in keys:
            found = await self._asked(key, to, batch, who, why, by_order)
            if isinstance(found, str):
                problems.append({"order_key": key, "why": found})
            else:
                asked.append(found)
        if rows is not None:
            left = sorted(open_entries.keys() - set(keys))
            problems += [{"order_key": key, "why": _left_out(open_entries[key])} for key in left]
        return asked, batch, problems

    async def orders_moves(
        self,
        batch: str | None = None,
        state: str | None = None,
        order: str | None = None,
        limit: Count = 1_000,
    ) -> list[JsonObject]:
        """Show moves, oldest first, with what those under way wait for.

        Errors: OperationError for a state, batch or order that there is none of.
        """
        if batch is not None:
            await self._moves_of(batch)
        keys = await self._entered(order) if order is not None else [None]
        states = [MoveState(state)] if state is not None and state in set(MoveState) else []
        if state is not None and not states:
            words = ", ".join(MoveState)
            raise OperationError("bad_request", f"there is no state '{state}'; expected {words}")
        found = [
            each
            for key in keys
            for each in await self._journal.moves(states=states, batch=batch, order_key=key, limit=limit)
        ]
        return [move_view(each) | {"waits_for": await self._waits_for(each)} for each in found[:limit]]

    async def orders_agree(self, batch: Text, who: Person, why: Text) -> JsonObject:
        """Agree to all that is asked for in a batch; the gateway begins at once."""
        return await self._together(batch, who, why, "agree")

    async def orders_drop(self, batch: Text, who: Person, why: Text) -> JsonObject:
        """End all of a batch that has not begun."""
        return await self._together(batch, who, why, "drop")

    # -- inside ----------------------------------------------------------------------------

    async def _asked(
        self,
        key: str,
        to: Side,
        batch: str,
        who: str,
        why: str,
        by_order: ToldOrders,
    ) -> Asked | str:
        """Give the move of an order, or say why it cannot move as it stands."""
        entry = (await self._journal.facts((key,), (), ())).ledger.get(key)
        if entry is None or entry.closed_at is not None:
            return "the ledger has no open order of this key; import it first"
        if entry.side is to:
            return f"it is on {to.value} already"
        route = self._configuration().routes.get(entry.route)
        if route is None:
            return f"its route '{entry.route}' is not configured any more"
        problem = cannot_take(self._configuration().rule(route), to, route.write.keys())
        if problem is not None:
            return problem
        return await self._looked_at(key, to, batch, who, why, by_order, entry, route)

    async def _looked_at(
        self,
        key: str,
        to: Side,
        batch: str,
        who: str,
        why: str,
        by_order: ToldOrders,
        entry: LedgerEntry,
        route: Route,
    ) -> Asked | str:
        order, lines = by_order.get(key, (None, ()))
        views = await self._journal.documents(order_key=key, limit=EVERYTHING)
        move = Move(
            move_id=f"v{hashlib.sha256(f'{batch}|{key}'.encode()).hexdigest()[:16]}",
            order_key=key,
            route=entry.route,
            was=entry.side,
            to=to,
            asked_by=who,
            asked_at=self._clock.now(),
            why=why,
            batch=batch,
            lines=lines,
            documents=len(views),
            order=to_json(order) if order is not None else None,
        )
        rules = self._configuration().key_rules(route.source.partner)
        look = await look_at(self._journal, key, rules, move)
        if any(each.state in OPEN_MOVES for each in look.moves):
            return "it is being moved already"
        standing = OrderStanding(entry, 0, await self._unfinished(key))
        made = remainder(look.state, move, look.last)
        problem = not_at_rest(standing) or (made if isinstance(made, str) else "")
        if not problem and lines and not look.is_told:
            problem = differs(lines, look.state.lines)
        if not problem and not isinstance(made, str):
            state = (await self._journal.stages()).get(entry.route)
            rule = self._configuration().rule(route)
            problem = pinned(rule, state.stage if state is not None else "", move, made.order)
            problem = problem or await cannot_be_written(
                self._journal, self._configuration(), route, to, made.order, self._clock.now()
            )
        if problem or isinstance(made, str):
            return problem
        # Its lines stay where a file told them: they are compared again when it begins.
        return Asked(move if look.is_told else replace(move, order=None), made.lines)

    async def _unfinished(self, key: str) -> tuple[tuple[str, DeliveryState], ...]:
        """Give an order's deliveries that are still on their way; a shadow is none."""
        every = await self._journal.deliveries(order_key=key, limit=EVERYTHING)
        return tuple(
            (each.delivery_id, each.state)
            for each in every
            if each.state not in FINISHED and each.role != "shadow"
        )

    async def _ask(
        self, asked: list[Asked], batch: str, who: str, why: str, problems: list[JsonObject]
    ) -> JsonObject:
        try:
            await self._journal.ask_moves([each.move for each in asked], who, why, self._clock.now())
        except RefusedError as error:
            raise OperationError("refused", str(error)) from error
        return self._told(asked, batch, problems)

    def _told(self, asked: list[Asked], batch: str, problems: list[JsonObject]) -> JsonObject:
        return {
            "batch": batch,
            "orders": len(asked),
            "moves": [move_view(replace(each.move, lines=each.lines)) for each in asked[:SHOWN_MAX]],
            "problems": problems[:SHOWN_MAX],
            "problem_count": len(problems),
        }

    async def _together(self, batch: str, who: str, why: str, what: Literal["agree", "drop"]) -> JsonObject:
        wanted = (MoveState.ASKED,) if what == "agree" else (MoveState.ASKED, MoveState.AGREED)
        of_batch = await self._moves_of(batch)
        moves = [each for each in of_batch if each.state in wanted]
        if not moves:
            raise OperationError("refused", f"batch '{batch}' {_past(of_batch, what)}. Nothing was changed")
        ids = [each.move_id for each in moves]
        change = self._journal.agree_moves if what == "agree" else self._journal.drop_moves
        try:
            count = await change(ids, who, why, self._clock.now())
        except (RefusedError, UnknownError) as error:
            raise OperationError("refused", str(error)) from error
        self._wake()
        return {"batch": batch, "orders": count}

    async def _waits_for(self, move: Move) -> str:
        """Say what a move waits for, "" where it has ended."""
        match move.state:
            case MoveState.ASKED:
                return f"a person other than {move.asked_by} to agree"
            case MoveState.AGREED:
                return "its turn"
            case MoveState.CREATING | MoveState.CLOSING:
                views = await self._journal.deliveries(message_id=move.message_id, limit=10)
                pending = [each for each in views if each.state not in FINISHED]
                if not pending and move.route not in self._configuration().routes:
                    return f"its route '{move.route}', which is not configured any more, to be declared again"
                return "; ".join(
                    f"{each.target} ({each.state.value}{f': {each.reason}' if each.reason else ''})"
                    for each in pending
                )
        return ""

    def _told_orders(self, route: str, rows: list[LineRow]) -> ToldOrders:
        """Give the orders of a file by their keys. Errors: OperationError."""
        partner = self._opening(route).source.partner
        return told_orders(rows, self._configuration().key_rules(partner))

    def _batch(self, who: str, why: str, orders: list[str]) -> str:
        """Name what is asked for together."""
        now = self._clock.now()
        told = f"{who}|{why}|{now.isoformat()}|{len(orders)}"
        return f"b{now:%y%m%d}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def _left_out(entry: LedgerEntry) -> str:
    """Say what an order is that a file of open orders does not have."""
    if entry.moving_to is not None:
        return f"on its way to {entry.moving_to.value} already"
    return "open here, and not in the file"


def _past(moves: list[Move], what: Literal["agree", "drop"]) -> str:
    """Say why nobody can agree to a batch, or drop it, any more."""
    states = Counter(each.state for each in moves)
    told = ", ".join(f"{states[state]} {state.value}" for state in MoveState if states[state])
    if not any(each.state in OPEN_MOVES for each in moves):
        return f"is over ({told})"
    if what == "drop":
        return f"has begun ({told}), and only what has not begun can be dropped"
    names = ", ".join(sorted({each.agreed_by for each in moves if each.agreed_by is not None}))
    return f"was agreed to already by {names} ({told})"


def move_view(move: Move) -> JsonObject:
    """Show a move: quantities, no prices."""
    return {
        "move_id": move.move_id,
        "batch": move.batch,
        "order_key": move.order_key,
        "route": move.route,
        "was": move.was.value,
        "to": move.to.value,
        "state": move.state.value,
        "asked_by": move.asked_by,
        "asked_at": instant(move.asked_at),
        "agreed_by": move.agreed_by,
        "agreed_at": instant(move.agreed_at),
        "why": move.why,
        "message_id": move.message_id,
        "outcome": move.outcome,
        "ended_at": instant(move.ended_at),
        "lines": [
            {
                "line": each.line,
                "unit": each.unit,
                "ordered": str(each.ordered),
                "fixed": str(each.fixed),
                "remainder": str(each.remainder),
            }
            for each in move.lines
        ],
    }
