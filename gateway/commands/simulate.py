"""``simulate``: a rehearsal system to point a gateway at."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import pkgutil

import simulators
from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command

EXAMPLE = """\
legacy-bridge simulate cloud_erp --help
legacy-bridge simulate cloud_erp --port 8444 --ledger erp.jsonl
legacy-bridge simulate legacy_http --port 8445 --folder received"""

DETAIL = """\
It runs in the foreground, prints its address, and ends with Ctrl-C. Every
system has options of its own."""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "simulate", "run a rehearsal system", run, example=EXAMPLE, detail=DETAIL
    )
    parser.add_argument("system", metavar="SYSTEM", help=f"one of: {', '.join(systems())}")
    parser.add_argument("options", metavar="...", nargs=argparse.REMAINDER, help="the system's own options")


def run(arguments: argparse.Namespace) -> int:
    """Run a rehearsal system until it is told to stop."""
    known = systems()
    if arguments.system not in known:
        text = f"there is no rehearsal system '{arguments.system}'; there are: {', '.join(known)}"
        raise CommandError(text)
    system = importlib.import_module(f"{known[arguments.system]}.__main__")
    system.main(arguments.options, f"legacy-bridge simulate {arguments.system}")
    return 0


def systems() -> dict[str, str]:
    """Give the simulators that run by themselves: their folders' names, and the packages."""
    found = (each.name for each in pkgutil.walk_packages(simulators.__path__, "simulators.") if each.ispkg)
    return {
        name.rpartition(".")[2]: name
        for name in sorted(found)
        if importlib.util.find_spec(f"{name}.__main__") is not None
    }
