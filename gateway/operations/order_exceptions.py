"""What a person may have to do with an order, by any of its numbers: on the phone nobody knows our ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from gateway.call_sheet import LIVE
from gateway.journal.types import (
    DeliveryState,
    DeliveryView,
    DocumentView,
    ExceptionItem,
    Message,
    Transmitter,
)
from gateway.operations.base import EVERYTHING, JsonObject, Text
from gateway.operations.call_sheets import UNFINISHED
from gateway.operations.errors import OperationError
from gateway.operations.parked_views import ParkedViews
from gateway.operations.past_exceptions import ACKNOWLEDGMENT, RESOLVE, RETRY, said

CLOSED_SHOWN = 5


class OrderExceptionOperations(ParkedViews):
    """Operations on the exceptions of an order."""

    async def exceptions_of(self, order: Text) -> JsonObject:
        """Show what is parked and what is on its way of the orders that a number or key means.

        ``about``: every order that closing or retrying it is about; none where it was not translated, so
        that nobody knows. ``is_placed``: the supplier has all of these, and nobody places them by phone
        again. ``closed``: what people did last to what was parked of them. Errors: OperationError where no
        such order is known.
        """
        keys = await self._order_keys(order)
        if not keys:
            raise OperationError("unknown", f"no order '{order}' is known")
        documents = [each for key in keys for each in await self._documents(key)]
        deliveries = {each.delivery_id: each for key in keys for each in await self._deliveries(key)}
        ids = {each.message_id for each in documents} | {each.message_id for each in deliveries.values()}
        messages = {each: await self._message(each) for each in ids}
        open_ones = [
            each
            for each in await self._journal.exceptions(limit=EVERYTHING)
            if not set(keys).isdisjoint(each.order_keys)
            or (each.kind == "message" and await self._is_of(each, messages))
        ]
        views = await self._parked_views(open_ones)
        return {
            "order": order,
            "order_keys": list(keys),
            "open": [
                view | {"about": await self._about(item)} for item, view in zip(open_ones, views, strict=True)
            ],
            "unfinished": await self._still_going(deliveries.values()),
            "closed": await self._closed(_ids(messages, documents, deliveries)),
        }

    async def _documents(self, key: str) -> list[DocumentView]:
        return await self._journal.documents(order_key=key, limit=EVERYTHING)

    async def _deliveries(self, key: str) -> list[DeliveryView]:
        return await self._journal.deliveries(order_key=key, limit=EVERYTHING)

    async def _is_of(self, item: ExceptionItem, messages: Mapping[str, Message]) -> bool:
        """Tell whether a parked message is one of these, or came under the identity of one of these.

        The latter is a conflict: it was not translated, and is most likely about the same order.
        """
        if item.message_id in messages:
            return True
        own = await self._message(item.message_id)
        is_known = own.arrival_key is not None
        return is_known and any(
            (each.route, each.arrival_key) == (own.route, own.arrival_key) for each in messages.values()
        )

    async def _about(self, item: ExceptionItem) -> list[str]:
        """Give the orders that closing or retrying a thing is about; a whole message's are its documents'."""
        if item.kind != "message":
            return list(item.order_keys)
        views = await self._journal.documents(message_id=item.message_id, limit=EVERYTHING)
        return list(dict.fromkeys(key for each in views for key in each.plan.order_keys))

    async def _still_going(self, deliveries: Iterable[DeliveryView]) -> list[JsonObject]:
        """Give the live deliveries that are on their way, and whether the supplier has their orders."""
        found = [each for each in deliveries if _is_on_its_way(each)]
        lanes = sorted({key for each in found for key in each.lanes})
        ledger = (await self._journal.facts(lanes, (), ())).ledger
        placed = {key for key, entry in ledger.items() if entry.transmitter is Transmitter.NONE}
        return [_still_going(each) | {"is_placed": placed >= set(each.lanes)} for each in found]

    async def _closed(self, ids: Collection[str]) -> list[JsonObject]:
        """Give what people did last to things of these ids, newest first."""
        done = [
            each
            for each in reversed(await self._audit())
            if each.action in (RESOLVE, RETRY) and each.subject in ids
        ]
        return [
            {"exception_id": each.subject, "text": said(each, each.subject)} for each in done[:CLOSED_SHOWN]
        ]


def _ids(
    messages: Collection[str], documents: Sequence[DocumentView], deliveries: Collection[str]
) -> set[str]:
    sets = {f"{each.message_id}/{each.plan.index}" for each in documents}
    unacknowledged = {f"{each}{ACKNOWLEDGMENT}" for each in deliveries}
    return {*messages, *sets, *deliveries, *unacknowledged}


def _is_on_its_way(view: DeliveryView) -> bool:
    is_open = view.state in UNFINISHED and view.state is not DeliveryState.PARKED
    return is_open and view.role in LIVE


def _still_going(view: DeliveryView) -> JsonObject:
    return {
        "exception_id": view.delivery_id,  # as ``exceptions resolve`` takes it
        "kind": "delivery",
        "message_id": view.message_id,
        "target": view.target,
        "state": view.state.value,
        "reason": view.reason,
        "about": list(view.lanes),
    }
