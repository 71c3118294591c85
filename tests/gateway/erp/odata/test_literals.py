"""Addresses are built of values: whatever stands in one, it stays within its literal and its parameter."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.erp.odata.literals import (
    EnumMember,
    Version,
    any_of,
    entity,
    equals,
    function_call,
    literal,
    query,
)
from gateway.erp.settings import path_problem

V2, V4 = Version.V2, Version.V4

LITERALS = [
    ("O'Neill", "'O''Neill'", "'O''Neill'"),
    ("00010", "'00010'", "'00010'"),
    (True, "true", "true"),
    (7, "7", "7"),
    (Decimal("1E+2"), "100M", "100"),
    (Decimal("0.10"), "0.10M", "0.10"),
    (date(2026, 12, 1), "datetime'2026-12-01T00:00:00'", "2026-12-01"),
    (
        datetime(2026, 12, 1, 12, 30, tzinfo=UTC),
        "datetimeoffset'2026-12-01T12:30:00Z'",
        "2026-12-01T12:30:00Z",
    ),
    (time(15, 51, 4), "time'PT15H51M04S'", "15:51:04"),
    (EnumMember("Microsoft.Dynamics.DataEntities.NoYes", "Yes"),) * 1
    + ("Microsoft.Dynamics.DataEntities.NoYes'Yes'",) * 2,
]


@pytest.mark.parametrize(("value", "v2", "v4"), LITERALS)
def test_each_version_writes_a_literal_in_its_own_form(value, v2: str, v4: str) -> None:
    assert (literal(value, V2), literal(value, V4)) == (v2, v4)


def test_a_moment_without_a_zone_and_a_float_have_no_literal() -> None:
    with pytest.raises(ValueError, match="zone"):
        literal(datetime(2026, 12, 1), V4)
    with pytest.raises(TypeError):
        literal(1.5, V4)  # type: ignore[arg-type]


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
def test_any_text_as_a_key_is_one_path_segment_that_gives_the_text_back(text: str) -> None:
    address = entity("A_Supplier", text, V2)

    assert path_problem(address) == ""
    assert "/" not in address
    assert "?" not in address
    assert unquote(address) == "A_Supplier('" + text.replace("'", "''") + "')"


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
def test_any_text_in_a_filter_stays_within_its_literal_and_its_parameter(text: str) -> None:
    address = query("PurchaseOrder", filter=equals("CorrespncInternalReference", text, V4), top=2)
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))

    assert path_problem(address) == ""
    assert set(options) == {"$filter", "$top"}
    assert options["$filter"] == "CorrespncInternalReference eq '" + text.replace("'", "''") + "'"


def test_a_blank_in_a_filter_is_not_written_as_a_plus() -> None:
    assert query("A", filter=equals("X", "a+b c", V2)) == "A?$filter=X%20eq%20'a%2Bb%20c'"


def test_several_keys_are_named_and_their_leading_zeros_kept() -> None:
    keys = {"PurchaseOrder": "4500000001", "PurchaseOrderItem": "00010"}

    address = entity("PurchaseOrderItem", keys, V4)

    assert address == "PurchaseOrderItem(PurchaseOrder='4500000001',PurchaseOrderItem='00010')"


def test_filters_join_and_one_of_several_values_needs_no_in_operator() -> None:
    both = equals("A", "1", V4) & any_of("B", ("x", "y"), V4)

    assert both.text == "A eq '1' and (B eq 'x' or B eq 'y')"


def test_a_function_call_has_typed_literals_in_its_query() -> None:
    address = function_call("Cancel", {"MaterialDocumentYear": "2026", "PostingDate": date(2026, 12, 1)}, V2)

    assert unquote(address) == "Cancel?MaterialDocumentYear='2026'&PostingDate=datetime'2026-12-01T00:00:00'"
