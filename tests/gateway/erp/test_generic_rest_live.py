"""The target, the sink and the simulated ERP together, over real sockets: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    Finished,
    InDoubt,
    Rejected,
    Request,
    Stuck,
    Transient,
    TransientKind,
    Wait,
)
from gateway.erp.generic_rest import GenericRest
from gateway.erp.generic_rest_settings import GenericRestSettings
from gateway.erp.http import HttpSink
from gateway.security.secrets import SecretStore
from simulators.cloud_erp import CloudErp, Settings
from simulators.faults import FaultScript
from tests.gateway.support import REFERENCE, Course, RealClock, SeededRng, delivery

SHORT_S = 0.5  # for what hangs; all else gets time, since test machines can be slow


@pytest.fixture
async def erp() -> AsyncIterator[CloudErp]:
    async with CloudErp() as running:
        yield running


class Outlet:
    """Target and sink of one endpoint, closed at the end of a test."""

    def __init__(self) -> None:
        self.sinks: list[HttpSink] = []

    def course(self, erp: CloudErp, the_delivery=None, **settings) -> Course:
        values = {"timeout_s": 5.0, "quiet_period_s": 0.2, "look_up_waits_s": (0.02, 0.1), **settings}
        model = GenericRestSettings.model_validate({"base": erp.url, "plaintext": True, **values})
        clock = RealClock()
        sink = HttpSink("erp", model, clock=clock, rng=SeededRng(), secret=SecretStore(Path()))
        self.sinks.append(sink)
        return Course(GenericRest("erp", model), sink, the_delivery or delivery(), clock)


@pytest.fixture
async def outlet() -> AsyncIterator[Outlet]:
    made = Outlet()
    yield made
    for sink in made.sinks:
        await sink.close()


async def finish(course: Course) -> Finished | Stuck | Rejected:
    """Go on until there is an end, waiting out what is to be waited for."""
    for _ in range(40):
        match course.next():
            case Finished() | Stuck() as end:
                return end
            case Wait(until):
                await asyncio.sleep(max(0.0, (until - course.clock.now()).total_seconds()))
            case Request():
                outcome = await course.step()
                if isinstance(outcome, Rejected):
                    return outcome
                if isinstance(outcome, Transient):
                    await asyncio.sleep(0.02)
    raise AssertionError(f"no end after {[step.step for step in course.done]}")


async def test_an_order_is_looked_up_created_once_and_known_by_the_erps_numbers(erp, outlet) -> None:
    course = outlet.course(erp)

    end = await finish(course)

    assert end == Finished(
        "PO-000001",
        (
            Alias(AliasKind.ERP, "PO-000001"),
            Alias(AliasKind.ERP, "PO-000001", line="1", line_number="PO-000001-10"),
            Alias(AliasKind.ERP, "PO-000001", line="2", line_number="PO-000001-20"),
        ),
    )
    assert [step.step for step in course.done] == ["look_up", "create"]
    [committed] = erp.committed
    assert committed.reference == REFERENCE
    assert committed.document_key == course.delivery.document_key
    assert committed.headers["Idempotency-Key"] == REFERENCE


@pytest.mark.parametrize(
    "action", ["commit_then_hang", "commit_then_reset", "garbage", "truncated", "half_reply"]
)
async def test_what_was_committed_without_a_word_is_found_and_not_created_again(
    erp, outlet, action: str
) -> None:
    erp.faults.replace(
        FaultScript.from_json(f'[{{"action": "{action}", "method": "POST", "nth": 1}}]').faults
    )
    course = outlet.course(erp, timeout_s=SHORT_S)

    end = await finish(course)

    assert isinstance(course.done[1].outcome, InDoubt)
    assert isinstance(end, Finished)
    assert end.reference == "PO-000001"
    assert len(erp.committed) == 1


@pytest.mark.parametrize("action", ["hang_before_commit", "reset_before_commit"])
async def test_what_never_happened_is_created_after_the_quiet_period(erp, outlet, action: str) -> None:
    erp.faults.replace(
        FaultScript.from_json(f'[{{"action": "{action}", "method": "POST", "nth": 1}}]').faults
    )
    course = outlet.course(erp, timeout_s=SHORT_S)

    end = await finish(course)

    assert isinstance(end, Finished)
    assert len(erp.committed) == 1
    first, second = (step for step in course.done if step.step == "create")
    assert isinstance(first.outcome, InDoubt)
    assert (second.started_at - first.ended_at).total_seconds() >= 0.2
    assert course.done[-1].step == "look_up"  # the last one, for doubles
    assert [step.step for step in course.done].count("look_up") >= 3


async def test_a_document_that_shows_late_is_still_adopted(outlet) -> None:
    faults = FaultScript.from_json('[{"action": "commit_then_reset", "method": "POST", "nth": 1}]')
    async with CloudErp(Settings(lag_s=0.15), faults) as erp:
        course = outlet.course(erp)
        end = await finish(course)
        committed = erp.committed

    assert isinstance(end, Finished)
    assert len(committed) == 1
    assert sum(1 for step in course.done if step.step == "look_up") >= 2


async def test_a_write_of_a_node_that_slept_past_the_quiet_period_is_detected(erp, outlet) -> None:
    erp.faults.replace(
        FaultScript.from_json('[{"action": "reset_before_commit", "method": "POST", "nth": 1}]').faults
    )
    course = outlet.course(erp, look_up_waits_s=())
    while not isinstance(course.next(), Wait) or not erp.committed:
        match course.next():
            case Wait():
                await asyncio.sleep(0.02)
            case Request():
                await course.step()
    late = next(step.request for step in course.done if step.step == "create")
    await course.sink.send(late)

    end = await finish(course)

    assert len(erp.committed) == 2
    assert isinstance(end, Rejected)
    assert end.findings[0].code == "ERP-DOUBLE"
    assert "PO-000001, PO-000002" in end.findings[0].text


async def test_a_unique_reference_needs_no_look_up_and_a_conflict_is_adopted(outlet) -> None:
    async with CloudErp(Settings(enforce_unique=True)) as erp:
        once = outlet.course(erp, look_up="after_doubt", unique_reference=True)
        again = outlet.course(erp, look_up="after_doubt", unique_reference=True)
        assert await finish(once) == await finish(again)
        committed = erp.committed

    assert [step.step for step in once.done] == ["create"]
    assert [step.step for step in again.done] == ["create", "look_up"]
    assert len(committed) == 1


async def test_an_idempotent_put_is_simply_sent_again(erp, outlet) -> None:
    erp.faults.replace(
        FaultScript.from_json('[{"action": "commit_then_reset", "method": "PUT", "nth": 1}]').faults
    )
    course = outlet.course(
        erp,
        method="PUT",
        path="documents/{document_type}/{reference}",
        look_up="after_doubt",
        idempotent_create=True,
    )

    assert isinstance(await finish(course), Finished)
    assert [step.step for step in course.done] == ["create", "create"]
    assert len(erp.committed) == 1
    assert len(erp.requests) == 2  # aiohttp's own repetition of PUT is off


async def test_another_document_under_our_reference_is_a_mismatch(erp, outlet) -> None:
    await finish(outlet.course(erp))

    end = await finish(outlet.course(erp, delivery("PO-0002")))

    assert isinstance(end, Rejected)
    assert end.findings[0].code == "ERP-REF-MISMATCH"
    assert len(erp.committed) == 1


async def test_other_content_under_our_reference_is_a_mismatch_and_a_retry_looks_again(erp, outlet) -> None:
    await finish(outlet.course(erp, delivery("PO-0003", document_key="k")))
    course = outlet.course(erp, delivery("PO-0004", document_key="k"))

    end = await finish(course)

    assert isinstance(end, Rejected)
    assert "content_hash" in end.findings[0].text
    assert isinstance(course.next(), Request)
    assert course.next().step == "look_up"


async def test_an_erp_that_ignores_the_filter_is_noticed(outlet) -> None:
    async with CloudErp(Settings(ignores_filter=True)) as erp:
        await finish(outlet.course(erp))
        end = await finish(outlet.course(erp, delivery("PO-0002", reference="Z" * 26)))
        committed = erp.committed

    assert isinstance(end, Rejected)
    assert end.findings[0].code == "ERP-LOOKUP-FILTER"
    assert len(committed) == 1


@pytest.mark.parametrize(
    "fault, expected",
    [
        ('"action": "throttle", "retry_after": "7"', Transient("status 429", TransientKind.THROTTLE, 7.0)),
        ('"action": "throttle"', Transient("status 429", TransientKind.THROTTLE)),
        ('"action": "unavailable", "retry_after": "3"', Transient("status 503", TransientKind.OUTAGE, 3.0)),
        ('"action": "status", "status": 500', InDoubt("status 500")),
        ('"action": "status", "status": 500, "commits": true', InDoubt("status 500")),
        ('"action": "status", "status": 408', InDoubt("status 408")),
        ('"action": "status", "status": 502', InDoubt("status 502")),
        ('"action": "status", "status": 504', InDoubt("status 504")),
        ('"action": "status", "status": 423', Transient("status 423", TransientKind.ERROR)),
    ],
)
async def test_every_status_has_its_meaning_for_a_create(erp, outlet, fault: str, expected) -> None:
    erp.faults.replace(FaultScript.from_json(f'[{{{fault}, "method": "POST"}}]').faults)
    course = outlet.course(erp)
    await course.step()

    assert await course.step() == expected


async def test_a_retry_after_date_becomes_seconds(erp, outlet) -> None:
    script = '[{"action": "throttle", "retry_after": "date:9", "method": "POST"}]'
    erp.faults.replace(FaultScript.from_json(script).faults)
    course = outlet.course(erp)
    await course.step()

    outcome = await course.step()

    assert isinstance(outcome, Transient)
    assert outcome.retry_after_s is not None
    assert 7 <= outcome.retry_after_s <= 9


@pytest.mark.parametrize(
    "fault",
    [
        '"action": "unauthorized"',
        '"action": "status", "status": 403',
        '"action": "login_page"',
        '"action": "redirect", "location": "https://idp.example/login?x=1"',
        '"action": "redirect", "status": 308, "location": "https://new.example/"',
    ],
)
async def test_what_asks_us_to_log_in_waits_for_credentials(erp, outlet, fault: str) -> None:
    erp.faults.replace(FaultScript.from_json(f'[{{{fault}, "method": "POST"}}]').faults)
    course = outlet.course(erp)
    await course.step()

    outcome = await course.step()

    assert isinstance(outcome, Transient)
    assert outcome.kind is TransientKind.CREDENTIAL
    assert erp.committed == []


@pytest.mark.parametrize(
    "fault",
    [
        '"action": "sorry_page"',
        '"action": "redirect", "status": 303, "location": "/documents/7"',
        '"action": "oversized", "size_bytes": 100000',
    ],
)
async def test_what_says_neither_yes_nor_no_to_a_create_is_in_doubt(erp, outlet, fault: str) -> None:
    erp.faults.replace(FaultScript.from_json(f'[{{{fault}, "method": "POST", "commits": false}}]').faults)
    course = outlet.course(erp, reply_bytes_max=50_000)
    await course.step()

    assert isinstance(await course.step(), InDoubt)


@pytest.mark.parametrize(
    "fault, kind",
    [
        ('"action": "commit_then_hang"', TransientKind.OUTAGE),
        ('"action": "commit_then_reset"', TransientKind.OUTAGE),
        ('"action": "half_reply"', TransientKind.OUTAGE),
        ('"action": "garbage"', TransientKind.ERROR),
        ('"action": "truncated"', TransientKind.ERROR),
        ('"action": "oversized", "size_bytes": 100000', TransientKind.OUTAGE),
        ('"action": "sorry_page"', TransientKind.OUTAGE),
        ('"action": "unavailable"', TransientKind.OUTAGE),
        ('"action": "status", "status": 500', TransientKind.ERROR),
        ('"action": "status", "status": 504', TransientKind.OUTAGE),
        ('"action": "login_page"', TransientKind.CREDENTIAL),
    ],
)
async def test_a_look_up_is_never_in_doubt_and_never_taken_for_an_empty_one(erp, outlet, fault, kind) -> None:
    erp.faults.replace(FaultScript.from_json(f'[{{{fault}, "method": "GET"}}]').faults)
    course = outlet.course(erp, reply_bytes_max=50_000, timeout_s=SHORT_S)

    outcome = await course.step()

    assert isinstance(outcome, Transient)
    assert outcome.kind is kind
    assert course.next().step == "look_up"


async def test_a_refusal_gives_one_finding_for_each_field(erp, outlet) -> None:
    script = '[{"action": "reject", "fields": ["lines[0].quantity", "seller.id"]}]'
    erp.faults.replace(FaultScript.from_json(script.replace('reject"', 'reject", "method": "POST"')).faults)
    course = outlet.course(erp)
    await course.step()

    outcome = await course.step()

    assert isinstance(outcome, Rejected)
    assert [finding.code for finding in outcome.findings] == ["ERP-422", "ERP-422"]
    assert [finding.at.path for finding in outcome.findings] == ["lines[0].quantity", "seller.id"]
    assert str(outcome.findings[0]) == "erp lines[0].quantity: value is not accepted [ERP-422]"


@pytest.mark.parametrize("fault", ['"action": "trickle"', '"action": "delay", "seconds": 0.1'])
async def test_a_slow_reply_is_a_reply(erp, outlet, fault: str) -> None:
    erp.faults.replace(FaultScript.from_json(f'[{{{fault}, "method": "POST"}}]').faults)

    assert isinstance(await finish(outlet.course(erp)), Finished)


async def test_a_crash_after_the_create_began_is_looked_up_on_restart(erp, outlet) -> None:
    course = outlet.course(erp)
    await course.step()
    create = course.next()
    course.crash()
    await course.sink.send(create)  # it had left before the process died

    end = await finish(course)

    assert isinstance(end, Finished)
    assert len(erp.committed) == 1
    assert [step.step for step in course.done] == ["look_up", "create", "look_up"]


async def test_decimals_can_go_as_numbers_with_all_their_digits(erp, outlet) -> None:
    course = outlet.course(erp, decimals="number")
    await course.step()

    request = course.next()

    assert b'"amount":12.3400' in request.body
    assert isinstance(await course.step(), Accepted)
