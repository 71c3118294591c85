"""What a person must look at: the queue, taking up again, and closing."""

from __future__ import annotations

from typing import Literal

from gateway.erp.replies import LEGACY_IN_DOUBT
from gateway.journal.base import RefusedError, UnknownError
from gateway.journal.findings import ARRIVAL_CONFLICT
from gateway.journal.types import ExceptionItem, Side
from gateway.operations.base import EVERYTHING, Count, JsonObject, Person, Text
from gateway.operations.errors import OperationError
from gateway.operations.parked_views import ParkedViews
from gateway.operations.subjects import message_of
from gateway.operations.views import delivery_view, document_view, message_view
from gateway.order_mover import TRANSPORT as MOVE

Resolution = Literal["dismissed", "done_elsewhere", "placed_by_phone"]


class ExceptionOperations(ParkedViews):
    """Operations on exceptions."""

    async def exceptions_list(self, route: str | None = None, limit: Count = 1_000) -> list[JsonObject]:
        """Show what is parked, oldest first; ``name``: the file, path or database row that it arrived as."""
        return await self._parked_views(await self._journal.exceptions(route=route, limit=limit))

    async def exceptions_show(self, exception: Text) -> JsonObject:
        """Show one exception with the message it belongs to, if any. Errors: OperationError for none."""
        item = await self._open(exception)
        if item is None:
            raise await self._nothing_parked(exception)
        (view,) = await self._parked_views([item])
        if not item.message_id:  # a move that never began
            return view | {"message": None, "documents": [], "deliveries": []}
        message = await self._message(item.message_id)
        documents = await self._journal.documents(message_id=item.message_id, limit=EVERYTHING)
        deliveries = await self._journal.deliveries(message_id=item.message_id, limit=EVERYTHING)
        own = (each for each in documents if exception == f"{item.message_id}/{each.plan.index}")
        return view | {
            "message": message_view(message),
            "documents": [document_view(each) for each in own],
            "deliveries": [delivery_view(each) for each in deliveries if each.delivery_id == exception],
        }

    async def exceptions_retry(self, exception: Text, who: Person, why: Text) -> JsonObject:
        """Take a parked thing up again; tell what is done with it, and what it was."""
        item = await self._open(exception)
        try:
            done = await self._journal.retry(exception, who, why, self._clock.now())
        except UnknownError:
            raise await self._nothing_parked(exception) from None
        except RefusedError as error:
            raise OperationError("refused", str(error)) from error
        self._wake()
        return {"exception_id": exception, "done": done} | await self._taken_up(item, done)

    async def _taken_up(self, item: ExceptionItem | None, done: str) -> JsonObject:
        """Give what was parked, as a person has to know it who waits for what comes of a retry.

        ``is_undecided``: its target cannot be looked up, so that the retry decides nothing.
        """
        if item is None:  # parked at this very moment: nothing of it was seen
            return {}
        state = (await self._journal.stages()).get(item.route)
        codes = [each.code for each in item.findings]
        return {
            "kind": item.kind,
            "message_id": item.message_id or None,
            "route": item.route,
            "stage": state.stage if state is not None else None,
            "target": item.target,
            "codes": codes,
            "is_conflict": ARRIVAL_CONFLICT in codes,
            "is_undecided": done == "look up" and LEGACY_IN_DOUBT in codes,
        }

    async def exceptions_resolve(
        self, exception: Text, resolution: Resolution, who: Person, why: Text, reference: str = ""
    ) -> JsonObject:
        """Close a parked thing, or a delivery that is not finished, without sending it."""
        if (resolution == "dismissed") is bool(reference.strip()):
            text = "a dismissal has no reference" if reference else f"'{resolution}' needs a reference"
            raise OperationError("bad_request", text)
        word = f"{resolution}:{reference.strip()}" if reference else resolution
        await self._judge_of_move(exception, resolution)
        item = await self._open_thing(exception)
        try:
            await self._journal.resolve(exception, word, who, why, self._clock.now())
        except UnknownError:
            raise await self._nothing_parked(exception) from None
        except RefusedError as error:
            raise OperationError("refused", str(error)) from error
        created = await self._create_placed(item, who, why) if resolution == "placed_by_phone" else None
        self._wake()  # what waited behind it in its lanes can go on
        return {"exception_id": exception, "resolution": word, "message_id": item, "created": created}

    async def _open_thing(self, exception: str) -> str | None:
        """Give the message of a parked thing, or of a delivery that is not finished; None for neither."""
        message_id = message_of(exception)
        return message_id if await self._is_message(message_id) else None

    async def _judge_of_move(self, exception: str, resolution: Resolution) -> None:
        """Refuse what would leave a moved order open on both sides, or have it ordered again."""
        message_id = await self._open_thing(exception)
        if message_id is None or (await self._message(message_id)).origin.transport != MOVE:
            return
        if resolution == "placed_by_phone":
            raise OperationError(
                "refused", "the supplier has this order already: it moves, and nobody places it"
            )
        if resolution != "done_elsewhere" and exception.endswith(".close"):
            raise OperationError(
                "refused",
                "this closes an order that is on the other side already; left open it is committed twice. "
                "Close it there, then resolve this with --done-elsewhere REFERENCE --why TEXT",
            )

    async def _create_placed(self, message_id: str | None, who: str, why: str) -> str:
        """Have an order created in the ERP that was placed by phone, with transmitter none.

        It is planned anew, as a replay does. Not where legacy owns it, which would send it on, and not where
        something else of its message still waits for a person: that one would come up with it.
        """
        if message_id is None:
            return "by hand"
        message = await self._message(message_id)
        views = await self._journal.documents(message_id=message_id, limit=EVERYTHING)
        keys = {
            key for view in views if view.generation == message.generation for key in view.plan.order_keys
        }
        entries = (await self._journal.facts(sorted(keys), (), ())).ledger.values()
        if not entries or any(entry.side is not Side.CLOUD for entry in entries):
            return "by hand"
        parked = await self._journal.exceptions(limit=EVERYTHING)
        if any(each.message_id == message_id for each in parked):
            return "later"
        try:
            await self._journal.replay(message_id, resend=False, who=who, why=why, now=self._clock.now())
        except UnknownError:
            return "by hand"
        return "begun"

    async def alarms_acknowledge(self, message: Text, who: Person, why: Text) -> JsonObject:
        """Stop the alarms about a message, or a route that went back by itself.

        What is late of a message stays in the queues and on the call sheet.
        """
        try:
            stopped = await self._journal.acknowledge_alarm(message, who, why, self._clock.now())
        except UnknownError as error:
            raise OperationError("unknown", str(error)) from error
        return {"message_id": message, "stopped": stopped}

    async def _open(self, exception_id: str) -> ExceptionItem | None:
        items = await self._journal.exceptions(limit=EVERYTHING)
        return next((each for each in items if each.exception_id == exception_id), None)
