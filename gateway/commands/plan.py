"""``plan``: what recorded traffic would come to under a changed configuration; nothing is sent."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.base.arguments import number_above_zero, whole_number
from gateway.commands.configuration import loaded
from gateway.commands.connection import url_of
from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command, add_connection
from gateway.commands.terminal import print_findings, print_json, print_text, say

if TYPE_CHECKING:
    from gateway.forecast.making import Question, Store
    from gateway.forecast.result import Plan

DETAIL = """\
Runs the journal's last messages twice through the gateway's own pipeline, as
configured now and as proposed, in memory: which would change target, canonical
content, request to the ERP, or outcome. The journal is only read, so a gateway
may be running. CHANGED is the changed routes.yaml; without it the configuration
itself is taken as changed, and compared with the one that is in force. Ends
with 1 where something would change."""

EXAMPLE = """\
legacy-bridge plan
legacy-bridge plan new/routes.yaml --days 30 --html plan.html
legacy-bridge plan --stage po.acme=canary:25% --route po.acme"""

DAYS, LIMIT = 7.0, 2_000
DAYS_MAX, LIMIT_MAX = 400.0, 100_000


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "plan", "try a changed configuration on recorded traffic", run,
        example=EXAMPLE, detail=DETAIL,
    )  # fmt: skip
    parser.add_argument("changed", metavar="CHANGED", type=Path, nargs="?", help="the changed routes.yaml")
    parser.add_argument(
        "--days",
        type=number_above_zero(DAYS_MAX, "number of days"),
        default=DAYS,
        metavar="N",
        help="how far back (default: 7)",
    )
    parser.add_argument(
        "--limit",
        type=whole_number(1, LIMIT_MAX),
        default=LIMIT,
        metavar="N",
        help="how many messages at most (default: 2000)",
    )
    parser.add_argument("--route", metavar="ROUTE", help="only what arrived by this route")
    parser.add_argument(
        "--stage", metavar="ROUTE=STAGE", action="append", default=[],
        help="plan a route in this stage, as po.acme=cloud or po.acme=canary:25%%",
    )  # fmt: skip
    parser.add_argument("--against", metavar="FILE", type=Path,
                        help="compare with this routes.yaml, not with the one in force")  # fmt: skip
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the report as one HTML file, too")
    add_connection(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make a plan and show it."""
    plan = _asked(arguments) if url_of(arguments) is not None else _made(arguments)
    if arguments.html is not None:
        from gateway.forecast.report_html import plan_page

        arguments.html.write_text(plan_page(plan), encoding="utf-8")
        say(f"{arguments.html}: the report, for a browser")
    _print(plan, as_json=arguments.json)
    return 1 if plan.changed else 0


def _asked(arguments: argparse.Namespace) -> Plan:
    """Let a gateway elsewhere plan on its own traffic; what a file names is looked for in its folder."""
    from gateway.commands.connection import ask
    from gateway.forecast.result import plan_of_view

    if arguments.against is not None:
        raise CommandError("--against compares with a file here; a gateway elsewhere has its own in force")
    changed = loaded(arguments.changed) if arguments.changed is not None else None
    view = ask(
        arguments,
        "plan",
        configuration=changed.text if changed is not None else None,
        days=arguments.days,
        limit=arguments.limit,
        route=arguments.route,
        stages=arguments.stage,
    )
    return plan_of_view(view)


def _made(arguments: argparse.Namespace) -> Plan:
    from gateway.commands.journal_file import key_of
    from gateway.forecast.making import PlanError, Question, Store
    from gateway.forecast.stages import asked_stages
    from gateway.journal.base import JournalError

    configuration = loaded(arguments.config)
    changed = loaded(arguments.changed) if arguments.changed is not None else configuration
    before = loaded(arguments.against) if arguments.against is not None else None
    if arguments.route is not None and arguments.route not in (*configuration.routes, *changed.routes):
        raise CommandError(f"there is no route '{arguments.route}'; there are: {', '.join(changed.routes)}")
    try:
        stages = asked_stages(arguments.stage, changed)
    except ValueError as error:
        raise CommandError(f"--stage {error}") from error
    question = Question(changed, arguments.days, arguments.limit, arguments.route, before, stages)
    path = configuration.gateway.journal.path
    if path is None or not path.exists():
        raise CommandError(f"{path or 'memory:'}: there is no journal file, so no traffic was recorded")
    try:
        return asyncio.run(_plan(question, Store(path, key_of(configuration))))
    except JournalError as error:
        raise CommandError(str(error)) from error
    except PlanError as error:
        print_findings(error.findings)
        raise CommandError(str(error)) from error


async def _plan(question: Question, store: Store) -> Plan:
    from gateway.app import format_by_name
    from gateway.forecast.making import make_plan
    from gateway.journal.sqlite import SqliteJournal
    from gateway.system import SystemClock

    if store.path is None:
        raise ValueError("the command reads a journal's file")
    journal = await SqliteJournal.open_readonly(store.path, clock=SystemClock(), key=store.key)
    try:
        return await make_plan(question, journal, store, format_by_name, datetime.now(UTC))
    finally:
        await journal.close()


def _print(plan: Plan, *, as_json: bool) -> None:
    from gateway.forecast.report_text import plan_lines
    from gateway.forecast.result import plan_view

    if as_json:
        print_json(plan_view(plan))
        return
    print_text(*plan_lines(plan))
