"""What a gateway is made of, from its configuration: its journal, what decodes, and who hears of alarms."""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.base import Clock, Executor
from gateway.alarm_senders import Mail, Webhook
from gateway.alarms import Send
from gateway.app import Gateway, format_by_name
from gateway.compiling import compile_programs
from gateway.config import Configuration, load_text
from gateway.journal.base import Journal
from gateway.journal.memory import MemoryJournal
from gateway.journal.sqlite import SqliteJournal
from gateway.program import Programs
from gateway.security.secrets import SecretStore
from gateway.start_errors import ServeError
from gateway.workers import InlineExecutor, ProcessExecutor

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Parts:
    """Who makes the two largest parts; a rehearsal or a fault test puts other ones in."""

    journal: Callable[..., Awaitable[Journal]] = SqliteJournal.open
    gateway: Callable[..., Gateway] = Gateway


PARTS = Parts()


async def journal_of(
    configuration: Configuration, clock: Clock, secret: SecretStore, parts: Parts
) -> Journal:
    """Open the journal. Errors: JournalError, ServeError for a key that is none."""
    path = configuration.gateway.journal.path
    if path is None:
        return MemoryJournal(clock=clock)
    path.parent.mkdir(parents=True, exist_ok=True)
    return await parts.journal(path, clock=clock, key=journal_key(configuration, secret))


def journal_key(configuration: Configuration, secret: SecretStore) -> bytes | None:
    """Give the key that the journal is encrypted with; None where it is not. Errors: ServeError."""
    reference = configuration.gateway.journal_key
    if reference is None:
        return None
    try:
        key = base64.b64decode(secret(reference), validate=True)
    except binascii.Error as error:
        raise ServeError("gateway.journal_key: expected 32 bytes in base64") from error
    if len(key) != KEY_BYTES:
        raise ServeError(f"gateway.journal_key: {len(key)} bytes found, expected {KEY_BYTES}")
    return key


def executor_of(configuration: Configuration, stack: contextlib.AsyncExitStack) -> Executor:
    """Give what decodes; its processes end with the stack."""
    workers = configuration.gateway.workers
    if workers == 0:
        return InlineExecutor(format_by_name)
    executor = ProcessExecutor(format_by_name, workers)
    stack.push_async_callback(executor.close)
    return executor


def senders_of(configuration: Configuration, secret: SecretStore) -> tuple[Send, ...]:
    """Give the ways that alarms take."""
    alarms = configuration.gateway.alarms
    senders: list[Send] = []
    if alarms.webhook is not None:
        key = alarms.webhook.secret
        senders.append(Webhook(alarms.webhook.url, secret(key) if key is not None else None))
    if alarms.email is not None:
        mail = alarms.email
        password = secret(mail.password) if mail.password is not None else None
        smtp = mail.smtp
        senders.append(
            Mail(smtp.host, smtp.port, mail.sender, mail.to, tls=mail.tls, user=mail.user, password=password)
        )
    return tuple(senders)


def compiler(folder: Path) -> Callable[[str, int], Programs | None]:
    """Give what compiles an old revision from its text; None where it can no longer be read."""

    def compiled(text: str, revision: int) -> Programs | None:
        loaded = load_text(text, f"configuration revision {revision}", folder=folder)
        return None if isinstance(loaded, list) else compile_programs(loaded, revision)

    return compiled
