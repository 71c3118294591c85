"""Converters: what each reads, writes, refuses and says about it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping import MappingContext, MappingError
from adapters.mapping.numbers import DecimalForm, exact_sum
from adapters.mapping.spec import DecimalSpec
from tests.adapters.mapping.small import CONTEXT, Tables, mapping, order, read, refused, unwritable, write

# -- texts ---------------------------------------------------------------------------------


def test_a_text_is_taken_as_sent_with_its_blanks_and_zeros() -> None:
    made = mapping("department: DEPT")

    assert read(made, DEPT=" 007 ") == {"department": " 007 "}
    assert write(made, department=" 007 ") == {"DEPT": " 007 "}


@pytest.mark.parametrize("blank", ["", "   ", None, "\t"])
def test_a_blank_field_has_no_value(blank: str | None) -> None:
    assert read(mapping("department: DEPT"), DEPT=blank) == {}


def test_blanks_are_trimmed_where_the_mapping_says_so() -> None:
    made = mapping("department: DEPT\ncontract: {from: C, trim: none}", "trim: right\n")

    assert read(made, DEPT=" x  ", C="y ") == {"department": " x", "contract": "y "}


def test_padding_is_stripped_and_written_back_to_the_width() -> None:
    made = mapping(
        'department: {from: D, pad: {width: 5}}\ncontract: {from: C, pad: {width: 5, char: "0", side: left}}'
    )

    assert read(made, D="ab   ", C="00042") == {"department": "ab", "contract": "42"}
    assert write(made, department="ab", contract="42") == {"D": "ab   ", "C": "00042"}
    assert read(made, C="00000") == {"contract": "0"}


def test_a_value_too_long_for_its_padding_is_a_finding_not_a_cut() -> None:
    made = mapping("contract: {from: C, pad: {width: 5}}")

    told = unwritable(made, contract="123456")

    assert told == ["in.txt C: the value has 6 characters; the field takes 5 [MAP-LENGTH]"]


def test_a_text_that_means_nothing_is_absent_and_is_written_for_an_absent_value() -> None:
    made = mapping('order_date: {from: D, date: "%Y%m%d", absent: ["00000000", "99999999"]}')

    assert read(made, D="00000000") == read(made, D="99999999") == {}
    assert write(made) == {"D": "00000000"}


def test_several_fields_are_joined_and_split_again() -> None:
    made = mapping('contract: {from: [A, B, C], join: "-"}')

    assert read(made, A="1", B="2", C="3") == {"contract": "1-2-3"}
    assert read(made, A="1") == {"contract": "1"}
    assert write(made, contract="1-2-3") == {"A": "1", "B": "2", "C": "3"}
    assert unwritable(made, contract="1-2-3-4") == [
        "in.txt A: the value has 4 parts between '-'; the fields take 3 [MAP-SPLIT]"
    ]


def test_fields_of_fixed_widths_are_joined_without_a_mark() -> None:
    made = mapping('contract: {from: [A, B], join: "", widths: [3, 2]}')

    assert read(made, A="1", B="22") == {"contract": "1  22"}
    assert write(made, contract="1  22") == {"A": "1", "B": "22"}


def test_one_field_is_cut_into_pieces_and_put_together_again() -> None:
    made = mapping(
        "release: {from: R, part: {at: 1, length: 3}}\nrevision: {from: R, part: {at: 4, length: 2}}"
    )

    assert read(made, R="1  22") == {"release": "1", "revision": "22"}
    assert write(made, release="1", revision="22") == {"R": "1  22"}
    assert unwritable(made, release="1234")[0].endswith("a piece has 4 characters; it takes 3 [MAP-LENGTH]")


def test_a_piece_that_holds_the_mark_is_refused() -> None:
    made = mapping('release: {from: R, part: {by: "/", at: 1}}\nrevision: {from: R, part: {by: "/", at: 2}}')

    assert read(made, R="a/b") == {"release": "a", "revision": "b"}
    assert "MAP-SPLIT" in unwritable(made, release="a/x", revision="b")[0]


def test_the_first_field_with_a_value_counts() -> None:
    made = mapping("department: {first_of: [A, B]}", direction="read")

    assert read(made, A="", B="b") == {"department": "b"}
    assert made.losses


# -- dates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec, text, day",
    [
        ('date: "%m/%d/%Y"', "12/01/2026", date(2026, 12, 1)),
        ('date: "%-m/%-d/%Y"', "2/9/2026", date(2026, 2, 9)),
        ('date: "%y%m%d", pivot: 50', "491231", date(2049, 12, 31)),
        ('date: "%y%m%d", pivot: 50', "501231", date(1950, 12, 31)),
        ('date: "%C%y%m%d"', "1261201", date(2026, 12, 1)),
        ('date: "%C%y%m%d"', "0991201", date(1999, 12, 1)),
        ('date: "%Y%j"', "2024366", date(2024, 12, 31)),
        ('date: "%y%j", pivot: 70', "26001", date(2026, 1, 1)),
        ('date: "%d%b%Y"', "01DEC2026", date(2026, 12, 1)),
        ('date: "%Y.%m.%d (%%)"', "2026.12.01 (%)", date(2026, 12, 1)),
    ],
)
def test_dates_are_read_and_written_by_their_pattern(spec: str, text: str, day: date) -> None:
    made = mapping("order_date: {from: D, " + spec + "}\nlines_date: X".partition("\nlines_date")[0])

    assert read(made, D=text)["order_date"].date == day
    assert write(made, order_date={"date": day.isoformat()}) == {"D": text}


@pytest.mark.parametrize(
    "text", ["13/01/2026", "02/30/2026", "2/9/2026", "12/01/26", "12/01/2026x", "00/00/0000"]
)
def test_what_is_no_date_is_a_finding(text: str) -> None:
    made = mapping('order_date: {from: D, date: "%m/%d/%Y"}')

    assert refused(made, D=text) == [f"in.txt D: '{text}' is no date of the form %m/%d/%Y [MAP-DATE]"]


@pytest.mark.parametrize("text", ["2026000", "2026366", "2026999"])
def test_a_day_that_the_year_does_not_have_is_no_date(text: str) -> None:
    assert "MAP-DATE" in refused(mapping('order_date: {from: D, date: "%Y%j"}'), D=text)[0]


def test_a_windowed_year_keeps_the_text_as_sent() -> None:
    made = mapping('order_date: {from: D, date: "%m%d%y", pivot: 70}')

    assert read(made, D="120126")["order_date"].text == "120126"


def test_a_year_outside_the_window_is_not_written_as_another_one() -> None:
    made = mapping('order_date: {from: D, date: "%m%d%y", pivot: 70}')

    told = unwritable(made, order_date={"date": "1926-12-01"})

    assert told == ["in.txt D: 1926-12-01 cannot be written as %m%d%y and read again [MAP-DATE]"]


def test_a_time_without_a_zone_gets_the_partner_s_and_keeps_its_text() -> None:
    made = mapping('order_date: {from: [D, T], join: " ", date: ["%Y%m%d %H%M", "%Y%m%d"]}')

    found = read(made, D="20261201", T="0830")["order_date"]

    assert found.at == datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
    assert (found.zone, found.text) == ("America/Chicago", "20261201 0830")
    assert write(made, order_date=found) == {"D": "20261201", "T": "0830"}
    assert read(made, D="20261201")["order_date"].at is None


def test_a_field_may_have_a_zone_of_its_own() -> None:
    made = mapping('order_date: {from: D, date: "%Y%m%d%H%M", zone: Europe/Berlin}')

    assert read(made, D="202612010830")["order_date"].at == datetime(2026, 12, 1, 7, 30, tzinfo=UTC)


def test_the_second_of_two_equal_clock_times_is_not_written_as_the_first() -> None:
    made = mapping('order_date: {from: D, date: "%Y%m%d %H%M"}')
    second = {"date": "2026-11-01", "at": "2026-11-01T01:30:00-06:00"}

    assert write(made, order_date={"date": "2026-11-01", "at": "2026-11-01T01:30:00-05:00"}) == {
        "D": "20261101 0130"
    }
    assert "MAP-DATE" in unwritable(made, order_date=second)[0]


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01",
        "2026-12-01T08:30:00",
        "2026-12-01T08:30:00.250000",
        "2026-12-01T08:30:00Z",
        "2026-12-01T08:30:00+01:00",
    ],
)
def test_a_date_without_a_pattern_is_xml_schema_s(text: str) -> None:
    made = mapping("order_date: D")

    assert write(made, order_date=read(made, D=text)["order_date"]) == {"D": text}


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_any_date_is_written_so_that_it_reads_the_same_or_refused(day: date) -> None:
    made = mapping('order_date: {from: D, date: "%d.%m.%y", pivot: 30}')
    record, findings = made.write(order(order_date={"date": day.isoformat()}), CONTEXT)

    assert bool(findings) == (not 1930 <= day.year <= 2029)
    if not findings:
        assert read(made, D=record["D"])["order_date"].date == day


def test_equal_moments_in_two_zones_are_written_each_in_its_own() -> None:
    made = mapping('order_date: {from: D, date: "%Y%m%d %H%M%z"}')
    texts = ["20261201 0830-0600", "20261201 1430+0000", "20261201 1530+0100"]

    assert [write(made, order_date=read(made, D=text)["order_date"])["D"] for text in texts] == texts


# -- numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec, text, number",
    [
        ("{}", "12.50", "12.50"),
        ("{implied: 2}", "1250", "12.50"),
        ("{implied: 2}", "5", "0.05"),
        ("{implied: 2}", "-5", "-0.05"),
        ("{point: ',', group: '.'}", "1.234.567,8", "1234567.8"),
        ("{group: ','}", "1,234.5", "1234.5"),
        ("{sign: trailing}", "12.50-", "-12.50"),
        ("{sign: trailing, implied: 2}", "000001250-", "-12.50"),
        ("{sign: parentheses}", "(12.5)", "-12.5"),
    ],
)
def test_numbers_are_read_by_their_form(spec: str, text: str, number: str) -> None:
    made = mapping("totals.amount.amount: {from: N, decimal: " + spec + "}")

    assert read(made, N=text) == {"totals": {"amount": {"amount": number}}}


@pytest.mark.parametrize("text", ["12,5", "x", "--1", "1-", "1e3", "NaN", "", "1_000", "\u0661", "+", "."])
def test_what_is_no_number_is_refused_without_showing_a_price(text: str) -> None:
    made = mapping("totals.quantity_hash: N\ntotals.amount.amount: A")

    told = refused(made, N=text, A=text)

    assert [line.rsplit(" ", 1)[1] for line in told] == (["[MAP-NUMBER]"] * 2 if text else [])
    assert all(f"'{text}'" in line for line in told[:1])
    assert all("the value is no number" in line for line in told[1:])


def test_xml_schema_s_short_decimals_get_their_zeros() -> None:
    made = mapping("totals.quantity_hash: N")

    assert [read(made, N=text)["totals"]["quantity_hash"] for text in ("5.", ".5", "+.5")] == [
        "5",
        "0.5",
        "+0.5",
    ]


def test_a_digit_that_has_no_room_is_refused_on_writing() -> None:
    made = mapping("totals.quantity_hash: {from: N, decimal: {implied: 2}}")

    assert write(made, totals={"quantity_hash": "12.500"}) == {"N": "1250"}
    assert unwritable(made, totals={"quantity_hash": "12.505"}) == [
        "in.txt N: '12.505' has more than 2 digits after the decimal point [MAP-PRECISION]"
    ]


SPECS = st.builds(
    DecimalSpec,
    point=st.sampled_from([".", ","]),
    sign=st.sampled_from(["leading", "trailing", "parentheses"]),
    group=st.none() | st.just(" "),
    implied=st.integers(0, 4),
)


@given(
    SPECS, st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=4)
)
def test_any_number_is_written_so_that_it_reads_the_same(spec: DecimalSpec, number: Decimal) -> None:
    form = DecimalForm(spec.model_copy(update={"implied": 4 if spec.implied else 0}))

    assert Decimal(form.read(form.write(number))) == number


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=6)
    )
)
def test_sums_lose_no_digit(numbers: list[Decimal]) -> None:
    scaled = sum(int(f"{number:.6f}".replace(".", "")) for number in numbers)

    assert int(f"{exact_sum(list(numbers)):.6f}".replace(".", "")) == scaled


def test_a_number_of_more_digits_than_decimal_s_context_is_summed_exactly() -> None:
    assert exact_sum(["12345678901234567890123456789012.01", "0.02"]) == Decimal(
        "12345678901234567890123456789012.03"
    )


def test_whole_numbers_and_booleans_are_converted() -> None:
    made = mapping("payment_terms[0].net_days: DAYS\nbackorders_allowed: B")

    assert read(made, DAYS="030", B="1") == {"payment_terms": [{"net_days": 30}], "backorders_allowed": True}
    assert write(made, payment_terms=[{"net_days": 30}], backorders_allowed=False) == {
        "DAYS": "30",
        "B": "false",
    }


# -- codes and crosswalks ------------------------------------------------------------------


def test_codes_become_canonical_words_and_back() -> None:
    made = mapping('urgency: {from: P, codes: {R: rush, "": normal}}')

    assert read(made, P="R") == {"urgency": "rush"}
    assert write(made, urgency="rush") == {"P": "R"}
    assert write(made, urgency="normal") == {}


def test_an_unknown_code_is_a_finding_that_lists_the_known_ones() -> None:
    made = mapping("urgency: {from: P, codes: {R: rush, N: normal}}")

    assert refused(made, P="X") == ["in.txt P: 'X' is no known code; expected one of 'R', 'N' [MAP-CODE]"]


def test_a_code_that_its_word_does_not_give_back_is_kept_as_sent() -> None:
    made = mapping(
        "order_type: {from: T, codes: {SA: stand_alone, NE: stand_alone, XX: other}, other: other}"
    )

    for code in ("SA", "NE", "XX", "Q9"):
        document, findings = made.read_document({"NO": "7", "T": code}, CONTEXT)
        assert findings == ()
        assert document is not None
        assert document.raw_codes == ({} if code in ("SA", "XX") else {"T": code})
        assert made.write(document, CONTEXT)[0]["T"] == code


def test_a_code_as_sent_that_says_something_else_is_not_written() -> None:
    made = mapping("order_type: {from: T, codes: {SA: stand_alone, NE: stand_alone, BK: blanket}}")

    assert write(made, order_type="blanket", raw_codes={"T": "NE"}) == {"T": "BK"}


def test_a_word_without_a_code_is_a_finding_on_writing() -> None:
    made = mapping("order_type: {from: T, codes: {SA: stand_alone}}")

    assert "there is no code for 'blanket'" in unwritable(made, order_type="blanket")[0]


def test_a_crosswalk_translates_both_ways_at_the_given_moment() -> None:
    tables = Tables(suppliers={"V1|S1": "300012"})
    at = datetime(2026, 12, 1, tzinfo=UTC)
    context = MappingContext(source="in.txt", crosswalk=tables, at=at)
    made = mapping('department: {from: [V, S], join: "|", crosswalk: suppliers}')

    fields, findings = made.read({"NO": "7", "V": "V1", "S": "S1"}, context)
    record, told = made.write(order(department="300012"), context)

    assert (findings, told) == ((), ())
    assert fields["department"] == "300012"
    assert record == {"NO": "7", "V": "V1", "S": "S1"}
    assert tables.asked == [at, at]


@pytest.mark.parametrize("crosswalk", [None, Tables(items={})])
def test_a_crosswalk_miss_names_table_and_key(crosswalk: Tables | None) -> None:
    made = mapping("department: {from: I, crosswalk: items}")
    context = MappingContext(source="in.txt", crosswalk=crosswalk)

    told = refused(made, context, I="4711")

    text = "crosswalk 'items' has no entry for the source code '4711'; add one and retry"
    assert told == [f"in.txt I: {text} [MAP-CROSSWALK]"]
    assert "canonical code 'x'" in unwritable(made, context, department="x")[0]


def test_letters_become_capitals_but_that_is_no_promise_of_both_ways() -> None:
    made = mapping("department: {from: D, upper: yes}", direction="write")

    assert write(made, department="or-2") == {"D": "OR-2"}
    with pytest.raises(MappingError, match="upper does not give small letters back"):
        mapping("department: {from: D, upper: yes}")


# -- constants and defaults ----------------------------------------------------------------


def test_a_constant_is_read_and_must_agree_on_writing() -> None:
    made = mapping("currency: {const: USD}")

    assert read(made) == {"currency": "USD"}
    assert write(made, currency="USD") == {}
    assert "MAP-CONST" in unwritable(made, currency="EUR")[0]


def test_constants_and_defaults_complete_an_object_but_never_make_one() -> None:
    made = mapping("totals.amount.amount: A\ntotals.amount.currency: {const: USD}\nship_to.name: N\n"
                   "ship_to.address.country: {from: C, default: US}\nship_to.address.city: CITY")  # fmt: skip

    assert read(made) == {}
    assert read(made, A="5", N="Dock 3") == {
        "totals": {"amount": {"amount": "5", "currency": "USD"}},
        "ship_to": {"name": "Dock 3"},
    }
    assert read(made, CITY="Ames")["ship_to"] == {"address": {"city": "Ames", "country": "US"}}
