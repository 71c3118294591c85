"""Code tables: whole versions, audited."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.crosswalk import CodeTableCache
from gateway.journal.base import Journal
from gateway.journal.types import CrosswalkRow
from tests.gateway.journal.builders import T0

ROWS = [
    CrosswalkRow("000123", "SUP-9", facts={"site": "MAIN", "factor": "12"}),
    CrosswalkRow("000124", "SUP-10", valid_from="2026-01-01", valid_to="2026-07-01"),
    CrosswalkRow("000124", "SUP-11", valid_from="2026-07-01"),
]


async def test_a_table_that_was_never_loaded_is_empty(journal: Journal) -> None:
    assert await journal.crosswalk("suppliers") == (0, [])


async def test_a_table_is_kept_row_by_row_in_its_order(journal: Journal) -> None:
    version = await journal.load_crosswalk("suppliers", ROWS, "ann", "first load", T0)

    assert await journal.crosswalk("suppliers") == (version, ROWS)
    assert await journal.crosswalk("items") == (0, [])


async def test_loading_replaces_the_whole_table_by_a_new_version(journal: Journal) -> None:
    first = await journal.load_crosswalk("suppliers", ROWS, "ann", "first load", T0)

    second = await journal.load_crosswalk("suppliers", ROWS[:1], "ann", "one left", T0)

    assert second > first
    assert await journal.crosswalk("suppliers") == (second, ROWS[:1])


async def test_emptying_a_table_is_a_version_too(journal: Journal) -> None:
    await journal.load_crosswalk("suppliers", ROWS, "ann", "first load", T0)

    version = await journal.load_crosswalk("suppliers", [], "ann", "all gone", T0)

    assert await journal.crosswalk("suppliers") == (version, [])


async def test_loading_is_audited(journal: Journal) -> None:
    await journal.load_crosswalk("suppliers", ROWS, "ann", "first load", T0)

    (told,) = await journal.audit()
    assert (told.action, told.subject, told.who, told.why) == (
        "crosswalk.load",
        "suppliers",
        "ann",
        "first load",
    )


async def test_the_version_alone_tells_whether_a_table_was_loaded_anew(journal: Journal) -> None:
    assert await journal.crosswalk_version("suppliers") == 0

    first = await journal.load_crosswalk("suppliers", ROWS, "ann", "first load", T0)
    assert await journal.crosswalk_version("suppliers") == first
    second = await journal.load_crosswalk("suppliers", ROWS[:1], "ann", "one left", T0)
    assert await journal.crosswalk_version("suppliers") == second != first


async def test_mappings_look_codes_up_in_the_newest_version_both_ways_by_the_day(journal: Journal) -> None:
    cache = CodeTableCache(journal)
    rows = [CrosswalkRow("V1", "old", "", "2026-06-01"), CrosswalkRow("V1", "new", "2026-06-01", "")]
    await journal.load_crosswalk("suppliers", rows, "ann", "first load", T0)

    tables = await cache({"vendors": "suppliers"})
    assert tables.translate("vendors", "V1", "read", datetime(2026, 5, 31, tzinfo=UTC)) == "old"
    assert tables.translate("vendors", "V1", "read", datetime(2026, 6, 1, tzinfo=UTC)) == "new"
    assert tables.translate("vendors", "new", "write", datetime(2026, 6, 1, tzinfo=UTC)) == "V1"
    assert tables.translate("vendors", "new", "write", datetime(2026, 5, 31, tzinfo=UTC)) is None
    assert tables.translate("vendors", "V2", "read", None) is None

    await journal.load_crosswalk("suppliers", [CrosswalkRow("V2", "two")], "ann", "another", T0)
    assert (await cache({"vendors": "suppliers"})).translate("vendors", "V2", "read", None) == "two"
