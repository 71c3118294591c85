"""What commands of adapters are given of the gateway: see ``adapters.base.commands``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from adapters.base import Finding
from adapters.base.commands import CommandError, PartnerSetup, Run, Subparsers
from adapters.base.registry import EndpointSetup
from gateway.commands import options, terminal

if TYPE_CHECKING:
    from gateway.config import Configuration


class GatewayDesk:
    """The desk of the command line. What it reads of a configuration is imported when it is asked for."""

    def command(
        self, subparsers: Subparsers, name: str, summary: str, run: Run, *, example: str, detail: str = ""
    ) -> argparse.ArgumentParser:
        """Add one command."""
        return options.add_command(
            subparsers, name, summary, partial(_run, run, self), example=example, detail=detail
        )

    def group(self, subparsers: Subparsers, name: str, summary: str, *, example: str) -> Subparsers:
        """Add a command that has commands below it."""
        return options.add_group(subparsers, name, summary, example=example)

    def add_configuration(self, parser: argparse.ArgumentParser) -> None:
        """Add ``-c``."""
        options.add_configuration(parser)

    def add_json(self, parser: argparse.ArgumentParser) -> None:
        """Add ``--json``."""
        options.add_json(parser)

    def partner(self, config: Path, name: str, adapter: str) -> PartnerSetup:
        """Read one partner of a configuration."""
        from gateway.commands.configuration import loaded

        configuration = loaded(config)
        found = configuration.partners.get(name)
        if found is None:
            raise _unknown("partner", name, config, configuration.partners)
        return PartnerSetup(name, found.environment, configuration.zone(name), found.adapters.get(adapter))

    def endpoint(self, config: Path, name: str, adapter: str) -> EndpointSetup:
        """Read one endpoint of a configuration."""
        from gateway.commands.configuration import loaded
        from gateway.destinations import endpoint_setup
        from gateway.security.secrets import SecretStore
        from gateway.system import SystemClock, SystemRng

        configuration = loaded(config)
        found = configuration.endpoints.get(name)
        if found is None:
            raise _unknown("endpoint", name, config, configuration.endpoints)
        if found.kind != adapter or found.settings is None:
            raise CommandError(
                f"endpoint '{name}' of {config} is of kind {found.kind}; this command wants kind {adapter}"
            )
        secret = SecretStore(configuration.folder or Path())
        return endpoint_setup(name, found, SystemClock(), SystemRng(), secret)

    def endpoints(self, config: Path, name: str, adapter: str) -> list[EndpointSetup]:
        """Read an endpoint, or those of a partner or a route."""
        from gateway.commands.configuration import loaded

        configuration = loaded(config)
        is_other = name in configuration.partners or name in configuration.routes
        if name in configuration.endpoints or not is_other:
            return [self.endpoint(config, name, adapter)]
        around = _of_route if name in configuration.routes else _serving
        served = [
            each for each in around(configuration, name) if configuration.endpoints[each].kind == adapter
        ]
        if not served:
            what = (
                f"route '{name}' of {config} has no"
                if name in configuration.routes
                else (f"no route of {config} reaches partner '{name}' by an")
            )
            raise CommandError(f"{what} endpoint of kind {adapter}")
        return [self.endpoint(config, each, adapter) for each in served]

    def reading(self, config: Path, endpoint: str, adapter: str) -> list[BaseModel]:
        """Give the settings of the first route that an endpoint feeds, then its partner's."""
        from gateway.commands.configuration import loaded

        configuration = loaded(config)
        fed = [each for each in configuration.routes.values() if each.source.endpoint == endpoint]
        if not fed or fed[0].source.format != adapter:
            return []
        partner = configuration.partners.get(fed[0].source.partner or "")
        found = [
            fed[0].source.format_settings,
            partner.adapters.get(adapter) if partner is not None else None,
        ]
        return [each for each in found if each is not None]

    def print_text(self, *lines: str) -> None:
        """Print lines for people."""
        terminal.print_text(*lines)

    def print_verbatim(self, *lines: str) -> None:
        """Print lines as they are."""
        terminal.print_verbatim(*lines)

    def print_wrapped(self, text: str, indent: str = "", hanging: str | None = None) -> None:
        """Print a paragraph."""
        terminal.print_wrapped(text, indent, hanging)

    def print_table(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], *, fixed: Sequence[int] = ()
    ) -> None:
        """Print a table."""
        terminal.print_table(headings, rows, fixed=fixed)

    def print_json(self, value: Any) -> None:
        """Print a value for machines."""
        terminal.print_json(value)

    def print_findings(self, findings: Iterable[Finding], *, as_json: bool = False) -> bool:
        """Print findings to stderr."""
        return terminal.print_findings(findings, as_json=as_json)

    def say(self, text: str) -> None:
        """Tell something on stderr."""
        terminal.say(text)


def _run(run: Run, desk: GatewayDesk, arguments: argparse.Namespace) -> int:
    try:
        return run(arguments, desk)
    except Exception as error:
        from gateway.security.secrets import SecretError

        if isinstance(error, SecretError):
            raise CommandError(f"{error}; set it, or correct the reference") from error
        raise


def _serving(configuration: Configuration, partner: str) -> list[str]:
    """Give a partner's endpoints: those its routes are fed from, and those that take its acknowledgments."""
    mine = [route for route in configuration.routes.values() if route.source.partner == partner]
    rules = [configuration.partners[partner].acknowledge, *(route.acknowledge for route in mine)]
    names = [route.source.endpoint for route in mine] + [rule.to for rule in rules if rule is not None]
    return [name for name in dict.fromkeys(names) if name is not None and name in configuration.endpoints]


def _of_route(configuration: Configuration, name: str) -> list[str]:
    """Give a route's endpoints: what it is fed from, then its targets."""
    route = configuration.routes[name]
    targets = route.targets
    names = [route.source.endpoint, targets.legacy, targets.cloud, targets.supplier]
    return [each for each in dict.fromkeys(names) if each is not None and each in configuration.endpoints]


def _unknown(what: str, name: str, config: Path, known: Iterable[str]) -> CommandError:
    names = ", ".join(sorted(known)) or "none"
    return CommandError(f"there is no {what} '{name}' in {config}; it declares: {names}")
