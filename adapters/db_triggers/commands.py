"""``legacy-bridge db render|verify|snapshot``: what a DBA gets, whether it is there, and initial loads."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from adapters.base import Finding
from adapters.base.commands import CommandError, Desk, Subparsers
from adapters.base.registry import EndpointSetup
from adapters.base.settings import SecretRef

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from adapters.db_triggers.config import DbEndpoint

T = TypeVar("T")

RENDER = """\
It connects, reads the columns of the tables that the endpoint feeds, and prints
the outbox, the triggers, the gateway's own small tables and the rights of its
user, with comments, for the DBA to read and apply. It changes nothing. The same
tables and settings give the same text.

ROUTE may also be the endpoint's name."""
VERIFY = """\
It connects, reads the catalog, and tells what differs from what `db render`
would print now: objects that are missing, other or disabled, triggers that
nothing asks for any more, tables whose columns changed since, and (PostgreSQL)
rights that are missing. It changes nothing. MariaDB shows triggers only to
whoever has the right TRIGGER: there, use --user.

Exit code 1: something differs."""
SNAPSHOT = """\
It reads a table by ranges of its key and puts each row into the outbox, beside
the live feed and in order with it: each range is read with its rows locked for
that moment. It goes on where it stopped, whatever ended it. It waits while the
outbox is full. Rows arrive as documents like any other; what is known already
is recognised by its document key.

The signal may also be given in the database, by a row in legacy_bridge_snapshot
(state 'wanted'); this command then does what was asked for there, too."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One endpoint, and as whom the command connects to it: the DBA may look where the gateway may not."""

    setup: EndpointSetup
    login: DbEndpoint

    @property
    def name(self) -> str:
        """Give the endpoint's name."""
        return self.setup.name


def add(subparsers: Subparsers, desk: Desk) -> None:
    """Add the commands."""
    commands = desk.group(
        subparsers, "db", "legacy databases: triggers for the DBA, snapshots",
        example="legacy-bridge db render po.mms-db",
    )  # fmt: skip
    for name, summary, run, detail in (
        ("render", "print outbox, triggers and rights for the DBA", render, RENDER),
        ("verify", "tell what differs in the live database", verify, VERIFY),
        ("snapshot", "fill the outbox with the rows that a table has", snapshot, SNAPSHOT),
    ):
        example = f"legacy-bridge db {name} po.mms-db"
        parser = desk.command(commands, name, summary, run, example=example, detail=detail)
        parser.add_argument("route", metavar="ROUTE", help="a route, or an endpoint of kind db_triggers")
        parser.add_argument("--user", help="connect as this user instead of the endpoint's")
        parser.add_argument("--password", metavar="REF", help="its password: env:NAME or file:PATH")
        desk.add_configuration(parser)
        if name == "verify":
            desk.add_json(parser)
        if name == "snapshot":
            _add_snapshot(parser)


def _add_snapshot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", help="which table; default: what was asked for in the database, or all")
    parser.add_argument(
        "--from", dest="from_key", metavar="KEY", help="first key, inclusive (a,b for two columns)"
    )
    parser.add_argument("--to", dest="to_key", metavar="KEY", help="last key, inclusive")
    parser.add_argument("--why", default="", help="a reason, kept beside it")
    parser.add_argument("--rows", type=int, default=1000, help="rows of one range (default 1000)")


def render(arguments: argparse.Namespace, desk: Desk) -> int:
    """Print the script."""
    from adapters.db_triggers.ddl import DdlError, objects, script
    from adapters.db_triggers.driver_catalog import setup_live

    for setup in _endpoints(arguments, desk):
        try:
            made = _asked(setup, setup_live)
        except DdlError as error:
            raise CommandError(f"nothing can be rendered for {setup.name}: {error}", 1) from error
        desk.print_text(*script(made, objects(made), title=setup.name).splitlines())
    return 0


def verify(arguments: argparse.Namespace, desk: Desk) -> int:
    """Compare, and print what differs."""
    from adapters.db_triggers.ddl import DdlError
    from adapters.db_triggers.driver_catalog import live
    from adapters.db_triggers.verify import compared

    findings: list[Finding] = []
    for setup in _endpoints(arguments, desk):
        try:
            findings += compared(setup.name, _asked(setup, live))
        except DdlError as error:
            raise CommandError(f"{setup.name} cannot be compared: {error}", 1) from error
    if arguments.json:
        desk.print_json([each.to_json() for each in findings])
    elif findings:
        desk.print_findings(findings)
    else:
        desk.print_text("all of it is there, as it would be rendered now")
    return 1 if findings else 0


def snapshot(arguments: argparse.Namespace, desk: Desk) -> int:
    """Fill the outbox."""
    raise CommandError("not here yet")


def _endpoints(arguments: argparse.Namespace, desk: Desk) -> list[Asked]:
    found = []
    for setup in desk.endpoints(arguments.config, arguments.route, "db_triggers"):
        settings = cast("DbEndpoint", setup.settings)
        if arguments.user is not None:
            password = SecretRef(arguments.password) if arguments.password is not None else None
            found.append(
                Asked(setup, settings.model_copy(update={"user": arguments.user, "password": password}))
            )
        else:
            found.append(Asked(setup, settings))
    return found


def _asked(asked: Asked, ask: Callable[[AsyncConnection, DbEndpoint], Awaitable[T]]) -> T:
    return asyncio.run(_connected(asked, ask))


async def _connected(asked: Asked, ask: Callable[[AsyncConnection, DbEndpoint], Awaitable[T]]) -> T:
    from sqlalchemy.exc import SQLAlchemyError

    from adapters.db_triggers.driver_engine import engine_of
    from adapters.db_triggers.faults import fault_of

    engine = engine_of(asked.login, asked.setup.secret)
    try:
        async with engine.connect() as connection:
            return await ask(connection, cast("DbEndpoint", asked.setup.settings))
    except (SQLAlchemyError, OSError, EOFError) as error:
        fault = fault_of(asked.login.dialect, error)
        raise CommandError(f"{asked.name} does not answer: {fault.told} [{fault.code}]") from error
    finally:
        await engine.dispose()
