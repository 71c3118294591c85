"""``serve``: run the gateway of a configuration until it is told to stop."""

from __future__ import annotations

import argparse
import importlib

from gateway.commands.options import Subparsers, add_command, add_configuration

EXAMPLE = """\
legacy-bridge serve
legacy-bridge serve -c /etc/legacy-bridge/routes.yaml"""

DETAIL = """\
It takes over what its predecessor left undone, listens, and works until it gets
SIGTERM or Ctrl-C; then it finishes what is under way. SIGHUP makes it read the
configuration again. One gateway owns a journal: a second one refuses to start."""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "serve", "run the gateway of a routes.yaml", run, example=EXAMPLE, detail=DETAIL
    )
    add_configuration(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped."""
    app = importlib.import_module("gateway.app")
    code: int = app.serve(arguments.config)
    return code
