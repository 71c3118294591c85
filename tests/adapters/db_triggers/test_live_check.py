"""`check --live` of a database endpoint: it answers, and nothing waits for too long."""

from __future__ import annotations

import pytest

from adapters.base.registry import EndpointSetup, adapter
from adapters.db_triggers import driver_live
from adapters.db_triggers.config import DbEndpoint
from gateway.system import SystemClock, SystemRng
from tests.adapters.db_triggers.hospital import prepared, settings_for
from tests.adapters.db_triggers.rig import lay_out, settings_of
from tests.adapters.db_triggers.servers import PASSWORD, Database


async def told(settings: DbEndpoint, password: str = PASSWORD) -> list[str]:
    setup = EndpointSetup("mms-db", "test", settings, SystemClock(), SystemRng(), lambda name: password)
    check = adapter("db_triggers").check_endpoint
    assert check is not None
    return await check(setup)


async def test_a_database_with_an_outbox_is_fine(database: Database) -> None:
    lay_out(database)

    assert await told(settings_of(database)) == []


async def test_a_missing_outbox_is_an_error_with_advice(database: Database) -> None:
    (finding,) = await told(settings_of(database))

    assert finding.startswith("endpoint 'mms-db': ")
    assert finding.endswith("[DB-MISSING]")
    assert "db render" in finding


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
async def test_a_refused_log_in_is_an_error(kind: str, request: pytest.FixtureRequest) -> None:
    database: Database = request.getfixturevalue(kind)
    (finding,) = await told(settings_of(database), "wrong")

    assert finding.endswith("[DB-CREDENTIAL]")


@pytest.mark.parametrize(
    "kind, statement",
    [
        ("postgresql", "alter table po_hdr disable trigger legacy_bridge_po_hdr"),
        ("mariadb", "drop trigger legacy_bridge_po_hdr_upd"),
    ],
)
async def test_a_trigger_of_the_applied_script_that_is_off_is_an_error(
    kind: str, statement: str, request: pytest.FixtureRequest
) -> None:
    database: Database = request.getfixturevalue(kind)
    settings = settings_for(database, tables={"po_hdr": {"key": ["po_no"]}})
    await prepared(database, settings)
    assert await told(settings) == []
    database.script(f"{statement};")

    (finding,) = await told(settings)

    assert "legacy_bridge_po_hdr" in finding


async def test_changes_that_nobody_takes_are_an_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_live, "BACKLOG_ROWS", 2)
    lay_out(database)
    database.script("".join(f"insert into stock values ('k{n}', 1, null);" for n in range(3)))
    (finding,) = await told(settings_of(database))

    assert "3 changes wait in legacy_bridge_outbox, the oldest since 20" in finding
