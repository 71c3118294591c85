"""Connections to a legacy database, through SQLAlchemy's asynchronous engines. I/O.

One engine has one connection at a time and keeps none: a feed holds its own for as long as it lives.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Dialect, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.driver_logins import NoLogInError, log_in_fault

DRIVERS = {
    "postgresql": "postgresql+asyncpg",
    "mariadb": "mariadb+asyncmy",
    "mysql": "mysql+asyncmy",
    "sqlite": "sqlite+aiosqlite",
    "mssql": "mssql+aioodbc",
    "oracle": "oracle+oracledb_async",
}
APPLICATION = "legacy-bridge"  # how the database's own lists of sessions show us


def engine_of(settings: DbEndpoint, secret: Callable[[str], str]) -> AsyncEngine:
    """Make an engine; nothing is connected yet. READ COMMITTED wherever there is a choice.

    Errors: ModuleNotFoundError where the dialect's driver is not installed (aioodbc, oracledb).
    """
    options: dict[str, Any] = {}
    if settings.dialect not in ("sqlite",):
        options["isolation_level"] = "READ COMMITTED"
    engine = create_async_engine(
        url_of(settings, secret),
        poolclass=NullPool,
        connect_args=_arguments(settings),
        **options,
    )

    def connect(dialect: Dialect, record: object, arguments: Any, named: dict[str, Any]) -> Any:
        if settings.dialect == "sqlite":
            require_file(settings)
        if settings.password is not None and settings.dialect in ("postgresql", "mariadb", "mysql"):
            named["password"] = secret(settings.password)  # a feed's engine lives as long as the gateway
        try:
            return dialect.connect(*arguments, **named)
        except Exception as error:
            raise NoLogInError(log_in_fault(settings, error)) from error

    event.listen(engine.sync_engine, "do_connect", connect)
    return engine


def require_file(settings: DbEndpoint) -> None:
    """Say that a SQLite database is not there, where SQLite says "unable to open". Errors: OSError."""
    if settings.file is not None and not Path(settings.file).exists():
        raise FileNotFoundError(
            f"there is no file {settings.file}; set the endpoint's `file` right, or bring the database back"
        )


def url_of(settings: DbEndpoint, secret: Callable[[str], str]) -> URL:
    """Give the URL, with the password read now."""
    if settings.dialect == "sqlite":
        # mode=rw: SQLite makes an empty database of a name that is mistyped otherwise.
        uri = f"file:{quote(settings.file or '')}"
        return URL.create(DRIVERS["sqlite"], database=uri, query={"mode": "rw", "uri": "true"})
    return URL.create(
        DRIVERS[settings.dialect],
        username=settings.user,
        password=secret(settings.password) if settings.password is not None else None,
        host=settings.host,
        port=settings.port,
        database=settings.database,
    )


def _arguments(settings: DbEndpoint) -> dict[str, Any]:
    connect_s = settings.connect_timeout.total_seconds()
    statement_s = settings.statement_timeout.total_seconds()
    match settings.dialect:
        case "postgresql":
            return {
                "timeout": connect_s,
                "command_timeout": statement_s,
                "ssl": _tls(settings) or False,
                "server_settings": {"application_name": APPLICATION, "timezone": "UTC"},
            }
        case "mariadb" | "mysql":
            return {
                "connect_timeout": int(max(connect_s, 1)),
                "async_creator_fn": partial(_connected, connect_s),
                "read_timeout": int(max(statement_s, 1)),
                "charset": "utf8mb4",
                "ssl": _tls(settings),
                "init_command": "SET time_zone = '+00:00', "
                f"innodb_lock_wait_timeout = {int(max(statement_s, 1))}",
            }
        case "sqlite":
            return {"timeout": min(statement_s, 5.0)}  # how long to wait for another writer
        case _:
            return {}


async def _connected(within_s: float, **named: Any) -> Any:
    """Connect and log in. Errors: TimeoutError.

    The driver's own time-out ends with the TCP connection; what is behind it may never say a word.
    """
    import asyncmy  # here: 78 ms, which a gateway of other databases need not pay

    async with asyncio.timeout(within_s):
        return await asyncmy.connect(**named)


def _tls(settings: DbEndpoint) -> ssl.SSLContext | None:
    if settings.plaintext:
        return None
    return ssl.create_default_context(cafile=settings.ca)
