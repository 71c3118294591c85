"""What every operation works with: the journal, the configuration, the clock, and who must be told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from adapters.base import Clock
from canonical.keys import order_key_of
from gateway.config import Configuration, Route
from gateway.four_eyes import name_of
from gateway.journal.base import Journal, UnknownError
from gateway.journal.moves import Move
from gateway.journal.types import Message
from gateway.operations.errors import OperationError
from gateway.operations.subjects import find_named, message_of
from gateway.order_reading import OrderReading

JsonObject = dict[str, Any]  # the values were made here, or validated by the operation that takes them

Text = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]


def _named(who: str) -> str:
    if not name_of(who):
        raise ValueError("it names nobody; say who does this")
    return who.strip()


Person = Annotated[Text, AfterValidator(_named)]  # who does it, as typed, without the spaces around
Count = Annotated[int, Field(ge=1, le=1_000_000)]

EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told of a change, and what only the running process knows."""

    work_changed: Callable[[], None] = lambda: None  # something may be there to translate or deliver
    stage_changed: Callable[[str], None] = lambda route: None
    process: Callable[[], Mapping[str, Any]] | None = None  # None: no gateway is running here
    plan: Callable[[Mapping[str, Any]], Awaitable[JsonObject]] | None = (
        None  # makes a plan, in other processes
    )
    reading: OrderReading | None = None  # asks both sides for orders; None: the journal alone is asked


class OperationsBase:
    """The parts that all operations share."""

    def __init__(
        self,
        journal: Journal,
        configuration: Callable[[], Configuration],
        clock: Clock,
        hooks: Hooks | None = None,
    ) -> None:
        self._journal = journal
        self._configuration = configuration
        self._clock = clock
        self._hooks = hooks or Hooks()

    async def _message(self, message_id: str) -> Message:
        try:
            return await self._journal.message(message_id)
        except UnknownError:
            raise OperationError(
                "unknown", f"there is no message '{message_id}'; legacy-bridge messages list shows them"
            ) from None

    async def _order_keys(self, number: str) -> tuple[str, ...]:
        """Give the keys of the orders that a number may mean: by each partner's rules, by alias, as a key."""
        configuration = self._configuration()
        rules = [configuration.key_rules(partner) for partner in (None, *configuration.partners)]
        organisations = {configuration.gateway.organisation, *configuration.gateway.organisations.values()}
        own = [
            order_key_of(number, each.model_copy(update={"organisation": name}))
            for each in rules
            for name in sorted(organisations)
        ]
        possible = tuple(dict.fromkeys((number, *own)))
        facts = await self._journal.facts(possible, (), (number,))
        found = dict.fromkeys((*facts.ledger, *facts.resolved.get(number, ())))
        for key in possible:
            if key not in found and await self._journal.documents(order_key=key, limit=1):
                found[key] = None
        return tuple(found)

    async def routes_of(self, subject: str, *, by_any_name: bool = False) -> set[str]:
        """Give the routes of a message, delivery, exception, order or route; none where it is not known.

        ``by_any_name``: of what ``explain`` would tell of, so by names without an index, too, and never as a
        route: a file may be called like one, and have come by another.
        """
        if not by_any_name and subject in await self._journal.stages():
            return {subject}
        message_id = message_of(subject)
        try:
            return {(await self._journal.message(message_id)).route}
        except UnknownError:
            keys = await self._order_keys(subject)
        if not keys and by_any_name:
            named = await find_named(self._journal, subject)
            return {(await self._message(each)).route for each in named.message_ids}
        if not keys:  # a move that never began has no message
            parked = await self._journal.exceptions(limit=EVERYTHING)
            return {each.route for each in parked if each.exception_id == subject}
        ledger = (await self._journal.facts(keys, (), ())).ledger
        found = {entry.route for entry in ledger.values()}
        for key in keys:
            for view in await self._journal.documents(order_key=key, limit=1) if key not in ledger else ():
                found.add((await self._journal.message(view.message_id)).route)
        return found

    async def _in_ledger(self, order: str) -> list[str]:
        """Give the keys of the orders that a number or key means, of those that the ledger has."""
        keys = await self._order_keys(order)
        return list((await self._journal.facts(keys, (), ())).ledger)

    async def _entered(self, order: str) -> list[str]:
        """Give the keys that a number means in the ledger. Errors: OperationError where it means none."""
        keys = await self._in_ledger(order)
        if not keys:
            raise OperationError(
                "unknown", f"order '{order}' has no entry in the ledger; orders list shows those that have"
            )
        return keys

    def _opening(self, route: str) -> Route:
        """Give a route that opens orders. Errors: OperationError where there is none of that name."""
        routes = self._configuration().routes
        found = routes.get(route)
        if found is None or not found.originates:
            names = ", ".join(name for name, each in routes.items() if each.originates)
            raise OperationError(
                "unknown", f"'{route}' is no route that opens orders; those are: {names or 'none'}"
            )
        return found

    async def _moves_of(self, batch: str) -> list[Move]:
        """Give the moves that were asked for together. Errors: OperationError where there are none."""
        moves = await self._journal.moves(batch=batch, limit=EVERYTHING)
        if not moves:
            raise OperationError("unknown", f"there is no batch '{batch}'; orders moves shows them")
        return moves

    def _wake(self) -> None:
        self._hooks.work_changed()
