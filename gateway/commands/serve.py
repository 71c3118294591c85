"""``serve``: run the gateway of a configuration until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from typing import TYPE_CHECKING

from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command, add_configuration
from gateway.commands.terminal import print_findings, say

if TYPE_CHECKING:
    from gateway.serving import Served

EXAMPLE = """\
legacy-bridge serve
legacy-bridge serve -c /etc/legacy-bridge/routes.yaml"""

DETAIL = """\
It takes over what its predecessor left undone, listens, and works until it gets
SIGTERM or Ctrl-C; then it finishes what is under way. SIGHUP makes it read the
configuration again. One gateway owns a journal: a second one refuses to start.
The log goes to stderr, one event a line."""

LEVELS = ("debug", "info", "warning", "error")


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "serve", "run the gateway of a routes.yaml", run, example=EXAMPLE, detail=DETAIL
    )
    add_configuration(parser)
    parser.add_argument("--log", choices=LEVELS, default="info", help="how much to log (default: info)")


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped."""
    from gateway.control import ControlError
    from gateway.journal.base import JournalError
    from gateway.journal.sqlite import JournalInUseError
    from gateway.serving import serve
    from gateway.start_errors import ServeError

    _begin_log(arguments.log)
    try:
        asyncio.run(serve(arguments.config, up=_announce))
    except ServeError as error:
        print_findings(error.findings)
        raise CommandError(str(error)) from error
    except ControlError as error:
        raise CommandError(str(error)) from error
    except JournalInUseError as error:
        raise CommandError(str(error)) from error
    except JournalError as error:
        text = f"{error}. Whatever was acknowledged is kept; the next start goes on with it"
        raise CommandError(text) from error
    return 0


def _announce(served: Served) -> None:
    for address in served.addresses:
        say(f"listening on {address}")
    say("the gateway is running; Ctrl-C stops it")


def _begin_log(level: str) -> None:
    form = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(form)
    log = logging.getLogger("legacy_bridge")
    log.addHandler(handler)
    log.setLevel(level.upper())
