"""The events that docs/erp.md shows are such as are read where `fields` says nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.erp_events.config import Erp, Fields
from adapters.erp_events.notice import NoticeError, read_notices

PAGE = (Path(__file__).parents[3] / "docs" / "erp.md").read_text()
EXAMPLES = re.findall(r"```json\n(\{.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    "erp, number", [("oracle_fusion", "US164003"), ("sap_s4hana", "4500000003"), ("dynamics365", "410123")]
)
def test_one_event_of_the_page_is_read_as_one_of_this_erp(erp: Erp, number: str) -> None:
    found = []
    for each in EXAMPLES:
        try:
            found += read_notices(each.encode(), erp, Fields(), "events")
        except NoticeError:
            continue

    assert [each.number for each in found] == [number]


def test_an_event_without_its_number_is_refused_with_the_path_that_was_looked_at() -> None:
    with pytest.raises(NoticeError) as refused:
        read_notices(b'{"id": "s-1", "type": "t"}', "sap_s4hana", Fields(), "events")

    assert "number is missing; expected it at data.PurchaseOrder," in refused.value.finding.text
