from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from canonical.lines import ItemLine
from canonical.purchase_order import PurchaseOrder
from canonical.registry import parse_document, to_json
from canonical.scalars import DIGITS_MAX, bounded_decimal, plain_digits, read_decimal
from canonical.values import DateValue, Quantity, assume_zone
from tests.canonical.strategies import exact_decimals


def test_a_time_without_a_zone_gets_the_declared_one_and_keeps_its_text() -> None:
    value = assume_zone(
        datetime(2026, 11, 20, 8, 30), ZoneInfo("America/Chicago"), "America/Chicago", "202611200830"
    )

    assert value.date == date(2026, 11, 20)
    assert value.at == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert (value.zone, value.text) == ("America/Chicago", "202611200830")


@pytest.mark.parametrize("local", [datetime(2026, 3, 8, 2, 30), datetime(2026, 11, 1, 1, 30)])
def test_a_time_that_the_clock_change_skips_or_repeats_survives_writing_and_reading(local: datetime) -> None:
    order = PurchaseOrder(
        number="1", order_date=assume_zone(local, ZoneInfo("America/Chicago"), "America/Chicago", "t")
    )

    read = parse_document(to_json(order))
    assert isinstance(read, PurchaseOrder)
    assert read.order_date is not None
    assert order.order_date is not None
    assert order.order_date.at is not None
    assert read.order_date.at == order.order_date.at.astimezone(UTC)
    assert read.order_date.date == local.date()


def test_a_date_without_a_time_stays_a_calendar_date() -> None:
    value = DateValue.model_validate({"date": "2026-12-01"})

    assert value.date == date(2026, 12, 1)
    assert value.at is None


@given(exact_decimals())
def test_plain_digits_write_equal_numbers_alike_and_different_ones_apart(number: Decimal) -> None:
    written = plain_digits(number)

    assert Decimal(written) == number
    assert plain_digits(Decimal(written)) == written
    assert "E" not in written
    assert written != "-0"


@pytest.mark.parametrize(
    "value, expected",
    [
        (5, "5"),
        ("1E+2", "100"),
        (Decimal("1E+2"), "100"),
        (Decimal("1.50"), "1.50"),
        (-(10**37), "-1" + "0" * 37),
    ],
)
def test_whole_numbers_and_exponents_become_exact_decimals(value: object, expected: str) -> None:
    assert format(bounded_decimal(value), "f") == expected


@pytest.mark.parametrize(
    "value",
    [0.5, True, None, 10**38, -(10**38), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"),
     Decimal("1E+38"), Decimal("1E-39"), "1E+38", "1E+100", "12", b"1"],
)  # fmt: skip
def test_what_may_have_lost_digits_or_has_too_many_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a decimal number"):
        bounded_decimal(value)


def test_a_line_gives_its_first_item_number_in_a_scheme() -> None:
    ids = [{"scheme": "vendor", "value": "V1"}, {"scheme": "vendor", "value": "V2"}]
    line = ItemLine.model_validate({"sequence": 1, "item_ids": ids})

    assert line.item_id("vendor") == "V1"
    assert line.item_id("gtin") is None


def test_a_line_keeps_the_sender_s_line_id_to_the_letter_and_may_have_none() -> None:
    for line_id in ("000100001", "item-1", " 1", None):
        assert ItemLine.model_validate({"sequence": 1, "line_id": line_id}).line_id == line_id


def test_a_quantity_without_a_unit_has_no_unit_rather_than_each() -> None:
    assert Quantity.model_validate({"value": "007"}).unit is None


@pytest.mark.parametrize("text", ["9" * DIGITS_MAX, "0." + "9" * DIGITS_MAX, "-1.50", "1e3", "1E-38", "0e-9"])
def test_a_json_number_within_the_bound_is_read_with_every_digit(text: str) -> None:
    assert str(read_decimal(text)) == str(Decimal(text))


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "9" * 39, "0." + "9" * 39, "1e38", "1E-39", "1e9999999", "x"]
)
def test_a_json_number_beyond_the_bound_or_none_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a decimal number"):
        read_decimal(text)
