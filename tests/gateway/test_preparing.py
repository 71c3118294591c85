"""Many small messages decoded beside the event loop: the same plans, and nothing lost with the process."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest

from adapters.base import DecodeContext, Decoded, Summary
from adapters.edi_x12.config import X12Partner
from canonical.key_rules import NumberRule
from gateway.app import format_by_name
from gateway.journal.types import Acceptance, DocumentPlan, Message, Side
from gateway.program import Programs, UnknownOrder
from gateway.workers import InlineExecutor, ProcessExecutor
from tests.gateway.beside import Beside
from tests.gateway.rig import CONTEXT, RULES, Rig, acknowledgment, order, program
from tests.gateway.test_pipeline import follower
from tests.gateway.test_workers import formats

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures/edi_x12").glob("*.edi"))
X12 = DecodeContext("in.edi", "test", partner="mms", partner_settings=X12Partner())
P = ParamSpec("P")
T = TypeVar("T")


async def taken(rig: Rig, bodies: list[bytes], route: str = "po") -> list[Acceptance]:
    """Take inputs, each once the one before is settled: some answer others by number."""
    found: list[Acceptance] = []
    for body in bodies:
        message = await rig.take(body, route=route)
        assert message is not None
        await rig.settled(message)
        found.append(message)
    return found


async def outcome(rig: Rig, messages: list[Acceptance]) -> list[Any]:
    """Give what became of each message, in words that say nothing of ids and times."""
    numbers = {each.message_id: str(at) for at, each in enumerate(messages)}

    def plain(text: str | None) -> str | None:
        for message_id, number in numbers.items():
            text = text.replace(message_id, number) if text else text
        return text

    def document(plan: DocumentPlan) -> Any:
        findings = tuple((each.code, str(each.at), plain(each.text)) for each in plan.findings)
        return replace(
            plan, findings=(), repeats=plain(plan.repeats), decision=plain(plan.decision) or "",
            document_key=plain(plan.document_key), deadline_at=None,
        ), findings  # fmt: skip

    told = []
    for each in messages:
        deliveries = await rig.deliveries(each)
        message = await rig.journal.message(each.message_id)
        told.append(
            (
                message.state,
                [(finding.code, str(finding.at)) for finding in message.findings],
                [document(view.plan) for view in await rig.documents(each)],
                sorted((view.target, view.role, view.document_index or 0, view.lanes) for view in deliveries),
            )
        )
    return told


def timeless(bodies: list[bytes]) -> list[bytes]:
    """Give what was sent without the date and time of envelopes of our own."""
    return sorted(re.sub(rb"[*|]\d{6}(\d\d)?[*|]\d{4}(\d{2,4})?[*|]", b"*at*", body) for body in bodies)


@pytest.mark.parametrize("stage", ["legacy", "canary", "cloud"])
async def test_what_is_prepared_beside_comes_to_the_same_plans(stage: str) -> None:
    bodies = [each.read_bytes() for each in FIXTURES]
    route = program(format_name="edi_x12", context=X12, unknown=UnknownOrder(after_s=0))
    told = []
    beside = Beside(format_by_name)
    for executor in (InlineExecutor(format_by_name), beside):
        async with Rig(route, stage=stage, share="40", executor=executor).running() as rig:
            messages = await taken(rig, bodies)
            told.append(
                (
                    await outcome(rig, messages),
                    {name: timeless(each.bodies) for name, each in rig.targets.items()},
                )
            )

    assert beside.taken
    for path, usual, prepared in zip(FIXTURES, told[0][0], told[1][0], strict=True):
        assert usual == prepared, path.name
    assert told[0][1] == told[1][1]


async def test_a_follow_on_is_prepared_by_the_rules_of_its_own_route() -> None:
    routes = (program(), follower())
    bodies = [order("1"), acknowledgment("1"), acknowledgment("2"), b'{"document_type": "purchase_order"}\n']
    told = []
    for executor in (InlineExecutor(format_by_name), Beside(format_by_name)):
        shared = {"po": {"acknowledgment": "ack"}}
        async with Rig(*routes, stage="cloud", shared=shared, executor=executor).running() as rig:
            told.append(await outcome(rig, await taken(rig, bodies)))

    assert told[0] == told[1]


async def test_an_order_twice_in_one_batch_is_known_again() -> None:
    beside = Beside(format_by_name)
    rig = Rig(program(), stage="cloud", executor=beside)
    await rig.journal.load_configuration("rig", "sha", "rig", rig.clock.now())
    bodies = [order("1"), order("2"), order("1"), order("3"), order("2")]
    messages = [await rig.take(body) for body in bodies]  # before there is a translator: one batch
    async with rig.running():
        await rig.settled(*messages)
        repeats = [(await rig.documents(each))[0].plan.repeats for each in messages]

    ids = [each.message_id for each in messages if each is not None]
    assert repeats == [None, None, ids[0], None, ids[1]]
    assert sorted(rig.targets["erp"].numbers) == ["1", "2", "3"]
    assert beside.taken == 1


class Reloading(Beside):
    """The configuration changes while messages are beside."""

    reload: Callable[[], Any]

    async def apart(self, work: Callable[P, list[T]], *args: P.args, **kwargs: P.kwargs) -> list[T] | None:
        done = await super().apart(work, *args, **kwargs)
        await self.reload()
        return done


async def test_what_was_prepared_under_another_configuration_is_not_used() -> None:
    beside = Reloading(format_by_name)
    rig = Rig(program(), stage="cloud", executor=beside)
    rules = RULES.model_copy(update={"order_number": NumberRule(strip_leading_zeros=True)})

    async def reload() -> None:
        revision = await rig.journal.load_configuration("rig", "other", "rig", rig.clock.now())
        rig.pipeline._programs._programs = Programs(revision, {"po": program(key_rules=rules)})  # type: ignore[attr-defined]
        beside.reload = nothing

    async def nothing() -> None:
        pass

    beside.reload = reload
    async with rig.running():
        (message,) = await taken(rig, [order("0042")])
        (view,) = await rig.documents(message)

    assert view.plan.order_keys[0].endswith("|42")


async def commits(rig: Rig, bodies: list[bytes], route: str = "po") -> tuple[list[Acceptance], list[str]]:
    """Take inputs before there is a translator, so that they are one batch; give the commits of planning."""
    await rig.journal.load_configuration("rig", "sha", "rig", rig.clock.now())
    messages = [await rig.take(body, route=route) for body in bodies]
    made: list[str] = []

    async def noted(name: str, phase: str) -> None:
        if phase == "before" and name.startswith("plan"):
            made.append(name)

    rig.journal.on_commit = noted
    async with rig.running():
        await rig.settled(*messages)
    return [each for each in messages if each is not None], made


async def test_messages_that_name_nothing_in_common_are_planned_by_one_commit() -> None:
    rig = Rig(program(), stage="cloud", executor=Beside(format_by_name))

    _, made = await commits(rig, [order(str(number)) for number in range(20)])

    assert made == ["plan_together"]
    assert rig.targets["erp"].numbers == [str(number) for number in range(20)]


async def test_what_names_the_same_is_planned_in_turn_after_what_came_first() -> None:
    routes = (program(), follower())
    shared = {"po": {"acknowledgment": "ack"}}
    rig = Rig(*routes, stage="cloud", shared=shared, executor=Beside(format_by_name))
    bodies = [order("1"), order("2"), acknowledgment("1"), order("3"), acknowledgment("3")]

    messages, made = await commits(rig, bodies)

    assert made == ["plan_together", "plan", "plan"]
    assert [(await rig.documents(each))[0].plan.side for each in messages] == [Side.CLOUD] * 5


async def test_behind_a_message_of_which_nothing_is_known_yet_all_are_planned_in_turn() -> None:
    rig = Rig(program(context=CONTEXT), stage="cloud", formats=breaking, executor=Beside(breaking))

    _, made = await commits(rig, [order("1"), order("defect"), order("2"), order("3")])

    assert made == ["plan_together", "plan", "plan", "plan"]
    assert rig.targets["erp"].numbers == ["1", "2", "3"]


@pytest.fixture
async def executor() -> AsyncIterator[ProcessExecutor]:
    made = ProcessExecutor(formats, 1)
    yield made
    await made.close()


async def is_there(executor: ProcessExecutor) -> int:
    """Wait until the process for small inputs is up; give its id."""
    async with asyncio.timeout(20):
        while not executor.is_free(100):
            await asyncio.sleep(0.02)
    worker = executor._beside._worker
    assert worker is not None
    assert worker.pid is not None
    return worker.pid


async def test_a_few_small_inputs_are_not_worth_the_way(executor: ProcessExecutor) -> None:
    await is_there(executor)

    assert not executor.is_free(3)
    assert executor.is_free(4)


async def test_many_messages_go_through_the_process_beside(executor: ProcessExecutor) -> None:
    rig = Rig(program(), stage="cloud", formats=formats, executor=executor)
    await is_there(executor)
    await rig.journal.load_configuration("rig", "sha", "rig", rig.clock.now())
    messages = [await rig.take(order(f"N{number}")) for number in range(100)]
    begun: list[Message] = []
    together = rig.journal.begin_together

    async def counted(*args: Any) -> Any:
        done = await together(*args)
        begun.extend(message for message, _ in done)
        return done

    rig.journal.begin_together = counted  # type: ignore[method-assign, assignment]
    async with rig.running():
        await rig.settled(*messages)

    assert rig.targets["erp"].numbers == [f"N{number}" for number in range(100)]
    assert len({each.message_id for each in begun}) >= 32


async def test_a_process_beside_that_is_killed_loses_nothing_and_is_begun_anew(
    executor: ProcessExecutor,
) -> None:
    rig = Rig(program(), stage="cloud", formats=formats, executor=executor)
    os.kill(await is_there(executor), signal.SIGKILL)
    await rig.journal.load_configuration("rig", "sha", "rig", rig.clock.now())
    messages = [await rig.take(order(f"N{number}")) for number in range(50)]
    async with rig.running():
        await rig.settled(*messages)
        await is_there(executor)

    assert rig.targets["erp"].numbers == [f"N{number}" for number in range(50)]


async def test_a_process_beside_that_stands_still_is_waited_for_only_so_long(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.workers.BESIDE_S", 0.2)
    rig = Rig(program(), stage="cloud", formats=formats, executor=executor)
    pid = await is_there(executor)
    os.kill(pid, signal.SIGSTOP)
    await rig.journal.load_configuration("rig", "sha", "rig", rig.clock.now())
    messages = [await rig.take(order(f"N{number}")) for number in range(10)]
    async with rig.running():
        await rig.settled(*messages)

    assert rig.targets["erp"].numbers == [f"N{number}" for number in range(10)]
    assert await is_there(executor) != pid


def slow(given: list[int]) -> list[int]:
    """Give what was given, a little later; importable by name."""
    time.sleep(0.05)
    return given


async def test_who_is_cancelled_leaves_the_process_beside_as_it_was(executor: ProcessExecutor) -> None:
    pid = await is_there(executor)
    asking = asyncio.create_task(executor.apart(sorted, range(1_000)))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert await is_there(executor) == pid
    assert await executor.apart(sorted, [2, 1]) == [1, 2]


async def test_one_batch_waits_for_the_process_beside_while_it_works_and_no_more(
    executor: ProcessExecutor,
) -> None:
    await is_there(executor)
    first = asyncio.create_task(executor.apart(slow, [1]))
    await asyncio.sleep(0.01)
    assert executor.is_free(100)
    second = asyncio.create_task(executor.apart(slow, [2]))
    await asyncio.sleep(0.01)

    assert not executor.is_free(100)
    assert await executor.apart(slow, [3]) is None  # done without it
    assert [await second, await first] == [[2], [1]]
    assert executor.is_free(100)


async def test_the_process_beside_that_dies_with_two_batches_is_ended_once(executor: ProcessExecutor) -> None:
    pid = await is_there(executor)
    both = [asyncio.create_task(executor.apart(slow, [number])) for number in range(2)]
    await asyncio.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert await both[0] is None
    executor.is_free(100)  # begins another
    assert await both[1] is None

    assert await is_there(executor) != pid
    assert await executor.apart(slow, [3]) == [3]


async def test_a_reload_gives_small_inputs_another_process(executor: ProcessExecutor) -> None:
    pid = await is_there(executor)
    executor.renew()

    assert await is_there(executor) != pid


class Breaks:
    """A format whose decoder breaks where the input says so."""

    name = "canonical"

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> Breaks:
        self.inner = format_by_name("canonical").decoder(context)
        return self

    def feed(self, chunk: bytes) -> list[Decoded]:
        if b"defect" in chunk:
            raise RuntimeError("a defect of ours")
        return list(self.inner.feed(chunk))

    def finish(self) -> tuple[list[Decoded], Summary]:
        return self.inner.finish()

    def is_urgent(self, head: bytes) -> bool:
        return False


def breaking(name: str) -> Any:
    """Give it, importable by name."""
    return Breaks()


async def test_a_defect_costs_its_own_message_alone() -> None:
    beside = Beside(breaking)
    rig = Rig(program(context=CONTEXT), stage="cloud", formats=breaking, executor=beside)
    await rig.journal.load_configuration("rig", "sha", "rig", rig.clock.now())
    messages = [await rig.take(body) for body in (order("1"), order("defect"), order("2"))]
    async with rig.running():
        await rig.settled(*messages)
        codes = [await rig.codes(each) for each in messages]

    assert codes == [[], ["TRANSLATE-FAILED"], []]
    assert rig.targets["erp"].numbers == ["1", "2"]


async def test_without_an_answer_messages_go_the_usual_way() -> None:
    beside = Beside(format_by_name, answers=lambda: False)
    async with Rig(program(), stage="cloud", executor=beside).running() as rig:
        await taken(rig, [order("1"), order("2")])

    assert beside.taken
    assert rig.targets["erp"].numbers == ["1", "2"]
