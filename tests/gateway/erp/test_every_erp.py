"""What holds for every ERP: each document exactly once in its ledger, and the journal tells the truth.

The ERPs are named in `erps.py`. Everything is real but time: the connector, the sink, a journal, and a
simulated ERP on a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.base import Request
from canonical.registry import parse_document, to_json
from gateway.journal.base import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.types import DeliveryState, DeliveryView, Transmitter
from gateway.rehearsal import rehearsed
from gateway.security.certificates import Issued, Validity, issue_client
from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import SimulatedErp
from simulators.cloud_erp.dynamics365 import Dynamics365
from simulators.cloud_erp.oracle_fusion import OracleFusion
from simulators.faults import Action, Fault
from simulators.serving import Tls
from tests.gateway.erp.bench import CONCURRENT, Bench, Blind, ElasticClock, Killing
from tests.gateway.erp.erps import ERPS, ErpUnderTest
from tests.gateway.erp.paper import cancellation, change, order
from tests.gateway.support import Certificates, delivery

Make = Callable[..., Awaitable[Bench]]

SUPPLIER = "10300001"  # the one that the simulated SAP knows from the start


@pytest.fixture(params=ERPS, ids=lambda each: each.kind)
def erp(request: pytest.FixtureRequest) -> ErpUnderTest:
    found: ErpUnderTest = request.param
    return found


@pytest.fixture(params=["memory"])
def journal_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest_asyncio.fixture
async def make(erp: ErpUnderTest, journal_kind: str, tmp_path: Path) -> AsyncIterator[Make]:
    """Give what makes a bench; all of them end with the test."""
    async with AsyncExitStack() as stack:
        count = 0

        async def made(*faults: Fault, **settings: Any) -> Bench:
            nonlocal count
            count += 1
            clock = ElasticClock()
            journal: Journal
            if journal_kind == "sqlite":
                path = tmp_path / f"journal-{count}.db"
                journal = await SqliteJournal.open(path, clock=clock, unsafe_no_sync=True)
            else:
                journal = MemoryJournal(clock=clock)
            stack.push_async_callback(journal.close)
            return await stack.enter_async_context(Bench(erp, journal, clock, *faults, **settings))

        yield made


both_journals = pytest.mark.parametrize("journal_kind", ["memory", "sqlite"], indirect=True)


def is_true(bench: Bench, view: DeliveryView) -> bool:
    """Tell whether the journal's number is the one order that the ERP holds."""
    (held,) = bench.erp.orders(bench.simulator)
    return view.state is DeliveryState.DONE and view.target_reference == held.number


@both_journals
async def test_an_order_is_there_once_with_every_digit_and_its_names_are_known(make: Make) -> None:
    bench = await make()
    view = await bench.deliver(order())

    assert is_true(bench, view), view
    (held,) = bench.erp.orders(bench.simulator)
    assert held.quantities == (Decimal(10), Decimal(20))
    assert held.prices == (Decimal("1.25"), Decimal("2.25"))
    names = await bench.aliases()
    assert ("erp", held.number, "", "") in names
    assert {line for _, number, line, id_ in names if number == held.number and id_} >= {"1", "2", "sent:2"}


def test_a_rehearsal_gives_the_create_that_would_be_sent(erp: ErpUnderTest) -> None:
    target = erp.target(erp.settings(base="https://erp.example", supplier_output="undeclared"))
    told = delivery(canonical=to_json(order()), role="shadow", transmitter="legacy")
    request = rehearsed(target, told, ElasticClock().now())

    assert isinstance(request, Request)
    assert (request.step, request.method) == ("create", "POST")
    assert request.body


async def test_the_same_order_again_is_found_and_not_made_a_second_time(make: Make) -> None:
    bench = await make()
    first = await bench.deliver(order(), document_key="k")
    again = await bench.deliver(order(), document_key="k")

    assert is_true(bench, again)
    assert first.target_reference == again.target_reference


async def test_another_body_under_the_same_key_is_an_exception_and_no_update(make: Make) -> None:
    bench = await make()
    await bench.deliver(order(), document_key="k")
    before = bench.erp.orders(bench.simulator)
    other = order(lines=2, currency="USD").model_copy(update={"lines": order(lines=3).lines})
    view = await bench.deliver(other, document_key="k")

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-REF-MISMATCH")
    assert bench.erp.orders(bench.simulator) == before


async def test_a_new_release_of_a_blanket_is_a_new_order(make: Make) -> None:
    bench = await make()
    await bench.deliver(order(order_type="release", release="1"))
    await bench.deliver(order(order_type="release", release="2"))

    assert len(bench.erp.orders(bench.simulator)) == 2


async def test_a_change_changes_the_line_that_its_sender_means(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    view = await bench.deliver(change(line_id="0020", quantity="15"))

    assert view.state is DeliveryState.DONE, view
    (held,) = bench.erp.orders(bench.simulator)
    assert held.quantities == (Decimal(10), Decimal(15))


async def test_a_cancellation_cancels_the_order_and_creates_none(make: Make) -> None:
    bench = await make()
    await bench.deliver(order())
    view = await bench.deliver(cancellation())

    assert view.state is DeliveryState.DONE, view
    (held,) = bench.erp.orders(bench.simulator)
    assert held.is_cancelled


async def test_a_follow_on_of_an_order_that_the_erp_does_not_know_is_parked(make: Make) -> None:
    bench = await make()
    view = await bench.deliver(cancellation())

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-ORDER-UNKNOWN")
    assert not bench.erp.orders(bench.simulator)


@both_journals
async def test_a_mended_code_is_looked_up_anew_by_a_retry_at_once_no_old_answer_counts(
    make: Make,
) -> None:
    bench = await make()
    knows_one_supplier(bench.simulator)
    good = bench.settings.codes.model_dump()

    async def told(word: str) -> None:
        await bench.reload(codes={**good, "suppliers": {"ACME": word}})

    await told("BETA7")
    supplier = parse_document({"document_type": "supplier", "number": "ACME", "name": "Acme"})
    first = await bench.deliver(supplier)
    await told("BETA8")
    await bench.retry(first.delivery_id, after_s=1)
    other = await bench.finish(first.delivery_id)
    await told(SUPPLIER)
    await bench.retry(first.delivery_id, after_s=1)
    view = await bench.finish(first.delivery_id)

    for each, word in ((first, "BETA7"), (other, "BETA8")):
        assert (each.state, each.findings[0].code) == (DeliveryState.PARKED, "ERP-SUPPLIER-UNKNOWN")
        assert word in each.findings[0].text
    assert (view.state, view.target_reference) == (DeliveryState.DONE, SUPPLIER), view
    assert view.steps[:2] == other.steps[:2]  # what was asked and answered before stays as it was
    assert len(view.steps) == 3


def knows_one_supplier(erp: SimulatedErp) -> None:
    if isinstance(erp, OracleFusion):
        erp.store.settings = replace(erp.store.settings, suppliers={SUPPLIER: "Acme"})
    elif isinstance(erp, Dynamics365):
        erp.tenant.vendors = frozenset({SUPPLIER})


async def test_a_refusal_names_the_segment_that_it_comes_from_and_a_retry_goes_on(make: Make) -> None:
    bench = await make()
    erp = bench.erp
    bench.script.replace(
        (Fault(Action.BUSINESS_ERROR, method="POST", path=erp.refusal_path, times=1, error=erp.refusal),)
    )
    view = await bench.deliver(order())

    assert view.state is DeliveryState.PARKED
    (finding,) = [each for each in view.findings if each.facts.get("canonical")]
    assert finding.facts["canonical"] == erp.refused_field
    assert finding.facts["erp_code"]
    assert (finding.at.source, finding.at.path) == ("PO_0302.edi", "ST 0001 / PO1[1]/PO107")

    await bench.retry(view.delivery_id)
    assert is_true(bench, await bench.finish(view.delivery_id))


UNKNOWN = [
    Fault(Action.COMMIT_THEN_HANG),
    Fault(Action.COMMIT_THEN_RESET),
    Fault(Action.RESET_BEFORE_COMMIT),
    Fault(Action.HANG_BEFORE_COMMIT),
    Fault(Action.HALF_REPLY),
    Fault(Action.TRUNCATED),
    Fault(Action.GARBAGE),
    Fault(Action.OVERSIZED, size_bytes=70_000),
    Fault(Action.SORRY_PAGE, commits=True),
    Fault(Action.STATUS, status=504, commits=True),
]


@pytest.mark.parametrize("fault", UNKNOWN, ids=lambda each: each.action.value)
async def test_an_order_of_unknown_outcome_is_there_once(make: Make, fault: Fault) -> None:
    bench = await make(lag_s=3.0, reply_bytes_max=65_536)
    bench.script.replace((_at_create(bench, fault),))
    view = await bench.deliver(order())

    assert is_true(bench, view), view
    assert any(each.is_in_doubt for each in view.steps)


async def test_a_commit_that_comes_after_the_time_out_is_found_later(make: Make) -> None:
    bench = await make(look_up_waits_s=[1, 2], quiet_period_s=30)
    bench.script.replace((_at_create(bench, Fault(Action.DELAY, seconds=1.0)),))
    delivery_id = await bench.plan(order())
    await bench.go()
    view = await bench.view(delivery_id)
    assert view.state is DeliveryState.IN_DOUBT
    while not bench.erp.orders(bench.simulator):  # the ERP commits in its own time
        await _turn()

    assert is_true(bench, await bench.finish(delivery_id))


@pytest.mark.parametrize("action", [Action.COMMIT_THEN_HANG, Action.COMMIT_THEN_RESET])
async def test_with_look_ups_that_see_nothing_duplicates_appear(make: Make, action: Action) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=2)
    bench.script.replace((_at_create(bench, Fault(action)),))
    delivery_id = await bench.plan(order())
    await bench.finish(delivery_id, Blind(bench.sink, bench.erp))

    assert len(bench.erp.orders(bench.simulator)) == 2


async def test_the_double_of_a_paused_node_is_found_by_a_last_look_up_and_told(make: Make) -> None:
    bench = await make(look_up_waits_s=[1], quiet_period_s=30)
    bench.script.replace((_at_create(bench, Fault(Action.RESET_BEFORE_COMMIT)),))
    delivery_id = await bench.plan(order())
    while not any(
        each.step == "create" and not each.is_in_doubt for each in (await bench.view(delivery_id)).steps
    ):
        await bench.pass_time(delivery_id)
    view = await bench.view(delivery_id)
    assert "a last look-up for doubles" in view.reason
    first = next(each.request for each in view.steps if each.step == "create")
    await bench.sink.send(first)  # the node that was paused in the middle of sending wakes up

    view = await bench.finish(delivery_id)
    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-DOUBLE")
    assert view.findings[0].facts["numbers"] == ", ".join(
        each.number for each in bench.erp.orders(bench.simulator)
    )


@both_journals
@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "after"])
async def test_a_kill_at_any_step_leaves_one_order(make: Make, is_sent: bool) -> None:
    at = 0
    while True:
        bench = await make(look_up_waits_s=[1, 2], quiet_period_s=30)
        delivery_id = await bench.plan(order())
        was_killed = await bench.killed(Killing(bench.sink, at, is_sent=is_sent))
        if not was_killed:
            break
        view = await bench.finish(delivery_id)
        assert is_true(bench, view), (at, view)
        at += 1

    assert at >= 3  # a look-up, a create, and something behind it


async def test_two_kills_in_one_order_leave_one_order(make: Make) -> None:
    for first, second in ((1, 0), (1, 1), (2, 1)):
        bench = await make(look_up_waits_s=[1, 2], quiet_period_s=30)
        delivery_id = await bench.plan(order())
        await bench.killed(Killing(bench.sink, first, is_sent=True))
        await bench.killed(Killing(bench.sink, second, is_sent=True))

        assert is_true(bench, await bench.finish(delivery_id)), (first, second)


@pytest.mark.parametrize("retry_after", ["2", "date:2", None], ids=["seconds", "date", "none"])
async def test_a_throttled_create_waits_as_asked_and_spends_no_attempt(
    make: Make, retry_after: str | None
) -> None:
    bench = await make()
    fault = Fault(Action.THROTTLE, times=2, retry_after=retry_after)
    bench.script.replace((_at_create(bench, fault),))
    view = await bench.deliver(order())

    assert is_true(bench, view)
    assert view.attempts == 0
    assert bench.clock.ahead_s >= (2.0 if retry_after else 1.0)


async def test_in_a_storm_of_429_everything_comes_through_in_order_and_the_target_is_left_alone(
    make: Make,
) -> None:
    bench = await make(requests_per_s=4)
    keys = [f"PO-{each}" for each in range(1, 5)]
    papers = (order, lambda number: change(number, quantity="15"), cancellation)
    ids = [await bench.plan(paper(key), order=key, opens=False) for paper in papers for key in keys]
    views = [await bench.finish(each) for each in ids]

    assert {each.state for each in views} == {DeliveryState.DONE}, views
    held = bench.erp.orders(bench.simulator)
    assert [(each.quantities[1], each.is_cancelled) for each in held] == [(Decimal(15), True)] * len(keys)
    assert {each.attempts for each in views} == {0}
    # A 429 makes the whole target pause as long as it asked: only what was under way meets another.
    assert 0 < bench.simulator.throttles <= CONCURRENT * (bench.clock.monotonic() + 1)


async def test_pages_and_outages_are_waited_out(make: Make) -> None:
    for action in (Action.UNAVAILABLE, Action.LOGIN_PAGE, Action.SORRY_PAGE):
        bench = await make()
        path = bench.erp.look_up_path
        bench.script.replace(
            (Fault(action, method="GET", path=path, times=2), _at_create(bench, Fault(action)))
        )
        view = await bench.deliver(order())

        assert is_true(bench, view), (action, view)
        assert view.attempts == 0


async def test_a_token_that_ends_in_the_middle_is_renewed_and_the_order_goes_on(make: Make) -> None:
    access = AccessRules(clients={"bridge": "s3cret"}, token_life_s=3_600)
    bench = await make(access=access, oauth2=_oauth2)
    delivery_id = await bench.plan(order())
    killing = Killing(bench.sink, 1, is_sent=True)
    await bench.killed(killing)
    bench.simulator.access.expire_tokens()

    assert is_true(bench, await bench.finish(delivery_id))
    assert bench.simulator.access.tokens_given == 2
    assert bench.simulator.access.refusals == 1


async def test_refused_credentials_are_not_hammered_and_wait_for_a_better_time(make: Make) -> None:
    access = AccessRules(clients={"bridge": "other"})
    bench = await make(access=access, oauth2=_oauth2)
    delivery_id = await bench.plan(order())
    for _ in range(3):
        await bench.go()
    view = await bench.view(delivery_id)

    assert (view.state, view.attempts) == (DeliveryState.WAITING, 0)
    assert "refuses our credentials" in view.reason
    assert not bench.simulator.requests  # no request without a token


async def test_a_certificate_that_ends_in_the_middle_waits_until_the_file_is_replaced(
    make: Make, tmp_path: Path
) -> None:
    certificates = Certificates(tmp_path / "pki")
    begins_at = certificates.now - timedelta(minutes=1)
    soon = Validity(begins_at, certificates.now + timedelta(days=2))
    certificates.write("client", issue_client(certificates.ca, "acme", soon))
    server = Tls(certificates.pem("server"), certificates.key("server"), certificates.pem("ca"))
    bench = await make(server_tls=server, tls=certificates.settings())
    delivery_id = await bench.plan(order())
    await bench.killed(Killing(bench.sink, 0, is_sent=True))
    bench.clock.ahead_s += 3 * 86_400  # it has ended
    await bench.go()
    view = await bench.view(delivery_id)
    assert (view.state, view.attempts) == (DeliveryState.WAITING, 0)
    assert "our certificate ended" in view.reason

    certificates.write("client", issue_client(certificates.ca, "acme", Validity.of(certificates.now)))
    assert is_true(bench, await bench.finish(delivery_id))


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ("stranger", "does it accept our certificate?"),  # signed by a CA that the ERP does not know
        ("expired", "our certificate ended"),
        ("removed", "the file is not there"),  # revoked by taking its file away
        ("none", "does it accept our certificate?"),
    ],
)
async def test_a_bad_certificate_is_refused_and_a_good_file_lets_the_order_go_on(
    make: Make, tmp_path: Path, shown: str, reason: str
) -> None:
    certificates = Certificates(tmp_path / "pki")
    server = Tls(certificates.pem("server"), certificates.key("server"), certificates.pem("ca"))
    good = Issued(certificates.pem("client").read_bytes(), certificates.key("client").read_bytes())
    if shown in ("stranger", "expired"):
        bad = Issued(certificates.pem(shown).read_bytes(), certificates.key(shown).read_bytes())
        certificates.write("client", bad)
    elif shown == "removed":
        certificates.pem("client").unlink()
    client = None if shown == "none" else "client"
    bench = await make(server_tls=server, tls=certificates.settings(client))
    delivery_id = await bench.plan(order())
    await bench.go()
    view = await bench.view(delivery_id)
    assert (view.state, view.attempts) == (DeliveryState.WAITING, 0)
    assert reason in view.reason
    assert not bench.simulator.requests

    certificates.write("client", good)
    if shown == "none":  # the configuration names one now: a reload builds the sink anew
        await bench.reload(tls=certificates.settings())
    assert is_true(bench, await bench.finish(delivery_id))


async def test_a_server_of_an_unknown_ca_is_told_nothing(make: Make, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "pki")
    server = Tls(certificates.pem("server"), certificates.key("server"), certificates.pem("ca"))
    bench = await make(server_tls=server, tls=certificates.settings(ca="other_ca"))
    delivery_id = await bench.plan(order())
    await bench.go()
    view = await bench.view(delivery_id)

    assert (view.state, view.attempts) == (DeliveryState.WAITING, 0)
    assert "CERTIFICATE_VERIFY_FAILED" in view.reason or "certificate verify failed" in view.reason
    assert not bench.simulator.requests


async def test_an_order_that_another_sends_to_the_supplier_needs_the_output_declared(make: Make) -> None:
    bench = await make(supplier_output="undeclared")
    view = await bench.deliver(order(), transmitter=Transmitter.GATEWAY)

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-OUTPUT")
    assert not bench.simulator.documents.entries()


async def test_an_order_that_the_erp_is_to_send_is_parked_where_its_output_is_off(make: Make) -> None:
    bench = await make(supplier_output="off")
    view = await bench.deliver(order(), transmitter=Transmitter.ERP)

    assert (view.state, view.findings[0].code) == (DeliveryState.PARKED, "ERP-OUTPUT")


def _at_create(bench: Bench, fault: Fault) -> Fault:
    times = fault.times if fault.times is not None else 1
    return replace(fault, method="POST", path=bench.erp.create_path, times=times)


def _oauth2(url: str) -> dict[str, Any]:
    return {
        "token_url": f"{url}/oauth2/v1/token",
        "plaintext": True,
        "client_id": "bridge",
        "client_secret": "env:ERP_SECRET",
    }


async def _turn() -> None:
    await asyncio.sleep(0.02)
