"""IDocs both ways, flat and XML; real excerpts; what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import DecodeContext, Decoded, EncodeError, Envelope, Environment, Summary
from adapters.sap_idoc.config import IdocPartner, IdocSettings
from adapters.sap_idoc.format import IdocFormat
from canonical.document import CanonicalDocument
from canonical.registry import parse_document
from tests.samples import sample_files
from tests.scale import scaled

FORMAT = IdocFormat()
PARTNER = IdocPartner(client="100", sender="BRIDGE", receiver="S4H100")


def order(**changes: Any) -> CanonicalDocument:
    fields = {
        "document_type": "purchase_order", "schema_version": "1.0", "number": "4500017", "currency": "USD",
        "order_date": {"date": "2026-11-27"},
        "buyer": {"name": "Mercy", "identifiers": [{"scheme": "internal", "value": "1000"}]},
        "seller": {"name": "Acme", "identifiers": [{"scheme": "assigned_by_buyer", "value": "30041"}]},
        "ship_to": {"name": "Dock 4", "address": {"lines": ["1 Main St"], "city": "Tulsa", "country": "US"}},
        "notes": [{"text": f"Call ahead. {'x' * 80}\nsecond", "qualifier": "F01", "language": "EN"}],
        "lines": [{
            "sequence": 1, "line_id": "000010", "description": "Gauze",
            "item_ids": [{"scheme": "buyer", "value": "4711"}, {"scheme": "vendor", "value": "A-1"}],
            "quantity": {"value": "12.000", "unit": "EA"}, "price": {"amount": "18.40", "base_quantity": "1"},
            "amount": "220.80",
            "schedules": [{"quantity": {"value": "12"}, "requested": {"date": "2026-12-04"}}],
        }],
    }  # fmt: skip
    return parse_document({**fields, **changes})


def envelope(form: str = "flat", environment: Environment = "test") -> Envelope:
    at = datetime(2026, 11, 27, 8, tzinfo=UTC)
    wanted = IdocSettings.model_validate({"form": form})
    return Envelope(7, at, environment, partner_settings=PARTNER, settings=wanted)


def read(body: bytes) -> tuple[list[Decoded], Summary]:
    decoder = FORMAT.decoder(DecodeContext("in.idoc", "test", partner_settings=PARTNER))
    early = [each for start in range(0, len(body), 999) for each in decoder.feed(body[start : start + 999])]
    late, summary = decoder.finish()
    return [*early, *late], summary


def codes(decoded: list[Decoded], summary: Summary) -> list[str]:
    return [
        *(each.code for one in decoded for each in one.findings),
        *(each.code for each in summary.findings),
    ]


@pytest.mark.parametrize("form", ["flat", "xml"])
def test_orders_that_were_written_read_the_same_and_are_written_the_same(form: str) -> None:
    given_ = [order(), order(number="4500018")]
    body = FORMAT.encode(given_, envelope(form))
    decoded, summary = read(body)

    assert codes(decoded, summary) == []
    assert [each.document for each in decoded] == given_
    assert FORMAT.encode([each.document for each in decoded if each.document], envelope(form)) == body
    assert FORMAT.identity(body[:4096]) == "BRIDGE/0000000000000007"
    assert FORMAT.recognises(body[:4096])
    assert (summary.interchanges[0].sender, summary.interchanges[0].receiver) == (
        ("LS", "BRIDGE"),
        ("LS", "S4H100"),
    )


@pytest.mark.parametrize("form", ["flat", "xml"])
def test_one_order_of_two_goes_on_in_a_file_of_its_own(form: str) -> None:
    decoded, summary = read(FORMAT.encode([order(), order(number="4500018")], envelope(form)))
    apart = FORMAT.wrap([decoded[1].raw], summary.interchanges[0], envelope(form))

    again, _ = read(apart)
    assert [each.document for each in again] == [order(number="4500018")]


def test_flat_records_have_the_lengths_and_places_of_the_file_port() -> None:
    lines = FORMAT.encode([order()], envelope()).split(b"\n")

    assert lines[0][:10] == b"EDI_DC40  "
    assert lines[0][38:39] == b"X"  # TEST
    assert lines[0][39:69].strip() == b"ORDERS05"
    assert (
        lines[1][:63]
        == b"E2EDK01005".ljust(30) + b"100" + b"0000000000000007" + b"000001" + b"000000" + b"01"
    )
    assert lines[1][63:70] == b"    USD"
    assert all(len(line) <= 1063 for line in lines)


def test_an_idoc_of_production_never_passes_a_test_gateway() -> None:
    for form in ("flat", "xml"):
        decoded, summary = read(FORMAT.encode([order()], envelope(form, "production")))
        assert codes(decoded, summary) == ["IDOC-ENV"]
        assert decoded[0].document is None


def test_another_message_type_and_an_unknown_segment_are_told() -> None:
    flat = FORMAT.encode([order()], envelope())
    assert codes(*read(flat.replace(b"ORDERS" + b" " * 24 + b" ", b"INVOIC" + b" " * 24 + b" ", 1))) == [
        "IDOC-TYPE"
    ]

    lines = flat.split(b"\n")
    extended = b"\n".join([*lines[:2], lines[1].replace(b"E2EDK01005", b"Z2EXTRA000"), *lines[2:]])
    decoded, summary = read(extended)
    assert codes(decoded, summary) == ["FLAT-SKIPPED"]
    assert decoded[0].document == order()

    xml = FORMAT.encode([order()], envelope("xml")).replace(b"<E1EDK02", b"<ZEXTRA/><E1EDK02", 1)
    decoded, summary = read(xml)
    assert codes(decoded, summary) == ["IDOC-SEGMENT"]
    assert decoded[0].document == order()


def test_a_value_that_is_too_long_for_its_field_is_not_written() -> None:
    with pytest.raises(EncodeError) as raised:
        FORMAT.encode([order(number="9" * 36)], envelope())
    assert [(each.code, each.at.path) for each in raised.value.findings] == [
        ("FLAT-OVERFLOW", "E1EDK02 / BELNR")
    ]


@pytest.mark.parametrize("path", sample_files("idoc/*.txt"))
def test_the_excerpt_is_read_segment_by_segment_and_refused_for_what_was_masked_in_it(path: Path) -> None:
    """Its order number stands under a qualifier that was masked, so it is no order any more."""
    decoded, summary = read(path.read_bytes())

    assert codes(decoded, summary) == ["MAP-MODEL", "IDOC-CONTROL"]
    assert "E1EDK02" in decoded[0].findings[0].at.path
    mended, _ = read(path.read_bytes().replace(b"2   903", b"2   001"))
    assert mended[0].document is not None
    assert mended[0].document.lines[0].price.amount == parse_decimal("999.9")  # type: ignore[attr-defined]
    assert mended[0].document.lines[0].quantity.unit == "EA"  # type: ignore[attr-defined]


def parse_decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


@settings(max_examples=scaled(60))
@given(st.data())
def test_damaged_bytes_give_findings_and_never_another_exception(data: st.DataObject) -> None:
    body = bytearray(FORMAT.encode([order()], envelope(data.draw(st.sampled_from(("flat", "xml"))))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        if data.draw(st.booleans()):
            body[place] = data.draw(st.integers(0, 255))
        else:
            del body[place : place + data.draw(st.integers(1, 40))]
    decoded, summary = read(bytes(body))
    assert all(each.document is not None or each.findings for each in decoded)
    assert decoded or summary.findings
