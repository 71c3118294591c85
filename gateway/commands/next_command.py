"""Commands that are suggested to a person, so that they ask the same gateway when they are typed along."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Literal

from gateway.commands.options import CONFIGURATION

CARRIED = {
    "reads": ("url", "socket", "journal"),
    "changes": ("url", "socket"),
    "checks": (),  # the configuration, and no gateway
}  # what a command does -> the options beside -c that say which gateway it is about


def next_command(
    arguments: argparse.Namespace, words: str, does: Literal["reads", "changes", "checks"] = "reads"
) -> str:
    """Write a command with those options of the one at hand that say which gateway it was about.

    ``words``: the command behind ``legacy-bridge``.
    """
    given = {f"--{name}": getattr(arguments, name, None) for name in CARRIED[does]}
    if arguments.config != Path(CONFIGURATION):
        given = {"-c": arguments.config} | given
    options = (f" {name} {shlex.quote(str(value))}" for name, value in given.items() if value is not None)
    return f"legacy-bridge {words}{''.join(options)}"
