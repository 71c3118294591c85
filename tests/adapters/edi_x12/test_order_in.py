"""What single rules of the 850 mean for the order. Whole orders are golden files."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.parts_in import cents, number, percent
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from tests.adapters.edi_x12.rig import context, interchange, read


def order(body: str, partner: X12Partner | None = None) -> PurchaseOrder:
    document = read(interchange(body), context(partner)).sets[0].document
    assert isinstance(document, PurchaseOrder)
    return document


def line(text: str) -> PurchaseOrderLine:
    return order(f"BEG*00*SA*PO1**20260304|{text}").lines[0]


@pytest.mark.parametrize(
    ("code", "purpose"), [("00", "original"), ("01", "cancellation"), ("05", "replace"), ("07", "duplicate")]
)
def test_the_purpose_says_whether_an_order_is_new(code: str, purpose: str) -> None:
    made = order(f"BEG*{code}*SA*PO1**20260304|PO1*1*1*EA")

    assert made.purpose == purpose
    assert made.opens_order == (purpose in ("original", "duplicate"))


@pytest.mark.parametrize(
    ("code", "kind", "urgency"),
    [
        ("RO", "rush", "rush"),
        ("BK", "blanket", "normal"),
        ("RL", "release", "normal"),
        ("ZQ", "other", "normal"),
    ],
)
def test_the_order_type_keeps_the_code_as_sent(code: str, kind: str, urgency: str) -> None:
    made = order(f"BEG*00*{code}*PO1*7*20260304|PO1*1*1*EA")

    assert (made.order_type, made.urgency, made.raw_codes["BEG02"], made.release) == (
        kind,
        urgency,
        code,
        "7",
    )


def test_leading_zeros_of_numbers_and_ids_stay() -> None:
    made = order("BEG*00*SA*0004711**20260304|PO1*000100001*007*EA")

    assert (made.number, made.lines[0].line_id) == ("0004711", "000100001")
    assert made.lines[0].quantity is not None
    assert made.lines[0].quantity.value == 7


def test_a_price_per_hundred_carries_its_base() -> None:
    price = line("PO1*1*200*EA*12.345*HP").price

    assert price is not None
    assert (price.amount, price.base_quantity, price.basis) == (
        Decimal("12.345"),
        Decimal(100),
        "per_hundred",
    )


def test_an_absent_price_is_not_zero() -> None:
    assert line("PO1*1*200*EA").price is None


def test_item_ids_are_read_by_position_with_gaps() -> None:
    ids = line("PO1*1*1*EA*5*PE***VN*A*BP*B*QQ*C").item_ids

    assert [(each.scheme, each.value, each.qualifier) for each in ids] == [
        ("vendor", "A", None), ("buyer", "B", "BP"), ("other", "C", "QQ"),
    ]  # fmt: skip


def test_ten_pairs_of_ids_are_kept() -> None:
    pairs = "*".join(f"VN*V{n}" for n in range(10))

    assert len(line(f"PO1*1*1*EA*5*PE*{pairs}").item_ids) == 10


def test_an_sdq_line_becomes_one_schedule_for_each_destination() -> None:
    schedules = line("PO1*1*36*EA|SDQ*EA*92*06*24*65*12").schedules

    assert [each.quantity and each.quantity.value for each in schedules] == [Decimal(24), Decimal(12)]
    assert [each.ship_to and each.ship_to.identifiers[0].value for each in schedules] == ["06", "65"]


def test_a_partners_own_unit_is_translated_and_kept_as_sent() -> None:
    partner = X12Partner(units={"ZZ": "BX"})
    made = order("BEG*00*SA*PO1**20260304|PO1*1*1*ZZ", partner).lines[0]

    assert made.quantity is not None
    assert (made.quantity.unit, made.raw_codes) == ("BX", {"PO103": "ZZ"})


def test_an_unknown_unit_is_never_guessed() -> None:
    result = read(interchange("BEG*00*SA*PO1**20260304|PO1*1*1*ZZ"))

    assert result.sets[0].document is None
    assert "partners.acme.edi_x12.units: {ZZ:" in result.sets[0].findings[0].text


def test_free_text_may_be_about_a_patient() -> None:
    made = order(
        "BEG*00*SA*PO1**20260304|N9*ZZ*1*CASE|MSG*ROE|PO1*1*1*EA|PID*F****FOR ROE|PID*F****ALSO ROE|MSG*ROE"
    )

    assert all(note.may_be_phi for note in (*made.notes, *made.lines[0].notes))
    assert made.references[0].may_be_phi
    assert made.lines[0].description_may_be_phi


def test_a_time_takes_its_own_zone_else_the_partners() -> None:
    made = order("BEG*00*SA*PO1**20260304|DTM*010*20260310*0800|DTM*064*20260310*0800*PT|PO1*1*1*EA")

    assert [each.at.isoformat() for each in made.dates if each.at] == [
        "2026-03-10T08:00:00-05:00",
        "2026-03-10T08:00:00-07:00",
    ]
    assert [each.zone for each in made.dates] == ["America/Chicago", None]


def test_two_sellers_are_both_kept() -> None:
    made = order("BEG*00*SA*PO1**20260304|N1*SE*ONE*92*01|N1*VN*TWO*92*02|PO1*1*1*EA")

    assert made.seller is not None
    assert (made.seller.name, [each.name for each in made.parties]) == ("ONE", ["TWO"])


def test_what_has_no_home_is_kept_with_its_place() -> None:
    made = order("BEG*00*SA*PO1**20260304|CSH*Y|PO1*1*1*EA|TC2*J*58|ZZZ*1**2")

    assert made.extensions["x12"] == ({"place": "CSH", "segment": 3, "elements": ("CSH", "Y")},)
    assert [each["elements"] for each in made.lines[0].extensions["x12"]] == [
        ("TC2", "J", "58"),
        ("ZZZ", "1", "", "2"),
    ]


def test_a_wrong_line_count_is_the_partners_policy() -> None:
    body = "BEG*00*SA*PO1**20260304|PO1*1*1*EA|CTT*2"

    assert order(body).totals is not None
    assert read(interchange(body), context(X12Partner(se_count="reject"))).sets[0].document is None


@pytest.mark.parametrize(("count", "told"), [("1", "1 line,"), ("01", "01 line,"), ("3", "3 lines,")])
def test_a_wrong_line_count_is_told_in_the_singular_where_it_is_one(count: str, told: str) -> None:
    made = read(interchange(f"BEG*00*SA*PO1**20260304|PO1*1*1*EA|PO1*2*1*EA|CTT*{count}"))

    (text,) = [each.text for each in made.findings if each.code == "X12-CTT"]
    assert text == f"CTT01 says {told} but the set has 2"


def test_a_value_beyond_the_canonical_bounds_is_a_finding() -> None:
    result = read(interchange(f"BEG*00*SA*PO1**20260304|PO1*1*{'9' * 60}*EA"))

    assert result.codes == ["X12-LONG", "X12-VALUE"]


@pytest.mark.parametrize(
    ("text", "value"), [("1250", "12.50"), ("5", "0.05"), ("-500", "-5.00"), ("0", "0.00"), (None, None)]
)
def test_amounts_with_implied_decimals_get_them(text: str | None, value: str | None) -> None:
    assert cents(text) == value


@pytest.mark.parametrize(("text", "value"), [(".0825", "8.25"), ("1", "100"), ("0.07", "7"), ("-.5", "-50")])
def test_fractions_become_percentages(text: str, value: str) -> None:
    made = percent(text)

    assert made is not None
    assert Decimal(made) == Decimal(value)


@pytest.mark.parametrize(("text", "value"), [(".01", "0.01"), ("5.", "5"), ("-.5", "-0.5"), ("7.10", "7.10")])
def test_numbers_get_digits_on_both_sides_of_their_point(text: str, value: str) -> None:
    assert number(text) == value


def test_a_line_that_only_repeats_an_item_says_all_that_the_first_one_said() -> None:
    lines = [
        "PO1*1*5*EA*.5*PE*VN*A1", "PO1*2*7*EA*.5*PE*VN*A1", "PO1*3**EA*.5*PE*VN*A1",
        "PO1*4*07*EA*2*PE*VN*A1", "PO1*5*07*EA*2*PE*VN*A1", "PO1*6**EA*2*PE*VN*A1",
    ]  # fmt: skip
    alone = [read(interchange(f"BEG*00*SA*PO1**20260304|{each}")).sets[0].document for each in lines]
    together = read(interchange("|".join(["BEG*00*SA*PO1**20260304", *lines]))).sets[0].document

    assert together is not None
    for at, each in enumerate(alone):
        assert each is not None
        (line,) = each.lines  # type: ignore[attr-defined]
        assert together.lines[at] == line.model_copy(update={"sequence": at + 1})  # type: ignore[attr-defined]
