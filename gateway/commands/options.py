"""What the parsers of all commands share: options that mean the same everywhere, and how help looks."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

from adapters.base.arguments import whole_number
from adapters.base.commands import Subparsers
from gateway.commands.errors import CommandError
from gateway.commands.terminal import say

__all__ = [
    "LIMIT",
    "CommandParser",
    "HelpFormatter",
    "Subparsers",
    "add_change",
    "add_command",
    "add_configuration",
    "add_connection",
    "add_group",
    "add_json",
    "add_reading",
    "require_why",
    "user_name",
]

Run = Callable[[argparse.Namespace], int]

CONFIGURATION = "routes.yaml"
LIMIT = whole_number(1, 1_000_000)  # of --limit: how many of a list


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help with descriptions and examples as they were written, and room for long option names."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26)

    def add_argument(self, action: argparse.Action) -> None:
        """Count the names of commands as wide as they are printed; argparse forgets their indentation."""
        super().add_argument(action)
        for command in self._iter_indented_subactions(action):
            wide = len(self._format_action_invocation(command)) + self._current_indent + 2
            self._action_max_length = max(self._action_max_length, wide)


class CommandParser(argparse.ArgumentParser):
    """A parser whose refusals are broken at the width of the terminal; parsers below it are of its kind.

    It refuses what it does not know itself, so that a person sees how that command is used, and before it
    misses anything: an option that is mistyped is told as such, not as one that is required.
    """

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse; leave nothing to the parser above. Errors: SystemExit with 2, as ``error`` says."""
        given = sys.argv[1:] if args is None else list(args)
        self._refuse_unknown(given)
        parsed, left = super().parse_known_args(given, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return parsed, left

    def _refuse_unknown(self, given: Sequence[str]) -> None:
        """Refuse the first option that is none, by its likeness to those that are."""
        if any(action.nargs in (argparse.PARSER, argparse.REMAINDER) for action in self._actions):
            # What stands behind the command is for its own parser.
            given = list(takewhile(lambda each: each.startswith("-"), given))
        given = list(takewhile(lambda each: each != "--", given))
        if "-h" in given or "--help" in given:  # whoever asks for help gets it, whatever else stands there
            return
        options = [each for each in self._option_string_actions if each.startswith("--")]
        for each in given:
            name = each.partition("=")[0]
            # A text with a space in it is no option to argparse; the beginning of an option stands for it.
            if name.startswith("--") and " " not in each and not any(o.startswith(name) for o in options):
                from gateway.config.problems import suggestion  # slow to load, and needed only here

                self.error(f"there is no option '{name}'; {suggestion(name, options)}")

    def error(self, message: str) -> NoReturn:
        """Show how the command is used, say what is wrong, and end with 2."""
        self.print_usage(sys.stderr)
        say(f"{self.prog}: error: {message}")
        self.exit(2)


def add_command(
    subparsers: Subparsers,
    name: str,
    summary: str,
    run: Run | None,
    *,
    example: str,
    detail: str = "",
) -> argparse.ArgumentParser:
    """Add one command with its help: a sentence, what it does beyond, and examples."""
    heading = summary[0].upper() + summary[1:] + "."
    parser = subparsers.add_parser(
        name,
        help=summary,
        description="\n\n".join(part for part in (heading, detail.strip()) if part),
        epilog="examples:\n" + "\n".join(f"  {line}" for line in example.strip().splitlines()),
        formatter_class=HelpFormatter,
    )
    if run is not None:
        parser.set_defaults(run=run)
    return parser


def add_group(subparsers: Subparsers, name: str, summary: str, *, example: str) -> Subparsers:
    """Add a command that has commands below it."""
    parser = add_command(subparsers, name, summary, None, example=example)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add ``-c``."""
    parser.add_argument(
        "-c", "--config", metavar="FILE", type=Path, default=Path(CONFIGURATION),
        help=f"the configuration (default: {CONFIGURATION})",
    )  # fmt: skip


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add what a command needs that talks to a gateway or its journal."""
    add_configuration(parser)
    parser.add_argument(
        "--socket", metavar="PATH", type=Path,
        help="control socket of the gateway, where the configuration cannot be read",
    )  # fmt: skip
    parser.add_argument(
        "--url", metavar="URL",
        help="a gateway elsewhere, asked over its admin API (or LEGACY_BRIDGE_URL; the token stands in "
        "LEGACY_BRIDGE_TOKEN)",
    )  # fmt: skip
    add_json(parser)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what a command needs that changes nothing: it can be answered from the journal alone."""
    add_connection(parser)
    parser.add_argument(
        "--journal", metavar="PATH", type=Path,
        help="the journal's file, where the configuration cannot be read; with the gateway stopped, too",
    )  # fmt: skip


def add_change(parser: argparse.ArgumentParser, *, is_why_required: bool = True) -> None:
    """Add who changes something, and why; both go to the audit log."""
    parser.add_argument(
        "--why", metavar="TEXT", required=is_why_required, help="the reason, for the audit log"
    )
    parser.add_argument(
        "--who", metavar="NAME", default=user_name(), help="who does it (default: %(default)s)"
    )


def require_why(arguments: argparse.Namespace) -> None:
    """Insist on a reason where a command changes something only sometimes. Errors: CommandError."""
    if not (arguments.why or "").strip():
        raise CommandError("the audit log needs a reason: add --why TEXT")


def user_name() -> str:
    """Give the name of the user who runs this, or the number where there is no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in the password file
        return f"uid {os.getuid()}"
