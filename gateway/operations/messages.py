"""What arrived: lists, one message with all that came of it, its story, and translating it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from canonical.registry import parse_document
from gateway.journal.base import UnknownError
from gateway.journal.moves import Move, MoveState
from gateway.journal.types import AuditEntry, DeliveryState, DocumentView, Message, MessageState
from gateway.operations.base import EVERYTHING, Count, JsonObject, OperationsBase, Person, Text
from gateway.operations.conclusion import conclusion
from gateway.operations.discretion import shown
from gateway.operations.errors import OperationError
from gateway.operations.lineage import Lineage, is_about, timeline
from gateway.operations.progress import progress
from gateway.operations.subjects import Subject, find_named, message_of, nothing_found
from gateway.operations.views import delivery_view, document_view, message_view
from gateway.operations.waiting_behind import parked_before
from gateway.order_mover import TRANSPORT as MOVE

AUDIT_MAX = 100_000
LOOKED_AT_MAX = 2_000


class MessageOperations(OperationsBase):
    """Operations on messages."""

    async def messages_list(
        self, route: str | None = None, states: list[str] | None = None, limit: Count = 50
    ) -> list[JsonObject]:
        """Show messages, newest first, and how far each is (``progress``)."""
        wanted = [_state(word) for word in states or ()]
        found = await self._journal.messages(route=route, states=wanted, limit=limit)
        return await self._listed(found)

    async def _listed(self, messages: Sequence[Message]) -> list[JsonObject]:
        """Show messages and how far each is; in a list too long to look at each, its state only."""
        if len(messages) > LOOKED_AT_MAX:
            return [message_view(each) | {"progress": each.state.value} for each in messages]
        parked = await self._parked()
        return [message_view(each) | {"progress": await self._progress(each, parked)} for each in messages]

    async def _progress(self, message: Message, parked: Mapping[str, Sequence[str]]) -> str:
        message_id = message.message_id
        if message.state is not MessageState.PLANNED:  # the state alone decides
            return progress(message, (), (), needs_a_person=message_id in parked)
        documents = await self._journal.documents(message_id=message_id, limit=EVERYTHING)
        deliveries = await self._journal.deliveries(message_id=message_id, limit=EVERYTHING)
        return progress(message, documents, deliveries, needs_a_person=message_id in parked)

    async def _parked(self) -> dict[str, list[str]]:
        """Give the ids of what is parked, by message."""
        found: dict[str, list[str]] = {}
        for each in await self._journal.exceptions(limit=EVERYTHING):
            found.setdefault(each.message_id, []).append(each.exception_id)
        return found

    async def messages_show(self, message: Text) -> JsonObject:
        """Show a message, its documents and its deliveries. Errors: OperationError where there is none."""
        found = await self._message(message)
        documents = await self._journal.documents(message_id=message, limit=EVERYTHING)
        deliveries = await self._journal.deliveries(message_id=message, limit=EVERYTHING)
        needs_a_person = message in await self._parked()
        return message_view(found) | {
            "progress": progress(found, documents, deliveries, needs_a_person=needs_a_person),
            "documents": [document_view(each) for each in documents],
            "deliveries": [delivery_view(each) for each in deliveries],
        }

    async def messages_documents(self, message: Text) -> list[JsonObject]:
        """Show what a message says: without prices, free text and what may be a patient's."""
        return await self._shown(message, unmasked=False)

    async def messages_documents_unmasked(self, message: Text, who: Person, why: Text) -> list[JsonObject]:
        """Show what a message says, free text too; audited first."""
        await self._message(message)
        await self._journal.append_audit(who, "messages.unmask", message, {}, why, self._clock.now())
        return await self._shown(message, unmasked=True)

    async def messages_replay(
        self, message: Text, who: Person, why: Text, resend: bool = False
    ) -> JsonObject:
        """Translate a message again; what was attempted stays, unless ``resend``.

        ``parked`` tells which deliveries of it are: what is sent again waits behind them.
        """
        found = await self._message(message)
        if found.origin.transport == MOVE:
            text = f"message '{message}' was made by a move, and is never translated; ask for another move"
            raise OperationError("refused", text)
        try:
            generation = await self._journal.replay(
                message, resend=resend, who=who, why=why, now=self._clock.now()
            )
        except UnknownError as error:
            raise OperationError(
                "refused", f"message '{message}' cannot be translated again: {error}"
            ) from error
        self._wake()
        states = (DeliveryState.PARKED,)
        former = await self._journal.deliveries(message_id=message, states=states, limit=EVERYTHING)
        parked = [each.delivery_id for each in former if each.generation < generation]
        return {"message_id": message, "generation": generation, "resend": resend, "parked": parked}

    async def explain(self, subject: Text) -> JsonObject:
        """Tell the story of a message, of the one that a delivery belongs to, or of an order.

        Where a name means several messages, these are listed in ``several``, newest first, and none is told;
        ``more``: there are more of them.
        """
        meant = await self._subject(subject)
        audit = await self._journal.audit(limit=AUDIT_MAX) if not meant.is_choice else []
        told = [await self._lineage(each, audit) for each in meant.message_ids if not meant.is_choice]
        several = [await self._message(each) for each in meant.message_ids if meant.is_choice]
        return {
            "subject": subject,
            "orders": list(meant.orders),
            "messages": [_story(each) for each in told],
            "several": await self._listed(several),
            "more": meant.is_cut,
        }

    async def _subject(self, subject: str) -> Subject:
        """Give what is meant; an order's messages as they arrived. Errors: OperationError for nothing."""
        message_id = message_of(subject)
        try:
            return Subject(((await self._journal.message(message_id)).message_id,))
        except UnknownError:
            keys = await self._order_keys(subject)
        if keys:
            return await self._of_orders(keys)
        named = await find_named(self._journal, subject)
        if not named.message_ids:
            raise OperationError("unknown", nothing_found(subject))
        return named

    async def _of_orders(self, keys: Sequence[str]) -> Subject:
        found: dict[str, None] = {}
        for key in keys:
            for document in await self._journal.documents(order_key=key, limit=EVERYTHING):
                found[document.message_id] = None
            for delivery in await self._journal.deliveries(order_key=key, limit=EVERYTHING):
                found[delivery.message_id] = None
        messages = [await self._journal.message(each) for each in found]
        in_order = sorted(messages, key=lambda each: each.sequence)
        return Subject(tuple(each.message_id for each in in_order), tuple(keys))

    async def _lineage(self, message_id: str, audit: list[AuditEntry]) -> Lineage:
        message = await self._message(message_id)
        documents = await self._journal.documents(message_id=message_id, limit=EVERYTHING)
        keys = list(dict.fromkeys(key for each in documents for key in each.plan.order_keys))
        ledger = (await self._journal.facts(keys, (), ())).ledger
        moves = [
            move
            for key in ledger
            for move in await self._journal.moves(states=[MoveState.DONE], order_key=key, limit=EVERYTHING)
        ]
        now = self._clock.now()
        overdue = await self._journal.overdue(now, now, limit=EVERYTHING)
        process = self._hooks.process
        deliveries = await self._journal.deliveries(message_id=message_id, limit=EVERYTHING)
        return Lineage(
            message,
            documents,
            deliveries,
            list(ledger.values()),
            [each for each in overdue if each.message_id == message_id],
            [each for each in audit if is_about(each, message_id)],
            (await self._parked()).get(message_id, ()),
            moves,
            await self._opened(message_id, moves),
            now if process is not None else None,
            process().get("targets_that_need_a_person", {}) if process is not None else {},
            await parked_before(self._journal, deliveries),
        )

    async def _opened(self, message_id: str, moves: Sequence[Move]) -> dict[str, str]:
        """Give those orders that this message opened, and that have moved since, each with the decision.

        The ledger's entry names the message of an order's last move.
        """
        first = {each.order_key: each for each in reversed(moves)}
        opened = {}
        for key, move in first.items():
            views = await self._journal.documents(order_key=key, limit=EVERYTHING)
            plans = [
                (each.message_id, each.plan)
                for each in views
                if each.plan.document_type == "purchase_order"
                and each.plan.side is move.was
                and each.plan.repeats is None
            ]
            if plans and plans[0][0] == message_id:
                opened[key] = plans[0][1].decision
        return opened

    async def _shown(self, message_id: str, *, unmasked: bool) -> list[JsonObject]:
        await self._message(message_id)
        documents = await self._journal.documents(message_id=message_id, limit=EVERYTHING)
        return [_document(each, unmasked=unmasked) for each in documents]


def _story(lineage: Lineage) -> JsonObject:
    so_far = progress(
        lineage.message, lineage.documents, lineage.deliveries, needs_a_person=bool(lineage.parked)
    )
    told = {"progress": so_far, "timeline": timeline(lineage), "conclusion": conclusion(lineage)}
    return message_view(lineage.message) | told


def _document(view: DocumentView, *, unmasked: bool) -> JsonObject:
    body = view.plan.canonical
    document = shown(parse_document(body), unmasked=unmasked) if body is not None else None
    return {"generation": view.generation, "index": view.plan.index, "document": document}


def _state(word: str) -> MessageState:
    try:
        return MessageState(word)
    except ValueError:
        words = ", ".join(MessageState)
        raise OperationError("bad_request", f"there is no state '{word}'; expected {words}") from None
