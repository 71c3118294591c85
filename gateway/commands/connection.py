"""A command's way to what it asks about: a gateway elsewhere, the running one here, or its journal's file.

``--url`` (or LEGACY_BRIDGE_URL) asks over the admin API, with the token in LEGACY_BRIDGE_TOKEN or in the
file that LEGACY_BRIDGE_TOKEN_FILE names: a token in a command line would be in the list of processes.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import Finding
from gateway.commands.errors import CommandError
from gateway.commands.terminal import print_findings, say

if TYPE_CHECKING:
    from gateway.config import Configuration

ANSWER_S = 120.0
SOON_S = 10.0  # for a gateway whose journal can be read instead
URL = "LEGACY_BRIDGE_URL"
TOKEN = "LEGACY_BRIDGE_TOKEN"  # noqa: S105  the name of a variable
TOKEN_FILE = "LEGACY_BRIDGE_TOKEN_FILE"  # noqa: S105
CA = "LEGACY_BRIDGE_CA"
STOPPED = "no gateway is running, so nothing was changed; start it with: legacy-bridge serve -c {}"


def ask(arguments: argparse.Namespace, verb: str, **parameters: Any) -> Any:
    """Ask the running gateway; where none runs, look into its journal. Errors: CommandError."""
    from gateway.control import ControlError, call
    from gateway.operations.errors import OperationError

    try:
        if (url := url_of(arguments)) is not None:
            return _ask_elsewhere(url, verb, parameters)
        if arguments.socket is not None:
            return call(arguments.socket, verb, parameters, ANSWER_S)
        if getattr(arguments, "journal", None) is not None:
            return _ask_by_journal(arguments.journal, arguments.config, verb, parameters)
        return _ask_configured(_configuration(arguments), arguments.config, verb, parameters)
    except OperationError as error:
        print_findings(Finding.from_json(each) for each in error.findings)
        raise CommandError(str(error)) from error
    except ControlError as error:
        raise CommandError(str(error)) from error


def _configuration(arguments: argparse.Namespace) -> Configuration:
    from gateway.commands.configuration import loaded
    from gateway.commands.journal_file import way_round

    try:
        return loaded(arguments.config)
    except CommandError as error:
        way = way_round(arguments.config, is_read_only=hasattr(arguments, "journal"))
        raise CommandError(f"{error}{way}") from error


def url_of(arguments: argparse.Namespace) -> str | None:
    """Give the address of the gateway that is asked elsewhere; None where it is one of this machine."""
    given: str | None = getattr(arguments, "url", None)
    is_of_this_machine = arguments.socket is not None or getattr(arguments, "journal", None) is not None
    if is_of_this_machine and given is None:
        return None
    return given or os.environ.get(URL) or None


def _ask_elsewhere(url: str, verb: str, parameters: dict[str, Any]) -> Any:
    from gateway.api.client import ClientError, ask_over_http

    try:
        return ask_over_http(url, _token(), verb, parameters, ANSWER_S, ca=os.environ.get(CA))
    except ClientError as error:
        raise CommandError(str(error)) from error


def _token() -> str:
    if token := os.environ.get(TOKEN, "").strip():
        return token
    file = os.environ.get(TOKEN_FILE)
    if file is None:
        raise CommandError(f"a gateway elsewhere asks for a token: set {TOKEN}, or {TOKEN_FILE} to its file")
    return Path(file).read_text(encoding="ascii").strip()


def _ask_configured(configuration: Configuration, path: Path, verb: str, parameters: dict[str, Any]) -> Any:
    from gateway.commands.journal_file import look
    from gateway.control import NotRunningError, call
    from gateway.operations import CHANGES, OperationError

    socket = configuration.gateway.control_socket_path
    if socket is not None:
        try:
            return call(socket, verb, parameters, ANSWER_S)
        except NotRunningError:
            if verb not in CHANGES:
                say("(no gateway is running: this is what its journal holds)")
    if verb in CHANGES:
        raise OperationError("stopped", STOPPED.format(path))
    file = configuration.gateway.journal.path
    if file is None:
        raise CommandError("no gateway is running, and its journal was in memory: there is nothing to show")
    if not file.exists():
        text = f"{file}: there is no journal yet; it begins with: legacy-bridge serve -c {path}"
        raise CommandError(text)
    return look(configuration, file, verb, parameters)


def _ask_by_journal(file: Path, path: Path, verb: str, parameters: dict[str, Any]) -> Any:
    """Ask the gateway of a journal; where none answers, look into the file. No routes.yaml is read."""
    from gateway.commands.journal_file import kept_by, look
    from gateway.control import ControlError, NotRunningError, call
    from gateway.operations import CHANGES, OperationError

    kept = kept_by(file, path.absolute().parent)
    socket = socket_of(kept.configuration, file)
    try:
        return call(socket, verb, parameters, ANSWER_S if verb in CHANGES else SOON_S)
    except NotRunningError as error:
        if verb in CHANGES:
            raise OperationError("stopped", STOPPED.format(path)) from error
        said = f"no gateway answers at {socket}"
    except ControlError as error:
        if verb in CHANGES:
            raise
        said = str(error)
    say(f"({said}: this is what {file} holds, {kept.told})")
    return look(kept.configuration, file, verb, parameters)


def socket_of(configuration: Configuration, file: Path) -> Path:
    """Give the socket of the gateway that owns a file: a declared one belongs to the declared journal only.

    A copy of a journal must not be answered for by the gateway that it was copied from.
    """
    declared, journal = configuration.gateway.control_socket, configuration.gateway.journal.path
    if declared is not None and journal is not None and journal.resolve() == file.resolve():
        return declared.path
    return file.with_name(f"{file.name}.sock")
