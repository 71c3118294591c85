"""One server of each kind for a test process, and an empty database for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.db_triggers.servers import Database, MariaDB, PostgreSQL, Server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDB]:
    with MariaDB() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> Iterator[Database]:
    yield from empty(postgresql_server)


@pytest.fixture
def mariadb(mariadb_server: MariaDB) -> Iterator[Database]:
    yield from empty(mariadb_server)


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    (tmp_path / "legacy.db").touch()  # an empty file is an empty database
    return Database("sqlite", str(tmp_path / "legacy.db"))


@pytest.fixture(params=["postgresql", "mariadb", "sqlite"])
def database(request: pytest.FixtureRequest) -> Database:
    """Give an empty database of each kind in turn."""
    found: Database = request.getfixturevalue(request.param)
    return found


def empty(server: Server) -> Iterator[Database]:
    server.ensure_running()  # an earlier test may have left it killed
    database = server.create()
    yield database
    server.ensure_running()
    server.drop(database)
