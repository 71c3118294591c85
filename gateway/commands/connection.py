"""A command's way to what it asks about: a gateway elsewhere, the running one here, or its journal's file.

``--url`` (or LEGACY_BRIDGE_URL) asks over the admin API, with the token in LEGACY_BRIDGE_TOKEN or in the
file that LEGACY_BRIDGE_TOKEN_FILE names: a token in a command line would be in the list of processes.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import Finding
from gateway.commands.errors import CommandError
from gateway.commands.terminal import print_findings, say

if TYPE_CHECKING:
    from gateway.config import Configuration

ANSWER_S = 120.0
URL = "LEGACY_BRIDGE_URL"
TOKEN = "LEGACY_BRIDGE_TOKEN"  # noqa: S105  the name of a variable
TOKEN_FILE = "LEGACY_BRIDGE_TOKEN_FILE"  # noqa: S105
CA = "LEGACY_BRIDGE_CA"
WITHOUT_IT = (
    "a gateway that runs is asked all the same with --socket PATH: the journal's path and .sock, unless "
    "gateway.control_socket named another"
)
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
        return _ask_configured(_configuration(arguments.config), arguments.config, verb, parameters)
    except OperationError as error:
        print_findings(Finding.from_json(each) for each in error.findings)
        raise CommandError(str(error)) from error
    except ControlError as error:
        raise CommandError(str(error)) from error


def _configuration(path: Path) -> Configuration:
    from gateway.commands.configuration import loaded

    try:
        return loaded(path)
    except CommandError as error:
        raise CommandError(f"{error}; {WITHOUT_IT}" if path.exists() else str(error)) from error


def url_of(arguments: argparse.Namespace) -> str | None:
    """Give the address of the gateway that is asked elsewhere; None where it is one of this machine."""
    given: str | None = getattr(arguments, "url", None)
    if arguments.socket is not None and given is None:
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
    return asyncio.run(_look(configuration, path, verb, parameters))


async def _look(configuration: Configuration, path: Path, verb: str, parameters: dict[str, Any]) -> Any:
    """Answer from the journal's file; the gateway may have been stopped, or killed."""
    from gateway.journal.base import JournalError
    from gateway.journal.sqlite import SqliteJournal
    from gateway.operations import Operations
    from gateway.system import SystemClock

    file = configuration.gateway.journal.path
    if file is None:
        raise CommandError("no gateway is running, and its journal was in memory: there is nothing to show")
    if not file.exists():
        text = f"{file}: there is no journal yet; it begins with: legacy-bridge serve -c {path}"
        raise CommandError(text)
    clock = SystemClock()
    try:
        journal = await SqliteJournal.open_readonly(file, clock=clock, key=key_of(configuration))
        try:
            return await Operations(journal, lambda: configuration, clock).perform(verb, parameters)
        finally:
            await journal.close()
    except JournalError as error:
        raise CommandError(str(error)) from error


def key_of(configuration: Configuration) -> bytes | None:
    """Give the key that the journal's bodies are encrypted with, None where they are not."""
    from gateway.security.secrets import SecretError, SecretStore

    reference = configuration.gateway.journal_key
    if reference is None:
        return None
    try:
        text = SecretStore(configuration.folder or Path())(reference)
        return base64.b64decode(text, validate=True)
    except SecretError as error:
        raise CommandError(f"gateway.journal_key: {error}") from error
    except binascii.Error as error:
        raise CommandError("gateway.journal_key: expected 32 bytes in base64") from error
