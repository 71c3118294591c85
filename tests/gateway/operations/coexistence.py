"""A bench with a route on its way: compared, gated, with a calendar."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.compare import with_group
from gateway.config import Configuration, load_text
from gateway.journal.comparisons import Comparison, ComparisonState, Difference
from tests.gateway.operations.bench import ROUTES, Bench

GATED = (
    ROUTES.replace(
        "organisation: mercy,",
        "organisation: mercy, calendar: {freezes: "
        '[{from: "2026-02-01", to: "2026-02-07", why: year-end count}]},',
    ).replace(
        '    stage: cloud\n    canary: {select: {facility: ["04"]}, share: 100%}\n',
        """\
    stage: shadow
    canary: {select: {facility: ["04"]}, share: 10%}
    compare:
      with: legacy.one       # what the trigger feed shows
      untold: ignored
    gates:
      to_canary: {clean: 3, mismatch_upper95: 70%, approve: [supply-chain], four_eyes: true}
""",
    )
    + """\
  - id: legacy.one
    follows: po.one
    evidence: true
    from: {http: true, format: edi_x12, set: "850"}
"""
)

UNIT = Difference("document", "unit", "lines[].quantity.unit", "lines[2].quantity.unit", "CA", "CS")
PRICE = Difference("document", "value", "lines[].price.amount", "lines[1].price.amount", "12.50", "12.60")
LOST = Difference("document", "untranslated", "", "", "taken", "X12-REQ")


def gated() -> Configuration:
    loaded = load_text(GATED)
    assert isinstance(loaded, Configuration), [str(each) for each in loaded]
    return loaded


async def compare(bench: Bench, *differences: Difference, count: int = 1, **changes: Any) -> None:
    """Let some orders be compared."""
    for _ in range(count):
        number = len(await bench.journal.comparisons(limit=10_000))
        accepted_at = bench.clock.now() + timedelta(seconds=number)
        made: dict[str, Any] = {
            "message_id": f"m{number}",
            "document_index": 0,
            "generation": 1,
            "route": "po.one",
            "order_key": f"O-{number}",
            "document_type": "purchase_order",
            "state": ComparisonState.COMPARED,
            "accepted_at": accepted_at,
            "due_at": accepted_at,
            "compared_at": accepted_at,
            "evidence": "legacy.one m9 set 1",
            "shadow": "rendered",
            "facets": (("unit", "CA"), ("supplier", "4711")),
            "differences": tuple(with_group("po.one", each) for each in differences),
        }
        await bench.journal.note_comparisons([Comparison(**{**made, **changes})])
