"""An update of a row that was sent as an order: a change of that order, where a mapping says so."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from simulators.cloud_erp import Committed
from tests.adapters.db_triggers.rig import lay_out
from tests.adapters.db_triggers.servers import Database
from tests.faults.test_trigger_feeds import Bridge, bridged, database, servers

__all__ = ["database", "servers"]  # fixtures

NEW = """
mapping: stock_order
document: purchase_order
direction: read
fields: {number: no, contract: qty}
source: {_change: ignore, note: ignore}
"""
UPDATED = """
mapping: stock_change
document: order_change
direction: read
fields: {order.number: no, revision: _change.id, contract: qty}
source: {note: ignore}
"""


def with_updates(bridge: Bridge) -> None:
    """Let updates be read by a mapping of their own."""
    path = bridge.folder / "routes.yaml"
    routes = path.read_text().replace(
        "{mappings: {stock: stock_order}}", "{mappings: {stock: stock_order}, updates: {stock: stock_change}}"
    )
    path.write_text(
        routes.replace("stock_order: stock.yaml", "stock_order: stock.yaml, stock_change: changed.yaml")
    )
    (bridge.folder / "stock.yaml").write_text(NEW)
    (bridge.folder / "changed.yaml").write_text(UPDATED)


async def committed(bridge: Bridge, count: int) -> list[Committed]:
    async with asyncio.timeout(30):
        while len(bridge.erp.committed) < count:
            await asyncio.sleep(0.05)
    return bridge.erp.committed


@pytest.mark.timeout(120)
async def test_updates_of_a_sent_order_reach_the_erp_as_its_changes_there_and_back_again(
    tmp_path: Path, nursery: Path, database: Database
) -> None:
    lay_out(database)
    async with bridged(tmp_path, nursery, database) as bridge:
        with_updates(bridge)
        running = await bridge.started()
        await asyncio.to_thread(database.script, "insert into stock values ('A', 1, null);")
        await committed(bridge, 1)
        for count, quantity in enumerate((2, 1, 2), start=2):  # the third says what the first one said
            await asyncio.to_thread(database.script, f"update stock set qty = {quantity} where no = 'A';")
            await committed(bridge, count)
            if count == 2:
                assert await running.kill() == -signal.SIGKILL
                running = await bridge.started()
        told = await committed(bridge, 4)
        assert await bridge.exceptions() == []
        assert await running.stop() == 0

    assert [each.document_type for each in told] == ["purchase_order", *["order_change"] * 3]
    assert len({each.order_key for each in told}) == 1
    assert len({each.document_key for each in told}) == 4


@pytest.mark.timeout(120)
async def test_without_such_a_mapping_an_update_is_parked_and_says_which_setting_is_missing(
    tmp_path: Path, nursery: Path, database: Database
) -> None:
    lay_out(database)
    async with bridged(tmp_path, nursery, database) as bridge:
        (bridge.folder / "stock.yaml").write_text(NEW)
        running = await bridge.started()
        await asyncio.to_thread(database.script, "insert into stock values ('A', 1, null);")
        await committed(bridge, 1)
        await asyncio.to_thread(database.script, "update stock set qty = 2 where no = 'A';")
        async with asyncio.timeout(30):
            while not (parked := await bridge.exceptions()):
                await asyncio.sleep(0.05)
        assert await running.stop() == 0

    assert len(bridge.erp.committed) == 1
    assert any("[DOCUMENT-CHANGED]" in each for each in parked)
    assert any("updates: {stock: ...}" in each and each.endswith("[DB-UPDATE]") for each in parked)
