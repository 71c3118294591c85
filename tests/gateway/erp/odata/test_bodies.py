"""Bodies of both versions: what is written is read back, digit for digit, and nonsense is said to be such."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.erp.odata import v2, v4
from gateway.erp.odata.bodies import ODataBodyError, decimal_of
from gateway.erp.odata.messages import Message, Severity
from gateway.erp.odata.times import ODataValueError, date_of, moment_of, time_of

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20)


@given(number=DECIMALS)
def test_a_decimal_keeps_every_digit_in_both_versions(number: Decimal) -> None:
    in_v2 = v2.read_entity(b'{"d":%s}' % v2.write({"NetPriceAmount": number}))
    in_v4 = v4.read_entity(v4.write({"NetPriceAmount": number}))

    assert format(decimal_of(in_v2.fields["NetPriceAmount"]), "f") == format(number, "f")
    assert format(decimal_of(in_v4.fields["NetPriceAmount"]), "f") == format(number, "f")


def test_v2_writes_decimals_as_text_and_v4_as_numbers() -> None:
    fields = {"A": Decimal("1234567.123456789012345"), "B": Decimal("1E+3")}

    assert v2.write(fields) == b'{"A":"1234567.123456789012345","B":"1000"}'
    assert v4.write(fields) == b'{"A":1234567.123456789012345,"B":1000}'


def test_v4_writes_words_of_enumerations_and_whole_numbers_as_json_does() -> None:
    class Word(str):
        __slots__ = ()

    fields = {
        "Word": Word('say "so"'),
        "Count": 7,
        "Share": 0.5,
        "Rows": ({"N": Decimal("0E-7")},),
        "No": False,
    }

    assert v4.write(fields) == (
        b'{"Word":"say \\"so\\"","Count":7,"Share":0.5,"Rows":[{"N":0.0000000}],"No":false}'
    )


def test_each_version_writes_days_times_and_moments_in_its_own_form() -> None:
    fields = {
        "Day": date(2026, 12, 1),
        "Time": time(15, 51, 4),
        "At": datetime(2026, 12, 1, 12, tzinfo=UTC),
        "Open": True,
        "Lines": [{"N": 1, "None": None}],
    }

    assert json.loads(v2.write(fields)) == {
        "Day": "/Date(1796083200000)/",
        "Time": "PT15H51M04S",
        "At": "/Date(1796126400000+0000)/",
        "Open": True,
        "Lines": [{"N": 1, "None": None}],
    }
    assert json.loads(v4.write(fields)) == {
        "Day": "2026-12-01",
        "Time": "15:51:04",
        "At": "2026-12-01T12:00:00Z",
        "Open": True,
        "Lines": [{"N": 1, "None": None}],
    }


@pytest.mark.parametrize("write", [v2.write, v4.write])
@pytest.mark.parametrize("value", [b"bytes", Decimal("NaN"), object(), {"Y": [b""]}])
def test_what_has_no_place_in_a_body_is_refused(write, value) -> None:
    with pytest.raises(TypeError):
        write({"X": value})


def test_a_binary_float_is_refused_in_v2_and_what_is_no_number_in_v4() -> None:
    with pytest.raises(TypeError):
        v2.write({"X": 1.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        v4.write({"X": float("nan")})


@pytest.mark.parametrize("text", ["\udc00", "a\udc00b", "\udc0012\udc00"])
def test_half_a_surrogate_pair_cannot_break_out_of_its_text(text: str) -> None:
    with pytest.raises(TypeError):
        v4.write({"Text": text, "Amount": Decimal("1.5")})


@given(text=st.text(st.characters(codec="utf-8")), number=DECIMALS)
def test_texts_and_decimals_stand_beside_each_other_as_they_are(text: str, number: Decimal) -> None:
    written = v4.write({"T": text, "N": [number, {text: number}]})

    assert json.loads(written, parse_float=str, parse_int=str) == {
        "T": text,
        "N": [format(number, "f"), {text: format(number, "f")}],
    }


@given(day=st.dates())
def test_every_calendar_day_is_read_back_from_v2(day: date) -> None:
    assert date_of(json.loads(v2.write({"D": day}))["D"]) == day


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_every_moment_is_read_back_from_v2_to_the_millisecond(moment: datetime) -> None:
    expected = moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    assert moment_of(json.loads(v2.write({"D": moment}))["D"]) == expected


@given(moment=st.times())
def test_every_time_of_day_is_read_back_from_v2(moment: time) -> None:
    assert time_of(json.loads(v2.write({"T": moment}))["T"]) == moment


def test_an_offset_in_a_v2_date_says_where_and_moves_no_instant() -> None:
    assert moment_of("/Date(1796126400000-0360)/").isoformat() == "2026-12-01T06:00:00-06:00"


@pytest.mark.parametrize(
    "read, text",
    [
        (date_of, "2026-12-01"),
        (date_of, "/Date(x)/"),
        (date_of, "/Date(999999999999999)/"),
        (date_of, None),
        (time_of, "PT"),
        (time_of, "PT24H"),
        (time_of, "15:51:04"),
        (decimal_of, "12,5"),
        (decimal_of, True),
        (decimal_of, None),
        (decimal_of, "NaN"),
    ],
)
def test_a_value_of_another_form_is_an_error_of_ours(read, text) -> None:
    with pytest.raises(ODataValueError):
        read(text)


def test_a_v2_entity_is_read_with_its_etag_and_its_nested_lists_unwrapped() -> None:
    body = (
        b'{"d":{"__metadata":{"uri":"x","etag":"W/\\"1\\""},"PurchaseRequisition":"10000001",'
        b'"to_Note":{"__deferred":{"uri":"y"}},'
        b'"to_PurchaseReqnItem":{"results":[{"__metadata":{},"PurchaseRequisitionItem":"10"}]}}}'
    )

    entity = v2.read_entity(body)

    assert entity.etag == 'W/"1"'
    assert entity.fields == {
        "PurchaseRequisition": "10000001",
        "to_PurchaseReqnItem": [{"PurchaseRequisitionItem": "10"}],
    }


def test_a_v2_page_gives_its_next_link_and_its_count() -> None:
    page = v2.read_page(b'{"d":{"__count":"3","results":[{"A":"1"}],"__next":"next?$skiptoken=1"}}')

    assert ([each.text("A") for each in page.entities], page.next_link, page.count) == (
        ["1"],
        "next?$skiptoken=1",
        3,
    )


def test_a_v4_page_gives_its_next_link_and_the_etag_of_each_entity() -> None:
    page = v4.read_page(b'{"@odata.count":1,"value":[{"@odata.etag":"W/1","A":12.50}],"@odata.nextLink":"n"}')

    assert (page.entities[0].etag, page.entities[0].text("A"), page.next_link, page.count) == (
        "W/1",
        "12.50",
        "n",
        1,
    )


@pytest.mark.parametrize(
    "read, body",
    [
        (v2.read_entity, b'{"d":{"results":[]}}'),
        (v2.read_entity, b'{"PurchaseOrder":"1"}'),
        (v2.read_entity, b"[]"),
        (v2.read_entity, b'{"d":{"a":' + b'{"b":' * 20 + b"1" + b"}" * 20 + b"}}"),
        (v2.read_page, b'{"d":{"A":"1"}}'),
        (v2.read_page, b'{"d":{"results":[1]}}'),
        (v4.read_entity, b'{"value":[]}'),
        (v4.read_entity, b'{"error":{"code":"1","message":"x"}}'),
        (v4.read_page, b'{"A":"1"}'),
        (v4.read_page, b'{"value":{}}'),
        (v4.read_page, b"<html>"),
        (v4.read_page, b'{"value":[{"A":1},{"A":'),
    ],
)
def test_a_body_of_another_shape_is_an_error_of_ours(read, body: bytes) -> None:
    with pytest.raises(ODataBodyError):
        read(body)


@given(body=st.binary(max_size=60))
def test_any_bytes_are_read_or_are_an_error_of_ours(body: bytes) -> None:
    for read in (v2.read_entity, v2.read_page, v4.read_entity, v4.read_page):
        try:
            read(body)
        except ODataBodyError:
            continue


def test_warnings_on_a_success_are_read_from_v2s_header_and_v4s_messages() -> None:
    header = (
        '{"code":"06/123","message":"Delivery date is in the past","severity":"warning","target":"",'
        '"details":[{"code":"06/124","message":"Net price differs","severity":"info",'
        '"propertyref":"NetPriceAmount"}]}'
    )
    entity = v4.read_entity(
        b'{"PurchaseOrder":"45","SAP__Messages":[{"code":"06/123","message":"Delivery date is in the past",'
        b'"target":"_PurchaseOrderItem(1)/Plant","numericSeverity":3}]}'
    )

    assert v2.header_messages(header) == (
        Message("06/123", "Delivery date is in the past", "", Severity.WARNING),
        Message("06/124", "Net price differs", "NetPriceAmount", Severity.INFO),
    )
    assert v4.messages_of(entity) == (
        Message("06/123", "Delivery date is in the past", "_PurchaseOrderItem(1)/Plant", Severity.WARNING),
    )


@pytest.mark.parametrize("header", [None, "", "no json", "[]"])
def test_a_message_header_that_cannot_be_read_spoils_no_success(header) -> None:
    assert v2.header_messages(header) == ()
