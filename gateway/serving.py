"""One process from one routes.yaml: opens the journal, builds the gateway, listens, and ends cleanly.

``app.py`` builds what runs; this adds what only a process has: files, listeners, the control socket,
signals, and a clear last word when the journal fails.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.base import Clock, Executor, Finding
from gateway.acknowledging import REPLY
from gateway.alarm_senders import Mail, Webhook
from gateway.alarms import Send
from gateway.api.inbound import InboundApi
from gateway.api.messages import mount_messages
from gateway.app import Gateway, format_by_name
from gateway.compiling import REPLY_WITHIN, compile_programs
from gateway.config import Configuration, Route, load, load_text
from gateway.control import ControlServer
from gateway.http_app import HttpApp, HttpLimits
from gateway.inlets.http_inlet import Caller, HttpIdentity, HttpInlet
from gateway.journal.base import Journal, JournalError
from gateway.journal.memory import MemoryJournal
from gateway.journal.sqlite import SqliteJournal
from gateway.operations import Hooks, Operations
from gateway.program import Programs
from gateway.security.partners import PartnerCertificates
from gateway.security.secrets import SecretStore
from gateway.security.settings import TlsSettings
from gateway.security.tls import ServerTls
from gateway.system import SystemClock, SystemRng
from gateway.workers import InlineExecutor, ProcessExecutor

log = logging.getLogger("legacy_bridge.serving")

KEY_BYTES = 32


class ServeError(Exception):
    """The gateway cannot start; the text is a sentence for whoever starts it, ``findings`` say more."""

    def __init__(self, text: str, findings: list[Finding] | None = None) -> None:
        super().__init__(text)
        self.findings = findings or []


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that is up, and where it listens."""

    gateway: Gateway
    addresses: tuple[str, ...]  # "https://127.0.0.1:8443"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway is made of; a rehearsal or a fault test puts other parts in."""

    journal: Callable[..., Awaitable[Journal]] = SqliteJournal.open
    gateway: Callable[..., Gateway] = Gateway


PARTS = Parts()


async def serve(
    path: Path,
    *,
    stop: asyncio.Event | None = None,
    up: Callable[[Served], None] | None = None,
    parts: Parts = PARTS,
) -> None:
    """Run the gateway of a routes.yaml until SIGTERM, SIGINT or ``stop``.

    Errors: ServeError before anything started; JournalError where the journal failed, after which the
    process must end: nothing acknowledged is lost, the next start recovers.
    """
    ending = stop or asyncio.Event()
    async with serving(path, parts) as served:
        if up is not None:
            up(served)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.set)
        reload = loop.create_task(_reload_on_hangup(path, served.gateway))
        waiting = [loop.create_task(ending.wait()), loop.create_task(served.gateway.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if waiting[1].done():
                waiting[1].result()
        finally:
            for task in (*waiting, reload):
                task.cancel()
            await asyncio.gather(*waiting, reload, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(path: Path, parts: Parts = PARTS) -> AsyncIterator[Served]:
    """Start a gateway, and stop it at the end of the block. Errors: ServeError."""
    configuration = _configuration(path)
    folder = _folder(path)
    clock = SystemClock()
    secret = SecretStore(folder)
    async with contextlib.AsyncExitStack() as stack:
        journal = await _journal(configuration, clock, secret, parts)
        stack.push_async_callback(journal.close)
        executor = _executor(configuration, stack)
        gateway = parts.gateway(
            configuration, journal, executor, clock, SystemRng(),
            secret=secret, senders=_senders(configuration, secret), compiled=_compiler(folder),
        )  # fmt: skip
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        addresses = await _listen(gateway, secret, stack)
        await _control(gateway, stack)
        yield Served(gateway, addresses)


def _configuration(path: Path) -> Configuration:
    loaded = load(path)
    if isinstance(loaded, list):
        raise ServeError(f"{path} has {len(loaded)} problem(s); nothing was started", loaded)
    return loaded


def _folder(path: Path) -> Path:
    return path.absolute().parent


def _compiler(folder: Path) -> Callable[[str, int], Programs | None]:
    """Give what compiles an old revision from its text; None where it can no longer be read."""

    def compiled(text: str, revision: int) -> Programs | None:
        loaded = load_text(text, f"revision {revision}", folder=folder)
        return None if isinstance(loaded, list) else compile_programs(loaded, revision)

    return compiled


async def _journal(
    configuration: Configuration, clock: Clock, secret: SecretStore, parts: Parts
) -> Journal:
    path = configuration.gateway.journal.path
    if path is None:
        return MemoryJournal(clock=clock)
    path.parent.mkdir(parents=True, exist_ok=True)
    reference = configuration.gateway.journal_key
    try:
        key = _key(secret(reference)) if reference is not None else None
        return await parts.journal(path, clock=clock, key=key)
    except JournalError as error:
        raise ServeError(str(error)) from error


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ServeError("gateway.journal_key: expected 32 bytes in base64") from error
    if len(key) != KEY_BYTES:
        raise ServeError(f"gateway.journal_key: {len(key)} bytes found, expected {KEY_BYTES}")
    return key


def _executor(configuration: Configuration, stack: contextlib.AsyncExitStack) -> Executor:
    workers = configuration.gateway.workers
    if workers == 0:
        return InlineExecutor(format_by_name)
    executor = ProcessExecutor(format_by_name, workers)
    stack.push_async_callback(executor.close)
    return executor


def _senders(configuration: Configuration, secret: SecretStore) -> tuple[Send, ...]:
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


async def _listen(gateway: Gateway, secret: SecretStore, stack: contextlib.AsyncExitStack) -> tuple[str, ...]:
    configuration = gateway.configuration
    listed = {name: partner.certificates for name, partner in configuration.partners.items()}
    known = PartnerCertificates(listed)

    def identify(der: bytes) -> Caller | None:
        partner, certificate = known.identify(der)
        return Caller(certificate.subject, certificate.sha256, partner) if partner is not None else None

    limits = HttpLimits(requests_max=configuration.gateway.limits.requests_max)
    app = HttpApp(gateway.is_healthy, identify, limits)
    inlets = InboundApi(
        app,
        http_inlets(configuration),
        take=gateway.take,
        wait_for=gateway.answer,
        pass_on=gateway.calls.pass_on,
        refuse=gateway.refuse,
        clock=gateway.clock,
    )
    mount_messages(app, gateway.journal, inlets.inlet)
    gateway.on_reload(lambda changed: inlets.set_inlets(http_inlets(changed)))
    stack.push_async_callback(app.close)
    listen = configuration.gateway.listen
    addresses = []
    if listen.http is not None:
        host, port = await app.start(listen.http.host, listen.http.port)
        addresses.append(f"http://{host}:{port}")
    if listen.https is not None and listen.tls is not None:
        tls = TlsSettings(certificate=listen.tls.certificate, key=listen.tls.key, ca=listen.tls.client_ca)
        server = ServerTls(tls, secret, require_client=listen.tls.client_ca is not None)
        host, port = await app.start(listen.https.host, listen.https.port, server.context)
        addresses.append(f"https://{host}:{port}")
    return tuple(addresses)


def http_inlets(configuration: Configuration) -> list[HttpInlet]:
    """Give the routes that messages reach over HTTP."""
    return [_inlet(configuration, route) for route in configuration.routes.values() if route.source.http]


def _inlet(configuration: Configuration, route: Route) -> HttpInlet:
    name = route.source.partner
    partner = configuration.partners.get(name or "")
    must_prove = partner is not None and bool(partner.certificates)
    acknowledge = configuration.acknowledge(route)
    answers_with_acknowledgment = acknowledge is not None and acknowledge.to == REPLY
    within = route.reply.within or REPLY_WITHIN
    return HttpInlet(
        route=route.id,
        document=route.source.document,
        identity=_identity(route),
        partner=name,
        needs_certificate=must_prove,
        partners=frozenset({name}) if must_prove and name is not None else frozenset(),
        size_bytes_max=configuration.gateway.limits.body_bytes_max,
        reply="wait" if answers_with_acknowledgment else route.reply.mode,
        reply_within_s=within.total_seconds(),
    )


def _identity(route: Route) -> HttpIdentity:
    match route.source.identity:
        case "idempotency_key" | "control_numbers" as identity:
            return identity
        case _:
            return "none"


async def _control(gateway: Gateway, stack: contextlib.AsyncExitStack) -> None:
    socket_path = gateway.configuration.gateway.control_socket_path
    if socket_path is None:
        return

    hooks = Hooks(work_changed=gateway.look_again, process=gateway.process_facts)
    operations = Operations(gateway.journal, lambda: gateway.configuration, gateway.clock, hooks)
    server = ControlServer(socket_path, operations)
    await server.start()
    stack.push_async_callback(server.stop)


async def _reload_on_hangup(path: Path, gateway: Gateway) -> None:
    """Reload routes.yaml on SIGHUP; one with problems changes nothing."""
    hangup = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    while True:
        await hangup.wait()
        hangup.clear()
        try:
            revision = await gateway.reload(_configuration(path), "SIGHUP")
            log.info("configuration.reloaded revision=%d", revision)
        except ServeError as error:
            log.error("configuration.refused reason=%s", error)
            for finding in error.findings:
                log.error("configuration.finding %s", finding)
