from __future__ import annotations

import pytest

from gateway.operations import OperationError
from tests.gateway.operations.bench import Bench


def row(legacy: str, cloud: str, **facts: str) -> dict:
    return {"legacy": legacy, "cloud": cloud, "valid_from": "", "valid_to": "", "facts": facts}


async def load(bench: Bench, *rows: dict):
    return await bench.ask("crosswalk.load", table="supplier", rows=list(rows), who="ann", why="June")


async def test_a_table_is_replaced_as_a_whole_by_a_new_version(bench: Bench) -> None:
    await load(bench, row("1", "S-1"), row("2", "S-2"))

    loaded = await load(bench, row("1", "S-9"), row("3", "S-3", phone="555"))

    shown = await bench.ask("crosswalk.show", table="supplier")
    assert (loaded["version"], shown["version"]) == (2, 2)
    assert {each["legacy"]: each["cloud"] for each in shown["rows"]} == {"1": "S-9", "3": "S-3"}
    assert [each["legacy"] for each in loaded["added"]] == ["3"]
    assert [each["legacy"] for each in loaded["removed"]] == ["2"]
    assert [each["to"]["cloud"] for each in loaded["changed"]] == ["S-9"]


async def test_a_difference_is_told_and_nothing_is_loaded(bench: Bench) -> None:
    compared = await bench.ask("crosswalk.diff", table="supplier", rows=[row("1", "S-1")])

    assert [each["legacy"] for each in compared["added"]] == ["1"]
    assert (await bench.ask("crosswalk.show", table="supplier"))["version"] == 0


async def test_the_tables_that_the_configuration_names_are_listed(bench: Bench) -> None:
    await load(bench, row("1", "S-1"))

    assert await bench.ask("crosswalk.list") == [
        {"table": "supplier", "version": 1, "rows": 1},
        {"table": "item_unit", "version": 0, "rows": 0},
    ]


async def test_a_load_is_in_the_audit_log_and_the_log_is_whole(bench: Bench) -> None:
    await load(bench, row("1", "S-1"))

    (*_, entry) = await bench.ask("audit.list", limit=5)
    verified = await bench.ask("audit.verify")
    assert (entry["action"], entry["subject"], entry["why"]) == ("crosswalk.load", "supplier", "June")
    assert (verified["is_whole"], verified["entries"]) == (True, entry["number"])


async def test_a_table_that_the_configuration_does_not_name_is_refused(bench: Bench) -> None:
    with pytest.raises(
        OperationError, match=r"names no code table 'suplier'; its crosswalks are: item_unit, "
    ):
        await bench.ask("crosswalk.load", table="suplier", rows=[row("1", "S-1")], who="ann", why="June")
