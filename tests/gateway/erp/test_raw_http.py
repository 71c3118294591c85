"""Bytes to a legacy endpoint: as received, once, and what an unknown outcome means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.base import (
    Accepted,
    Finished,
    InDoubt,
    Origin,
    Rejected,
    Reply,
    Request,
    Stuck,
    Transient,
    TransientKind,
)
from gateway.erp.http import HttpSink
from gateway.erp.raw_http import RawHttp, last_reply
from gateway.erp.settings import RawHttpSettings
from gateway.security.secrets import SecretStore
from simulators.faults import FaultScript
from simulators.legacy_http import LegacyHttp, Settings
from tests.gateway.support import REFERENCE, Course, RealClock, SeededRng, delivery

BODY = b"<soap:Envelope>\xff\x00 as it came \r\n</soap:Envelope>"
ORIGIN = Origin(
    "http",
    datetime(2026, 1, 2, tzinfo=UTC),
    content_type='text/xml; charset="iso-8859-1"',
    facts={"soapaction": '"urn:SubmitPurchaseOrder"', "row": "7"},
)
SOAP_11, SOAP_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"


def fault(code: str, detail: str = "", namespace: str = SOAP_11) -> bytes:
    """Give a fault; ``code`` is the whole element that names who is to blame."""
    inside = f"{code}<faultstring>bad</faultstring><detail>{detail}</detail>"
    envelope = f'<s:Envelope xmlns:s="{namespace}"><s:Body><s:Fault>{inside}</s:Fault></s:Body></s:Envelope>'
    return envelope.encode()


def code_12(word: str, sub: str = "x:Order") -> str:
    subcode = f"<s:Subcode><s:Value>{sub}</s:Value></s:Subcode>"
    return f"<s:Code><s:Value>s:{word}</s:Value>{subcode}</s:Code>"


SENDER_FAULT = fault("<faultcode>s:Client</faultcode>")
SERVER_FAULT = fault("<faultcode>s:Server</faultcode>")
NAMES_A_CLIENT = (
    "<Field><Name>saved-for</Name><Value>Client 4711</Value><faultcode>s:Client</faultcode></Field>"
)


@pytest.fixture
async def course() -> AsyncIterator[Callable[..., Course]]:
    sinks: list[HttpSink] = []

    def make(legacy: LegacyHttp, **settings) -> Course:
        values = {"base": legacy.url, "plaintext": True, "path": "po", "timeout_s": 5.0, **settings}
        model = RawHttpSettings.model_validate(values)
        sink = HttpSink("mms", model, clock=RealClock(), rng=SeededRng(), secret=SecretStore(Path()))
        sinks.append(sink)
        the_delivery = delivery(canonical=None, body=BODY, origin=ORIGIN)
        return Course(RawHttp("mms", model), sink, the_delivery, RealClock())

    yield make
    for sink in sinks:
        await sink.close()


async def test_bytes_and_the_headers_that_matter_go_on_as_they_came(course) -> None:
    async with LegacyHttp(Settings(body=b"\x00reply\xff", content_type="application/x-own")) as legacy:
        the_course = course(legacy)
        assert await the_course.step() == Accepted()
        assert legacy.bodies == [BODY]
        [received] = legacy.received

    assert received.path == "/po"
    assert received.headers == {
        "Content-Type": 'text/xml; charset="iso-8859-1"',
        "SOAPAction": '"urn:SubmitPurchaseOrder"',
        "Idempotency-Key": REFERENCE,
        "X-Correlation-Id": "c-1",
    }
    assert the_course.next() == Finished("")
    reply = last_reply(the_course.done)
    assert reply is not None
    assert (reply.body, reply.header("Content-Type")) == (b"\x00reply\xff", "application/x-own")


@pytest.mark.parametrize(
    "action", ["commit_then_hang", "commit_then_reset", "half_reply", "reset_before_commit"]
)
async def test_an_unknown_outcome_needs_a_person_who_asks_over_there(course, action: str) -> None:
    async with LegacyHttp(faults=FaultScript.from_json(f'[{{"action": "{action}"}}]')) as legacy:
        the_course = course(legacy, timeout_s=0.5)
        assert isinstance(await the_course.step(), InDoubt)

    stuck = the_course.next()
    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "LEGACY-IN-DOUBT"
    assert REFERENCE in stuck.findings[0].text


async def test_where_it_is_safe_an_unknown_outcome_is_sent_again_under_the_same_key(course) -> None:
    async with LegacyHttp(
        faults=FaultScript.from_json('[{"action": "commit_then_reset", "nth": 1}]')
    ) as legacy:
        the_course = course(legacy, resend="safe")
        assert isinstance(await the_course.step(), Transient)
        assert await the_course.step() == Accepted()
        assert [each.headers["Idempotency-Key"] for each in legacy.received] == [REFERENCE] * 2


async def test_a_crash_in_the_middle_counts_as_unknown(course) -> None:
    async with LegacyHttp() as legacy:
        never, safe = course(legacy), course(legacy, resend="safe")
        never.crash()
        safe.crash()
        assert isinstance(never.next(), Stuck)
        assert safe.next().step == "submit"


@pytest.mark.parametrize(
    "fault, kind",
    [
        ('"action": "unavailable"', TransientKind.OUTAGE),
        ('"action": "throttle"', TransientKind.THROTTLE),
        ('"action": "unauthorized"', TransientKind.CREDENTIAL),
        ('"action": "login_page"', TransientKind.CREDENTIAL),
    ],
)
async def test_what_surely_did_not_happen_is_tried_again(course, fault: str, kind: TransientKind) -> None:
    async with LegacyHttp(faults=FaultScript.from_json(f"[{{{fault}}}]")) as legacy:
        the_course = course(legacy)
        outcome = await the_course.step()

    assert isinstance(outcome, Transient)
    assert outcome.kind is kind
    assert the_course.next().step == "submit"


@pytest.mark.parametrize(
    "body, expected",
    [
        (SENDER_FAULT, Rejected),
        (fault("<faultcode> s:Client.Order </faultcode>", NAMES_A_CLIENT), Rejected),
        (fault(code_12("Sender"), namespace=SOAP_12), Rejected),
        (SERVER_FAULT, InDoubt),
        (fault("<faultcode>s:Server</faultcode>", NAMES_A_CLIENT), InDoubt),
        (fault("<faultcode>s:Server.Client</faultcode>"), InDoubt),
        (fault("<faultcode>s:ClientTimeout</faultcode>"), InDoubt),
        (fault(code_12("Receiver", sub="s:Sender"), namespace=SOAP_12), InDoubt),
        (fault("", NAMES_A_CLIENT), InDoubt),
        (SENDER_FAULT[:-10], InDoubt),
        (b"oops", InDoubt),
    ],
)
async def test_a_fault_that_blames_the_message_is_a_refusal(course, body: bytes, expected: type) -> None:
    async with LegacyHttp(Settings(status=500, body=body, content_type="text/xml")) as legacy:
        assert isinstance(await course(legacy).step(), expected)


async def test_a_refusal_keeps_its_reply_for_the_caller(course) -> None:
    async with LegacyHttp(Settings(status=400, body=b"ORD-17 unknown item")) as legacy:
        the_course = course(legacy)
        outcome = await the_course.step()

    assert isinstance(outcome, Rejected)
    assert outcome.findings[0].text == "status 400: ORD-17 unknown item"
    assert last_reply(the_course.done) is not None
    assert isinstance(last_reply(the_course.done), Reply)
    assert last_reply([]) is None


def test_a_copy_is_refused_where_these_bytes_would_be_taken_for_an_order() -> None:
    target = RawHttp("mms", RawHttpSettings(base="http://legacy.example", plaintext=True))

    refused = target.next_request(delivery(role="copy"), (), datetime.now(UTC))

    assert isinstance(refused, Stuck)
    assert [each.code for each in refused.findings] == ["LEGACY-COPY"]
    assert not target.settings.takes_copies


def test_a_copy_says_so_where_the_receiver_looks_at_it_and_a_live_order_never_does() -> None:
    target = RawHttp("mms", RawHttpSettings(base="http://legacy.example", plaintext=True, copies="mark"))

    requests = [target.next_request(delivery(role=role), (), datetime.now(UTC)) for role in ("copy", "live")]

    told = [dict(each.headers).get("X-Bridge-Role") for each in requests if isinstance(each, Request)]
    assert told == ["copy", None]
