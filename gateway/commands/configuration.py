"""Reading the configuration for a command that cannot do without it."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.errors import CommandError
from gateway.commands.terminal import counted, print_findings
from gateway.config import Configuration, load


def loaded(path: Path) -> Configuration:
    """Give the configuration. Errors: CommandError, after every finding was printed."""
    configuration = load(path)
    if isinstance(configuration, Configuration):
        return configuration
    print_findings(configuration)
    raise CommandError(f"{path} has {counted(len(configuration), 'error')}")
