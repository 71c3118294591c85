"""The command line as a whole: finds the command, runs it, and turns every ending into an exit code.

Each command is a file of ``gateway/commands``; only the one that was asked for is imported, so that
``--help`` is quick. Whatever goes wrong, a person reads one sentence and never a traceback, unless
``--debug`` asks for it.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from adapters.base.commands import CommandError, Desk
from adapters.base.registry import AdapterError, commands_module
from adapters.base.registry import commands as commands_of_adapters
from gateway.commands.options import CommandParser, HelpFormatter
from gateway.commands.terminal import say

GOOD, FINDINGS, USAGE = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141  # 128 + SIGINT, 128 + SIGPIPE, as a shell would say it

COMMANDS = {
    "demo": "start everything embedded and feed examples through",
    "serve": "run the gateway of a routes.yaml",
    "check": "find what is wrong with a configuration",
    "test": "run the tests that stand in a configuration",
    "plan": "try a changed configuration on recorded traffic",
    "translate": "translate files offline, to canonical JSON or from it",
    "status": "show whether a gateway runs, and what it is working on",
    "routes": "show and change how far each route has moved",
    "readiness": "show what a route has proven, and what holds it back",
    "diffs": "show where legacy and cloud differ, and accept it",
    "orders": "show and seed the ledger: which side owns which order",
    "messages": "show what arrived, and translate it again",
    "explain": "tell the whole story of a message or an order",
    "exceptions": "show and settle what a person must look at",
    "crosswalk": "load and show code tables",
    "erp": "see what a cloud ERP has changed, and whether it lets us in",
    "audit": "show and verify who changed what",
    "dossier": "check the evidence about a retired route",
    "certs": "make certificates for development",
    "simulate": "run a rehearsal system",
}
_MODULES = {"test": "route_tests"}  # where the module is not called as the command

DESCRIPTION = """\
A gateway between a hospital's legacy procurement systems and its cloud ERP.

A first look:       legacy-bridge demo
Translate a file:   legacy-bridge translate order.edi
Your own routes:    legacy-bridge check -c routes.yaml
                    legacy-bridge serve -c routes.yaml
"""

ENDING = """\
exit codes: 0 good, 1 findings (something was rejected, unsupported or accepted
with errors; a test failed; a difference was shown), 2 usage, configuration or
a file that cannot be read. Each command has its own --help with examples.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    is_debugged = "--debug" in arguments
    try:
        code = _run([each for each in arguments if each != "--debug"])
        sys.stdout.flush()
        return code
    except SystemExit as ended:  # argparse: after --help, or a usage error that it has explained
        return ended.code if isinstance(ended.code, int) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return PIPE_CLOSED
    except (CommandError, AdapterError) as error:
        if is_debugged:
            traceback.print_exc()
        _say(str(error))
        return error.code if isinstance(error, CommandError) else USAGE
    except OSError as error:
        if is_debugged:
            traceback.print_exc()
        place = f"{error.filename}: " if error.filename else ""
        _say(f"{place}{error.strerror or error}")
        return USAGE
    except Exception as error:  # noqa: BLE001  a person is told what to do, whatever broke
        if is_debugged:
            traceback.print_exc()
        _say(
            f"this is a bug ({type(error).__name__}). Please report it with the command line and what "
            "the same command says with --debug added"
        )
        return USAGE


def _run(arguments: list[str]) -> int:
    parser = _parser(arguments)
    parsed = parser.parse_args(arguments)
    code = parsed.run(parsed)
    return code if isinstance(code, int) else GOOD


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    """Build the parser of the one command that is meant; of all of them, as headings, for ``--help``."""
    parser = CommandParser(
        prog="legacy-bridge", description=DESCRIPTION, epilog=ENDING, formatter_class=HelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"legacy-bridge {_version()}")
    parser.add_argument("--debug", action="store_true", help="show the traceback where a command breaks")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    wanted = next((each for each in arguments if not each.startswith("-")), None)
    if wanted in COMMANDS:
        module = importlib.import_module(f"gateway.commands.{_MODULES.get(wanted, wanted)}")
        module.add(subparsers)
        return parser
    brought = commands_of_adapters()
    if wanted is not None and wanted in brought:
        commands_module(brought[wanted]).add(subparsers, _desk())
        return parser
    if wanted is not None and (close := difflib.get_close_matches(wanted, [*COMMANDS, *brought], n=1)):
        raise CommandError(f"there is no command '{wanted}'; did you mean {close[0]}?")
    for name, summary in COMMANDS.items():
        subparsers.add_parser(name, help=summary)
    for name in sorted(set(brought) - set(COMMANDS)):  # what is ours stays ours
        subparsers.add_parser(name, help=brought[name].commands[name])
    return parser


def _desk() -> Desk:
    from gateway.commands.desk import GatewayDesk

    return GatewayDesk()


def _say(text: str) -> None:
    say(f"legacy-bridge: {text}")


def _forget_stdout() -> None:
    """Let the interpreter's last flush go nowhere: whoever read our output has stopped."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout is no file: a test captures it
        return


def _version() -> str:
    try:
        return version("legacy-bridge")
    except PackageNotFoundError:
        return "(not installed)"
