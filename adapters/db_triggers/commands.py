"""``legacy-bridge db render|verify|snapshot``: what a DBA gets, whether it is there, and initial loads."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from adapters.base import Clock, Finding
from adapters.base.arguments import whole_number
from adapters.base.commands import CommandError, Desk, Subparsers
from adapters.base.registry import EndpointSetup
from adapters.base.settings import SecretRef

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from adapters.db_triggers.config import DbEndpoint
    from adapters.db_triggers.faults import Fault
    from adapters.db_triggers.snapshot import Progress

T = TypeVar("T")
BETWEEN_S = 0.2
ROWS_MAX = 100_000

RENDER = """\
It connects, reads the columns of the tables that the endpoint feeds, and prints
the outbox, the triggers, the gateway's own small tables and the rights of its
user, with comments, for the DBA to read and apply: what becomes of new, updated
and deleted rows of each table, too, by the settings of the endpoint's first
route (mappings, updates, deletes). It changes nothing. The same tables and
settings give the same text.

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
    # At least one: of ranges without rows nothing would be read, and all be called done.
    rows = whole_number(1, ROWS_MAX)
    parser.add_argument("--rows", type=rows, default=1000, help="rows of one range (default 1000)")


def render(arguments: argparse.Namespace, desk: Desk) -> int:
    """Print the script."""
    from adapters.db_triggers.config import DbPartner, DbSettings
    from adapters.db_triggers.ddl import DdlError, objects, readings, script
    from adapters.db_triggers.driver_catalog import setup_live

    for setup in _endpoints(arguments, desk):
        try:
            made = _asked(setup, setup_live)
        except DdlError as error:
            raise CommandError(f"nothing can be rendered for {setup.name}: {error}", 1) from error
        every = desk.reading(arguments.config, setup.name, "db_triggers")
        told = readings(
            cast("DbEndpoint", setup.setup.settings),
            [each for each in every if isinstance(each, (DbSettings, DbPartner))],
        )
        desk.print_verbatim(*script(made, objects(made), title=setup.name, told=told).splitlines())
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
    from adapters.db_triggers.ddl import DdlError
    from adapters.db_triggers.snapshot import SnapshotError

    asked = _endpoints(arguments, desk)
    if len(asked) != 1:
        names = ", ".join(each.name for each in asked)
        raise CommandError(f"'{arguments.route}' is about {names}; name one of them")
    try:
        put = asyncio.run(_taken(asked[0], arguments))
    except (SnapshotError, DdlError) as error:
        raise CommandError(f"no snapshot of {asked[0].name}: {error}") from error
    except KeyboardInterrupt:
        desk.say("stopped; the same command without --table goes on where it is")
        return 130
    desk.print_text(f"{put:,} rows are in the outbox; the feed hands them on")
    return 0


async def _taken(asked: Asked, arguments: argparse.Namespace) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    from adapters.db_triggers.driver_snapshot import Snapshots
    from adapters.db_triggers.faults import fault_of

    settings, clock = asked.login, asked.setup.clock
    drawn = _Drawn(clock)
    snapshots = Snapshots(
        settings, asked.setup.secret, now=clock.now, sleep=clock.sleep, rows=arguments.rows, tell=drawn.draw
    )
    try:
        tables = [arguments.table] if arguments.table is not None else []
        if not tables and await snapshots.waiting() == 0:
            tables = [name for name, table in settings.tables.items() if table.part_of is None]
        if tables:
            first, last = _key(arguments.from_key), _key(arguments.to_key)
            await snapshots.order(tables, first=first, last=last, why=arguments.why)
        return await snapshots.run()
    except (SQLAlchemyError, OSError, EOFError) as error:
        fault = fault_of(settings.dialect, error)
        text = f"{asked.name}: {fault.told}{_remedy(fault)} [{fault.code}]"
        raise CommandError(f"{text}; the same command without --table goes on") from error
    finally:
        drawn.clear()
        await snapshots.close()


def _remedy(fault: Fault) -> str:
    return f"; {fault.remedy}" if fault.remedy else ""


class _Drawn:
    """The progress bar on standard error, on a terminal only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s = clock.monotonic()
        self._drawn_s = 0.0
        self._width = 0
        self._is_shown = sys.stderr.isatty()

    def draw(self, progress: Progress) -> None:
        """Show how far it is, a few times a second."""
        from adapters.db_triggers.snapshot import bar

        now_s = self._clock.monotonic()
        if not self._is_shown or now_s - self._drawn_s < BETWEEN_S:
            return
        self._drawn_s = now_s
        text = bar(progress, now_s - self._began_s, shutil.get_terminal_size().columns - 1)
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = max(self._width, len(text))

    def clear(self) -> None:
        """Take the bar away."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()


def _key(text: str | None) -> tuple[str, ...] | None:
    return tuple(text.split(",")) if text is not None else None


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
        raise CommandError(f"{asked.name}: {fault.told}{_remedy(fault)} [{fault.code}]") from error
    finally:
        await engine.dispose()
