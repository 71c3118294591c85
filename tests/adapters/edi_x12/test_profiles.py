"""A partner's profile is judged before anything starts: no order meets a guide that cannot be compiled."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base.library import Library
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.guide import judged


def told(**profile: Any) -> list[str]:
    findings = judged(X12Partner.model_validate(profile), Library())
    assert {finding.code for finding in findings} <= {"X12-GUIDE"}
    return [f"{finding.at.path}: {finding.text}" for finding in findings]


def test_a_profile_that_changes_nothing_is_good() -> None:
    assert told(isa=[{"qualifier": "ZZ", "id": "ACME"}]) == []


def test_a_change_that_can_be_used_is_good() -> None:
    assert told(guides={"850": {"elements": {"324": "AN 1/10 purchase order number"}}}) == []


@pytest.mark.parametrize(
    "guides, said",
    [
        ({"856": {}}, "guides.856: there is no guide for set '856'; there are: 810, 850, 855, 997, 999"),
        ({"850": {"elements": {"355": "nonsense"}}}, "guides.850: the guide cannot be used: element 355"),
        ({"850": {"segments": {"PO1": "Q1"}}}, "guides.850: the guide cannot be used: "),
    ],
)
def test_a_guide_that_cannot_be_used_is_told_with_its_place(guides: dict[str, Any], said: str) -> None:
    (found,) = told(guides=guides)

    assert found.startswith(said)


def test_a_segment_that_is_listed_with_all_its_elements_or_more_is_good() -> None:
    whole = "M366 O93 M365 M364 X365 X364 X365 X364 O443 | P0506 P0708"

    assert (
        told(guides={"850": {"segments": {"PER": whole, "ZZX": "O352"}, "extra": {"BEG": ["ZZX O/1"]}}}) == []
    )
