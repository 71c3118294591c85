"""Inputs that are taken together: by one commit, and yet each as if it had come alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from adapters.base import DecodeError, Finding, Inbound, Position, Refused, Taken
from gateway.arrivals import SMALL_BODY_BYTES
from gateway.journal.base import JournalError
from gateway.taking import PART_MAX, take_in_parts
from tests.gateway.rig import Rig, order, program


async def test_inputs_taken_together_are_settled_and_delivered_each() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        numbers = [f"47{number:02}" for number in range(5)]

        await rig.pipeline.take_together([rig.inbound(order(each), key=each) for each in numbers])

        assert len(rig.settlements) == 5
        assert all(isinstance(each, Taken) and not each.is_repeat for each in rig.settlements)
        for message in await rig.journal.messages():
            await rig.settled(await rig.take(order(message.arrival_key or ""), key=message.arrival_key))
        assert sorted(rig.targets["erp"].numbers) == numbers
        assert all(isinstance(each, Taken) and each.is_repeat for each in rig.settlements[5:])


async def test_an_input_that_cannot_be_kept_stops_no_other_that_is_taken_with_it() -> None:
    async with Rig(program(), stage="cloud").running() as rig:
        inputs = [rig.inbound(order(each), key=each) for each in ("4711", "4712", "4713")]
        kept = rig.journal.accept_together

        async def refusing(told: Sequence[tuple[object, bytes]]) -> object:
            if any(b"4712" in body for _, body in told):
                raise ValueError("the journal cannot keep this: made up")
            return await kept(told)  # type: ignore[arg-type]

        rig.journal.accept_together = refusing  # type: ignore[method-assign, assignment]
        with pytest.raises(ValueError, match="made up"):
            await rig.pipeline.take_together(inputs)

        assert sorted(each.arrival_key or "" for each in await rig.journal.messages()) == ["4711", "4713"]
        assert len(rig.settlements) == 2


async def test_a_journal_that_fails_settles_nothing_of_what_was_taken_together() -> None:
    async with Rig(program(), stage="cloud").running() as rig:

        async def failing(told: object) -> object:
            raise JournalError("the disk is gone")

        rig.journal.accept_together = failing  # type: ignore[method-assign, assignment]
        with pytest.raises(JournalError):
            await rig.pipeline.take_together([rig.inbound(order("4711")), rig.inbound(order("4712"))])

        assert rig.settlements == []
        assert await rig.journal.messages() == []


async def test_what_is_refused_or_large_is_settled_beside_what_is_taken_together() -> None:
    async def unreadable() -> AsyncIterator[bytes]:
        for finding in (Finding("DB-SCHEMA", Position("stock"), "another shape"),):
            raise DecodeError(finding)
        yield b""

    async with Rig(program()).running() as rig:
        large = b" " * SMALL_BODY_BYTES + order("4711")
        inputs = [rig.inbound(large), rig.inbound(order("4712"))]
        inputs.insert(1, replace(rig.inbound(b""), body=unreadable()))

        await rig.pipeline.take_together(inputs)

        assert [type(each) for each in rig.settlements] == [Taken, Refused, Taken]
        assert sorted(each.size_bytes for each in await rig.journal.messages())[-1] == len(large)


async def test_a_retired_route_refuses_what_it_gets_together() -> None:
    async with Rig(program(), stage="retired").running() as rig:
        await rig.pipeline.take_together([rig.inbound(order("4711")), rig.inbound(order("4712"))])

        assert [each.status for each in rig.settlements if isinstance(each, Refused)] == [410, 410]


async def test_a_batch_is_taken_in_parts_and_an_error_is_told_once_all_have_ended() -> None:
    async with Rig(program()).running() as rig:
        batch = [rig.inbound(b"")] * (2 * PART_MAX + 1)
        ended: list[int] = []

        async def take(part: Sequence[Inbound]) -> None:
            if not ended and len(part) == PART_MAX:
                ended.append(0)
                raise ValueError("the first part")
            await asyncio.sleep(0.01)
            ended.append(len(part))

        with pytest.raises(ValueError, match="the first part"):
            await take_in_parts(batch, take)

        assert sorted(ended) == [0, 1, PART_MAX]
