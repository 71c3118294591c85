"""What an adapter's own part of the command line is given: ``adapters/<x>/commands.py``.

That module defines ``add(subparsers, desk)``. It is imported only where one of its commands was asked
for; its headings for ``--help`` stand in ``Adapter.commands``. A desk words help and results as the
gateway's own commands do, and reads the configuration, so that an adapter needs nothing of the gateway.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from pydantic import BaseModel

from adapters.base.findings import Finding
from adapters.base.formats import Environment
from adapters.base.registry import EndpointSetup

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # it has no public name
Run = Callable[[argparse.Namespace, "Desk"], int]


class CommandError(Exception):
    """A command cannot go on; the text is a whole sentence that says what to do."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class PartnerSetup:
    """What the configuration says of one partner, for one adapter."""

    name: str
    environment: Environment
    zone: str  # IANA name; of dates that carry none
    settings: BaseModel | None  # the adapter's partner model; None where the partner has no such section


class Desk(Protocol):
    """Where a command stands: how it is declared, what it may ask, how it tells its result."""

    def command(
        self, subparsers: Subparsers, name: str, summary: str, run: Run, *, example: str, detail: str = ""
    ) -> argparse.ArgumentParser:
        """Add one command. ``run`` gives the exit code: 0 good, 1 findings, 2 usage or unreadable."""
        ...

    def group(self, subparsers: Subparsers, name: str, summary: str, *, example: str) -> Subparsers:
        """Add a command that has commands below it."""
        ...

    def add_configuration(self, parser: argparse.ArgumentParser) -> None:
        """Add ``-c FILE``; it becomes ``arguments.config``."""
        ...

    def add_json(self, parser: argparse.ArgumentParser) -> None:
        """Add ``--json``; it becomes ``arguments.json``."""
        ...

    def partner(self, config: Path, name: str, adapter: str) -> PartnerSetup:
        """Read one partner of a configuration. Errors: CommandError, after every finding was printed."""
        ...

    def endpoint(self, config: Path, name: str, adapter: str) -> EndpointSetup:
        """Read one endpoint whose kind is ``adapter``, with clock, chance and secrets as when serving.

        Errors: CommandError, after every finding was printed.
        """
        ...

    def endpoints(self, config: Path, name: str, adapter: str) -> list[EndpointSetup]:
        """Read the endpoint of that name, or all of that kind which a partner or a route of that name uses.

        Errors: CommandError, after every finding was printed.
        """
        ...

    def reading(self, config: Path, endpoint: str, adapter: str) -> list[BaseModel]:
        """Give how what arrives at an endpoint is read, where the format is ``adapter``.

        That is what its first route says (``from.settings``), then that route's partner; [] where nothing is
        read there. Errors: CommandError, after every finding was printed.
        """
        ...

    def print_text(self, *lines: str) -> None:
        """Print lines for people to stdout, broken at the width of the terminal."""
        ...

    def print_verbatim(self, *lines: str) -> None:
        """Print lines to stdout as they are, whatever the terminal: scripts, beginnings of files."""
        ...

    def print_wrapped(self, text: str, indent: str = "", hanging: str | None = None) -> None:
        """Print a paragraph, broken at the width of the terminal."""
        ...

    def print_table(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], *, fixed: Sequence[int] = ()
    ) -> None:
        """Print a table no wider than the terminal, uncut; cells in the columns ``fixed`` never break."""
        ...

    def print_json(self, value: Any) -> None:
        """Print a value for machines."""
        ...

    def print_findings(self, findings: Iterable[Finding], *, as_json: bool = False) -> bool:
        """Print findings to stderr, each on a line of its own; tell whether one is more than a note."""
        ...

    def say(self, text: str) -> None:
        """Tell something beside the result, on stderr."""
        ...
