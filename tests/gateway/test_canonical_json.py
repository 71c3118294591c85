"""Canonical JSON as a format: one a line or one alone, each judged by itself, bounded, resumable."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Bounds, DecodeContext, Decoded, Envelope, Interchange, Summary
from canonical.registry import parse_document
from gateway.canonical_json import CanonicalJson
from tests.gateway.rig import order

CONTEXT = DecodeContext("orders.json", "test")
FORMAT = CanonicalJson()
ENVELOPE = Envelope(1, datetime(2026, 1, 1, tzinfo=UTC), "test")


def decoded(
    body: bytes, step: int = 1_000_000, context: DecodeContext = CONTEXT
) -> tuple[list[Decoded], Summary]:
    decoder = FORMAT.decoder(context)
    sets = [each for at in range(0, len(body), step) for each in decoder.feed(body[at : at + step])]
    rest, summary = decoder.finish()
    return sets + rest, summary


def numbers(sets: list[Decoded]) -> list[str | None]:
    return [getattr(each.document, "number", None) for each in sets]


def test_documents_stand_one_a_line() -> None:
    sets, summary = decoded(order("1") + b"\n  \n" + order("2") + order("3").rstrip())

    assert numbers(sets) == ["1", "2", "3"]
    assert [each.index for each in sets] == [0, 1, 2]
    assert summary.sets == 3
    assert summary.is_readable


def test_one_document_may_stand_over_several_lines() -> None:
    pretty = json.dumps(json.loads(order("1")), indent=2).encode()
    sets, _ = decoded(pretty)

    assert numbers(sets) == ["1"]
    assert sets[0].raw == pretty


def test_a_line_of_a_document_over_several_lines_may_be_an_object_itself() -> None:
    text = order("1").rstrip()[:-1] + b',\n"lines":[\n{"sequence":1}\n]}'
    sets, _ = decoded(text)

    assert len(sets) == 1
    assert sets[0].document == parse_document(text)


@pytest.mark.parametrize("broken", [order("2")[:40] + b"\n", b"{}\n", b'{"document_type": 7}\n', b"[1]\n"])
def test_a_broken_line_costs_its_own_document_only(broken: bytes) -> None:
    sets, summary = decoded(order("1") + broken + order("3"))

    assert numbers(sets) == ["1", None, "3"]
    assert {finding.at.line for finding in sets[1].findings} == {2}
    assert {finding.code for finding in sets[1].findings} == {"JSON-DOCUMENT"}
    assert summary.is_readable


def test_a_broken_first_line_costs_its_own_document_only() -> None:
    sets, _ = decoded(order("1")[:40] + b"\n" + order("2"))

    assert numbers(sets) == [None, "2"]


def test_a_finding_names_the_line_in_the_file() -> None:
    sets, _ = decoded(b"\n\n" + order("1") + b'\n{"document_type":"purchase_order"}\n')

    assert sets[1].findings[0].at.line == 5
    assert sets[1].findings[0].at.path == "number"


@pytest.mark.parametrize("body", [b"", b" \n\n"])
def test_an_empty_input_is_no_document(body: bytes) -> None:
    sets, summary = decoded(body)

    assert sets == []
    assert not summary.is_readable
    assert [finding.code for finding in summary.findings] == ["JSON-EMPTY"]


def test_an_input_above_the_bound_is_refused_whole_even_where_it_is_resumed() -> None:
    context = replace(CONTEXT, bounds=Bounds(set_bytes_max=100))
    first = FORMAT.decoder(context)
    list(first.feed(order("1")))
    list(first.feed(order("2") * 2))
    second = FORMAT.decoder(context, first.state())
    sets, summary = second.finish()

    assert sets == []
    assert not summary.is_readable
    assert [finding.code for finding in summary.findings] == ["JSON-SIZE"]


@given(st.lists(st.sampled_from([order("1"), order("2"), b"\n", b"{", b"}\n", b"nonsense\n"])), st.data())
def test_any_cutting_and_a_resume_at_any_point_give_the_same(parts: list[bytes], data: st.DataObject) -> None:
    body = b"".join(parts)
    at = data.draw(st.integers(0, len(body)))
    first = FORMAT.decoder(CONTEXT)
    list(first.feed(body[:at]))
    second = FORMAT.decoder(CONTEXT, first.state())
    list(second.feed(body[at:]))

    assert second.finish() == decoded(body) == decoded(body, 7)


@given(st.binary(max_size=200))
def test_any_bytes_give_findings_and_no_exception(body: bytes) -> None:
    sets, summary = decoded(body)

    assert summary.findings or all(each.findings or each.document for each in sets)
    assert isinstance(FORMAT.recognises(body), bool)
    assert isinstance(FORMAT.is_urgent(body), bool)
    assert FORMAT.identity(body) is None


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b'{"number":' + b"9" * 5_000 + b"}"])
def test_a_hostile_document_is_a_finding(body: bytes) -> None:
    sets, _ = decoded(body)

    assert len(sets) == 1
    assert sets[0].findings


def test_documents_are_written_as_they_are_read() -> None:
    body = order("1") + order("2", facility="05")
    sets, _ = decoded(body)

    assert FORMAT.encode([each.document for each in sets if each.document], ENVELOPE) == body
    assert FORMAT.wrap([each.raw for each in sets], _whole(), ENVELOPE) == body
    assert FORMAT.acknowledge(_whole(), {}, ENVELOPE) is None


def _whole() -> Interchange:
    return Interchange(None, None, "", is_acknowledgment=False, facts={})


def test_an_urgent_order_is_seen_by_its_first_bytes() -> None:
    assert FORMAT.is_urgent(order("1", urgency="rush"))
    assert not FORMAT.is_urgent(order("1"))
    assert FORMAT.recognises(order("1"))
    assert not FORMAT.recognises(b"ISA*00*")
