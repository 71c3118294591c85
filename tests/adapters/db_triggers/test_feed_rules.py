"""Pure rules around a feed: lanes, what an error means, and what `check` warns of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.base import Level, Library
from adapters.db_triggers.checks import judged_endpoint
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.documents import Draft
from adapters.db_triggers.faults import FaultKind, fault_of
from adapters.db_triggers.lanes import TOGETHER_MAX, Lanes
from adapters.db_triggers.outbox import LANE_CHARS, Change, lane_of

PLACE: dict[str, Any] = {"host": "db", "database": "mms", "user": "bridge"}


def draft(number: int, lane: str) -> Draft:
    return Draft("t", ("a",), (Change(number, "t", "U", '["a"]', lane),))


# -- lanes --------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.randoms(use_true_random=False))
def test_a_lane_gives_its_messages_one_by_one_in_order_and_stops_where_one_is_not_taken(
    names: list[str], chance: Any
) -> None:
    drafts = [draft(number, name) for number, name in enumerate(names)]
    lanes = Lanes(drafts)
    given_out: list[int] = []
    stopped: set[str] = set()
    while places := lanes.following():
        assert len({names[at] for at in places}) == len(places) <= TOGETHER_MAX
        for at in places:
            assert names[at] not in stopped
            given_out.append(at)
            if chance.random() < 0.8:
                lanes.taken(at)
            else:
                stopped.add(names[at])
    for name in set(names):
        own = [at for at in given_out if names[at] == name]
        assert own == [at for at, each in enumerate(names) if each == name][: len(own)]
        assert name in stopped or len(own) == names.count(name)


def test_without_order_everything_goes_together() -> None:
    lanes = Lanes([draft(number, "a") for number in range(TOGETHER_MAX + 5)], is_ordered=False)

    assert len(lanes.following()) == TOGETHER_MAX


def test_a_long_key_is_cut_and_never_refused() -> None:
    assert len(lane_of("t", "x" * 1_000)) == LANE_CHARS


# -- errors -------------------------------------------------------------------------------------


class DriverError(Exception):
    def __init__(self, *args: object, **facts: object) -> None:
        super().__init__(*args)
        self.__dict__.update(facts)


@pytest.mark.parametrize(
    "dialect, error, kind",
    [
        ("postgresql", DriverError("x", sqlstate="40P01"), FaultKind.RETRY),
        ("postgresql", DriverError("x", sqlstate="53100"), FaultKind.FULL),
        ("postgresql", DriverError("x", sqlstate="53300"), FaultKind.OUTAGE),
        ("postgresql", DriverError("x", sqlstate="57P01"), FaultKind.OUTAGE),
        ("postgresql", DriverError("x", sqlstate="42501"), FaultKind.DENIED),
        ("postgresql", DriverError("x", sqlstate="28P01"), FaultKind.CREDENTIAL),
        ("mariadb", DriverError(1213, "Deadlock"), FaultKind.RETRY),
        ("mariadb", DriverError(1114, "The table is full"), FaultKind.FULL),
        ("mysql", DriverError(2013, "Lost connection"), FaultKind.OUTAGE),
        ("sqlite", DriverError("x", sqlite_errorname="SQLITE_BUSY_SNAPSHOT"), FaultKind.RETRY),
        ("sqlite", DriverError("no such table: outbox"), FaultKind.MISSING),
        ("mssql", DriverError(1205, "victim"), FaultKind.RETRY),
        ("oracle", DriverError(942, "ORA-00942"), FaultKind.MISSING),
        ("postgresql", ConnectionRefusedError("refused"), FaultKind.OUTAGE),
        ("mariadb", TimeoutError(), FaultKind.OUTAGE),
        ("postgresql", DriverError("strange"), FaultKind.OTHER),
    ],
)
def test_an_error_says_whether_waiting_helps(dialect: str, error: Exception, kind: FaultKind) -> None:
    fault = fault_of(dialect, DriverError("wrapped", orig=error))

    assert fault.kind is kind
    assert fault.told
    assert fault.advice
    assert fault.code.startswith("DB-")


# -- check --------------------------------------------------------------------------------------


def warned(**settings: Any) -> dict[str, str]:
    endpoint = DbEndpoint.model_validate({"dialect": "postgresql", **PLACE, **settings})
    return {
        f"{finding.code} {finding.at}": finding.text
        for finding in judged_endpoint("mms-db", endpoint, Library())
    }


def test_an_outbox_on_postgresql_needs_no_warning() -> None:
    assert warned() == {}


@pytest.mark.parametrize(
    "settings, place, words",
    [
        ({"dialect": "mariadb"}, "DB-LOSES mms-db.dialect", "TRUNCATE"),
        ({"feed": {"kind": "outbox", "notify": True}}, "DB-NOTIFY mms-db.feed.notify", "0.37"),
        ({"dialect": "mssql"}, "DB-UNTRIED mms-db.dialect", "never run"),
        ({"plaintext": True}, "DB-PLAINTEXT mms-db.plaintext", "unencrypted"),
        ({"tables": {"a": {"key": "x", "reread": True}}}, "DB-MERGES mms-db.tables.a", "merged"),
    ],
)
def test_check_warns_with_the_reason(settings: dict[str, Any], place: str, words: str) -> None:
    assert words in warned(**settings)[place]


def cursor(**more: Any) -> dict[str, Any]:
    return {
        "tables": {"moves": {"key": "id"}},
        "feed": {"kind": "cursor", "table": "moves", "column": "id", "holds": "id", **more},
    }


def test_every_poorer_feed_says_what_it_can_lose_or_merge() -> None:
    status = {
        "kind": "status_column", "name": "q", "id": "seq", "status": "sts", "new": "N", "taken": "D",
        "key": "po", "table": "moves",
    }  # fmt: skip
    found = warned(tables={"moves": {"key": "id"}}, feed=status)
    assert {key.split()[0] for key in found} == {"DB-MERGES", "DB-LOSES"}

    found = warned(**cursor())
    assert "deletions" in found["DB-MERGES mms-db.feed"]
    assert "30 s" in found["DB-LOSES mms-db.feed.settle"]

    found = warned(**cursor(transaction="tx"))
    assert "older write transaction" in found["DB-WAITS mms-db.feed.transaction"]
    assert not [key for key in found if key.startswith("DB-LOSES")]


def test_a_transaction_column_is_refused_where_there_is_no_horizon() -> None:
    settings = DbEndpoint.model_validate({"dialect": "mariadb", **PLACE, **cursor(transaction="tx")})
    found = [each for each in judged_endpoint("db", settings, Library()) if each.level is Level.REJECTED]

    assert [each.code for each in found] == ["DB-CURSOR"]


# -- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"dialect": "sqlite", "host": "db"}, "expected file, and no host"),
        ({"dialect": "postgresql"}, "expected host, database and user"),
        ({"dialect": "postgresql", **PLACE, "tables": {"a": {"key": "x", "part_of": "b"}}}, "part_of"),
        (
            {
                "dialect": "postgresql", **PLACE,
                "tables": {"a": {"key": "x"}, "b": {"key": "y", "part_of": "a", "parent_key": ["p", "q"]}},
            },
            "expected 1 columns",
        ),
        ({"dialect": "postgresql", **PLACE, "tables": {"a; drop table b": {"key": "x"}}}, "pattern"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DbEndpoint.model_validate(settings)
