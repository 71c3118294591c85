"""Exceptions as they are shown: with what each arrived as, what went on all the same, and what led to it."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.call_sheet import LIVE
from gateway.journal.sent import Carrier, DocumentPlace
from gateway.journal.types import (
    AuditEntry,
    DeliveryState,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    ExceptionItem,
    Message,
)
from gateway.operations.base import EVERYTHING, JsonObject
from gateway.operations.past_exceptions import PastExceptions, translations
from gateway.operations.views import exception_view, instant

CAME_TO_NOTHING = (DeliveryState.VOID, DeliveryState.SUPERSEDED, DeliveryState.PARKED)


class ParkedViews(PastExceptions):
    """What operations on exceptions show of those that are open."""

    async def _parked_views(self, items: Sequence[ExceptionItem]) -> list[JsonObject]:
        """Show exceptions.

        ``name``: the file, path or database row that its message arrived as. ``went_on``: the deliveries that
        bring a parked set's own bytes to a system all the same. ``came_of``: who had the message translated
        again, of which a set was parked that had another id or none before.
        """
        ids = dict.fromkeys(each.message_id for each in items if each.message_id)
        messages = {each: await self._message(each) for each in ids}
        of_sets = {each.message_id: messages[each.message_id] for each in items if each.kind == "document"}
        is_again = any(each.generation > 1 for each in of_sets.values())
        audit = await self._audit() if is_again else []
        documents: dict[str, list[DocumentView]] = {}
        deliveries: dict[str, list[DeliveryView]] = {}
        for each in of_sets:
            documents[each] = await self._journal.documents(message_id=each, limit=EVERYTHING)
            deliveries[each] = await self._journal.deliveries(message_id=each, limit=EVERYTHING)
        found = []
        for item in items:
            name = messages[item.message_id].origin.name if item.message_id else ""
            view = exception_view(item) | {"name": name, "went_on": [], "came_of": None}
            if item.kind == "document":
                message = of_sets[item.message_id]
                plan = _plan_of(item, message, documents[item.message_id])
                view["went_on"] = [_delivery(each) for each in went_on(plan, deliveries[item.message_id])]
                view["came_of"] = came_of(item.exception_id, message, audit)
            found.append(view)
        return found


def went_on(plan: DocumentPlan | None, deliveries: Sequence[DeliveryView]) -> list[DeliveryView]:
    """Give the live deliveries of a message that bring a parked set to a system all the same."""
    if plan is None:
        return []
    place = DocumentPlace(plan.index, plan.order_keys, plan.passes_to)
    return [
        each
        for each in deliveries
        if each.role in LIVE and each.state not in CAME_TO_NOTHING and _carries(each, place)
    ]


def _carries(view: DeliveryView, place: DocumentPlace) -> bool:
    if view.document_index is not None:
        return view.document_index == place.set_index
    return place.is_in_bytes(Carrier(None, view.target, view.lanes, is_spent=False))


def came_of(exception_id: str, message: Message, audit: Sequence[AuditEntry]) -> JsonObject | None:
    """Give the last change by which a set was parked, where that was not a retry under its own id."""
    entry = next(reversed(translations(audit, message.message_id)), None)
    if message.generation == 1 or entry is None or entry.subject == exception_id:
        return None
    return {
        "action": entry.action,
        "subject": entry.subject,
        "who": entry.who,
        "at": instant(entry.at),
        "why": entry.why,
    }


def _plan_of(item: ExceptionItem, message: Message, views: Sequence[DocumentView]) -> DocumentPlan | None:
    own = (each.plan for each in views if each.generation == message.generation)
    return next(
        (each for each in own if item.exception_id == f"{message.message_id}/{each.index}"),
        None,
    )


def _delivery(view: DeliveryView) -> JsonObject:
    return {
        "delivery_id": view.delivery_id,
        "target": view.target,
        "state": view.state.value,
        "target_reference": view.target_reference,
    }
