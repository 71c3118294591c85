"""A database that lets us not in: what a person reads of it, from PostgreSQL and MariaDB themselves."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base.registry import EndpointSetup, adapter
from adapters.db_triggers.config import DbEndpoint
from gateway.security.certificates import Validity, issue_server, make_ca
from gateway.system import SystemClock, SystemRng
from tests.adapters.db_triggers.rig import Journal, feeding, settings_of, source_for, until
from tests.adapters.db_triggers.servers import ADMIN, HOST, PASSWORD, Database, MariaDB, PostgreSQL, Server

GIVEN_UP_S = 10.0  # named: 1 s; a statement may take 30
NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}
VALIDITY = Validity(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1))


class TlsPostgreSQL(PostgreSQL):
    """It takes no connection without TLS."""

    def _prepare(self) -> None:
        super()._prepare()
        certified(self)
        hba = self.folder / "data" / "pg_hba.conf"
        hba.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")

    def _command(self, port: int) -> list[str]:
        files = {
            "ssl": "on",
            "ssl_cert_file": self.folder / "tls.pem",
            "ssl_key_file": self.folder / "tls.key",
        }
        options = [part for name, value in files.items() for part in ("-c", f"{name}={value}")]
        return [*super()._command(port), *options]


class TlsMariaDB(MariaDB):
    """It speaks TLS; ``require_secure_transport`` is set once the clients of these tests are through."""

    def _prepare(self) -> None:
        super()._prepare()
        certified(self)

    def _command(self, port: int) -> list[str]:
        files = {"cert": "tls.pem", "key": "tls.key"}
        return [
            *super()._command(port),
            *(f"--ssl-{name}={self.folder / file}" for name, file in files.items()),
        ]


def certified(server: Server) -> None:
    """Give a server a certificate of an authority of its own."""
    ca = make_ca("hospital", VALIDITY)
    issued = issue_server(ca, ["127.0.0.1"], VALIDITY)
    for name, content in (
        ("tls.pem", issued.certificate),
        ("tls.key", issued.key),
        ("ca.pem", ca.certificate),
    ):
        path = server.folder / name
        path.write_bytes(content)
        path.chmod(0o600 if name == "tls.key" else 0o644)
        server._own(path)


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def strict(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database that is reached by TLS alone."""
    with TlsPostgreSQL() if request.param == "postgresql" else TlsMariaDB() as server:
        database = server.create()
        if request.param == "mariadb":
            database.script("set global require_secure_transport = on;")
        yield database


async def told(settings: DbEndpoint, password: str = PASSWORD) -> str:
    """Give what `check --live` says, without the endpoint's name, which it must begin with."""
    setup = EndpointSetup("mms-db", "test", settings, SystemClock(), SystemRng(), lambda reference: password)
    check = adapter("db_triggers").check_endpoint
    assert check is not None
    (finding,) = await check(setup)
    assert finding.startswith("endpoint 'mms-db': ")
    assert re.search(r"Errno|_ssl\.c|\(\d+, ", finding) is None  # words of drivers
    return finding.removeprefix("endpoint 'mms-db': ")


def changed(of: Database, **changes: Any) -> DbEndpoint:
    return settings_of(of).model_copy(update=changes)


def where(settings: DbEndpoint) -> str:
    return (
        f"{NAMES[settings.dialect]} at {settings.host}:{settings.port}, database {settings.database}, "
        f"user {settings.user}: "
    )


@pytest.mark.parametrize("user, password", [(ADMIN, "wr0ng"), ("nobody", PASSWORD), (ADMIN, "")])
async def test_a_refused_log_in_says_as_whom_and_where_the_password_is_from(
    server: Database, user: str, password: str
) -> None:
    settings = changed(server, user=user)

    text = await told(settings, password)

    refused = "the server refuses this user or its password, read from env:DB_PASSWORD (it says: "
    assert text.startswith(where(settings) + refused)
    assert "; set the endpoint's `user` and `password` right" in text
    assert text.endswith(" [DB-CREDENTIAL]")
    assert PASSWORD not in text
    assert "wr0ng" not in text


async def test_an_unknown_host_is_named(server: Database) -> None:
    settings = changed(server, host="mms.invalid")

    found = "the name server knows no address for 'mms.invalid'; set the endpoint's `host` right [DB-OUTAGE]"
    assert await told(settings) == where(settings) + found


async def test_a_port_where_nothing_listens_is_named(server: Database) -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        settings = changed(server, port=unused.getsockname()[1])

        found = "the host answers, and nothing listens at this port (connection refused); "
        remedy = "start the database, or set the endpoint's `host` and `port` right [DB-OUTAGE]"
        assert await told(settings) == where(settings) + found + remedy


async def test_a_server_that_says_nothing_is_given_up_after_the_time_that_is_named(server: Database) -> None:
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen(1)
        settings = changed(server, port=silent.getsockname()[1], connect_timeout=timedelta(seconds=1))

        began = time.monotonic()
        text = await told(settings)

    assert time.monotonic() - began < GIVEN_UP_S
    assert text.startswith(f"{where(settings)}no answer within 1 s; look whether `host` and `port` are right")
    assert text.endswith("[DB-OUTAGE]")


async def test_a_database_that_is_not_there_is_named(server: Database) -> None:
    settings = changed(server, database="nowhere")

    text = await told(settings)

    assert text.startswith(f"{where(settings)}the server has no database of this name (it says: ")
    assert text.endswith("; set the endpoint's `database` right, or let the DBA make it [DB-MISSING]")


async def test_a_server_without_tls_is_told_apart_from_an_outage(server: Database) -> None:
    settings = changed(server, plaintext=False)

    text = await told(settings)

    assert text.startswith(f"{where(settings)}the server speaks no TLS, and this endpoint asks for it; ")
    assert "`plaintext: true`" in text
    assert text.endswith("[DB-TLS]")


async def test_a_server_that_wants_tls_says_so(strict: Database) -> None:
    settings = changed(strict)

    text = await told(settings)

    if strict.kind == "postgresql":
        assert text.startswith(
            f"{where(settings)}the server takes no connection without TLS, and the endpoint"
        )
        assert text.endswith("[DB-TLS]")
    else:  # MariaDB says of it what it says of a wrong password
        assert text.endswith(
            "; or take `plaintext` out, if it lets this user in by TLS alone [DB-CREDENTIAL]"
        )


async def test_a_certificate_of_an_unknown_authority_is_told_with_its_reason(strict: Database) -> None:
    settings = changed(strict, plaintext=False)

    text = await told(settings)

    assert text.startswith(f"{where(settings)}the server's certificate is not trusted: ")
    assert "unable to get local issuer certificate" in text
    assert text.endswith("[DB-TLS]")


async def test_with_the_authority_named_the_same_server_is_reached_by_tls(strict: Database) -> None:
    assert strict.server is not None
    settings = changed(strict, plaintext=False, ca=Path(strict.server.folder / "ca.pem"))

    text = await told(settings)

    assert text.endswith("[DB-MISSING]")  # it is in, and finds no outbox
    assert "legacy_bridge_outbox" in text


async def test_a_feed_tells_route_and_place_of_what_it_waits_for(
    server: Database, caplog: pytest.LogCaptureFixture
) -> None:
    settings = changed(server, plaintext=False)
    journal = Journal()
    source = source_for(settings)
    async with feeding(source, journal):
        await until(lambda: len(journal.findings) == 1)  # at once: it does not heal by itself
        trouble = source.trouble

    (finding,) = journal.findings
    assert finding.code == "DB-TLS"
    assert finding.text.startswith(where(settings))
    assert finding.text.endswith("It is tried again by itself, and changes wait in the database meanwhile")
    assert trouble == f"{finding.text} [DB-TLS]"
    assert "feed.failed route=stock.changes endpoint=mms-db code=DB-TLS" in caplog.text
