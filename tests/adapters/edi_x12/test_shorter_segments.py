"""A partner's guide may leave elements away at a segment's end: what it keeps is read as ever."""

from __future__ import annotations

import pytest

from adapters.edi_x12.config import GuideOverride, X12Partner
from adapters.edi_x12.guide import Guide, guide_for
from benchmarks.x12_answers import answers
from benchmarks.x12_corpus import interchange as orders
from canonical.purchase_order import PurchaseOrder
from tests.adapters.edi_x12.rig import context, interchange, read
from tests.adapters.edi_x12.test_usual_lines import assert_same

ENVELOPE = {"ST", "SE", "ISA", "IEA", "GS", "GE"}


def shortened(guide: Guide, segment: str) -> X12Partner:
    """Give a partner whose guide has the first two elements of a segment, without its notes."""
    uses = guide.shapes[segment].uses[:2]
    text = " ".join(f"{'M' if use.is_mandatory else 'O'}{use.number}" for use in uses)
    return X12Partner(guides={guide.set_type: GuideOverride(segments={segment: text})})


@pytest.mark.parametrize("set_type", ["850", "855", "810"])
def test_a_segment_cut_short_by_a_guide_breaks_nothing(set_type: str) -> None:
    guide = guide_for(set_type, "004010", X12Partner())
    assert guide is not None
    body = orders(3, seed=3) if set_type == "850" else answers(set_type, 3, seed=3)
    present = {line.partition(b"*")[0].strip().decode() for line in body.split(b"~")}

    for segment in sorted(present & guide.shapes.keys() - ENVELOPE):
        assert_same(body, context(shortened(guide, segment), environment="production"))


def test_what_a_shorter_segment_keeps_is_read_and_more_is_too_many() -> None:
    partner = X12Partner(guides={"850": GuideOverride(segments={"PER": "M366 O93"})})
    body = "BEG*00*NE*PO1**20260301|PER*BD*ANN|PO1*1*5*EA*1.00*PE*VN*1|CTT*1"

    (decoded,) = read(interchange(body), context(partner)).sets
    (longer,) = read(interchange(body.replace("ANN", "ANN*TE*5550100")), context(partner)).sets

    assert isinstance(decoded.document, PurchaseOrder)
    assert [each.name for each in decoded.document.contacts] == ["ANN"]
    assert "X12-TOO-MANY" in [finding.code for finding in longer.findings]
