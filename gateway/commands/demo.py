"""``demo``: everything embedded, with simulators around it."""

from __future__ import annotations

import argparse
import importlib

from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command

EXAMPLE = """\
legacy-bridge demo
legacy-bridge demo --keep"""

DETAIL = """\
Nothing outside this machine is contacted, and nothing is installed. It prints
per message what arrived, where it went and how it ended, and stops by itself."""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "demo",
        "start everything embedded and feed examples through",
        run,
        example=EXAMPLE,
        detail=DETAIL,
    )
    parser.add_argument("--keep", action="store_true", help="leave it running, and print the addresses")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    try:
        demo = importlib.import_module("gateway.demo")
    except ModuleNotFoundError as error:
        raise CommandError("this installation has no demo") from error
    code: int = demo.run(keep=arguments.keep)
    return code
