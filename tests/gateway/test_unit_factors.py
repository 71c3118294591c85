"""Factors between units, by the rows of a code table."""

from __future__ import annotations

from gateway.journal.types import CrosswalkRow
from gateway.unit_factors import factors_of


def test_a_factor_of_an_item_goes_before_one_of_every_item() -> None:
    rows = [
        CrosswalkRow("V1|CA", "", facts={"factor": "12"}),
        CrosswalkRow("CA", "", facts={"factor": "10"}),
        CrosswalkRow("BX", "", facts={"factor": "many"}),
        CrosswalkRow("PK", "", facts={"factor": "-1"}),
    ]
    factor = factors_of(rows)

    assert [factor(("V1",), "CA"), factor(("V2",), "CA"), factor(("V1",), "BX"), factor((), "PK")] == [
        12,
        10,
        None,
        None,
    ]
