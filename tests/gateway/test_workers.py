"""Decoding in processes of their own: equal results, bounded memory, what a death costs, who waits."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.base import DecodeContext, Decoded, Decoding, Summary
from adapters.edi_x12.config import X12Partner
from gateway.app import format_by_name
from gateway.journal.types import MessageState
from gateway.workers import INLINE_BYTES_MAX, InlineExecutor, ProcessExecutor, WorkerError
from tests.gateway.rig import CONTEXT, Rig, order, program
from tests.gateway.test_x12_through import interchange
from tests.scale import scaled

X12 = DecodeContext("big.edi", "test", partner="mms", partner_settings=X12Partner())
LARGE = INLINE_BYTES_MAX + 1
PIECE_BYTES = 64 * 1024


@dataclass
class Touchy:
    """A decoder that does to its process what the input says."""

    name: str = "touchy"
    fed: bytearray = field(default_factory=bytearray)

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> Touchy:
        if context.source == "unknown":
            raise LookupError(context.source)
        return Touchy()

    def feed(self, chunk: bytes) -> Iterator[Decoded]:
        if chunk == b"hang":
            time.sleep(60)
        if chunk == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        if chunk == b"bug":
            raise RuntimeError("price 12.50 of Jane Doe")
        if chunk == b"pid":
            yield Decoded(os.getpid(), "pid", None, (), b"", ())
        self.fed += chunk

    def finish(self) -> tuple[list[Decoded], Summary]:
        return [], Summary(len(self.fed), (), frozenset())


def formats(name: str) -> Any:
    """Give a format for a worker process; importable by name."""
    return Touchy() if name == "touchy" else format_by_name(name)


@pytest.fixture
async def executor() -> AsyncIterator[ProcessExecutor]:
    made = ProcessExecutor(formats, 1)
    yield made
    await made.close()


async def begun(executor: ProcessExecutor, *, urgent: bool = False, source: str = "in") -> Decoding:
    context = DecodeContext(source, "test")
    return await executor.decoding("touchy", context, LARGE, is_urgent=urgent)


async def pid_of(decoding: Decoding) -> int:
    return (await decoding.feed(b"pid"))[0].index


async def decoded(decoding: Decoding, body: bytes) -> tuple[list[Decoded], Summary]:
    sets = []
    for start in range(0, len(body), PIECE_BYTES):
        sets += await decoding.feed(body[start : start + PIECE_BYTES])
    rest, summary = await decoding.finish()
    await decoding.close()
    return sets + rest, summary


async def test_a_process_decodes_as_this_process_does(executor: ProcessExecutor) -> None:
    body = interchange([f"{n % 7:02}" for n in range(800)])
    assert len(body) > INLINE_BYTES_MAX

    here = await InlineExecutor(formats).decoding("edi_x12", X12, len(body))
    there = await executor.decoding("edi_x12", X12, len(body))
    one, two = await decoded(here, body), await decoded(there, body)

    assert len(one[0]) == 800
    assert two == one


async def test_a_small_input_is_decoded_in_this_process(executor: ProcessExecutor) -> None:
    decoding = await executor.decoding("touchy", DecodeContext("in", "test"), INLINE_BYTES_MAX)

    assert await pid_of(decoding) == os.getpid()


async def test_a_worker_serves_one_input_after_the_other(executor: ProcessExecutor) -> None:
    pids = set()
    for _ in range(3):
        decoding = await begun(executor)
        pids.add(await pid_of(decoding))
        assert (await decoding.finish())[1].sets == len(b"pid")  # nothing is left of the input before
        await decoding.close()
        await decoding.close()  # a second time does nothing

    assert len(pids) == 1
    assert pids != {os.getpid()}


def memory_peak_kb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
async def test_a_large_interchange_is_decoded_in_bounded_memory(executor: ProcessExecutor) -> None:
    body = interchange([f"{n % 7:02}" for n in range(scaled(5_000, most=180_000))])
    decoding = await begun(executor)
    pid = await pid_of(decoding)
    await decoding.close()
    warm = await executor.decoding("edi_x12", X12, LARGE)
    await decoded(warm, interchange(["04"]))
    before_kb = memory_peak_kb(pid)
    decoding = await executor.decoding("edi_x12", X12, len(body))
    seen = 0
    for start in range(0, len(body), PIECE_BYTES):
        seen += len(await decoding.feed(body[start : start + PIECE_BYTES]))
    await decoding.finish()
    await decoding.close()

    assert seen > 4_000
    # What an acknowledgment says of each set is kept to the end: beside 5,000 it counts.
    assert memory_peak_kb(pid) - before_kb < 24_000 + max(0, seen - 5_000) // 2


async def test_a_decoders_bug_is_told_without_what_stood_in_the_message(executor: ProcessExecutor) -> None:
    decoding = await begun(executor)
    with pytest.raises(WorkerError, match="RuntimeError") as caught:
        await decoding.feed(b"bug")
    await decoding.close()

    assert "Jane" not in str(caught.value)
    assert await pid_of(await begun(executor)) != os.getpid()


async def test_a_format_that_refuses_an_input_gives_its_slot_back(executor: ProcessExecutor) -> None:
    for _ in range(3):
        with pytest.raises(WorkerError, match="LookupError"):
            await begun(executor, source="unknown")

    assert await pid_of(await begun(executor)) != os.getpid()


async def test_a_killed_worker_costs_only_its_input(executor: ProcessExecutor) -> None:
    decoding = await begun(executor)
    first = await pid_of(decoding)
    with pytest.raises(WorkerError, match="died"):
        await decoding.feed(b"die")
    with pytest.raises(WorkerError, match="gone"):
        await decoding.finish()
    await decoding.close()

    assert await pid_of(await begun(executor)) != first


async def test_a_worker_that_died_while_it_was_idle_is_replaced_unnoticed(executor: ProcessExecutor) -> None:
    decoding = await begun(executor)
    first = await pid_of(decoding)
    await decoding.close()
    os.kill(first, signal.SIGKILL)

    assert await pid_of(await begun(executor)) != first


async def test_a_cancelled_decoding_leaves_a_fresh_worker(executor: ProcessExecutor) -> None:
    decoding = await begun(executor)
    first = await pid_of(decoding)
    hanging = asyncio.create_task(decoding.feed(b"hang"))
    await asyncio.sleep(0.05)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    with pytest.raises(WorkerError, match="gone"):
        await decoding.finish()  # not the answer to what was cancelled
    await decoding.close()

    second = await begun(executor)
    assert await pid_of(second) != first
    assert (await second.finish())[1].sets == len(b"pid")  # no answer of the cancelled call


async def test_no_thread_is_left_behind_when_a_decoding_ends(executor: ProcessExecutor) -> None:
    before = threading.active_count()
    decoding = await begun(executor)
    await pid_of(decoding)
    hanging = asyncio.create_task(decoding.feed(b"hang"))
    await asyncio.sleep(0.05)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    await decoding.close()

    async with asyncio.timeout(5):
        while threading.active_count() > before:
            await asyncio.sleep(0.01)


async def test_no_more_processes_decode_than_are_allowed(executor: ProcessExecutor) -> None:
    first = await begun(executor)
    second = asyncio.create_task(begun(executor))
    await asyncio.sleep(0.1)
    assert not second.done()

    await first.close()
    await (await second).close()


async def test_an_urgent_input_does_not_wait_behind_a_batch(executor: ProcessExecutor) -> None:
    batch = await begun(executor)
    hanging = asyncio.create_task(batch.feed(b"hang"))
    async with asyncio.timeout(10):
        urgent = await begun(executor, urgent=True)
        assert await pid_of(urgent) != os.getpid()
    second = asyncio.create_task(begun(executor, urgent=True))
    await asyncio.sleep(0.1)
    assert not second.done()  # the reserve is bounded, too
    await urgent.close()
    await (await second).close()

    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    await batch.close()


@pytest.mark.parametrize("is_busy", [True, False])
async def test_after_files_have_changed_another_process_decodes_and_what_is_under_way_goes_on(
    executor: ProcessExecutor, is_busy: bool
) -> None:
    first = await begun(executor)
    before = await pid_of(first)
    if not is_busy:
        await first.finish()
        await first.close()
    executor.renew()
    if is_busy:
        assert await pid_of(first) == before
        await first.finish()
        await first.close()

    second = await begun(executor)
    assert await pid_of(second) != before
    await second.finish()
    await second.close()


async def test_the_loop_goes_on_while_a_batch_is_decoded(executor: ProcessExecutor) -> None:
    body = interchange([f"{n % 7:02}" for n in range(2_000)])
    decoding = await executor.decoding("edi_x12", X12, len(body))
    task = asyncio.create_task(decoded(decoding, body))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1

    assert len((await task)[0]) == 2_000
    assert turns > 2_000 / 8  # it had a turn at least between two pieces of an answer


class KilledOnce(InlineExecutor):
    """An executor whose worker dies the first times that it is fed a given input."""

    def __init__(self, times: int) -> None:
        self.times = times
        super().__init__(format_by_name)
        self.inner = InlineExecutor(format_by_name)

    async def decoding(
        self, format_name: str, context: DecodeContext, size_bytes: int, *, is_urgent: bool = False
    ) -> Decoding:
        self.times -= 1
        if self.times >= 0:
            raise WorkerError("the decoding process died")
        return await self.inner.decoding(format_name, context, size_bytes)


@pytest.mark.parametrize("deaths, state", [(2, MessageState.PLANNED), (3, MessageState.PARKED)])
async def test_a_message_whose_worker_dies_is_tried_again_then_parked_and_the_next_one_works(
    deaths: int, state: MessageState
) -> None:
    rig = Rig(program(), stage="cloud", executor=KilledOnce(deaths))
    async with rig.running():
        first = await rig.take(order("1"))
        await rig.settled(first)
        second = await rig.take(order("2"))
        await rig.settled(second)

        assert first is not None
        assert (await rig.journal.message(first.message_id)).state is state
        assert rig.targets["erp"].numbers[-1] == "2"
        if state is MessageState.PARKED:
            assert await rig.codes(first) == ["TRANSLATE-FAILED"]


async def test_a_message_is_decoded_by_a_real_process_on_its_way_to_the_target() -> None:
    made = ProcessExecutor(format_by_name, 1)
    rig = Rig(program(context=CONTEXT), stage="cloud", executor=made)
    try:
        async with rig.running():
            message = await rig.take(b"".join(order(f"{n}") for n in range(900)))
            await rig.settled(message)
            assert len(rig.targets["erp"].numbers) == 900
    finally:
        await made.close()
