"""What callers may send and what they are told, on real sockets; the journal says what was taken."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Callable

import pytest

from adapters.base import Answered, DecodeError, Finding, Position
from gateway.inlets.http_inlet import HttpInlet
from gateway.journal.base import JournalBusyError, JournalError
from tests.gateway.http_rig import Gateway, post, raw, read_answer
from tests.gateway.support import order

ORDERS = HttpInlet("orders")
KEYED = HttpInlet("keyed", identity="idempotency_key")
CANONICAL = HttpInlet("canonical", document="purchase_order", content_types=("application/json",))
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def start() -> AsyncIterator[Callable]:
    started: list[Gateway] = []

    async def make(*inlets: HttpInlet, **settings) -> Gateway:
        gateway = Gateway(*inlets, **settings)
        started.append(gateway)
        return await gateway.start()

    yield make
    for gateway in started:
        await gateway.app.close(1)


async def refused(gateway: Gateway, answer, status: int, code: str, route: str = "orders") -> None:
    """Check the one refusal there was: its answer, its finding in the journal, and no body anywhere."""
    assert (answer.status, answer.json["code"], answer.json["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["text"]
    assert "at" in answer.json
    assert [(kept, finding.code) for kept, _, finding in gateway.refusals] == [(route, code)]
    message = await gateway.journal.message(answer.json["refusal_id"])
    assert message.findings[0].code == code
    assert await gateway.bodies(route) == []
    assert gateway.taken == []


# --- taken --------------------------------------------------------------------------------------------


async def test_raw_bytes_are_taken_and_the_message_can_be_asked_about(start) -> None:
    gateway = await start(ORDERS)
    answer = await post(gateway.port, "/v1/inbound/orders", b"ISA*00~\x00\xff")
    shown = await post(gateway.port, answer.headers["location"], b"", method="GET")

    assert (answer.status, answer.json["repeat"]) == (202, False)
    assert await gateway.bodies("orders") == [b"ISA*00~\x00\xff"]
    assert shown.json["message_id"] == answer.json["message_id"]
    assert shown.json["state"] == "accepted"
    assert shown.json["documents"] == shown.json["deliveries"] == []


async def test_a_body_may_come_in_chunks_of_one_byte(start) -> None:
    gateway = await start(ORDERS)
    head = b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"ISA*00*1~" * 20
    answer = await raw(gateway.port, head, *(b"1\r\n%c\r\n" % byte for byte in body), b"0\r\n\r\n")

    assert answer.status == 202
    assert await gateway.bodies("orders") == [body]


async def test_a_repeat_with_the_same_key_is_the_same_message(start) -> None:
    gateway = await start(KEYED)
    key = {"Idempotency-Key": '"po-4711"'}
    first = await post(gateway.port, "/v1/inbound/keyed", b"one", headers=key)
    again = await post(gateway.port, "/v1/inbound/keyed", b"one", headers={"Idempotency-Key": "po-4711"})

    assert again.json == {"message_id": first.json["message_id"], "repeat": True}
    assert await gateway.bodies("keyed") == [b"one"]


async def test_the_same_key_with_another_body_names_the_first_message(start) -> None:
    gateway = await start(KEYED)
    key = {"Idempotency-Key": "po-4711"}
    first = await post(gateway.port, "/v1/inbound/keyed", b"one", headers=key)
    other = await post(gateway.port, "/v1/inbound/keyed", b"two", headers=key)

    assert (other.status, other.json["code"]) == (409, "ARRIVAL-CONFLICT")
    assert first.json["message_id"] in other.json["text"]


async def test_a_correlation_id_is_kept_where_logs_can_hold_it(start) -> None:
    gateway = await start(ORDERS)
    await post(gateway.port, "/v1/inbound/orders", headers={"X-Correlation-ID": "trace:1/2"})
    await post(gateway.port, "/v1/inbound/orders", headers={"X-Correlation-ID": "x" * 200})

    assert [inbound.correlation_id for inbound in gateway.taken] == ["trace:1/2", None]


async def test_many_senders_at_once_each_get_their_own_message(start) -> None:
    gateway = await start(ORDERS)
    answers = await asyncio.gather(
        *(post(gateway.port, "/v1/inbound/orders", b"order %d" % number) for number in range(60))
    )

    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["message_id"] for answer in answers}) == 60
    assert sorted(await gateway.bodies("orders")) == sorted(b"order %d" % number for number in range(60))


async def test_a_caller_that_goes_away_before_the_answer_changes_nothing(start) -> None:
    gateway = await start(ORDERS)
    release = asyncio.Event()

    async def hold() -> None:
        await release.wait()

    gateway.before_accept = hold
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await asyncio.sleep(0.1)
    release.set()
    await asyncio.sleep(0.1)

    assert await gateway.bodies("orders") == [b"abc"]
    assert gateway.refusals == []


async def test_another_set_of_routes_holds_for_the_next_request(start) -> None:
    gateway = await start(ORDERS)
    gateway.api.set_inlets([HttpInlet("invoices")])

    assert (await post(gateway.port, "/v1/inbound/orders")).status == 404
    assert (await post(gateway.port, "/v1/inbound/invoices")).status == 202


# --- refused by its head ------------------------------------------------------------------------------


async def test_an_unknown_route_is_refused(start) -> None:
    gateway = await start(ORDERS)
    answer = await post(gateway.port, "/v1/inbound/ordres")

    await refused(gateway, answer, 404, "HTTP-ROUTE", "ordres")


async def test_a_wrong_content_type_is_refused(start) -> None:
    gateway = await start(HttpInlet("orders", content_types=("application/edi-x12",)))
    answer = await post(gateway.port, "/v1/inbound/orders", headers={"Content-Type": "text/html"})

    await refused(gateway, answer, 415, "HTTP-CONTENT-TYPE")
    assert answer.headers["accept"] == "application/edi-x12"
    right = {"Content-Type": "Application/EDI-X12; charset=utf-8"}
    assert (await post(gateway.port, "/v1/inbound/orders", headers=right)).status == 202


async def test_a_compressed_body_is_refused_unread(start) -> None:
    gateway = await start(HttpInlet("orders", size_bytes_max=100_000))
    bomb = gzip.compress(b"\0" * 20_000_000)
    answer = await post(gateway.port, "/v1/inbound/orders", bomb, headers={"Content-Encoding": "gzip"})

    await refused(gateway, answer, 415, "HTTP-CONTENT-ENCODING")


async def test_a_body_that_says_it_is_too_large_is_refused_unread(start) -> None:
    gateway = await start(HttpInlet("orders", size_bytes_max=1_000))
    answer = await raw(
        gateway.port, b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"
    )

    await refused(gateway, answer, 413, "HTTP-TOO-LARGE")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 201}, {"Idempotency-Key": "sch\u00f6n"}],
)
async def test_a_missing_or_unusable_idempotency_key_is_refused(start, headers: dict[str, str]) -> None:
    gateway = await start(KEYED)
    answer = await post(gateway.port, "/v1/inbound/keyed", headers=headers)

    await refused(gateway, answer, 400, "HTTP-IDEMPOTENCY-KEY", "keyed")


async def test_a_route_that_needs_a_certificate_refuses_who_has_none(start) -> None:
    gateway = await start(HttpInlet("orders", needs_certificate=True))
    answer = await post(gateway.port, "/v1/inbound/orders")

    await refused(gateway, answer, 403, "HTTP-CERTIFICATE")


# --- refused by its body ------------------------------------------------------------------------------


async def test_no_body_is_refused(start) -> None:
    gateway = await start(ORDERS)
    answer = await post(gateway.port, "/v1/inbound/orders", b"")

    await refused(gateway, answer, 400, "HTTP-NO-BODY")


async def test_chunks_that_grow_too_large_are_refused(start) -> None:
    gateway = await start(HttpInlet("orders", size_bytes_max=1_000))
    head = b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await raw(gateway.port, head, *(b"64\r\n" + b"x" * 100 + b"\r\n" for _ in range(12)))

    await refused(gateway, answer, 413, "HTTP-TOO-LARGE")


async def test_a_body_shorter_than_it_said_is_not_taken(start) -> None:
    gateway = await start(ORDERS)
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nISA*00~")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await asyncio.sleep(0.1)

    assert gateway.taken == []
    assert await gateway.bodies("orders") == []
    assert [finding.code for _, _, finding in gateway.refusals] == ["HTTP-INCOMPLETE"]


async def test_chunks_that_end_without_the_last_one_are_not_taken(start) -> None:
    gateway = await start(ORDERS)
    head = b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await raw(gateway.port, head, b"3\r\nabc\r\n", ends=True)
    await asyncio.sleep(0.1)

    assert await gateway.bodies("orders") == []


@pytest.mark.parametrize("broken", [b"zz\r\nabc\r\n0\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n", b"-1\r\n\r\n"])
async def test_broken_chunks_are_not_taken(start, broken: bytes) -> None:
    gateway = await start(ORDERS)
    head = b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await raw(gateway.port, head, broken)

    assert answer.status == 400
    assert await gateway.bodies("orders") == []


async def test_both_lengths_at_once_are_not_taken(start) -> None:  # request smuggling
    gateway = await start(ORDERS)
    lengths = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    head = b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\n" + lengths
    answer = await raw(gateway.port, head, b"3\r\nabc\r\n0\r\n\r\n")

    assert answer.status == 400
    assert await gateway.bodies("orders") == []


async def test_a_body_longer_than_it_said_is_not_taken_with_what_follows(start) -> None:
    gateway = await start(ORDERS)
    head = b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    at_once = await raw(gateway.port, head + b"abcdef")
    assert (at_once.status, at_once.json["code"]) == (400, "HTTP-MALFORMED")
    assert await gateway.bodies("orders") == []

    answer = await raw(gateway.port, head + b"abc", b"def", pause_s=0.1)
    assert answer.status == 202
    assert await gateway.bodies("orders") == [b"abc"]


async def test_a_body_that_stops_coming_is_given_up_on(start) -> None:  # slow loris
    gateway = await start(ORDERS)
    head = b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nISA"
    answer = await raw(gateway.port, head)

    await refused(gateway, answer, 408, "HTTP-TIMEOUT")
    assert answer.headers["connection"] == "close"


async def test_a_body_that_dribbles_for_ever_is_given_up_on(start) -> None:
    gateway = await start(ORDERS)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")

    async def dribble() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.1)  # quicker than the limit for one piece

    dribbling = asyncio.create_task(dribble())
    answer = await read_answer(reader)
    dribbling.cancel()
    writer.close()

    await refused(gateway, answer, 408, "HTTP-TIMEOUT")


async def test_what_the_reader_of_the_body_finds_is_told(start) -> None:
    gateway = await start(ORDERS)

    async def find() -> None:
        raise DecodeError(Finding("EDI-HEAD", Position("orders"), "expected ISA"))

    gateway.before_accept = find
    answer = await post(gateway.port, "/v1/inbound/orders")

    await refused(gateway, answer, 400, "EDI-HEAD")


# --- not now ------------------------------------------------------------------------------------------


async def test_a_journal_that_is_not_ready_takes_nothing(start) -> None:
    gateway = await start(ORDERS)
    gateway.is_healthy = False
    answer = await post(gateway.port, "/v1/inbound/orders")

    assert (answer.status, answer.json["code"]) == (503, "JOURNAL-DOWN")
    assert int(answer.headers["retry-after"]) > 0
    assert gateway.taken == []


@pytest.mark.parametrize(
    ("error", "code"),
    [(JournalBusyError("full"), "JOURNAL-BUSY"), (JournalError("fsync"), "JOURNAL-DOWN")],
)
async def test_a_journal_that_cannot_write_acknowledges_nothing(start, error: Exception, code: str) -> None:
    gateway = await start(ORDERS)

    async def fail() -> None:
        raise error

    gateway.before_accept = fail
    answer = await post(gateway.port, "/v1/inbound/orders")

    assert (answer.status, answer.json["code"]) == (503, code)
    assert "retry-after" in answer.headers
    assert await gateway.bodies("orders") == []


async def test_a_flood_of_refusals_does_not_fill_the_journal(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.inbound.REFUSALS_PER_MINUTE_MAX", 3)
    gateway = await start(ORDERS)
    answers = [await post(gateway.port, "/v1/inbound/none") for _ in range(5)]

    assert {answer.status for answer in answers} == {404}
    assert len(gateway.refusals) == 3


# --- canonical documents ------------------------------------------------------------------------------


async def test_a_canonical_document_is_taken_as_it_was_sent(start) -> None:
    gateway = await start(CANONICAL)
    body = json.dumps(order("PO-7"), indent=3).encode()
    answer = await post(gateway.port, "/v1/documents/purchase_order", body, headers=JSON)

    assert answer.status == 202
    assert await gateway.bodies("canonical") == [body]


async def test_every_problem_of_a_document_is_told_by_its_path(start) -> None:
    gateway = await start(CANONICAL)
    wrong = order("PO-7", lines=2)
    wrong["lines"][1]["quantity"]["value"] = "many"
    wrong["colour"] = "red"
    answer = await post(
        gateway.port, "/v1/documents/purchase_order", json.dumps(wrong).encode(), headers=JSON
    )

    await refused(gateway, answer, 422, "DOCUMENT-INVALID", "canonical")
    paths = {each["path"] for each in answer.json["errors"]}
    assert "colour" in paths
    assert any(path.startswith("lines.1.quantity") for path in paths)
    assert "many" not in answer.body.decode()  # the value found may be a patient's name


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a":1,"a":2}', b"\xff\xfe", b'{"document_type":"invoice"}'])
async def test_what_is_no_document_of_that_type_is_refused(start, body: bytes) -> None:
    gateway = await start(CANONICAL)
    answer = await post(gateway.port, "/v1/documents/purchase_order", body, headers=JSON)

    await refused(gateway, answer, 422, "DOCUMENT-INVALID", "canonical")


async def test_several_routes_for_one_type_are_told_apart_by_name(start) -> None:
    other = HttpInlet("other", document="purchase_order")
    gateway = await start(CANONICAL, other)
    body = json.dumps(order()).encode()
    unclear = await post(gateway.port, "/v1/documents/purchase_order", body, headers=JSON)
    clear = await post(gateway.port, "/v1/documents/purchase_order?route=other", body, headers=JSON)
    wrong = await post(gateway.port, "/v1/documents/purchase_order?route=none", body, headers=JSON)
    no_type = await post(gateway.port, "/v1/documents/invoice", body, headers=JSON)

    assert (unclear.status, unclear.json["code"]) == (400, "HTTP-ROUTE-AMBIGUOUS")
    assert "canonical, other" in unclear.json["text"]
    assert clear.status == 202
    assert wrong.status == no_type.status == 404
    assert len(await gateway.bodies("other")) == 1


# --- callers that wait --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["wait", "pass_through", "query"])
async def test_an_answer_goes_back_byte_for_byte(start, mode) -> None:
    gateway = await start(HttpInlet("orders", reply=mode, reply_within_s=7.5))
    body = b"<Fault>\xe4\r\n</Fault>\x00"
    headers = (
        ("X-Legacy", "a"),
        ("X-Legacy", "b"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "X-Hop"),
        ("X-Hop", "1"),
    )
    gateway.answer_all = Answered("m1", body, "text/xml; charset=iso-8859-1", 500, headers)
    answer = await post(gateway.port, "/v1/inbound/orders")

    assert (answer.status, answer.body) == (500, body)
    assert answer.headers["content-type"] == "text/xml; charset=iso-8859-1"
    assert answer.headers["x-legacy"] in ("a", "b")
    assert not {"transfer-encoding", "x-hop"} & set(answer.headers)
    assert [within_s for _, within_s in gateway.waits] == [7.5]


async def test_a_settlement_that_holds_the_answer_is_the_answer(start) -> None:
    gateway = await start(HttpInlet("orders", reply="wait"))

    async def take(inbound) -> None:
        assert b"".join([piece async for piece in inbound.body])
        await inbound.settle(Answered("m1", b"OK", "text/plain", 201))

    gateway.api._take = take  # the pipeline may answer at once
    answer = await post(gateway.port, "/v1/inbound/orders")

    assert (answer.status, answer.body) == (201, b"OK")


async def test_a_caller_whose_time_is_up_gets_a_pending_answer(start) -> None:
    gateway = await start(HttpInlet("orders", reply="wait"))
    answer = await post(gateway.port, "/v1/inbound/orders")

    message_id = answer.json["message_id"]
    assert answer.status == 202
    assert answer.json == {"message_id": message_id, "state": "pending", "repeat": False}
    assert answer.headers["location"] == f"/v1/messages/{message_id}"


async def test_the_pending_answer_may_have_the_form_of_the_route(start) -> None:
    inlet = HttpInlet(
        "orders", reply="wait", pending=b"<pending id='{message_id}'/>", pending_content_type="text/xml"
    )
    gateway = await start(inlet)
    answer = await post(gateway.port, "/v1/inbound/orders")
    message_id = (await gateway.journal.messages())[0].message_id

    assert answer.body == f"<pending id='{message_id}'/>".encode()
    assert (answer.status, answer.headers["content-type"]) == (202, "text/xml")


@pytest.mark.parametrize("mode", ["pass_through", "query"])
async def test_a_caller_that_needs_the_answer_itself_is_told_there_is_none_yet(start, mode) -> None:
    gateway = await start(HttpInlet("orders", reply=mode))
    answer = await post(gateway.port, "/v1/inbound/orders")

    assert (answer.status, answer.json["code"]) == (504, "HTTP-NO-ANSWER")
    assert answer.json["message_id"] in answer.json["text"]
    assert await gateway.bodies("orders") == [b"ISA*00~"]


@pytest.mark.parametrize("error", [JournalBusyError("full"), JournalError("disk"), ValueError("ours")])
@pytest.mark.parametrize(("mode", "status"), [("wait", 202), ("pass_through", 504)])
async def test_what_fails_after_a_message_was_taken_is_never_told_as_nothing_taken(
    start, mode, status: int, error: Exception
) -> None:
    gateway = await start(HttpInlet("orders", reply=mode))

    async def broken(message_id: str, within_s: float) -> Answered | None:
        raise error

    gateway.api._wait_for = gateway.api._pass_on = broken
    answer = await post(gateway.port, "/v1/inbound/orders")

    assert answer.status == status
    assert b"nothing was taken" not in answer.body
    assert answer.json["message_id"] == (await gateway.journal.messages())[0].message_id


async def test_a_message_of_nobody_is_not_told_apart_from_none(start) -> None:
    gateway = await start(HttpInlet("closed", needs_certificate=True))
    answer = await post(gateway.port, "/v1/messages/m404", b"", method="GET")

    assert (answer.status, answer.json["code"]) == (404, "MESSAGE-UNKNOWN")
