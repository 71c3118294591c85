"""Batches both ways: a parser of Python's own reads what we write, and we read what services write."""

from __future__ import annotations

import json
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.erp.odata import v4
from gateway.erp.odata.batch import (
    Changeset,
    ChangesetReply,
    Operation,
    OperationReply,
    multipart_content_type,
    read_json,
    read_multipart,
    write_json,
    write_multipart,
)
from gateway.erp.odata.bodies import ODataBodyError

JSON_TYPE = (("Content-Type", "application/json"),)
READ = Operation("GET", "A_Supplier('00010')", headers=(("Accept", "application/json"),))
ADD = Operation("POST", "PurchaseOrderLinesV2", b'{"OrderedPurchaseQuantity":1.50}', JSON_TYPE, "1")
CHANGE = Operation("PATCH", "PurchaseOrderHeadersV2(dataAreaId='usmf')", b'{"X":"a"}', JSON_TYPE, "2")

# Made by us after the shape of OData V2 "Batch processing": two parts, the second a changeset of two.
REPLY = (
    b"--outer\r\nContent-Type: application/http\r\nContent-Length: 9\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"d\":null}\r\n"
    b"--outer\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n"
    b"--inner\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n"
    b"HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\n{\"a\":1}\r\n"
    b"--inner\r\nContent-Type: application/http\r\nContent-ID: 2\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\n\r\n\r\n"
    b"--inner--\r\n"
    b"--outer--\r\n"
)  # fmt: skip


def parsed(body: bytes, boundary: str):
    head = f"Content-Type: {multipart_content_type(boundary)}\r\n\r\n".encode()
    return message_from_bytes(head + body, policy=policy.HTTP)


def test_another_parser_reads_the_parts_we_write_in_their_order() -> None:
    message = parsed(write_multipart((READ, Changeset((ADD, CHANGE))), "b1"), "b1")
    read, changeset = message.iter_parts()
    inner = list(changeset.iter_parts())

    assert not message.defects
    assert read.get_content_type() == "application/http"
    assert read.get_payload(decode=True).startswith(b"GET A_Supplier('00010') HTTP/1.1\r\nAccept:")
    assert [each["Content-ID"] for each in inner] == ["1", "2"]
    assert inner[0].get_payload(decode=True).rstrip().endswith(b'\r\n\r\n{"OrderedPurchaseQuantity":1.50}')


BODIES = st.binary(max_size=60).filter(lambda body: b"--bx" not in body)


@given(bodies=st.lists(BODIES, min_size=1, max_size=4))
def test_whatever_bodies_stand_in_a_batch_each_comes_out_as_it_went_in(bodies: list[bytes]) -> None:
    operations = tuple(Operation("POST", "Set", body, JSON_TYPE, str(at)) for at, body in enumerate(bodies))
    written = write_multipart((Changeset(operations),), "bx")
    # A service that echoes: each request line becomes a status line.
    echoed = written.replace(b"POST Set HTTP/1.1\r\n", b"HTTP/1.1 201 Created\r\n")

    (changeset,) = read_multipart(echoed, "multipart/mixed; boundary=bx")

    assert isinstance(changeset, ChangesetReply)
    assert [each.body for each in changeset.replies if each.body] == [body for body in bodies if body]
    assert [each.content_id for each in changeset.replies] == [str(at) for at in range(len(bodies))]


def test_the_replies_of_a_batch_are_read_with_the_changesets_own() -> None:
    first, changeset = read_multipart(REPLY, 'multipart/mixed; boundary="outer"')

    assert isinstance(first, OperationReply)
    assert (first.status, first.body) == (200, b'{"d":null}')
    assert isinstance(changeset, ChangesetReply)
    assert [(each.status, each.body, each.content_id) for each in changeset.replies] == [
        (201, b'{"a":1}', "1"),
        (204, b"", "2"),
    ]


def test_a_changeset_that_failed_is_one_reply() -> None:
    body = (
        b"--x\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 Bad Request\r\n"
        b'Content-Length: 12\r\n\r\n{"error":{}}\r\n--x--'
    )

    (reply,) = read_multipart(body, "multipart/mixed; boundary=x")

    assert isinstance(reply, OperationReply)
    assert (reply.status, reply.body) == (400, b'{"error":{}}')


@pytest.mark.parametrize("end", range(0, len(REPLY) - 4, 7))
def test_a_batch_reply_that_was_cut_off_is_an_error_and_no_shorter_batch(end: int) -> None:
    with pytest.raises(ODataBodyError):
        read_multipart(REPLY[:end], "multipart/mixed; boundary=outer")


@pytest.mark.parametrize("content_type", ["application/json", "multipart/mixed", "text/html; boundary=x"])
def test_a_batch_reply_of_another_type_is_an_error_of_ours(content_type: str) -> None:
    with pytest.raises(ODataBodyError):
        read_multipart(REPLY, content_type)


@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_as_a_batch_or_are_an_error_of_ours(body: bytes) -> None:
    for each in (body, b"--x\r\n" + body + b"\r\n--x--"):
        try:
            read_multipart(each, "multipart/mixed; boundary=x")
        except ODataBodyError:
            continue


@pytest.mark.parametrize(
    "part",
    [
        Operation("POST", "Set\r\nPOST Other HTTP/1.1", b"{}"),
        Operation("POST", "Set", b"{}", (("If-Match", "x\r\nA: b"),)),
        Operation("POST", "Set", b"--b1"),
    ],
)
def test_nothing_can_smuggle_an_operation_into_a_batch(part: Operation) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - three texts, one meaning
        write_multipart((part,), "b1")


def test_a_json_batch_groups_a_changeset_and_keeps_the_digits_of_its_bodies() -> None:
    written = write_json((READ, Changeset((ADD, CHANGE))))
    requests = json.loads(written)["requests"]

    assert b'"body":{"OrderedPurchaseQuantity":1.50}' in written
    assert [each.get("atomicityGroup") for each in requests] == [None, "g2", "g2"]
    assert [each["id"] for each in requests] == ["1.1", "1", "2"]


def test_a_json_batchs_replies_are_found_by_id_in_any_order_with_their_digits() -> None:
    body = (
        b'{"responses":[{"id":"2","status":204,"atomicityGroup":"g2"},'
        b'{"id":"1","status":201,"atomicityGroup":"g2","body":{"P":0.10}},'
        b'{"id":"1.1","status":200,"headers":{"etag":"W/1"},"body":{}}]}'
    )

    first, changeset = read_json(body, (READ, Changeset((ADD, CHANGE))))

    assert isinstance(first, OperationReply)
    assert (first.status, first.headers) == (200, (("etag", "W/1"),))
    assert isinstance(changeset, ChangesetReply)
    assert [each.status for each in changeset.replies] == [201, 204]
    assert v4.read_entity(changeset.replies[0].body).text("P") == "0.10"


def test_a_json_batchs_failed_group_is_one_reply_though_only_one_of_its_parts_is_answered() -> None:
    body = b'{"responses":[{"id":"2","status":400,"atomicityGroup":"g1","body":{"error":{}}}]}'

    (reply,) = read_json(body, (Changeset((ADD, CHANGE)),))

    assert isinstance(reply, OperationReply)
    assert reply.status == 400


def test_a_json_batch_that_leaves_an_answer_out_is_an_error_of_ours() -> None:
    with pytest.raises(ODataBodyError, match="no reply to operation"):
        read_json(b'{"responses":[]}', (READ,))
