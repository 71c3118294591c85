"""What became of a thing that is not parked (any more): who closed it or took it up, when, how and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.journal.base import UnknownError
from gateway.journal.types import AuditEntry, DeliveryState, DeliveryView
from gateway.operations.base import EVERYTHING, OperationsBase
from gateway.operations.errors import OperationError
from gateway.operations.lineage import is_about
from gateway.operations.messages import AUDIT_MAX
from gateway.operations.subjects import message_of

RESOLVE, RETRY, REPLAY = "exceptions.resolve", "exceptions.retry", "messages.replay"
ACKNOWLEDGMENT = ".997"  # behind a delivery's id: the exception about its missing acknowledgment


class PastExceptions(OperationsBase):
    """What operations on exceptions tell of those that are not open."""

    async def _is_message(self, message_id: str) -> bool:
        try:
            await self._journal.message(message_id)
        except UnknownError:
            return False
        return True

    async def _nothing_parked(self, exception_id: str) -> OperationError:
        """Say that nothing is parked under an id, and what became of it where that is known."""
        nothing = f"nothing is parked under '{exception_id}'"
        message_id = message_of(exception_id)
        is_message = await self._is_message(message_id)
        told = [said(each, exception_id) for each in changes(await self._audit(), exception_id)]
        if is_message:
            told += await self._now(exception_id, message_id)
        if not told:
            return OperationError("unknown", f"{nothing}; legacy-bridge exceptions list shows what is")
        if is_message:
            told.append(f"the whole story: legacy-bridge explain {message_id}")
        return OperationError("unknown", f"{nothing}: {'; '.join(told)}")

    async def _now(self, exception_id: str, message_id: str) -> list[str]:
        """Say where a delivery stands, and under which ids something of its message is parked instead."""
        deliveries = await self._journal.deliveries(message_id=message_id, limit=EVERYTHING)
        delivery_id = exception_id.removesuffix(ACKNOWLEDGMENT)
        told = [standing(each) for each in deliveries if each.delivery_id == delivery_id]
        parked = await self._journal.exceptions(limit=EVERYTHING)
        ids = [each.exception_id for each in parked if each.message_id == message_id]
        return [*told, f"parked of its message now: {', '.join(ids)}"] if ids else told

    async def _audit(self) -> list[AuditEntry]:
        return await self._journal.audit(limit=AUDIT_MAX)


def changes(audit: Sequence[AuditEntry], exception_id: str) -> list[AuditEntry]:
    """Give what people did to a thing last, oldest first.

    That is its own last change, and what had its message translated again since: that takes up each set.
    """
    own = [each for each in audit if each.subject == exception_id and each.action in (RESOLVE, RETRY)][-1:]
    is_delivery = "." in exception_id
    later = () if is_delivery else translations(audit, message_of(exception_id))
    since = own[-1].number if own else 0
    return [*own, *[each for each in later if each.number > since][-1:]]


def translations(audit: Iterable[AuditEntry], message_id: str) -> list[AuditEntry]:
    """Give the entries of people who had a message translated again, oldest first."""
    return [
        each
        for each in audit
        if (each.action == REPLAY or (each.action == RETRY and each.detail.get("done") == "translate"))
        and is_about(each, message_id)
    ]


def said(entry: AuditEntry, exception_id: str) -> str:
    """Say what somebody did, when, how and why."""
    it = "it" if entry.subject == exception_id else entry.subject
    at, why = f"{entry.at:%Y-%m-%d %H:%M:%SZ}", f", since: {entry.why}" if entry.why else ""
    match entry.action:
        case "exceptions.resolve":
            return f"{entry.who} closed {it} at {at}, {how(entry.detail.get('resolution', ''))}{why}"
        case "exceptions.retry":
            return f"{entry.who} retried {it} at {at}{why}"
        case _:
            return f"{entry.who} had {it} translated again at {at}{why}"


def how(resolution: str) -> str:
    """Say how a thing was closed, as the command does that closes it."""
    word, _, reference = resolution.partition(":")
    return word.replace("_", " ") + (f" ({reference})" if reference else "")


def standing(view: DeliveryView) -> str:
    """Say where a delivery stands that is not parked."""
    what = f"delivery {view.delivery_id} to {view.target}"
    reason = f" ({view.reason})" if view.reason else ""
    match view.state:
        case DeliveryState.DONE:
            return f"{what} is done" + (f" as {view.target_reference}" if view.target_reference else "")
        case DeliveryState.VOID if view.resolution:
            return f"{what} is closed, {how(view.resolution)}"
        case DeliveryState.VOID:
            return f"{what} is void{reason}"
        case DeliveryState.SUPERSEDED:
            return f"{what} gave way to a newer plan of its message"
        case state:
            return f"{what} is {state.value.replace('_', ' ')}{reason}, and waits for no person"
