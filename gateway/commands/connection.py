"""A command's way to what it asks about: the running gateway, or its journal opened read-only."""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import Finding
from gateway.commands.errors import CommandError
from gateway.commands.terminal import print_findings, say

if TYPE_CHECKING:
    from gateway.config import Configuration

ANSWER_S = 120.0
STOPPED = "no gateway is running, so nothing was changed; start it with: legacy-bridge serve -c {}"


def ask(arguments: argparse.Namespace, verb: str, **parameters: Any) -> Any:
    """Ask the running gateway; where none runs, look into its journal. Errors: CommandError."""
    from gateway.commands.configuration import loaded
    from gateway.control import ControlError, call
    from gateway.operations.errors import OperationError

    try:
        if arguments.socket is not None:
            return call(arguments.socket, verb, parameters, ANSWER_S)
        configuration = loaded(arguments.config)
        return _ask_configured(configuration, arguments.config, verb, parameters)
    except OperationError as error:
        print_findings(Finding.from_json(each) for each in error.findings)
        raise CommandError(str(error)) from error
    except ControlError as error:
        raise CommandError(str(error)) from error


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
