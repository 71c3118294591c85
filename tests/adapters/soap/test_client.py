"""Calling a SOAP service: what is sent, what each answer and misfortune means, how often it was done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.base import (
    Accepted,
    Alias,
    AliasKind,
    Effect,
    Finished,
    InDoubt,
    NoReply,
    Origin,
    Rejected,
    Reply,
    Request,
    Stuck,
    Transient,
    TransientKind,
    Wait,
)
from adapters.soap.calling import check_live
from canonical.registry import parse_document, to_json
from gateway.config import check
from simulators.faults import Action, Fault, FaultScript
from simulators.soap_mms import Settings, SoapMms
from simulators.soap_mms.client import budget_question
from simulators.soap_mms.envelope import COMMON, PURCHASING
from tests.adapters.soap.client_rig import FIXTURES, HEADER, LOOK_UP, Called, configuration
from tests.gateway.support import REFERENCE, FakeClock

NAMES = {"p": PURCHASING, "c": COMMON}
WSDL = FIXTURES / "wsdl"


@pytest.fixture
async def called() -> AsyncIterator[Callable[..., Called]]:
    made: list[Called] = []

    def make(mms: SoapMms | str, **settings: Any) -> Called:
        made.append(Called(mms, **settings))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@lru_cache(maxsize=1)
def nowhere() -> Called:
    """Give an endpoint whose answers are made up by the test."""
    return Called("http://127.0.0.1:9/x")


@pytest.mark.parametrize("port", ["Soap11", "Soap12"])
async def test_a_document_becomes_a_valid_request_and_its_answer_the_number(called, port: str) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        course = called(mms, port=port).course()
        outcome = await course.step()
        [seen] = mms.requests

        assert mms.invalid == []
        assert [each.number for each in mms.committed] == ["PO-1001"]

    alias = Alias(AliasKind.BUYER, "PO-1001")
    assert outcome == Accepted("PO-1001", (alias,))
    assert course.next() == Finished("PO-1001", (alias,))
    assert seen.message_id == REFERENCE
    if port == "Soap11":
        assert (seen.action, seen.content_type) == (
            '"urn:mercy-health:mms:SubmitPurchaseOrder"',
            "text/xml; charset=utf-8",
        )
    else:
        assert seen.content_type.startswith("application/soap+xml")
        assert 'action="urn:mercy-health:mms:SubmitPurchaseOrder"' in seen.content_type


async def test_the_request_is_frozen_and_says_the_same_when_written_again(called) -> None:
    clock = FakeClock()
    course = called("http://127.0.0.1:9/x", clock=clock).course()
    first, second = course.next(), course.next()

    assert isinstance(first, Request)
    assert first == second
    assert first.effect is Effect.WRITE
    root = etree.fromstring(first.body)
    assert root.findtext(".//c:MessageId", namespaces=NAMES) == REFERENCE
    assert root.findtext(".//c:TestIndicator", namespaces=NAMES) == "true"
    assert root.xpath("string(//p:PurchaseOrder/@type)", namespaces=NAMES) == "RUSH"


MISFORTUNES = {
    # what happens there: (what it means here, its kind, changes made there)
    Action.HANG_BEFORE_COMMIT: (InDoubt, None, 0),
    Action.RESET_BEFORE_COMMIT: (InDoubt, None, 0),
    Action.COMMIT_THEN_HANG: (InDoubt, None, 1),
    Action.COMMIT_THEN_RESET: (InDoubt, None, 1),
    Action.GARBAGE: (InDoubt, None, 1),
    Action.TRUNCATED: (InDoubt, None, 1),
    Action.HALF_REPLY: (InDoubt, None, 1),
    Action.OVERSIZED: (InDoubt, None, 1),
    Action.SORRY_PAGE: (InDoubt, None, 0),
    Action.STATUS: (InDoubt, None, 0),  # 500 without a fault
    Action.THROTTLE: (Transient, TransientKind.THROTTLE, 0),
    Action.UNAVAILABLE: (Transient, TransientKind.OUTAGE, 0),
    Action.UNAUTHORIZED: (Transient, TransientKind.CREDENTIAL, 0),
    Action.LOGIN_PAGE: (Transient, TransientKind.CREDENTIAL, 0),
    Action.REJECT: (Rejected, None, 0),
}


@pytest.mark.parametrize("action", MISFORTUNES)
async def test_each_misfortune_has_one_meaning_and_is_never_sent_again_blindly(
    called, action: Action
) -> None:
    expected, kind, committed = MISFORTUNES[action]
    script = FaultScript((Fault(action, key="SubmitPurchaseOrder", times=1),))
    async with SoapMms(Settings(wsdl=WSDL), script) as mms:
        course = called(mms, timeout="400ms", reply_bytes_max="64KiB").course()
        outcome = await course.step()

        assert isinstance(outcome, expected), outcome
        assert getattr(outcome, "kind", None) is kind
        assert len(mms.committed) == committed
        while isinstance(outcome, InDoubt):  # looked up until it is known, then finished or sent again
            await course.step()
            if isinstance(course.next(), Finished):
                break
            assert course.done[-1].step in ("look_up", "submit")
        if expected is not Rejected:
            while not isinstance(course.next(), Finished):
                await course.step()
            assert len(mms.committed) == 1, "one order became two, or none"


async def test_without_a_look_up_an_unknown_outcome_waits_for_a_person(called) -> None:
    script = FaultScript((Fault(Action.COMMIT_THEN_RESET),))
    async with SoapMms(faults=script) as mms:
        course = called(mms, look_up="").course()
        assert isinstance(await course.step(), InDoubt)
        stuck = course.next()

        assert isinstance(stuck, Stuck)
        assert stuck.findings[0].code == "LEGACY-IN-DOUBT"
        assert len(mms.requests) == 1


async def test_the_witness_sees_a_double_where_a_service_is_declared_safe_and_is_not(called) -> None:
    """The control of all tests above: a request sent twice to this system is there twice, and shows."""
    script = FaultScript((Fault(Action.COMMIT_THEN_RESET, key="SubmitPurchaseOrder", times=1),))
    async with SoapMms(Settings(detects_duplicates=False), script) as mms:
        course = called(mms, look_up="resend: safe").course()
        await course.step()
        await course.step()

        assert [each.number for each in mms.committed] == ["PO-1001", "PO-1001"]


async def test_a_crash_between_sending_and_settling_is_looked_up_and_adopted(called) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        clock = FakeClock()
        course = called(mms, clock=clock).course()
        request = course.next()
        await course.sink.send(request)  # it arrives; the process dies before the reply is written down
        course.crash()
        assert isinstance(course.next(), Wait)  # it may still be on its way for as long as a request lasts
        clock.elapsed_s += request.timeout_s
        outcome = await course.step()

        assert course.done[-1].step == "look_up"
        assert outcome == Accepted("PO-1001", (Alias(AliasKind.BUYER, "PO-1001"),))
        assert isinstance(course.next(), Finished)
        assert len(mms.committed) == 1


async def test_it_is_sent_again_only_after_a_look_up_at_the_end_of_the_quiet_period(called) -> None:
    quiet = LOOK_UP.replace("quiet: 0s", "quiet: 60s").replace("waits: [0s]", "waits: [2s]")
    clock = FakeClock()
    script = FaultScript((Fault(Action.RESET_BEFORE_COMMIT, times=1),))
    async with SoapMms(faults=script) as mms:
        course = called(mms, clock=clock, look_up=quiet).course()
        assert isinstance(await course.step(), InDoubt)
        steps = []
        while not isinstance(found := course.next(), Finished):
            if isinstance(found, Wait):
                clock.elapsed_s = (found.until - clock.at).total_seconds()
                steps.append(f"wait {clock.elapsed_s:g}")
                continue
            await course.step()
            steps.append(course.done[-1].step)

        assert steps == ["wait 2", "look_up", "wait 60", "look_up", "submit"]
        assert len(mms.committed) == 1


async def test_a_service_that_never_answers_is_not_asked_for_ever(called) -> None:
    script = FaultScript((Fault(Action.RESET_BEFORE_COMMIT, key="SubmitPurchaseOrder"),))
    async with SoapMms(faults=script) as mms:
        course = called(mms, clock=FakeClock()).course()
        for _ in range(40):
            if isinstance(course.next(), Stuck):
                break
            await course.step()
        stuck = course.next()

    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "LEGACY-DOUBTS"
    assert [step.step for step in course.done].count("submit") == 3


@pytest.mark.parametrize(
    ("order", "expected", "code"),
    [
        ({"item": "X-1"}, Rejected, "INVALID_ITEM"),
        ({"vendor": "V-HOLD"}, Rejected, "VENDOR_HOLD"),
        ({"vendor": "V-BUSY"}, Transient, "SYSTEM_BUSY"),
    ],
)
@pytest.mark.parametrize("port", ["Soap11", "Soap12"])
async def test_typed_faults_reject_with_their_lines_or_say_try_again(
    called, port: str, order: dict, expected: type, code: str
) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        outcome = await called(mms, port=port).course(**order).step()

        assert mms.committed == []
    assert isinstance(outcome, expected)
    assert code in str(outcome)
    if code == "INVALID_ITEM":
        assert isinstance(outcome, Rejected)
        assert [each.code for each in outcome.findings] == ["LEGACY-REFUSED", "LEGACY-LINE"]
        assert outcome.findings[1].at.path == "line 1"


async def test_a_number_that_somebody_else_entered_is_shown_to_a_person_not_adopted(called) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        endpoint = called(mms)
        first, second = endpoint.course(), endpoint.course()
        await first.step()
        told = await second.step()
        await second.step()
        stuck = second.next()

        assert isinstance(told, InDoubt)
        assert isinstance(stuck, Stuck)
        assert stuck.findings[0].code == "LEGACY-EXISTS"
        assert len(mms.committed) == 1


async def test_a_duplicate_after_an_unanswered_request_is_our_own_and_is_adopted(called) -> None:
    script = FaultScript((Fault(Action.COMMIT_THEN_RESET, key="SubmitPurchaseOrder", times=1),))
    async with SoapMms(Settings(wsdl=WSDL), script) as mms:
        course = called(mms, look_up=LOOK_UP + "\n          resend: safe").course()
        outcomes = [await course.step(), await course.step()]
        await course.step()

        assert isinstance(outcomes[0], Transient)  # declared safe: simply sent again
        assert isinstance(outcomes[1], InDoubt)  # and the service says DUPLICATE
        assert isinstance(course.next(), Finished)
        assert len(mms.committed) == 1


SECURITY_FAULT = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    '<faultcode xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">'
    "w:FailedAuthentication</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>"
)
UNTYPED = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    "<faultcode>s:{code}</faultcode><faultstring>oops</faultstring></s:Fault></s:Body></s:Envelope>"
)
UNTYPED12 = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code>'
    '<s:Value>s:{code}</s:Value></s:Code><s:Reason><s:Text xml:lang="en">oops</s:Text></s:Reason></s:Fault>'
    "</s:Body></s:Envelope>"
)
OTHER = (FIXTURES / "replies" / "CheckBudget.soap11.xml").read_text()
GOOD = (FIXTURES / "replies" / "SubmitPurchaseOrder.soap11.xml").read_text()

REPLIES = [
    (500, UNTYPED.format(code="Client"), Rejected, None),
    (500, UNTYPED.format(code="Client.Authentication"), Rejected, None),
    (500, UNTYPED.format(code="MustUnderstand"), Rejected, None),
    (500, UNTYPED.format(code="VersionMismatch"), Rejected, None),
    (500, UNTYPED.format(code="Server"), InDoubt, None),
    (200, UNTYPED.format(code="Server"), InDoubt, None),
    (400, UNTYPED12.format(code="Sender"), Rejected, None),
    (500, UNTYPED12.format(code="Receiver"), InDoubt, None),
    (500, SECURITY_FAULT, Transient, TransientKind.CREDENTIAL),
    (200, OTHER, InDoubt, None),
    (200, GOOD, Accepted, None),
    (200, GOOD.replace("0004500017", ""), InDoubt, None),
    (500, GOOD, InDoubt, None),
    (202, "", InDoubt, None),
    (204, "", InDoubt, None),
    (302, "", InDoubt, None),
    (307, "", Transient, TransientKind.CREDENTIAL),
    (400, "bad", Rejected, None),
    (404, "", Transient, TransientKind.OUTAGE),
    (405, "", Transient, TransientKind.OUTAGE),
    (408, "", InDoubt, None),
    (413, "", Rejected, None),
    (502, "", InDoubt, None),
    (504, "", InDoubt, None),
    (599, "", InDoubt, None),
]


@pytest.mark.parametrize(("status", "body", "expected", "kind"), REPLIES)
def test_the_table_of_answers(status: int, body: str, expected: type, kind: TransientKind | None) -> None:
    course = nowhere().course()
    outcome = course.target.interpret(course.next(), Reply(status, body.encode()))

    assert isinstance(outcome, expected), outcome
    assert getattr(outcome, "kind", None) is kind


ANSWERS = [
    GOOD,
    OTHER,
    UNTYPED,
    SECURITY_FAULT,
    (FIXTURES / "replies/fault_invalid_item.soap11.xml").read_text(),
]


@given(
    answer=st.sampled_from(ANSWERS),
    status=st.sampled_from([200, 202, 400, 500]),
    at=st.integers(0, 2_000),
    piece=st.binary(max_size=6),
    cut=st.integers(0, 40),
)
def test_whatever_comes_back_has_a_meaning_and_only_a_whole_answer_counts_as_done(
    answer: str, status: int, at: int, piece: bytes, cut: int
) -> None:
    course = nowhere().course()
    body = answer.encode()
    at = min(at, len(body))
    outcome = course.target.interpret(course.next(), Reply(status, body[:at] + piece + body[at + cut :]))

    assert isinstance(outcome, Accepted | Transient | Rejected | InDoubt)
    if isinstance(outcome, Accepted):
        assert status in (200, 202)
        assert answer is GOOD


def test_no_reply_is_no_harm_only_where_nothing_was_written() -> None:
    course = nowhere().course()
    request = course.next()
    meanings = [
        course.target.interpret(request, NoReply("none", "refused")),
        course.target.interpret(request, NoReply("none", "our certificate", "credential")),
        course.target.interpret(request, NoReply("maybe", "no reply in time")),
    ]

    assert [type(each) for each in meanings] == [Transient, Transient, InDoubt]
    assert getattr(meanings[1], "kind", None) is TransientKind.CREDENTIAL


async def test_nobody_listening_is_an_outage_and_nothing_was_sent(called) -> None:
    outcome = await called("http://127.0.0.1:9/x").course().step()

    assert isinstance(outcome, Transient)
    assert outcome.kind is TransientKind.OUTAGE


def test_a_document_that_cannot_be_written_parks_with_all_that_is_wrong() -> None:
    stuck = nowhere().course(number="N" * 22, order_date=None, order_type="standing").next()

    assert isinstance(stuck, Stuck)
    codes = {each.code for each in stuck.findings}
    assert codes <= {"MAP-REQUIRED", "MAP-CODE", "SOAP-REQUIRED"}
    assert len(stuck.findings) >= 2


def test_a_document_type_without_an_operation_parks() -> None:
    endpoint = nowhere()
    course = endpoint.course()
    requisition = b'{"document_type":"requisition","schema_version":"1.0","number":"R-1"}'
    object.__setattr__(course.delivery, "canonical", requisition)
    stuck = course.next()

    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "LEGACY-NO-OPERATION"


# --- bytes that pass through --------------------------------------------------------------------------

ORIGIN = Origin(
    "http",
    datetime(2026, 1, 2, tzinfo=UTC),
    content_type="text/xml; charset=utf-8",
    facts={"SOAPAction": '"as-sent"'},
)


async def test_bytes_go_on_as_they_came_with_the_action_as_it_was_sent(called) -> None:
    body = (FIXTURES / "requests" / "SubmitPurchaseOrder.soap11.xml").read_bytes()
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        course = called(mms).course_of_bytes(body, origin=ORIGIN)
        assert await course.step() == Accepted()
        [seen] = mms.requests

    assert (seen.body, seen.action, seen.content_type) == (body, '"as-sent"', "text/xml; charset=utf-8")
    assert course.next() == Finished("")


async def test_a_change_that_passed_through_unanswered_is_never_sent_again_a_question_is(called) -> None:
    change = (FIXTURES / "requests" / "SubmitPurchaseOrder.soap11.xml").read_bytes()
    question = (FIXTURES / "requests" / "CheckBudget.soap11.xml").read_bytes()
    script = FaultScript((Fault(Action.RESET_BEFORE_COMMIT, nth=(1, 2)),))
    async with SoapMms(faults=script) as mms:
        endpoint = called(mms)
        changing = endpoint.course_of_bytes(change, origin=ORIGIN)
        asking = endpoint.course_of_bytes(question, origin=ORIGIN)
        assert isinstance(await changing.step(), InDoubt)
        assert isinstance(changing.next(), Stuck)
        assert isinstance(await asking.step(), Transient)
        assert await asking.step() == Accepted()

        assert len(mms.requests) == 3


async def test_what_looks_like_a_question_and_is_none_counts_as_a_change(called) -> None:
    endpoint = called("http://127.0.0.1:9/x")
    both = budget_question("1") + "<p:SubmitPurchaseOrder/>"
    for content in (both, "", "<not-xml"):
        body = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
            f' xmlns:p="{PURCHASING}" xmlns:c="{COMMON}"><e:Body>{content}</e:Body></e:Envelope>'
        ).encode()
        request = endpoint.course_of_bytes(body).next()
        assert isinstance(request, Request)
        assert request.effect is Effect.WRITE


def test_a_wait_between_look_ups_grows(called) -> None:
    patient = LOOK_UP.replace("waits: [0s]", "waits: [2s, 10s]").replace("quiet: 0s", "quiet: 120s")
    clock = FakeClock()
    course = Called("http://127.0.0.1:9/x", clock=clock, look_up=patient).course()
    course.crash()
    found = course.next()

    assert isinstance(found, Wait)
    assert found.until == clock.now() + timedelta(
        seconds=5 + 2
    )  # the request's own time, then the first wait


def test_check_tells_of_operations_ports_headers_and_mappings_that_do_not_fit(tmp_path: Path) -> None:
    told = {
        "port: Soap13": "the WSDL has no port 'Soap13'; there are: Soap11, Soap12",
        "queries: [CheckBudgets]": "has no operation 'CheckBudgets'",
        "header: {Header: {A: b}}": "declares no header 'Header'",
    }
    for change, text in told.items():
        key, _, value = change.partition(": ")
        made = configuration("http://127.0.0.1:9/x", **{key: value})
        found = [str(each) for each in check(made, live=False, now=datetime.now(UTC))]

        assert any(text in each and "endpoints.mms" in each and "[SOAP-CALL]" in each for each in found), (
            found
        )


async def test_check_live_says_that_nobody_listens() -> None:
    settings = configuration("http://127.0.0.1:9/x").endpoints["mms"].settings
    assert settings is not None
    found = check_live(settings)
    assert not isinstance(found, list)
    assert await found == ["no connection to 127.0.0.1:9 (Connect call failed ('127.0.0.1', 9))"]


def test_a_copy_never_becomes_an_order_of_legacy_s_own() -> None:
    """An order has one transmitter: legacy would send what it takes for its own to the supplier again."""
    for course in (nowhere().course(), nowhere().course_of_bytes(GOOD.encode())):
        object.__setattr__(course.delivery, "role", "copy")
        stuck = course.next()

        assert isinstance(stuck, Stuck)
        assert stuck.findings[0].code == "LEGACY-COPY"
    told = Called("http://127.0.0.1:9/x", copies="send", header=HEADER.replace("BRIDGE", '"{role}"')).course()
    object.__setattr__(told.delivery, "role", "copy")
    request = told.next()

    assert isinstance(request, Request)
    assert b">copy<" in request.body


def test_check_refuses_copies_and_passed_through_answers_where_they_would_do_harm() -> None:
    for other, text in {
        "po, from: {http: true, document: purchase_order}, targets: {legacy: mms, cloud: mms}, stage: cloud, "
        "losing_side: copy_not_transmitted": "cannot tell a copy from an order of its own",
        "po, from: {http: true, document: purchase_order}, targets: {legacy: mms}, stage: legacy, "
        "reply: {mode: pass_through, within: 5s}": "gets documents in a form of its own",
    }.items():
        with pytest.raises(AssertionError, match=text):
            configuration("http://127.0.0.1:9/x", route=other)


QUESTION = {
    "document_type": "budget_check",
    "result": "asked",
    "subject": {"document_type": "budget", "number": "2026-11"},
    "requested": {"amount": "100.00", "currency": "USD"},
    "funds": [{"result": "asked", "distribution": {"cost_center": "7310", "account": "614000"}}],
}


async def test_a_question_as_a_document_is_asked_again_without_a_look_up_and_changes_nothing(called) -> None:
    script = FaultScript((Fault(Action.RESET_BEFORE_COMMIT, times=1),))
    async with SoapMms(Settings(wsdl=WSDL), script) as mms:
        course = called(mms).course()
        object.__setattr__(course.delivery, "canonical", to_json(parse_document(QUESTION)))
        assert isinstance(await course.step(), Transient)
        assert isinstance(await course.step(), Accepted)

        assert {step.request.effect for step in course.done} == {Effect.READ}
        assert isinstance(course.next(), Finished)
        assert mms.committed == []
        assert mms.invalid == []
    assert b"Decision>PASS<" in getattr(course.done[-1].reply, "body", b"")


WSA = "http://www.w3.org/2005/08/addressing"


@pytest.mark.parametrize("port", ["Soap11", "Soap12"])
async def test_addressing_names_action_receiver_and_a_message_id_that_a_repeat_keeps(
    called, port: str
) -> None:
    async with SoapMms(Settings(wsdl=WSDL)) as mms:
        course = called(mms, port=port, addressing="true").course()
        first, second = course.next(), course.next()
        assert isinstance(await course.step(), Accepted)
        root = etree.fromstring(mms.requests[0].body)

    assert first == second
    said = {each.tag: (each.text or "") for each in root.iter(f"{{{WSA}}}*")}
    assert said[f"{{{WSA}}}Action"] == "urn:mercy-health:mms:SubmitPurchaseOrder"
    assert said[f"{{{WSA}}}MessageID"] == f"urn:legacy-bridge:{REFERENCE}"
    assert said[f"{{{WSA}}}To"].endswith("/services/MaterialsManagement")
    assert said[f"{{{WSA}}}Address"] == f"{WSA}/anonymous"


def test_an_answer_to_another_message_is_no_answer() -> None:
    course = Called("http://127.0.0.1:9/x", addressing="true").course()
    request = course.next()
    relates = (
        '<soapenv:Header><a:RelatesTo xmlns:a="{wsa}">urn:legacy-bridge:{to}</a:RelatesTo></soapenv:Header>'
    )
    answers = {
        to: GOOD.replace("<soapenv:Body>", relates.format(wsa=WSA, to=to) + "<soapenv:Body>")
        for to in (REFERENCE, "SOMEBODY-ELSES")
    }
    meanings = [course.target.interpret(request, Reply(200, each.encode())) for each in answers.values()]

    assert [type(each) for each in meanings] == [Accepted, InDoubt]
