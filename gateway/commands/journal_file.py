"""The journal's file, read where no gateway answers: by routes.yaml, or by the configuration that it keeps.

A broken routes.yaml must take nothing away from who has to see, at night, what is still to be ordered.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.commands.errors import CommandError
from gateway.commands.terminal import print_findings

if TYPE_CHECKING:
    from gateway.config import Configuration

REFUSED = (
    "This version refuses it, so what routes and partners say is not known: deadlines are the defaults, an "
    "order is found by its number as it was sent, and what answers orders stands on the call sheet like one"
)


def look(configuration: Configuration, file: Path, verb: str, parameters: dict[str, Any]) -> Any:
    """Answer from the file; the gateway may have been stopped, or killed. Errors: CommandError."""
    from gateway.journal.base import JournalError

    try:
        return asyncio.run(_answer(configuration, file, verb, parameters))
    except JournalError as error:
        raise CommandError(str(error)) from error


async def _answer(configuration: Configuration, file: Path, verb: str, parameters: dict[str, Any]) -> Any:
    from gateway.journal.sqlite import SqliteJournal
    from gateway.operations import Operations
    from gateway.system import SystemClock

    clock = SystemClock()
    journal = await SqliteJournal.open_readonly(file, clock=clock, key=key_of(configuration))
    try:
        return await Operations(journal, lambda: configuration, clock).perform(verb, parameters)
    finally:
        await journal.close()


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
        where = "; a relative path counts from the folder of -c FILE" if reference.startswith("file:") else ""
        raise CommandError(f"gateway.journal_key: {error}{where}") from error
    except binascii.Error as error:
        raise CommandError("gateway.journal_key: expected 32 bytes in base64") from error


@dataclass(frozen=True, slots=True)
class Kept:
    """The configuration that the gateway last ran with, out of its journal; ``told`` says which it is."""

    configuration: Configuration
    told: str


def kept_by(file: Path, folder: Path) -> Kept:
    """Give the configuration that a journal's file keeps. Errors: CommandError.

    ``folder``: what its relative paths count from.
    """
    from gateway.config import load_text
    from gateway.config.remains import remains
    from gateway.journal.base import JournalError
    from gateway.journal.sqlite.kept import last_configuration

    try:
        revision, text = last_configuration(file)
    except JournalError as error:
        raise CommandError(str(error)) from error
    name = f"configuration revision {revision}"
    told = f"read by the configuration that it keeps, revision {revision}"
    found = load_text(text, name, folder=folder)
    if isinstance(found, list):
        # An upgrade may refuse what was taken before it, and orders are due all the same.
        told += f". {REFUSED}"
        found = load_text(remains(text), name, folder=folder)
    if isinstance(found, list):
        print_findings(found)
        raise CommandError(f"{file}: {name}, which this journal keeps, cannot be read by this version")
    return Kept(found, told)


def way_round(config: Path, *, is_read_only: bool) -> str:
    """Say how to read the journal, or ask a gateway, while a configuration cannot be read; "" for neither.

    The path is taken from what of the file can be read, or is the usual one.
    """
    file = _journal_of(config)
    if not config.exists() and file is None:
        return ""
    if is_read_only:
        named = shlex.quote(str(file)) if file is not None else "PATH, the file that gateway.journal names"
        return f"; until it is mended, add: --journal {named}"
    socket = shlex.quote(f"{file}.sock") if file is not None else "PATH: the journal's path and .sock"
    unless = "unless gateway.control_socket names another"
    return f"; a gateway that runs is asked all the same with --socket {socket}, {unless}"


def _journal_of(config: Path) -> Path | None:
    """Give the journal of a configuration that cannot be read, None where no file is where it should be."""
    from gateway.config import GatewaySettings
    from gateway.config.files import FileError, read_text
    from gateway.config.remains import journal_named

    try:
        named = journal_named(read_text(config))
    except FileError:
        named = None
    usual = GatewaySettings.model_fields["journal"].default.path
    file = config.parent / (named or usual)
    try:
        return file if file.is_file() else None
    except OSError:  # a name that no file can have, or a folder that may not be looked into
        return None
