"""CSRF sessions and Basic log-ins over real sockets, against the simulated SAP: what is sent, how often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.base import Effect, NoReply, Reply, Request
from gateway.erp.http import HttpSink
from gateway.erp.settings import HttpSettings
from gateway.security.secrets import SecretStore
from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.sap_s4hana import SapS4Hana, Tenant
from simulators.faults import Action, Fault, FaultScript
from tests.gateway.support import FakeClock, RealClock, SeededRng

ORDERS = "sap/opu/odata4/sap/api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001"
MakeSink = Callable[..., HttpSink]


@pytest.fixture
async def make_sink() -> AsyncIterator[MakeSink]:
    made: list[HttpSink] = []

    def make(base: str, environ: dict[str, str] | None = None, clock=None, **settings) -> HttpSink:
        values = {
            "base": base,
            "plaintext": True,
            "timeout_s": 2.0,
            "csrf": {"path": f"{ORDERS}/"},
            **settings,
        }
        sink = HttpSink(
            "sap",
            HttpSettings.model_validate(values),
            clock=clock or RealClock(),
            rng=SeededRng(),
            secret=SecretStore(Path(), environ if environ is not None else {}),
        )
        made.append(sink)
        return sink

    yield make
    for sink in made:
        await sink.close()


def write() -> Request:
    return Request("create", Effect.WRITE, "POST", f"{ORDERS}/PurchaseOrder", b"{}", timeout_s=2.0)


def read() -> Request:
    return Request("look_up", Effect.READ, "GET", f"{ORDERS}/PurchaseOrder", timeout_s=2.0)


def methods(sap: SapS4Hana) -> list[str]:
    return [each.method for each in sap.requests]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_a_write_fetches_a_session_first_and_later_writes_use_the_same(make_sink, method: str) -> None:
    async with SapS4Hana() as sap:
        sink = make_sink(sap.url, csrf={"path": f"{ORDERS}/", "method": method})
        replies = [await sink.send(write()) for _ in range(3)]

        assert methods(sap) == [method, "POST", "POST", "POST"]
        assert [reply.status for reply in replies] == [400, 400, 400]  # let in; the body is no order


async def test_reads_need_no_session(make_sink) -> None:
    async with SapS4Hana() as sap:
        reply = await make_sink(sap.url).send(read())

        assert methods(sap) == ["GET"]
        assert reply.status == 200


async def test_many_writes_at_once_fetch_one_session(make_sink) -> None:
    async with SapS4Hana() as sap:
        sink = make_sink(sap.url)
        replies = await asyncio.gather(*(sink.send(write()) for _ in range(8)))

        assert methods(sap).count("HEAD") == 1
        assert {reply.status for reply in replies} == {400}


async def test_many_writes_at_once_share_a_fetch_that_fails_and_the_next_write_tries_again(make_sink) -> None:
    faults = FaultScript((Fault(Action.UNAVAILABLE, method="HEAD", times=1),))
    async with SapS4Hana(faults=faults) as sap:
        sink = make_sink(sap.url)
        replies = await asyncio.gather(*(sink.send(write()) for _ in range(8)))
        assert methods(sap) == ["HEAD"]
        assert {reply.status for reply in replies} == {503}

        assert (await sink.send(write())).status == 400
        assert methods(sap) == ["HEAD", "HEAD", "POST"]


async def test_a_write_that_waits_for_anothers_fetch_ends_in_its_own_time(make_sink) -> None:
    faults = FaultScript((Fault(Action.HANG_BEFORE_COMMIT, method="HEAD"),))
    async with SapS4Hana(faults=faults) as sap:
        sink = make_sink(sap.url)
        first = asyncio.ensure_future(sink.send(write()))
        await asyncio.sleep(0.05)
        reply = await sink.send(replace(write(), timeout_s=0.2))

        assert isinstance(reply, NoReply)
        assert (reply.written, reply.kind) == ("none", "outage")
        assert not first.done()  # it has two seconds
        first.cancel()


async def test_an_expired_session_is_fetched_anew_once_and_the_write_sent_once_more(make_sink) -> None:
    async with SapS4Hana() as sap:
        sink = make_sink(sap.url)
        await sink.send(write())
        sap.sessions.expire()
        reply = await sink.send(write())

        assert methods(sap) == ["HEAD", "POST", "POST", "HEAD", "POST"]
        assert reply.status == 400


async def test_a_session_that_never_holds_is_given_up_after_the_second_try(make_sink) -> None:
    async with SapS4Hana(tenant=Tenant(csrf_life_s=0.0)) as sap:
        reply = await make_sink(sap.url).send(write())

        assert methods(sap) == ["HEAD", "POST", "HEAD", "POST"]
        assert (reply.status, reply.header("x-csrf-token")) == (403, "Required")


async def test_neither_token_nor_cookie_is_in_what_the_journal_keeps(make_sink) -> None:
    async with SapS4Hana() as sap:
        sink = make_sink(sap.url)
        fetch = Request("look_up", Effect.READ, "GET", f"{ORDERS}/", headers=(("x-csrf-token", "fetch"),))
        reply = await sink.send(fetch)

        assert isinstance(reply, Reply)
        assert not {"set-cookie", "x-csrf-token"} & {name.lower() for name, _ in reply.headers}


@pytest.mark.parametrize(
    "fault, expected",
    [
        (Fault(Action.LOGIN_PAGE, method="HEAD"), ("none", "credential")),
        (Fault(Action.STATUS, method="HEAD", status=500), ("none", "outage")),
        (Fault(Action.RESET_BEFORE_COMMIT, method="HEAD"), ("none", "outage")),
    ],
)
async def test_without_a_session_nothing_is_written(make_sink, fault: Fault, expected) -> None:
    async with SapS4Hana(faults=FaultScript((fault,))) as sap:
        reply = await make_sink(sap.url).send(write())

        assert isinstance(reply, NoReply)
        assert (reply.written, reply.kind) == expected
        assert "POST" not in methods(sap)


async def test_a_throttled_fetch_counts_as_the_writes_own_with_its_retry_after(make_sink) -> None:
    faults = FaultScript((Fault(Action.THROTTLE, method="HEAD", retry_after="7"),))
    async with SapS4Hana(faults=faults) as sap:
        reply = await make_sink(sap.url).send(write())

        assert (reply.status, reply.header("Retry-After")) == (429, "7")


def basic_users(lock_after: int = 5, users: dict[str, str] | None = None) -> Behaviour:
    return Behaviour(access=AccessRules(users=users or {"BRIDGE": "right"}, lock_after=lock_after))


BASIC = {"user": "BRIDGE", "password": "env:PASSWORD"}


async def test_a_refused_password_is_sent_once_however_many_requests_wait(make_sink) -> None:
    async with SapS4Hana(basic_users(2)) as sap:
        sink = make_sink(sap.url, {"PASSWORD": "wrong"}, basic=BASIC)
        replies = await asyncio.gather(*(sink.send(read()) for _ in range(8)))
        replies += [await sink.send(write()) for _ in range(3)]

        assert sap.access.refusals == 1
        assert sap.access.wrong == {"BRIDGE": 1}
        held_back = [reply for reply in replies if isinstance(reply, NoReply)]
        assert len(held_back) == 10
        assert {(each.written, each.kind) for each in held_back} == {("none", "credential")}
        assert "wrong" not in held_back[0].reason


async def test_a_corrected_password_is_tried_by_itself(make_sink) -> None:
    environ = {"PASSWORD": "wrong"}
    async with SapS4Hana(basic_users()) as sap:
        sink = make_sink(sap.url, environ, basic=BASIC)
        await sink.send(read())
        environ["PASSWORD"] = "right"
        reply = await sink.send(read())

        assert reply.status == 200
        assert sap.access.refusals == 1


async def test_a_password_that_is_refused_after_it_was_accepted_is_held_back_too(make_sink) -> None:
    users = {"BRIDGE": "right"}
    async with SapS4Hana(basic_users(users=users)) as sap:
        sink = make_sink(sap.url, {"PASSWORD": "right"}, basic=BASIC)
        await sink.send(read())
        users["BRIDGE"] = "changed"
        replies = [await sink.send(read()) for _ in range(4)]

        assert [isinstance(reply, Reply) for reply in replies] == [True, False, False, False]
        assert sap.access.refusals == 1


async def test_a_declared_pause_lets_a_refused_password_be_tried_again(make_sink) -> None:
    clock = FakeClock()
    async with SapS4Hana(basic_users()) as sap:
        basic = BASIC | {"retry_refused_after_s": 600}
        sink = make_sink(sap.url, {"PASSWORD": "wrong"}, clock, basic=basic)
        await sink.send(read())
        await sink.send(read())
        clock.elapsed_s += 601
        await sink.send(read())

        assert sap.access.refusals == 2
