"""Every order that can be drawn: the ERP's own field rules take it, and no digit of it changes.

What an ERP's fields cannot hold exactly is parked with a finding, and then nothing of it is there.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.purchase_order import PurchaseOrder
from canonical.registry import parse_document
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import DeliveryState
from tests.gateway.erp.bench import Bench, ElasticClock
from tests.gateway.erp.erps import ERPS, ErpUnderTest
from tests.gateway.erp.paper import PROVENANCE, SUPPLIER
from tests.scale import scaled

CANNOT_HOLD = {"ERP-DIGITS", "ERP-PRICE-BASIS", "ERP-LENGTH", "ERP-MISSING"}


def decimals(places_max: int) -> st.SearchStrategy[str]:
    """Give amounts as people write them: trailing zeros, many digits, none behind the point."""
    whole = st.one_of(st.integers(1, 999), st.integers(1, 10**12))
    behind = st.text(alphabet="0123456789", max_size=places_max)
    return st.builds(lambda number, rest: f"{number}.{rest}" if rest else str(number), whole, behind)


texts = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=60).filter(
    str.strip
)
lines = st.builds(
    lambda quantity, price, base, text, day, item: {
        "line_id": item,
        "item_ids": [{"scheme": "buyer", "value": f"TG{item}"}, {"scheme": "vendor", "value": f"V{item}"}],
        "description": text,
        "quantity": {"value": quantity, "unit": "EA"},
        "price": {"amount": price} | ({"base_quantity": base} if base else {}),
        "requested": {"date": f"2026-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}"},
    },
    decimals(6),
    decimals(8),
    st.sampled_from([None, None, "1", "10", "100", "1000"]),  # such that `Held` can give the price of one
    texts,
    st.integers(0, 300),
    st.text(alphabet="0123456789", min_size=1, max_size=6),
)
orders = st.lists(lines, min_size=1, max_size=6)


@pytest.mark.parametrize("erp", ERPS, ids=lambda each: each.kind)
@settings(max_examples=scaled(6))
@given(drawn=st.lists(orders, min_size=2, max_size=4))
def test_every_order_is_taken_with_all_its_digits_or_parked_whole(
    erp: ErpUnderTest, drawn: list[list[dict]]
) -> None:
    asyncio.run(_check(erp, [_order(at, each) for at, each in enumerate(drawn, start=1)]))


def _order(at: int, drawn: list[dict]) -> PurchaseOrder:
    fields = {
        "document_type": "purchase_order",
        "number": f"PO-{at}",
        "currency": "USD",
        "seller": SUPPLIER,
        "provenance": PROVENANCE,
        "lines": [{"sequence": sequence, **line} for sequence, line in enumerate(drawn, start=1)],
    }
    made = parse_document(fields)
    assert isinstance(made, PurchaseOrder)
    return made


async def _check(erp: ErpUnderTest, made: list[PurchaseOrder]) -> None:
    clock = ElasticClock()
    async with Bench(erp, MemoryJournal(clock=clock), clock) as bench:
        for each in made:
            before = {held.number for held in erp.orders(bench.simulator)}
            view = await bench.deliver(each, order=each.number)
            new = [held for held in erp.orders(bench.simulator) if held.number not in before]
            if view.state is DeliveryState.PARKED:
                assert {finding.code for finding in view.findings} <= CANNOT_HOLD, view.findings
                assert not new
                continue
            (held,) = new
            assert held.quantities == tuple(
                line.quantity.value for line in each.lines if line.quantity is not None
            )
            for line, price in zip(each.lines, held.prices, strict=True):
                assert line.price is not None
                assert price == line.price.amount / (line.price.base_quantity or Decimal(1))
