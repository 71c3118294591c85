"""The facade by itself: envelopes, headers, dispatch, attachments, identity, answers in both versions."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from lxml import etree

from adapters.base import Finding, Position, Reply
from adapters.base.facade import (
    Admitted,
    IsInDoubt,
    IsPending,
    WasAccepted,
    WasDelivered,
    WasRefused,
    WasReplayed,
    WasUnavailable,
)
from adapters.soap.attachments import ATTACHMENTS_KEY
from adapters.soap.facade import FacadeSetupError
from simulators.soap_mms import LegacyClient, Token
from tests.adapters.soap.facade_rig import (
    MMS,
    NOW,
    ORDER_REPLIES,
    SOAP11,
    SOAP12,
    STOCK,
    TYPES,
    admitted,
    body_of,
    call,
    denied,
    envelope,
    facade,
    fault_of,
    fixture,
    service,
)

ORDER = fixture("requests/SubmitPurchaseOrder.soap11.xml")
ORDER12 = fixture("requests/SubmitPurchaseOrder.soap12.xml")
STOCK_NS = 'xmlns:t="urn:mercy-health:mms:stock:v1"'
WSA = "http://www.w3.org/2005/08/addressing"


def stock(operation: str, content: str, **changes: Any) -> Any:
    served = facade(STOCK, operation, {}, reply="pass_through")
    return served.admit(call(envelope(content, declared=STOCK_NS), **changes))


def record(found: Any) -> dict[str, Any]:
    return admitted(found).state.asked.record  # type: ignore[attr-defined]


# --- envelopes --------------------------------------------------------------------------------------


def test_every_style_is_read() -> None:
    level = stock("getLevel", "<t:getLevel><item>1</item><place><t:Code>A</t:Code></place></t:getLevel>")
    assert record(level) == {"item": "1", "place": {"Code": "A"}}
    assert record(stock("ping", "<t:Ping>hello</t:Ping>")) == {"Ping": "hello"}


def test_an_envelope_of_no_known_version_is_told_which_are_known() -> None:
    found = denied(facade().admit(call(envelope("<x/>", "urn:soap:9"))))
    assert fault_of(found.answer.body)[0] == "soap:VersionMismatch"

    soap12 = denied(
        facade().admit(call(envelope("<x/>", "urn:soap:9"), headers=(("Content-Type", TYPES[SOAP12]),)))
    )
    code, _ = fault_of(soap12.answer.body)
    names = [
        each.get("qname")
        for each in etree.fromstring(soap12.answer.body).iter(f"{{{SOAP12}}}SupportedEnvelope")
    ]
    assert (code, soap12.answer.status, len(names)) == ("soap:VersionMismatch", 500, 2)


def test_a_version_that_the_wsdl_does_not_bind_is_a_mismatch() -> None:
    served = facade(STOCK, "ping", {}, reply="pass_through")
    found = denied(served.admit(call(envelope("<t:Ping>x</t:Ping>", SOAP12, declared=STOCK_NS), SOAP12)))
    assert fault_of(found.answer.body)[0] == "soap:VersionMismatch"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html><body>log in</body></html>", "SOAP-ENVELOPE"),
        (b'<s:Envelope xmlns:s="%s"/>' % SOAP11.encode(), "SOAP-ENVELOPE"),
        (envelope("").replace(b"</s:Envelope>", b"<s:Body/></s:Envelope>"), "SOAP-ENVELOPE"),
        (envelope(""), "SOAP-OPERATION-UNKNOWN"),
        (envelope("<!-- SubmitPurchaseOrder -->"), "SOAP-OPERATION-UNKNOWN"),
        (envelope("<Nobody/>"), "SOAP-OPERATION-UNKNOWN"),
        (fixture("requests/SubmitInvoice.soap11.xml"), "SOAP-NO-ROUTE"),
    ],
)
def test_what_is_no_call_of_a_served_operation_is_a_fault(body: bytes, code: str) -> None:
    found = denied(facade().admit(call(body)))

    assert found.finding.code == code
    wanted = "soap:Server" if code == "SOAP-NO-ROUTE" else "soap:Client"
    assert fault_of(found.answer.body)[0] == wanted


def test_a_comment_before_the_call_hides_nothing() -> None:
    body = ORDER.replace(b"<soap:Body>", b"<soap:Body><!-- x --><?pi y?>")
    body = body if body != ORDER else ORDER.replace(b"Body>", b"Body><!-- x --><?pi y?>", 1)
    assert b"<!-- x -->" in body
    assert record(facade().admit(call(body)))["PurchaseOrder"]["PONumber"] == "0004500017"


def test_two_calls_in_one_body_are_refused() -> None:
    content = "<t:Ping>a</t:Ping><t:Ping>b</t:Ping>"
    assert denied(stock("ping", content)).finding.code == "SOAP-INVALID"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "text/html; charset=utf-8"])
def test_another_media_type_is_refused(content_type: str) -> None:
    headers = (("Content-Type", content_type),) if content_type else ()
    assert denied(facade().admit(call(ORDER, headers=headers))).finding.code == "SOAP-CONTENT-TYPE"


# --- dispatch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        (("SOAPAction", '"urn:findByVendor"'),),
        (("SOAPAction", "urn:findByVendor"),),
        (("soapaction", "'urn:findByVendor'"),),
        (("SOAPAction", "findByVendor"),),
    ],
)
def test_an_action_tells_two_operations_of_the_same_body_apart(headers: tuple[tuple[str, str], ...]) -> None:
    content = "<t:Search><t:Key>a</t:Key><t:Value>b</t:Value></t:Search>"
    found = stock("findByVendor", content, headers=(("Content-Type", "text/xml"), *headers))
    assert record(found) == {"Key": ["a"], "Value": ["b"]}


@pytest.mark.parametrize("action", ['""', "urn:nobody", ""])
def test_without_an_action_that_helps_the_same_body_is_ambiguous(action: str) -> None:
    content = "<t:Search><t:Key>a</t:Key><t:Value>b</t:Value></t:Search>"
    headers = (("Content-Type", "text/xml"), ("SOAPAction", action))
    assert denied(stock("findByVendor", content, headers=headers)).finding.code == "SOAP-AMBIGUOUS"


@pytest.mark.parametrize("action", ['"urn:mercy-health:mms:SubmitInvoice"', '""', "wrong", "urn:x\tq"])
def test_an_action_that_contradicts_the_body_changes_nothing(action: str) -> None:
    headers = (("Content-Type", "text/xml"), ("SOAPAction", action))
    assert isinstance(facade().admit(call(ORDER, headers=headers)), Admitted)


# --- header blocks ----------------------------------------------------------------------------------


def with_header(block: str, version: str = SOAP11) -> bytes:
    body = ORDER if version == SOAP11 else ORDER12
    root = etree.fromstring(body)
    header = root.find(f"{{{version}}}Header")
    assert header is not None
    header.append(etree.fromstring(block))
    return etree.tostring(root)


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_a_block_that_must_be_understood_and_is_not_is_refused(version: str) -> None:
    block = f'<x:Tx xmlns:x="urn:tx" xmlns:s="{version}" s:mustUnderstand="1"/>'
    found = denied(facade().admit(call(with_header(block, version), version)))

    code, reason = fault_of(found.answer.body)
    assert code == "soap:MustUnderstand"
    assert "Tx" in reason
    named = [
        each.get("qname") for each in etree.fromstring(found.answer.body).iter(f"{{{SOAP12}}}NotUnderstood")
    ]
    assert named == (["h:Tx"] if version == SOAP12 else [])


@pytest.mark.parametrize(
    "block",
    [
        f'<x:Tx xmlns:x="urn:tx" xmlns:s="{SOAP11}" s:mustUnderstand="0"/>',
        f'<x:Tx xmlns:x="urn:tx" xmlns:s="{SOAP11}" s:mustUnderstand="1" s:actor="urn:another"/>',
        f'<a:Action xmlns:a="{WSA}" xmlns:s="{SOAP11}" s:mustUnderstand="1">urn:x</a:Action>',
    ],
)
def test_blocks_that_are_optional_for_others_or_understood_are_taken(block: str) -> None:
    assert isinstance(facade().admit(call(with_header(block))), Admitted)


def test_what_passes_on_to_legacy_is_not_judged_in_its_place() -> None:
    """Legacy may understand headers that we do not, and take what the schema does not."""
    block = f'<x:Tx xmlns:x="urn:tx" xmlns:s="{SOAP11}" s:mustUnderstand="1"/>'
    bad = fixture("bad/bad_date.soap11.xml")
    for body in (with_header(block), bad):
        assert denied(facade().admit(call(body))).route == "po"
        assert isinstance(facade().admit(call(body, passes_on=frozenset({"po"}))), Admitted)
    hostile = b"<!DOCTYPE x>" + ORDER[ORDER.index(b"?>") + 2 :]
    assert denied(facade().admit(call(hostile, passes_on=frozenset({"po"})))).finding.code == "XML-DTD"


def test_a_typed_header_is_judged_by_the_schema() -> None:
    broken = ORDER.replace(b":TestIndicator>true<", b":TestIndicator>maybe<")
    assert broken != ORDER
    found = denied(facade().admit(call(broken)))
    assert found.finding.code == "SOAP-INVALID"
    assert "TestIndicator" in found.finding.at.path


# --- WS-Addressing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("namespace", [WSA, "http://schemas.xmlsoap.org/ws/2004/08/addressing"])
def test_an_answer_relates_to_the_message_id_of_its_request(namespace: str) -> None:
    body = with_header(f'<a:MessageID xmlns:a="{namespace}">urn:uuid:77</a:MessageID>')
    served = facade(identity="message_id")
    found = admitted(served.admit(call(body, partner="mms")))

    answer = served.answer(found, WasAccepted("m1", is_repeat=False))

    assert found.arrival_key == "mms/urn:uuid:77"
    root = etree.fromstring(answer.body)
    assert root.findtext(f".//{{{namespace}}}RelatesTo") == "urn:uuid:77"
    assert root.findtext(f".//{{{namespace}}}MessageID") == "urn:legacy-bridge:m1"
    action = root.findtext(f".//{{{namespace}}}Action")
    assert action == "urn:mercy-health:mms:SubmitPurchaseOrderResponse"
    fault = etree.fromstring(served.answer(found, IsInDoubt("m1")).body)
    assert fault.findtext(f".//{{{namespace}}}RelatesTo") == "urn:uuid:77"


@pytest.mark.parametrize(
    ("block", "code", "subcode"),
    [
        (
            f'<a:ReplyTo xmlns:a="{WSA}"><a:Address>http://evil.example/</a:Address></a:ReplyTo>',
            "SOAP-ADDRESSING", "sub:OnlyAnonymousAddressSupported",
        ),
        (f'<a:MessageID xmlns:a="{WSA}"> </a:MessageID>', "SOAP-ADDRESSING", "sub:InvalidAddressingHeader"),
        (
            '<r:Sequence xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702"><r:MessageNumber>1'
            "</r:MessageNumber></r:Sequence>",
            "SOAP-RELIABLE", "soap:Client",
        ),
        (
            '<r:AckRequested xmlns:r="http://schemas.xmlsoap.org/ws/2005/02/rm"/>',
            "SOAP-RELIABLE", "soap:Client",
        ),
    ],
)  # fmt: skip
def test_what_addressing_and_reliable_messaging_ask_beyond_us_is_refused(
    block: str, code: str, subcode: str
) -> None:
    found = denied(facade().admit(call(with_header(block))))

    assert found.finding.code == code
    assert fault_of(found.answer.body)[0] == subcode


def test_an_answer_to_the_anonymous_address_is_what_we_give() -> None:
    block = f'<a:ReplyTo xmlns:a="{WSA}"><a:Address>{WSA}/anonymous</a:Address></a:ReplyTo>'
    assert isinstance(facade().admit(call(with_header(block))), Admitted)


# --- identity ---------------------------------------------------------------------------------------


def test_a_routes_own_message_id_is_the_arrival_key() -> None:
    served = facade(identity="message_id", message_id="soap:Header.RequestHeader.MessageId")

    found = admitted(served.admit(call(ORDER, partner="mms")))
    without = denied(served.admit(call(ORDER.replace(b"MSG-2026-0002", b"\n"), passes_on=frozenset({"po"}))))

    assert (found.arrival_key, found.once) == ("mms/MSG-2026-0002", ())
    assert without.finding.code == "SOAP-MESSAGE-ID"


def test_without_identity_every_arrival_is_new() -> None:
    assert admitted(facade().admit(call(ORDER))).arrival_key is None


# --- attachments ------------------------------------------------------------------------------------

INVOICE = fixture("requests/SubmitInvoice.soap11.xml").decode()
PDF = bytes(range(256)) * 40 + b"\r\n--not-the-boundary\r\n"


def multipart(
    root: str, parts: dict[str, bytes], *, boundary: str = "MIME_x", encoding: str = "binary"
) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    pieces = [
        b'Content-Type: application/xop+xml; charset=UTF-8; type="text/xml"\r\nContent-ID: <root@x>\r\n\r\n'
        + root.encode()
    ]
    for key, content in parts.items():
        body = base64.encodebytes(content) if encoding == "base64" else content
        head = f"Content-Type: application/pdf\r\nContent-ID: <{key}>\r\n"
        head += f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
        pieces.append(head.encode() + body)
    edge = f"--{boundary}".encode()
    body = b"".join(edge + b"\r\n" + piece + b"\r\n" for piece in pieces) + edge + b"--\r\n"
    content_type = f'multipart/related; type="application/xop+xml"; start="<root@x>"; boundary="{boundary}"'
    return body, (("Content-Type", content_type),)


def xop(href: str = "cid:att%40x") -> str:
    begin, end = INVOICE.index("Content>") + 8, INVOICE.rindex("</", 0, INVOICE.rindex("Content>"))
    include = f'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="{href}"/>'
    return INVOICE[:begin] + include + INVOICE[end:]


@pytest.mark.parametrize("encoding", ["binary", "base64"])
def test_an_xop_part_stands_in_its_place_as_if_it_were_sent_there(encoding: str) -> None:
    body, headers = multipart(xop(), {"att@x": PDF}, encoding=encoding)
    served = facade(MMS, "SubmitInvoice", {}, reply="pass_through")

    found = record(served.admit(call(body, headers=headers)))

    assert base64.b64decode(found["Attachment"]["Content"]) == PDF
    assert ATTACHMENTS_KEY not in found


def test_parts_that_nothing_includes_are_attachments() -> None:
    body, headers = multipart(INVOICE, {"att@x": PDF})
    served = facade(MMS, "SubmitInvoice", {}, reply="pass_through")

    found = record(served.admit(call(body, headers=headers)))

    assert found[ATTACHMENTS_KEY] == [
        {"id": "att@x", "type": "application/pdf", "content": base64.b64encode(PDF).decode()}
    ]


BROKEN: dict[str, tuple[bytes, str]] = {
    "no closing boundary": (multipart(INVOICE, {"a": PDF})[0][:-12], "SOAP-MIME"),
    "no boundary": (b"--\r\n", "SOAP-MIME"),
    "no XML part": (b"--x\r\nContent-Type: image/png\r\n\r\nx\r\n--x--", "SOAP-MIME"),
    "a part without an end of its head": (b"--x\r\nContent-Type: text/xml\r\n--x--", "SOAP-MIME"),
    "two parts of one id": (
        multipart(INVOICE, {"a": PDF})[0].replace(
            b"--MIME_x--", b"--MIME_x\r\nContent-ID: <a>\r\n\r\n\r\n--MIME_x--"
        ),
        "SOAP-MIME",
    ),
    "no base64": (
        multipart(INVOICE, {"a": b"x"})[0].replace(b": binary\r\n\r\nx", b": base64\r\n\r\n?"), "SOAP-MIME",
    ),
    "an unknown transfer encoding": (
        multipart(INVOICE, {"a": b"x"})[0].replace(b": binary", b": x-zip"), "SOAP-MIME",
    ),
    "too many parts": (multipart(INVOICE, {str(n): b"" for n in range(200)})[0], "SOAP-MIME"),
    "an include of nothing": (multipart(xop("cid:nobody"), {"a": PDF})[0], "SOAP-XOP"),
    "an include of an address": (multipart(xop("http://127.0.0.1:9/x"), {"a": PDF})[0], "SOAP-XOP"),
    "an include of a file": (multipart(xop("file:///etc/passwd"), {"a": PDF})[0], "SOAP-XOP"),
    "a hostile root": (multipart("<!DOCTYPE x>" + INVOICE[INVOICE.index("?>") + 2 :], {})[0], "XML-DTD"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_multipart_message_is_refused(name: str) -> None:
    body, code = BROKEN[name]
    served = facade(MMS, "SubmitInvoice", {}, reply="pass_through")
    headers = (("Content-Type", 'multipart/related; boundary="MIME_x"'),)

    assert denied(served.admit(call(body, headers=headers))).finding.code == code


def test_one_part_that_is_included_often_is_bounded() -> None:
    item = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:a"/>'
    body, headers = multipart(envelope(f"<x>{f'<y>{item}</y>' * 100}</x>").decode(), {"a": b"z" * 100_000})
    served = facade(MMS, "SubmitInvoice", {}, reply="pass_through")

    found = denied(served.admit(call(body, headers=headers)))
    assert found.finding.code == "SOAP-XOP"
    assert "more than the message may hold" in found.finding.text


# --- WS-Security ------------------------------------------------------------------------------------

USERS = {"users": [{"name": "mms", "password": "env:MMS_PASSWORD", "partner": "mms"}]}


def signed_in(password: str = "correct horse", message_id: str = "M-1") -> bytes:
    client = LegacyClient("http://x/", token=Token("mms", password))
    return client.envelope(message_id, content(), NOW)


def content() -> str:
    order = body_of(ORDER)
    return etree.tostring(order).decode()


def test_a_user_shows_who_he_is_and_a_wrong_password_learns_nothing() -> None:
    served = facade(security=USERS)

    found = admitted(served.admit(call(signed_in())))
    wrong = denied(served.admit(call(signed_in("wrong horse"))))
    missing = denied(served.admit(call(ORDER)))

    assert (found.identity, found.partner, found.is_proven) == ("user:mms", "mms", True)
    assert [each.key.partition("/")[0] for each in found.once] == ["nonce"]
    for each in (wrong, missing):
        code, reason = fault_of(each.answer.body)
        assert code.startswith("sub:")
        assert reason.startswith("the security header was refused")
        assert each.finding.code.startswith("WSSE-")


def test_a_repeat_that_is_signed_anew_is_known_by_its_message_id_and_content() -> None:
    served = facade(security=USERS, identity="message_id", message_id="soap:Header.RequestHeader.MessageId")

    one, again = (admitted(served.admit(call(signed_in()))) for _ in range(2))
    other = admitted(served.admit(call(signed_in().replace(b"Deliver before", b"Deliver after"))))

    marks = [
        next(each for each in found.once if each.key.startswith("message/")) for found in (one, again, other)
    ]
    assert marks[0].key == marks[1].key == marks[2].key
    assert marks[0].content_hash == marks[1].content_hash != marks[2].content_hash
    assert len({one.arrival_key, again.arrival_key, other.arrival_key}) == 3
    assert all((found.arrival_key or "").startswith("mms/M-1/") for found in (one, again, other))


# --- answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "version"), [(ORDER, SOAP11), (ORDER12, SOAP12)])
def test_every_outcome_is_worded_in_the_callers_version_and_obeys_the_schema(
    body: bytes, version: str
) -> None:
    served = facade()
    found = admitted(served.admit(call(body, version)))
    reply = Reply(201, b'{"number": "E-1"}')
    said = {
        "accepted": served.answer(found, WasAccepted("m1", is_repeat=False)),
        "delivered": served.answer(found, WasDelivered("m1", {"erp": "E-1"}, reply)),
        "pending": served.answer(found, IsPending("m1")),
    }
    for word, answer in said.items():
        assert answer.status == 200, word
        assert answer.finding is None, word
        assert answer.content_type.startswith(TYPES[version].partition(";")[0])
        assert service().wsdl.schema.validate(body_of(answer.body)), word  # type: ignore[union-attr]
    names = {"p": "urn:mercy-health:mms:purchasing:v2"}
    statuses = [body_of(each.body).findtext("p:Status", namespaces=names) for each in said.values()]
    assert statuses == ["RECEIVED", "APPROVED", "PENDING"]
    delivered = body_of(said["delivered"].body)
    assert delivered.findtext("p:PONumber", namespaces=names) == "E-1"
    assert len(delivered.findall("p:LineAck", namespaces=names)) == 2


@pytest.mark.parametrize(("body", "version"), [(ORDER, SOAP11), (ORDER12, SOAP12)])
def test_what_went_wrong_is_a_typed_fault_that_blames_the_right_side(body: bytes, version: str) -> None:
    served = facade()
    found = admitted(served.admit(call(body, version)))
    finding = Finding("ERP-422", Position("erp"), "the item is not known")
    blamed: dict[str, list[Any]] = {
        "Client": [WasRefused("m1", (finding,))],
        "Server": [IsInDoubt("m1"), WasRefused(None, ()), WasUnavailable(finding)],
    }
    for side, outcomes in blamed.items():
        for outcome in outcomes:
            answer = served.answer(found, outcome)
            wanted = side if version == SOAP11 else {"Client": "Sender", "Server": "Receiver"}[side]
            assert fault_of(answer.body)[0] == f"soap:{wanted}"
            detail = etree.fromstring(answer.body).find(".//{urn:mercy-health:mms:common:v2}ServiceFault")
            assert detail is not None
            assert service().wsdl.schema.validate(detail)  # type: ignore[union-attr]
    assert served.answer(found, WasUnavailable(finding)).status == 503
    assert served.answer(found, blamed["Client"][0]).status == (500 if version == SOAP11 else 400)


def test_a_replay_is_told_as_a_failed_authentication() -> None:
    served = facade(security=USERS)
    found = admitted(served.admit(call(signed_in())))

    answer = served.answer(found, WasReplayed(found.once[0]))

    code, reason = fault_of(answer.body)
    assert code == "sub:FailedAuthentication"
    assert "replay" in reason


def test_an_answer_that_breaks_the_schema_never_goes_out() -> None:
    replies = {
        **ORDER_REPLIES,
        "accepted": {"PONumber": "{request.PurchaseOrder.PONumber}", "Status": "MAYBE"},
    }
    served = facade(replies=replies, reply="accepted")
    found = admitted(served.admit(call(ORDER)))

    answer = served.answer(found, WasAccepted("m1", is_repeat=False))

    assert fault_of(answer.body)[0] == "soap:Server"
    assert answer.finding is not None
    assert answer.finding.code == "SOAP-REPLY"


def test_a_one_way_operation_is_answered_with_nothing() -> None:
    served = facade(STOCK, "moved", {}, reply="accepted")
    body = envelope("<t:Moved><t:Item>1</t:Item></t:Moved>", declared=STOCK_NS)
    found = admitted(served.admit(call(body)))

    answer = served.answer(found, WasAccepted("m1", is_repeat=False))
    assert (answer.status, answer.body) == (202, b"")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"operation": "Nobody"}, "no operation 'Nobody'"),
        ({"replies": {}}, "replies.delivered is needed"),
        (
            {"replies": {"delivered": {}, "pending": {}, "fault": {"name": "X", "fields": {}}}},
            "has no fault 'X'",
        ),
    ],
)
def test_routes_that_do_not_fit_the_wsdl_are_refused_when_the_facade_is_built(
    changes: dict[str, Any], told: str
) -> None:
    if "operation" in changes:
        changes = {"replies": ORDER_REPLIES, **changes}
    with pytest.raises(FacadeSetupError, match=told):
        facade(**changes)


@pytest.mark.parametrize("template", ["{nobody}", "{request}", "{each}", "{request.}", "{reply.a[}"])
def test_a_placeholder_that_nobody_knows_is_refused_by_the_settings(template: str) -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match=r"placeholder|source path"):
        facade(replies={"delivered": {"PONumber": template}})


def test_two_systems_answers_are_compared_field_by_field() -> None:
    replies = {
        "delivered": {
            "Available": {"value": "{reply.available}", "@currency": "USD"},
            "Encumbered": {"value": "{reply.encumbered}", "@currency": "USD"},
            "Decision": "{reply.decision}",
        }
    }
    served = facade(MMS, "CheckBudget", replies, reply="query")
    legacy = Reply(200, fixture("replies/CheckBudget.soap11.xml"))
    answer = body_of(legacy.body)
    said = {name: answer.findtext(f"{{*}}{name}") for name in ("Available", "Encumbered", "Decision")}

    def cloud(**changes: str) -> Reply:
        fields = {name.lower(): text for name, text in said.items()} | changes
        return Reply(200, __import__("json").dumps(fields).encode())

    assert served.compare("po", legacy, cloud()) == ()
    assert served.compare("po", legacy, cloud(available=f"{said['Available']}00")) == ()
    differs = served.compare("po", legacy, cloud(available="1", decision="FAIL"))
    assert [(each.code, each.at.path) for each in differs] == [
        ("SHADOW-DIFFERS", "Available.value"),
        ("SHADOW-DIFFERS", "Decision"),
    ]
    fault = Reply(500, fixture("replies/fault_invalid_item.soap11.xml"))
    assert [each.code for each in served.compare("po", fault, cloud())] == ["SHADOW-DIFFERS"]
