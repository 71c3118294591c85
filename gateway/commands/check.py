"""``check``: everything that is wrong with a configuration, at once, before anything starts."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.base import Finding, Level
from gateway.commands.options import Subparsers, add_command, add_configuration, add_json
from gateway.commands.terminal import counted, print_findings, print_json, print_text, say

if TYPE_CHECKING:
    from gateway.config import Configuration, Endpoint

GOOD, BAD = 0, 2
REACHED = "reached"
CONNECTED = "takes connections; its kind has nothing that one could ask without an order"
NOT_CONTACTED = "not contacted, nothing is there to ask"

DETAIL = """\
All mistakes are shown together, as file:line:column. Secrets, certificates and
files that are not there yet are notes; with --live they are errors, and every
endpoint is contacted. Nothing is changed there; of a cloud ERP one description
is read, with its credentials: each run sends a wrong password once."""

EXAMPLE = """\
legacy-bridge check
legacy-bridge check -c hospital/routes.yaml --live"""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "check", "find what is wrong with a configuration", run, example=EXAMPLE, detail=DETAIL
    )
    add_configuration(parser)
    parser.add_argument("--live", action="store_true", help="look for secrets and contact endpoints, too")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check one configuration."""
    from gateway.config import Configuration, check, load

    path: Path = arguments.config
    loaded = load(path)
    if not isinstance(loaded, Configuration):
        return _report(arguments, path, None, loaded)
    findings = check(loaded, live=arguments.live, now=datetime.now(UTC))
    if arguments.live:
        findings += asyncio.run(_unreachable(loaded))
        _tell_reached(loaded, findings)
    return _report(arguments, path, loaded, findings)


def _tell_reached(configuration: Configuration, findings: list[Finding]) -> None:
    """Say which endpoints answered: silence would not tell them from those that nobody asked."""
    missed = {each.at for each in findings if each.code == "CHECK-UNREACHABLE"}
    words: dict[str, list[str]] = {REACHED: [], CONNECTED: [], NOT_CONTACTED: []}
    for name, endpoint in configuration.endpoints.items():
        if configuration.places.at("endpoints", name) not in missed:
            words[_contact(endpoint)].append(name)
    for heading, names in words.items():
        if names:
            say(f"{heading}: {', '.join(names)}")


def _contact(endpoint: Endpoint) -> str:
    """Tell what `--live` does with an endpoint."""
    from adapters.base.registry import adapters
    from gateway.erp.drift.questions import questions
    from gateway.erp.settings import HttpSettings

    if isinstance(endpoint.settings, HttpSettings):
        return REACHED if questions(endpoint.kind, endpoint.settings, ()) else CONNECTED
    adapter = adapters().get(endpoint.kind)
    asks = adapter is not None and (adapter.check is not None or adapter.check_endpoint is not None)
    return REACHED if asks else NOT_CONTACTED


async def _unreachable(configuration: Configuration) -> list[Finding]:
    from gateway.commands.reachability import unreachable

    return await unreachable(configuration)


def _report(
    arguments: argparse.Namespace, path: Path, configuration: Configuration | None, findings: list[Finding]
) -> int:
    errors = sum(1 for each in findings if each.level is not Level.NOTE)
    if arguments.json:
        print_json(
            {
                "configuration": str(path),
                "is_good": not errors,
                "routes": sorted(configuration.routes) if configuration is not None else [],
                "findings": [each.to_json() for each in findings],
            }
        )
        return BAD if errors else GOOD
    print_findings(findings)
    if errors:
        advice = "nothing would start" if configuration is None else "mend them before it serves"
        print_text(f"{path}: {counted(errors, 'error')}; {advice}")
        return BAD
    assert configuration is not None  # noqa: S101 - without one there are findings
    parts = (
        counted(len(configuration.routes), "route"),
        counted(len(configuration.endpoints), "endpoint"),
        counted(len(configuration.partners), "partner"),
        counted(len(findings), "note"),
    )
    print_text(f"{path}: good ({', '.join(parts)})")
    return GOOD
