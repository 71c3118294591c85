"""The call sheet for a downtime: what the journal holds of orders that are not delivered."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.call_sheet import LIVE, Call, Situation, calls
from gateway.journal.types import FINISHED, DeliveryState, Message, MessageState, Transmitter
from gateway.operations.base import EVERYTHING, JsonObject, OperationsBase
from gateway.order_mover import TRANSPORT as MOVE

UNFINISHED = tuple(state.value for state in DeliveryState if state not in FINISHED)
UNTRANSLATED = (MessageState.ACCEPTED, MessageState.TRANSLATING)
PHONES = ("suppliers", "supplier")  # words under which a configuration may name the table of suppliers


class CallSheetOperations(OperationsBase):
    """Operations on the call sheet."""

    async def exceptions_call_sheet(self, everything: bool = False) -> list[JsonObject]:
        """Give the orders to place by phone: past their deadline, or all that are not delivered."""
        now = self._clock.now()
        found = [each for each in await self._calls() if everything or each.is_late(now)]
        return [each.to_json() for each in sorted(found, key=lambda each: each.rank)]

    async def _calls(self) -> list[Call]:
        deliveries = await self._journal.deliveries(states=UNFINISHED, limit=EVERYTHING)
        exceptions = await self._journal.exceptions(limit=EVERYTHING)
        untranslated = await self._journal.messages(states=UNTRANSLATED, limit=EVERYTHING)
        waiting = await self._journal.awaiting(datetime.max.replace(tzinfo=UTC), limit=EVERYTHING)
        message_ids = dict.fromkeys(
            (
                *(each.message_id for each in deliveries if each.role in LIVE),
                *(each.message_id for each in exceptions if each.message_id),
                *(each.message_id for each in untranslated),
                *(each.message_id for each in waiting),
            )
        )
        phones = await self._phones()
        found: list[Call] = []
        for message_id in message_ids:
            message = await self._message(message_id)
            if message.origin.transport == MOVE or await self._is_placed(message):
                continue  # the supplier has it: nobody places it again
            if self._orders_come_by(message.route):
                parked = [each.exception_id for each in exceptions if each.message_id == message_id]
                found += calls(await self._situation(message, parked), phones)
        return found

    async def _is_placed(self, message: Message) -> bool:
        """Tell whether all orders of a message that is being planned anew are the supplier's already."""
        if message.state not in UNTRANSLATED or message.generation == 1:
            return False
        views = await self._journal.documents(message_id=message.message_id, limit=EVERYTHING)
        keys = sorted({key for view in views for key in view.plan.order_keys})
        ledger = (await self._journal.facts(keys, (), ())).ledger
        return bool(keys) and all(
            key in ledger and ledger[key].transmitter is Transmitter.NONE for key in keys
        )

    async def _situation(self, message: Message, parked: list[str]) -> Situation:
        views = await self._journal.documents(message_id=message.message_id, limit=EVERYTHING)
        deliveries = await self._journal.deliveries(message_id=message.message_id, limit=EVERYTHING)
        documents = [each for each in views if each.generation == message.generation]
        orders = {key for each in documents for key in each.plan.order_keys}
        facts = await self._journal.facts(sorted(orders), (), ())
        route = self._configuration().routes.get(message.route)
        return Situation(
            message,
            documents,
            [each for each in deliveries if each.role in LIVE],
            parked,
            message.accepted_at + self._configuration().patience(message.route, message.is_urgent),
            facts.ledger,
            route.targets.supplier if route is not None else None,
        )

    async def _phones(self) -> dict[str, str]:
        """Give phone numbers by supplier, where a code table has a column ``phone``."""
        tables = self._configuration().crosswalks
        name = next((tables[word] for word in PHONES if word in tables), None)
        rows = (await self._journal.crosswalk(name))[1] if name is not None else []
        return {each.legacy: each.facts["phone"] for each in rows if each.facts.get("phone")}

    def _orders_come_by(self, route: str) -> bool:
        found = self._configuration().routes.get(route)
        return found is None or found.originates
