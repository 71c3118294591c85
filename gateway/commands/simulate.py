"""``simulate``: a rehearsal system to point a gateway at."""

from __future__ import annotations

import argparse
import importlib

from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command

EXAMPLE = """\
legacy-bridge simulate --help
legacy-bridge simulate cloud_erp --help"""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(subparsers, "simulate", "run a rehearsal system", run, example=EXAMPLE)
    parser.add_argument("system", help="which system to rehearse, such as cloud_erp")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="the system's own options")


def run(arguments: argparse.Namespace) -> int:
    """Run a rehearsal system."""
    try:
        simulate = importlib.import_module("gateway.simulate")
    except ModuleNotFoundError as error:
        raise CommandError("this installation has no rehearsal systems") from error
    code: int = simulate.run(arguments.system, list(arguments.options))
    return code
