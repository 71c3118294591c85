"""The facade in a whole gateway: every stage and way to answer, repeats, doubt, security, hostile callers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.journal.types import DeliveryState, MessageState
from gateway.stage import Stage
from simulators.cloud_erp import Settings as ErpSettings
from simulators.faults import Fault, FaultScript
from simulators.soap_mms import Token
from simulators.soap_mms.client import budget_question, purchase_order
from tests.adapters.soap.facade_rig import SOAP11, SOAP12, body_of, fault_of, fixture
from tests.adapters.soap.site import SERVE, Site, site

PASS_THROUGH = "{mode: pass_through, within: 5s}"
NAMES = {"p": "urn:mercy-health:mms:purchasing:v2"}


def script(*rules: dict[str, object]) -> FaultScript:
    return FaultScript(tuple(Fault.from_json(rule) for rule in rules))


def status_of(body: bytes) -> str:
    return body_of(body).findtext("p:Status", namespaces=NAMES) or ""


# --- stages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["legacy", "shadow"])
async def test_bytes_go_to_legacy_and_its_reply_comes_back_byte_for_byte(tmp_path: Path, stage: str) -> None:
    body = fixture("requests/SubmitPurchaseOrder.soap11.xml")
    async with site(tmp_path, stage=stage, reply=PASS_THROUGH) as run:
        action = '"urn:mercy-health:mms:SubmitPurchaseOrder"'
        status, ours, content_type = await run.post(body, SOAP11, SOAPAction=action)
        seen = run.mms.requests[0]
        direct = await _direct(
            run, body.replace(b"MSG-2026-0002", b"MSG-X").replace(b"0004500017", b"0004500018")
        )
        deliveries = await run.served.gateway.journal.deliveries()

    assert (seen.body, seen.action, seen.content_type) == (body, action, "text/xml; charset=utf-8")
    assert status == 200
    assert content_type == "text/xml; charset=utf-8"
    assert ours == direct.replace(b"0004500018", b"0004500017"), "as legacy writes it, to the byte"
    assert len(run.mms.committed) == 2
    assert run.erp.committed == []
    roles = {view.role: view.state for view in deliveries}
    assert roles["pass_through"] is DeliveryState.DONE
    assert ("shadow" in roles) is (stage == "shadow")


async def _direct(run: Site, body: bytes) -> bytes:
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
    url = f"{run.mms.url}/services/MaterialsManagement"
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as reply:
        return await reply.read()


async def test_legacys_own_fault_comes_back_byte_for_byte_too(tmp_path: Path) -> None:
    async with site(tmp_path, stage="legacy", reply=PASS_THROUGH) as run:
        client = run.client()
        held = await client.call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1", vendor="V-HOLD"))
        direct = await _direct(run, client.envelope("M-2", purchase_order("PO-2", vendor="V-HOLD")))

    assert held.status == 500
    assert b"VENDOR_HOLD" in held.body
    assert held.body == direct


async def test_a_canary_sends_what_it_selects_to_the_cloud_and_the_rest_is_answered_by_legacy(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, stage="canary") as run:
        client = run.client()
        selected = await client.call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1", location="DOCK-04"))
        rest = await client.call("SubmitPurchaseOrder", "M-2", purchase_order("PO-2", location="DOCK-09"))

    assert [each.reference != "" for each in run.erp.committed] == [True]
    assert [each.number for each in run.mms.committed] == ["PO-2"]
    assert status_of(selected.body) == "APPROVED"
    assert rest.status == 200
    assert status_of(rest.body) == "RECEIVED", "legacy's own words"


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
async def test_in_stage_cloud_the_caller_gets_the_erps_result_in_legacys_words(
    tmp_path: Path, version: str
) -> None:
    async with site(tmp_path) as run:
        answer = await run.client(version=version).call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1"))

    assert answer.status == 200
    assert status_of(answer.body) == "APPROVED"
    assert len(run.erp.committed) == 1
    assert run.mms.requests == type(run.mms.requests)(maxlen=100_000)


async def test_one_word_moves_a_route_and_the_client_notices_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, stage="legacy", reply=PASS_THROUGH) as run:
        client = run.client()
        first = client.envelope("M-1", purchase_order("PO-1"))
        before = await client.send("SubmitPurchaseOrder", first)
        gateway = run.served.gateway
        now = gateway.clock.now()
        await gateway.journal.set_stage("po", "legacy", Stage.CLOUD.value, "100", "ann", "moving", now)
        after = await client.call("SubmitPurchaseOrder", "M-2", purchase_order("PO-2"))
        repeated = await client.send("SubmitPurchaseOrder", first)

    assert (status_of(before.body), status_of(after.body)) == ("RECEIVED", "APPROVED")
    assert [each.number for each in run.mms.committed] == ["PO-1"]
    assert len(run.erp.committed) == 1
    assert repeated.body == before.body, "what legacy said then"


async def test_a_retired_route_refuses_in_the_clients_own_words(tmp_path: Path) -> None:
    async with site(tmp_path, stage="retired") as run:
        answer = await run.client().call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1"))

    assert fault_of(answer.body)[0] == "soap:Client"
    assert b"ROUTE-RETIRED" in answer.body
    assert not run.mms.requests
    assert not run.erp.requests


async def test_a_contract_that_ends_says_so_with_every_answer(tmp_path: Path) -> None:
    """RFC 8594, RFC 9745; the message itself is as it was."""

    def ends(text: str) -> str:
        stage = "    stage: cloud\n    canary: {select: {facility: [DOCK-04]}}\n"
        assert stage in text
        words = 'contract: {canonical: purchase_order@1, deprecated: "2026-09-01", sunset: "2027-03-31"}'
        return text.replace(stage, f"{stage}    {words}\n", 1)

    async with site(tmp_path, change=ends) as run:
        body = run.client().envelope("M-1", purchase_order("PO-1"))
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        async with (
            aiohttp.ClientSession() as session,
            session.post(run.url, data=body, headers=headers) as reply,
        ):
            told, answer = reply.headers, await reply.read()

    assert told["Sunset"] == "Wed, 31 Mar 2027 00:00:00 GMT"
    assert told["Deprecation"] == "@1788220800"
    assert status_of(answer) == "APPROVED"


# --- ways to answer ---------------------------------------------------------------------------------


async def test_accepted_answers_at_once_and_delivers_afterwards(tmp_path: Path) -> None:
    async with site(tmp_path, reply="accepted") as run:
        answer = await run.client().call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1"))
        async with asyncio.timeout(10):
            while not run.erp.committed:
                await asyncio.sleep(0.02)

    assert status_of(answer.body) == "RECEIVED"


async def test_a_caller_who_waits_too_long_gets_a_valid_pending_answer(tmp_path: Path) -> None:
    slow = script({"action": "delay", "seconds": 3, "method": "POST"})
    reply = "{mode: wait, within: 300ms, pending: reference}"
    async with site(tmp_path, reply=reply, faults=slow) as run:
        answer = await run.client().call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1"))

    assert answer.status == 200
    assert status_of(answer.body) == "PENDING"


async def test_what_the_erp_refuses_is_a_typed_fault(tmp_path: Path) -> None:
    refusing = script({"action": "reject", "fields": ["lines.0.item"], "method": "POST"})
    async with site(tmp_path, faults=refusing) as run:
        answer = await run.client().call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1"))

    code, _ = fault_of(answer.body)
    assert code == "soap:Client"
    assert b"ServiceFault" in answer.body


async def test_a_repeated_message_id_gets_the_stored_reply_and_nothing_is_done_twice(tmp_path: Path) -> None:
    async with site(tmp_path, stage="legacy", reply=PASS_THROUGH) as run:
        client = run.client()
        body = client.envelope("M-1", purchase_order("PO-1"))
        answers = [await client.send("SubmitPurchaseOrder", body) for _ in range(3)]

    assert len({each.body for each in answers}) == 1
    assert not answers[0].is_fault
    assert len(run.mms.requests) == 1


async def test_a_repeat_joins_the_call_that_is_under_way(tmp_path: Path) -> None:
    slow = script({"action": "delay", "seconds": 0.7})
    async with site(tmp_path, stage="legacy", reply=PASS_THROUGH, mms_faults=slow) as run:
        client = run.client()
        body = client.envelope("M-1", purchase_order("PO-1"))
        answers = await asyncio.gather(*(client.send("SubmitPurchaseOrder", body) for _ in range(4)))

    assert len({each.body for each in answers}) == 1
    assert not answers[0].is_fault
    assert len(run.mms.requests) == 1


async def test_the_same_message_id_with_other_content_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        client = run.client()
        await client.call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1"))
        other = await client.call("SubmitPurchaseOrder", "M-1", purchase_order("PO-2"))

    assert b"ARRIVAL-CONFLICT" in other.body
    assert other.is_fault
    assert len(run.erp.committed) == 1


# --- doubt ------------------------------------------------------------------------------------------


async def test_a_legacy_that_does_not_answer_is_in_doubt_and_never_asked_again(tmp_path: Path) -> None:
    silent = script({"action": "commit_then_hang"})
    reply = "{mode: pass_through, within: 3s}"
    async with site(tmp_path, stage="legacy", reply=reply, mms_faults=silent, journal="sqlite:j.db") as run:
        client = run.client()
        body = client.envelope("M-1", purchase_order("PO-1"))
        first = await client.send("SubmitPurchaseOrder", body)
        again = await client.send("SubmitPurchaseOrder", body)
        states = {view.state for view in await run.served.gateway.journal.deliveries()}
        sent = len(run.mms.requests)
    async with site(tmp_path, stage="legacy", reply=reply, journal="sqlite:j.db") as run:
        restarted = await run.client().send("SubmitPurchaseOrder", body)
        assert len(run.mms.requests) == 0, "nor after a restart"

    for answer in (first, again, restarted):
        code, reason = fault_of(answer.body)
        assert code == "soap:Server"
        assert "may have been carried out" in reason
    assert sent == 1
    assert states & {DeliveryState.IN_DOUBT, DeliveryState.PARKED}


async def test_a_legacy_that_is_down_is_told_as_such_and_asked_when_the_caller_comes_back(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, stage="legacy", reply=PASS_THROUGH) as run:
        client = run.client()
        body = client.envelope("M-1", purchase_order("PO-1"))
        port = int(run.mms.url.rpartition(":")[2])
        await run.mms._serving.stop()
        down = await client.send("SubmitPurchaseOrder", body)
        await run.mms._serving.start("127.0.0.1", port)
        up = await client.send("SubmitPurchaseOrder", body)

    assert down.status == 503
    assert "nothing was sent" in fault_of(down.body)[1]
    assert not up.is_fault
    assert len(run.mms.committed) == 1


# --- questions --------------------------------------------------------------------------------------


async def ask(run: Site, message_id: str, amount: str = "100.00") -> bytes:
    answer = await run.client().call("CheckBudget", message_id, budget_question(amount))
    assert answer.status == 200, answer.body
    return answer.body


@pytest.mark.parametrize(("budget", "differs"), [("50000.00", False), ("13000.00", True)])
async def test_in_shadow_a_question_is_asked_on_both_sides_and_the_answers_are_compared(
    tmp_path: Path, budget: str, differs: bool
) -> None:
    async with site(tmp_path, budget_stage="shadow") as run:
        theirs = body_of(await ask(run, "probe"))
        said = {name: theirs.findtext(f"p:{name}", namespaces=NAMES) for name in ("Available", "Encumbered")}
    encumbered = str(said["Encumbered"])
    total = str(float(str(said["Available"])) + float(encumbered)) if not differs else budget
    settings = ErpSettings(budget=total, encumbered=encumbered)
    async with site(tmp_path, budget_stage="shadow", erp_settings=settings) as run:
        answer = await ask(run, "M-1")
        journal = run.served.gateway.journal
        async with asyncio.timeout(20):
            while True:
                shadow = [view for view in await journal.deliveries() if view.role == "shadow"]
                if shadow and shadow[0].state is DeliveryState.DONE:
                    break
                await asyncio.sleep(0.05)
        assert [each.path for each in run.erp.requests] == ["/budget_checks"]

    assert body_of(answer).findtext("p:Available", namespaces=NAMES) == said["Available"], "legacy's answer"
    assert len(run.mms.requests) == 1
    if differs:
        assert "differ" in shadow[0].reason
        assert {each.code for each in shadow[0].findings} == {"SHADOW-DIFFERS"}
        assert "Available.value" in {each.at.path for each in shadow[0].findings}
    else:
        assert (shadow[0].reason, shadow[0].findings) == ("the two answers say the same", ())


async def test_in_stage_cloud_a_question_is_answered_by_the_cloud_in_legacys_words(tmp_path: Path) -> None:
    async with site(tmp_path, budget_stage="cloud") as run:
        one = body_of(await ask(run, "M-1"))
        two = body_of(await ask(run, "M-2"))

    assert one.findtext("p:Decision", namespaces=NAMES) == "PASS"
    assert one.findtext("p:Available", namespaces=NAMES) == two.findtext("p:Available", namespaces=NAMES)
    assert len(run.erp.requests) == 2, "the same question is asked anew"
    assert run.erp.committed == []
    assert not run.mms.requests


async def test_in_stage_legacy_a_question_goes_to_legacy_alone(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        await ask(run, "M-1")
        assert len(run.mms.requests) == 1
        assert not run.erp.requests


# --- who sends --------------------------------------------------------------------------------------

SECURED = SERVE[:-1] + ", security: {users: [{name: mms, password: 'file:mms.password', partner: mms}]}}"


async def test_a_user_token_lets_in_a_replay_does_not_even_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "mms.password").write_text("correct horse")
    words: dict[str, Any] = {"serve": SECURED, "journal": "sqlite:j.db"}
    async with site(tmp_path, **words) as run:
        client = run.client(token=Token("mms", "correct horse"))
        body = client.envelope("M-1", purchase_order("PO-1"))
        first = await client.send("SubmitPurchaseOrder", body)
        repeat = await client.send("SubmitPurchaseOrder", body)
        anew = await client.call("SubmitPurchaseOrder", "M-1", purchase_order("PO-1"))
        stolen = body.replace(b"PO-1", b"PO-2").replace(b">M-1<", b">M-2<")
        replay = await client.send("SubmitPurchaseOrder", stolen)
        wrong = await run.client(token=Token("mms", "wrong")).call(
            "SubmitPurchaseOrder", "M-3", purchase_order("PO-3")
        )
        nobody = await run.client().call("SubmitPurchaseOrder", "M-4", purchase_order("PO-4"))
        committed = len(run.erp.committed)
    async with site(tmp_path, **words) as run:
        later = await run.client().send("SubmitPurchaseOrder", stolen)
        refused = [
            each for each in await run.served.gateway.journal.messages() if each.state is MessageState.REFUSED
        ]

    for answer in (first, repeat, anew):
        assert status_of(answer.body) == "APPROVED", answer.body
    for answer in (replay, wrong, nobody, later):
        assert fault_of(answer.body)[0].startswith("sub:"), answer.body
    assert committed == 1
    codes = sorted(finding.code for each in refused for finding in each.findings)
    assert codes.count("WSSE-REPLAY") == 2
    assert len(codes) == 4
    assert all(each.size_bytes == 0 for each in refused), "the finding is kept, the body is not"


async def test_the_wsse_header_itself_goes_on_to_legacy(tmp_path: Path) -> None:
    (tmp_path / "mms.password").write_text("correct horse")
    async with site(tmp_path, serve=SECURED, stage="legacy", reply=PASS_THROUGH) as run:
        client = run.client(token=Token("mms", "correct horse"))
        body = client.envelope("M-1", purchase_order("PO-1"))
        await client.send("SubmitPurchaseOrder", body)
        assert run.mms.requests[0].body == body


# --- callers that misbehave -------------------------------------------------------------------------


async def test_hostile_requests_are_soap_faults_and_findings_without_bodies(tmp_path: Path) -> None:
    bad = fixture("bad/bad_date.soap11.xml")
    async with site(tmp_path) as run:
        answers = {
            "SOAP-INVALID": await run.post(bad, SOAP11),
            "XML-DTD": await run.post(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", SOAP11),
            "HTTP-TOO-LARGE": await run.post(b"x" * (5 * 1024 * 1024), SOAP11),
            "HTTP-CONTENT-ENCODING": await run.post(b"x", SOAP12, **{"Content-Encoding": "gzip"}),
            "HTTP-NO-BODY": await run.post(b"", SOAP11),
            "SOAP-CONTENT-TYPE": await run.post(bad, SOAP11, **{"Content-Type": "text/plain"}),
        }
        kept = await run.served.gateway.journal.messages()
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{run.url}?xsd=../../etc/passwd") as page:
                assert page.status == 404
                assert b"root:" not in await page.read()
            async with session.put(run.url, data=b"x") as put:
                assert put.status == 405
                assert put.headers["Allow"] == "GET, POST"
            async with session.get(run.url.replace("Materials", "Nobody")) as nobody:
                assert nobody.status == 404
                assert nobody.content_type == "application/problem+json"

    for code, (status, body, _) in answers.items():
        assert status >= 400, code
        assert code.encode() in body or fault_of(body)[0], code
        assert b"12/01/2026" not in body
    assert {finding.code for each in kept for finding in each.findings} >= set(answers)
    assert all(each.state is MessageState.REFUSED and each.size_bytes == 0 for each in kept)


async def test_a_schema_broken_order_is_legacys_to_judge_while_it_passes_through(tmp_path: Path) -> None:
    bad = fixture("bad/bad_date.soap11.xml")
    async with site(tmp_path, stage="legacy", reply=PASS_THROUGH) as run:
        status, body, _ = await run.post(bad, SOAP11)
        messages = await run.served.gateway.journal.documents()

    assert run.mms.requests[0].body == bad
    assert run.mms.invalid or status == 500, "the simulator judged it"
    assert b"Fault" in body
    assert {finding.code for view in messages for finding in view.plan.findings} == {"SOAP-INVALID"}
