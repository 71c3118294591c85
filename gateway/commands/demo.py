"""``demo``: everything embedded, with simulators around it."""

from __future__ import annotations

import argparse

from gateway.commands.options import Subparsers, add_command

EXAMPLE = """\
legacy-bridge demo
legacy-bridge demo --keep"""

DETAIL = """\
Nothing outside this machine is contacted, and nothing is left behind. It feeds
X12 files, HTTP calls and faults through a gateway in a temporary folder, prints
per message what arrived, where it went and how it ended, compares that with
what must be, and stops by itself (about 15 s). Exit code 1: something differs."""


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
    parser.add_argument(
        "--spoil",
        action="store_true",
        help="let the simulated ERP commit every order twice: the demo must notice, and end with 1",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    from gateway import demo

    return demo.run(keep=arguments.keep, spoil=arguments.spoil)
