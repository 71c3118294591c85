"""What the head of a request alone decides, and who may ask about a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Origin
from gateway.api.messages import may_read
from gateway.inlets.http_inlet import (
    Caller,
    Head,
    HttpInlet,
    Refusal,
    arrival_key,
    correlation_id,
    head_refusal,
    inlet_for_document,
    partner_of,
    shown,
)
from gateway.journal.types import Message, MessageState

ACME = Caller("CN=acme", "a" * 64, "acme")
GLOBEX = Caller("CN=globex", "b" * 64, "globex")
HEAD = Head("/v1/inbound/orders", ("text/plain",), "", 10, (), (), None)


def code(inlet: HttpInlet, **changes) -> str | None:
    refusal = head_refusal(inlet, replace(HEAD, **changes))
    return refusal.finding.code if refusal else None


@pytest.mark.parametrize(
    ("inlet", "caller", "is_taken"),
    [
        (HttpInlet("r"), None, True),
        (HttpInlet("r"), ACME, True),
        (HttpInlet("r", needs_certificate=True), None, False),
        (HttpInlet("r", needs_certificate=True), ACME, True),
        (HttpInlet("r", partners=frozenset({"acme"})), None, False),
        (HttpInlet("r", partners=frozenset({"acme"})), ACME, True),
        (HttpInlet("r", partners=frozenset({"acme"})), GLOBEX, False),
        (HttpInlet("r", fingerprints=frozenset({"a" * 64})), ACME, True),
        (HttpInlet("r", fingerprints=frozenset({"a" * 64})), GLOBEX, False),
        (HttpInlet("r", partner="acme"), ACME, True),
        (HttpInlet("r", partner="acme"), GLOBEX, False),  # nobody sends in another's name
        (HttpInlet("r", partner="acme"), Caller("CN=x", "c" * 64), False),
        (HttpInlet("r", partner="acme", fingerprints=frozenset({"c" * 64})), Caller("CN=x", "c" * 64), True),
    ],
)
def test_who_may_send(inlet: HttpInlet, caller: Caller | None, is_taken: bool) -> None:
    assert (code(inlet, caller=caller) is None) is is_taken


def test_two_partners_may_use_the_same_idempotency_key() -> None:
    inlet = HttpInlet("r", identity="idempotency_key")
    heads = [replace(HEAD, idempotency_keys=("k",), caller=caller) for caller in (ACME, GLOBEX, None)]

    assert [arrival_key(inlet, head) for head in heads] == ["acme/k", "globex/k", "k"]
    assert [partner_of(inlet, head) for head in heads] == ["acme", "globex", None]


def test_two_idempotency_keys_are_none() -> None:
    inlet = HttpInlet("r", identity="idempotency_key")

    assert code(inlet, idempotency_keys=("a", "b")) == "HTTP-IDEMPOTENCY-KEY"
    assert arrival_key(HttpInlet("r"), replace(HEAD, idempotency_keys=("a",))) is None


@given(st.lists(st.text(max_size=300), max_size=3), st.text(max_size=300), st.text(max_size=50))
def test_any_head_gives_an_answer_that_can_be_stored_and_sent(
    keys: list[str], word: str, encoding: str
) -> None:
    inlet = HttpInlet("r", identity="idempotency_key", content_types=("application/json",))
    head = replace(
        HEAD,
        idempotency_keys=tuple(keys),
        content_types=(word,),
        content_encoding=encoding,
        correlation_ids=(word,),
    )
    refusal = head_refusal(inlet, head)

    assert refusal is None or shown(refusal.finding.text)
    assert refusal is None or all(part.isprintable() for part in refusal.finding.text)
    assert (given := correlation_id(head)) is None or given.isascii()


def test_a_document_finds_the_only_route_of_its_type() -> None:
    inlets = {
        name: HttpInlet(name, document=kind)
        for name, kind in (("a", "invoice"), ("b", "item"), ("c", "item"))
    }

    assert inlet_for_document(inlets, "invoice", None, "/") is inlets["a"]
    assert inlet_for_document(inlets, "item", "c", "/") is inlets["c"]
    for kind, route, status in (("item", None, 400), ("order", None, 404), ("invoice", "b", 404)):
        found = inlet_for_document(inlets, kind, route, "/")
        assert isinstance(found, Refusal)
        assert found.status == status


def message(identity: str = "", partner: str | None = None) -> Message:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    origin = Origin("http", at, identity=identity)
    return Message(
        "m1", "r", MessageState.PLANNED, None, partner, "", 1, origin, "c", at, False, 1, 1, False, 0, 1
    )


@pytest.mark.parametrize(
    ("found", "inlet", "caller", "is_shown"),
    [
        (message(), HttpInlet("r"), None, True),
        (message(), HttpInlet("r", needs_certificate=True), None, False),
        (message(), None, None, False),  # it came by another way than HTTP
        (message("CN=acme"), HttpInlet("r"), None, False),
        (message("CN=acme"), HttpInlet("r"), ACME, True),
        (message("CN=other", "acme"), HttpInlet("r"), ACME, True),
        (message("CN=acme", "acme"), HttpInlet("r"), GLOBEX, False),
    ],
)
def test_a_message_is_shown_to_who_sent_it(
    found: Message, inlet: HttpInlet | None, caller: Caller | None, is_shown: bool
) -> None:
    assert may_read(found, inlet, caller) is is_shown
