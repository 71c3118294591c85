"""How documents are written: by the partner's taste, within its guide, refused with all that is wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import EncodeError, Envelope
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.notes_out import pieces
from canonical.acknowledgment import Acknowledgment
from canonical.document import CanonicalDocument
from canonical.invoice import Invoice
from canonical.purchase_order import PurchaseOrder
from canonical.status_event import StatusEvent
from tests.adapters.edi_x12.rig import FORMAT, context, read

AT = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
LINE: dict[str, Any] = {
    "sequence": 1,
    "line_id": "1",
    "quantity": {"value": "5", "unit": "EA"},
    "price": {"amount": "9.99"},
    "item_ids": [{"scheme": "vendor", "value": "A-1"}],
}


def profile(**settings: Any) -> X12Partner:
    ids = {"isa": [{"qualifier": "01", "id": "001122334"}], "us": {"qualifier": "ZZ", "id": "MERCYHUB"}}
    return X12Partner.model_validate({**ids, **settings})


def written(document: CanonicalDocument, of: X12Partner | None = None, **envelope: Any) -> str:
    around = {"control_number": 7, "at": AT, "environment": "test", "zone": "America/Chicago", **envelope}
    return FORMAT.encode([document], Envelope(partner_settings=of or profile(), **around)).decode()


def refused(document: CanonicalDocument, of: X12Partner | None = None) -> list[str]:
    with pytest.raises(EncodeError) as caught:
        written(document, of)
    return [each.code for each in caught.value.findings]


def order(**fields: Any) -> PurchaseOrder:
    return PurchaseOrder.model_validate(
        {"number": "PO-1", "order_date": {"date": "2026-03-04"}, "lines": [LINE], **fields}
    )


def answer(**line: Any) -> Acknowledgment:
    return Acknowledgment.model_validate(
        {
            "order": {"number": "PO-1", "date": {"date": "2026-03-01"}},
            "response": "accepted_with_changes",
            "acknowledged": {"date": "2026-03-04"},
            "lines": [{**LINE, "quantity": {"value": "10", "unit": "EA"}, **line}],
        }
    )


def test_an_order_gets_envelope_counts_and_numbers_from_outside() -> None:
    head = (
        "ISA*00*          *00*          *ZZ*MERCYHUB       *01*001122334      *260304*0930*U*00401*000000007"
    )
    assert written(order()).splitlines() == [
        f"{head}*0*T*>~",
        "GS*PO*MERCYHUB*001122334*20260304*0930*7*X*004010~",
        "ST*850*0001~",
        "BEG*00*SA*PO-1**20260304~",
        "PO1*1*5*EA*9.99**VN*A-1~",
        "CTT*1~",
        "SE*5*0001~",
        "GE*1*7~",
        "IEA*1*000000007~",
    ]


def test_the_same_document_gives_the_same_bytes() -> None:
    assert written(order()) == written(order())


def test_the_environment_is_in_isa15() -> None:
    assert written(order(), environment="production")[102] == "P"


def test_delimiters_line_breaks_and_ids_are_the_partners_taste() -> None:
    of = profile(
        us_gs="MERCY", gs=["ACMEGS"],
        outbound={
            "element_separator": "|", "component_separator": ":", "terminator": "!", "line_break": "crlf",
            "item_qualifiers": {"vendor": "VP"},
        },
    )  # fmt: skip

    text = written(order(), of)

    assert text.startswith("ISA|00|")
    assert "|T|:!\r\nGS|PO|MERCY|ACMEGS|20260304|" in text
    assert "PO1|1|5|EA|9.99||VP|A-1!\r\n" in text


def test_a_newline_can_be_the_terminator() -> None:
    text = written(order(), profile(outbound={"terminator": "newline"}))

    assert "BEG*00*SA*PO-1**20260304\nPO1*" in text


def test_equal_delimiters_are_refused() -> None:
    assert refused(order(), profile(outbound={"element_separator": "~"})) == ["X12-DELIMITERS"]


def test_5010_has_its_own_version_and_repetition_separator() -> None:
    text = written(order(), profile(version="005010"))

    assert text[82:89] == "^*00501"
    assert "*X*005010~" in text


@pytest.mark.parametrize("text", ["A*B", "A~B", "A\nB"])
def test_a_delimiter_inside_a_text_is_refused_with_its_place_or_replaced(text: str) -> None:
    document = order(lines=[{**LINE, "description": text}])

    assert refused(document) == ["X12-OUT-CHAR"]
    assert "PID*F****A B~" in written(document, profile(outbound={"replace_delimiters": " "}))


@pytest.mark.parametrize("words", ["A*", "A**", "*"])
def test_a_text_that_ends_in_a_delimiter_is_refused_and_never_cut(words: str) -> None:
    """It used to be taken for empty elements at the segment's end, and was left out in silence."""
    codes = refused(order(lines=[{**LINE, "description": words}]))

    assert codes == ["X12-OUT-CHAR"]


def test_a_text_that_is_too_long_is_refused_or_cut() -> None:
    document = order(lines=[{**LINE, "description": "X" * 100}])

    assert refused(document) == ["X12-LONG"]
    assert f"PID*F****{'X' * 80}~" in written(document, profile(outbound={"cut_texts": True}))


def test_a_number_is_never_cut() -> None:
    assert refused(order(number="P" * 30), profile(outbound={"cut_texts": True})) == ["X12-LONG"]


def test_a_long_note_becomes_several_messages() -> None:
    words = " ".join(["SENTENCE"] * 60)

    text = written(order(notes=[{"text": words, "qualifier": "L1"}]))

    said = [line[4:-1] for line in text.splitlines() if line.startswith("MSG*")]
    assert " ".join(said) == words
    assert max(map(len, said)) <= 264


def test_everything_that_is_wrong_is_told_at_once() -> None:
    document = order(
        order_type="repair",
        lines=[
            {**LINE, "quantity": {"value": "5", "unit": "BOX12"}},
            {**LINE, "sequence": 2, "price": {"amount": "1", "base_quantity": "12"}},
            {**LINE, "sequence": 3, "allowances_charges": [{"indicator": "charge", "amount": "1.005"}]},
        ],
    )

    assert refused(document) == ["X12-OUT-CODE", "X12-UOM", "X12-OUT-PRICE", "X12-CENTS"]


def test_what_the_partners_guide_does_not_have_is_refused() -> None:
    narrow = profile(guides={"850": {"limits": {"REF": "M/1"}, "elements": {"234": "AN 1/2"}}})

    assert refused(order(), narrow) == ["X12-SEG-MISSING", "X12-LONG"]


def test_a_partners_own_units_and_codes_are_written() -> None:
    of = profile(
        units={"BX10": "BX"}, order_types={"ZZ": "repair"}, guides={"850": {"elements": {"355": "ID 2/4"}}}
    )

    text = written(order(order_type="repair", lines=[{**LINE, "quantity": {"value": "5", "unit": "BX"}}]), of)

    assert "BEG*00*ZZ*PO-1" in text
    assert "PO1*1*5*BX10*9.99" in text


def test_the_identifier_that_a_partner_likes_best_is_taken() -> None:
    ids = [{"scheme": "gln", "value": "0614141000012"}, {"scheme": "assigned_by_buyer", "value": "0012"}]
    document = order(ship_to={"name": "HARBOR", "identifiers": ids})

    assert "N1*ST*HARBOR*UL*0614141000012~" in written(document)
    assert "N1*ST*HARBOR*92*0012~" in written(
        document, profile(outbound={"party_schemes": ["assigned_by_buyer"]})
    )


def test_a_document_that_was_changed_wins_over_what_was_kept() -> None:
    body = (
        "ISA*00*          *00*          *ZZ*MERCYMMS       *ZZ*MEDSUPPLY      *260304*0930*U*00401*000000101"
        "*0*T*>~GS*PO*A*B*20260304*0930*101*X*004010~ST*850*0001~BEG*00*SA*PO1**20260304~CUR*BY*USD*1.0000~"
        "CSH*Y~PO1*1*5*EA~SE*6*0001~GE*1*101~IEA*1*000000101~"
    )
    document = read(body.encode(), context()).sets[0].document
    assert isinstance(document, PurchaseOrder)

    changed = written(document.model_copy(update={"currency": "CAD"}))

    assert "CUR*BY*CAD~\nCSH*Y~" in changed
    assert "CUR*BY*USD*1.0000~\nCSH*Y~" in written(document)


@pytest.mark.parametrize(
    ("reading", "acks"),
    [
        (None, ["ACK*IA*6*EA*069*20260310", "ACK*IB*4*EA"]),
        ("separate", ["ACK*IA*6*EA*069*20260310", "ACK*IB*4*EA"]),
        ("accepted", ["ACK*BP*6*EA*069*20260310"]),
        ("backordered", ["ACK*BP*4*EA*069*20260310"]),
    ],
)
def test_an_acknowledgment_from_elsewhere_is_written_as_the_partner_reads_it(
    reading: str | None, acks: list[str]
) -> None:
    quantities = {
        name: {"value": value, "unit": "EA"} for name, value in (("accepted", "6"), ("backordered", "4"))
    }
    of = profile(acknowledgments={"partial_backorder": reading} if reading else {})

    text = written(answer(**quantities, promised={"date": "2026-03-10"}), of)

    assert [line[:-1] for line in text.splitlines() if line.startswith("ACK")] == acks
    assert "BAK*00*AC*PO-1*20260301*****20260304~" in text
    line = read(text.encode(), context(of)).sets[0].document.lines[0]  # type: ignore[union-attr]
    assert (line.accepted.value, line.backordered.value) == (Decimal(6), Decimal(4))


def test_an_invoice_has_its_total_in_cents_and_needs_one() -> None:
    fields = {
        "number": "I-1",
        "invoiced": {"date": "2026-03-10"},
        "invoice_type": "credit_memo",
        "debit_credit": "credit",
        "orders": [{"number": "PO-1"}],
        "lines": [LINE],
        "corrects": {"document_type": "invoice", "number": "I-0"},
    }

    text = written(Invoice.model_validate({**fields, "totals": {"gross": "49.95"}}))

    assert "BIG*20260310*I-1**PO-1***CR*00**I-0~" in text
    assert "TDS*4995~" in text
    assert refused(Invoice.model_validate(fields)) == ["X12-OUT-TOTAL"]


def test_what_x12_is_not_written_for_and_nothing_at_all_are_refused() -> None:
    event = StatusEvent.model_validate(
        {"status": "shipped", "subject": {"document_type": "purchase_order", "number": "PO-1"}}
    )

    assert refused(event) == ["X12-ENCODE"]
    with pytest.raises(EncodeError, match="no document to write"):
        FORMAT.encode([], Envelope(1, AT, "test", partner_settings=profile()))


def test_without_ids_nothing_is_written() -> None:
    assert refused(order(), X12Partner()) == ["X12-PARTIES"]


def test_dates_keep_the_moment_and_its_season() -> None:
    document = order(requested={"date": "2026-07-01", "at": "2026-07-01T08:00:00-05:00"})

    assert "DTM*002*20260701*0800*ES~" in written(document)
    assert date(2026, 7, 1) == document.requested.date  # type: ignore[union-attr]


def test_texts_are_broken_at_blanks() -> None:
    assert pieces("AAA BBB CCC", 7) == ["AAA BBB", "CCC"]
    assert pieces("AAAAAAAAA", 4) == ["AAAA", "AAAA", "A"]
    assert pieces("A\nB", 4) == ["A", "B"]


@pytest.mark.parametrize("line_break", ["none", "lf", "crlf"])
@pytest.mark.parametrize("version", ["004010", "005010"])
def test_what_is_written_is_read_without_a_note(line_break: str, version: str) -> None:
    of = profile(version=version, outbound={"line_break": line_break})

    result = read(written(order(), of).encode(), context(of))

    assert result.findings == []
    assert result.sets[0].document is not None
