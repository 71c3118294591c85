"""Decimals as JSON numbers: every digit, whatever the texts beside them hold."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from canonical.registry import read_json
from gateway.erp.json_paths import write_json

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False, places=6),
)
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)), max_leaves=20
)


@given(values)
def test_what_was_written_is_read_back_with_every_digit(value: object) -> None:
    assert _plain(read_json(write_json(value))) == _plain(value)


def test_a_text_that_looks_like_a_written_number_stays_a_text() -> None:
    for text in ("\x0012.5\x00", "\x00", '"\\u00001\\u0000"', "\\u0000"):
        value = {"a": text, "b": Decimal("1.50"), text: [Decimal("0.10"), text]}
        assert json.loads(write_json(value), parse_float=Decimal) == value


def test_a_decimal_is_written_without_exponent() -> None:
    assert write_json([Decimal("1E+2"), Decimal("1E-9"), Decimal("10.00")]) == "[100,0.000000001,10.00]"


def _plain(value: object) -> object:
    """Numbers are compared by value: JSON knows one kind of them."""
    match value:
        case bool() | None | str():
            return value
        case int() | Decimal():
            return Decimal(value)
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    raise AssertionError(value)
