"""One process from one routes.yaml: opens the journal, builds the gateway, listens, and ends cleanly.

``app.py`` builds what runs; this adds what only a process has: files, listeners, the control socket,
signals, and a clear last word when the journal fails.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import errno
import gc
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.base import Clock, Executor, Finding
from adapters.base.registry import EndpointError
from adapters.base.settings import Settings
from canonical.model import Model, build_models
from gateway.alarm_senders import Mail, Webhook
from gateway.alarms import Send
from gateway.api.admin import AdminApi
from gateway.api.contract import resource_of
from gateway.api.facades import FacadeApi
from gateway.api.inbound import InboundApi
from gateway.api.issuing import issuers_of
from gateway.api.messages import mount_messages
from gateway.app import DRAIN_S, Gateway, format_by_name
from gateway.compiling import compile_programs
from gateway.config import Address, Configuration, load, load_text
from gateway.config.reloading import ReloadError
from gateway.control import ControlError, ControlServer
from gateway.facade_routes import FacadeError
from gateway.forecast.answering import answered
from gateway.forecast.making import Store
from gateway.http_app import HttpApp, HttpLimits
from gateway.http_routes import http_inlets
from gateway.inlets.http_inlet import Caller
from gateway.journal.base import Journal, JournalError
from gateway.journal.memory import MemoryJournal
from gateway.journal.sqlite import SqliteJournal
from gateway.operations import Hooks, OperationError, Operations
from gateway.order_reading import OrderReading
from gateway.program import Programs
from gateway.rereading import read_again
from gateway.security.partners import PartnerCertificates, PartnerError
from gateway.security.secrets import SecretError, SecretStore
from gateway.security.settings import TlsSettings
from gateway.security.tls import ServerTls, TlsError
from gateway.system import SystemClock, SystemRng, package_version
from gateway.workers import InlineExecutor, ProcessExecutor

log = logging.getLogger("legacy_bridge.serving")

KEY_BYTES = 32
GARBAGE_YOUNG = 100_000  # new containers before the youngest are looked at; Python's own figure is 700
CALLERS_S = 5.0  # of the time to end in (DRAIN_S in all); who waits longer asks again after the start


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


class _Ending:
    """The time that is left to end in, shared by all that must end; it runs from the first question on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_s: float | None = None

    def left_s(self) -> float:
        """Give the seconds left."""
        now_s = self._clock.monotonic()
        if self._ends_s is None:
            self._ends_s = now_s + DRAIN_S
        return max(self._ends_s - now_s, 0.0)


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
    ending, hangup = stop or asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    # Before the start: until a handler is there, SIGHUP kills, and the start may recover for a while.
    for number, event in ((signal.SIGTERM, ending), (signal.SIGINT, ending), (signal.SIGHUP, hangup)):
        loop.add_signal_handler(number, event.set)
    async with serving(path, parts) as served:
        _collect_seldom()
        if up is not None:
            up(served)
        failing = [
            loop.create_task(served.gateway.wait()),
            loop.create_task(_reload_on_hangup(path, served.gateway, hangup)),
        ]
        stopped = loop.create_task(ending.wait())
        try:
            await asyncio.wait((stopped, *failing), return_when=asyncio.FIRST_COMPLETED)
            for task in failing:
                if task.done():
                    task.result()
        finally:
            for task in failing:
                task.cancel()
            stopped.cancel()
            await asyncio.gather(stopped, *failing, return_exceptions=True)


def _collect_seldom() -> None:
    """Look for garbage cycles seldom: what the start built is for good, and messages leave next to none.

    Measured: a fifth of the event loop's time under load went into collections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_YOUNG, 50, 100)


@contextlib.asynccontextmanager
async def serving(path: Path, parts: Parts = PARTS) -> AsyncIterator[Served]:
    """Start a gateway, and stop it at the end of the block. Errors: ServeError."""
    configuration = _configuration(path)
    for base in (Model, Settings):
        build_models(base)
    folder = _folder(path)
    clock = SystemClock()
    secret = SecretStore(folder)
    async with contextlib.AsyncExitStack() as stack:
        with _refused():
            journal = await _journal(configuration, clock, secret, parts)
            stack.push_async_callback(journal.close)
            executor = _executor(configuration, stack)
            gateway = parts.gateway(
                configuration, journal, executor, clock, SystemRng(),
                secret=secret, senders=_senders(configuration, secret), compiled=_compiler(folder),
            )  # fmt: skip
            ending = _Ending(clock)
            stack.push_async_callback(lambda: gateway.stop(ending.left_s()))
            await gateway.start()
            operations = _operations(gateway, secret)
            addresses = await _listen(gateway, secret, operations, stack, ending)
            await _control(gateway, operations, stack)
        yield Served(gateway, addresses)


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """Turn whatever keeps a configuration from running into one sentence. Errors: ServeError."""
    try:
        yield
    except (SecretError, TlsError) as error:
        raise ServeError(error.finding.text, [error.finding]) from error
    except PartnerError as error:
        raise ServeError("the partners' certificates do not tell them apart", list(error.findings)) from error
    except EndpointError as error:
        raise ServeError("an endpoint does not fit its files", list(error.findings)) from error
    except (JournalError, ControlError, FacadeError) as error:
        raise ServeError(str(error)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        raise ServeError(f"the gateway cannot start: {where}{error.strerror or error}") from error


def _configuration(path: Path) -> Configuration:
    loaded = load(path)
    if isinstance(loaded, list):
        errors = "1 error" if len(loaded) == 1 else f"{len(loaded)} errors"
        raise ServeError(f"{path} has {errors}; nothing was started", loaded)
    return loaded


def _folder(path: Path) -> Path:
    return path.absolute().parent


def _compiler(folder: Path) -> Callable[[str, int], Programs | None]:
    """Give what compiles an old revision from its text; None where it can no longer be read."""

    def compiled(text: str, revision: int) -> Programs | None:
        loaded = load_text(text, f"configuration revision {revision}", folder=folder)
        return None if isinstance(loaded, list) else compile_programs(loaded, revision)

    return compiled


async def _journal(configuration: Configuration, clock: Clock, secret: SecretStore, parts: Parts) -> Journal:
    path = configuration.gateway.journal.path
    if path is None:
        return MemoryJournal(clock=clock)
    path.parent.mkdir(parents=True, exist_ok=True)
    reference = configuration.gateway.journal_key
    key = _key(secret(reference)) if reference is not None else None
    return await parts.journal(path, clock=clock, key=key)


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


async def _listen(
    gateway: Gateway,
    secret: SecretStore,
    operations: Operations,
    stack: contextlib.AsyncExitStack,
    ending: _Ending,
) -> tuple[str, ...]:
    configuration = gateway.configuration
    callers = _Callers(_known(configuration))
    limits = HttpLimits(requests_max=configuration.gateway.limits.requests_max)
    app = HttpApp(gateway.is_healthy, callers.identify, limits)
    inlets = InboundApi(
        app,
        http_inlets(configuration),
        take=gateway.take,
        wait_for=gateway.answer,
        pass_on=gateway.calls.pass_on,
        refuse=gateway.refuse,
        clock=gateway.clock,
    )
    issuers = issuers_of(configuration, gateway.clock, secret)
    admin = AdminApi(app, operations, issuers, package_version())
    administrator = admin.handler(resource_of("messages.show"))
    mount_messages(app, gateway.journal, inlets.inlet, administrator)
    facades = FacadeApi(
        app,
        take=gateway.take,
        outcome=gateway.outcome,
        passes_on=gateway.passing_on,
        refuse=gateway.refuse,
        memory=gateway.journal,
        clock=gateway.clock,
    )
    # A WSDL takes up to a second to read; nothing else must wait for it, and nobody is served before.
    gateway.facade_of = facades.facade_of
    facades.set_served(await asyncio.to_thread(gateway.facades, configuration))

    def prepare(changed: Configuration) -> Callable[[], None]:
        routes, known, senders = http_inlets(changed), _known(changed), _senders(changed, secret)
        served, issuers = gateway.facades(changed), issuers_of(changed, gateway.clock, secret)

        def take_over() -> None:
            admin.set_issuers(issuers)
            inlets.set_inlets(routes)
            facades.set_served(served)
            callers.known = known
            gateway.alarm_by(senders)

        return take_over

    gateway.on_reload(prepare)
    stack.push_async_callback(lambda: app.close(min(CALLERS_S, ending.left_s())))
    listen = configuration.gateway.listen
    addresses = []
    if listen.http is not None:
        addresses.append(f"http://{await _bound(app, listen.http)}")
    if listen.https is not None and listen.tls is not None:
        tls = TlsSettings(certificate=listen.tls.certificate, key=listen.tls.key, ca=listen.tls.client_ca)
        server = ServerTls(tls, secret, require_client=listen.tls.client_ca is not None)
        addresses.append(f"https://{await _bound(app, listen.https, server.context)}")
    return tuple(addresses)


async def _bound(app: HttpApp, address: Address, tls: ssl.SSLContext | None = None) -> Address:
    """Listen, and give where. Errors: ServeError."""
    try:
        return Address(*await app.start(address.host, address.port, tls))
    except OSError as error:
        reason = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror
        raise ServeError(
            f"{address} cannot be listened on ({reason or error}); gateway.listen in routes.yaml moves it"
        ) from error


class _Callers:
    """Who holds a client certificate, by the partners of the configuration in force."""

    def __init__(self, known: PartnerCertificates) -> None:
        self.known = known

    def identify(self, der: bytes) -> Caller | None:
        """Give the holder of a certificate; None where it stands for no partner."""
        partner, certificate = self.known.identify(der)
        return Caller(certificate.subject, certificate.sha256, partner) if partner is not None else None


def _known(configuration: Configuration) -> PartnerCertificates:
    return PartnerCertificates(
        {name: partner.certificates for name, partner in configuration.partners.items()}
    )


def _operations(gateway: Gateway, secret: SecretStore) -> Operations:
    planning = asyncio.Lock()  # a plan takes two processes and all they can get; one at a time

    async def plan(asked: Mapping[str, Any]) -> dict[str, Any]:
        if planning.locked():
            raise OperationError("refused", "another plan is being made at this moment; ask again after it")
        async with planning:
            return await made(asked)

    async def made(asked: Mapping[str, Any]) -> dict[str, Any]:
        configuration = gateway.configuration
        reference = configuration.gateway.journal_key
        key = _key(secret(reference)) if reference is not None else None
        store = Store(configuration.gateway.journal.path, key)
        now = gateway.clock.now()
        return await answered(asked, configuration, gateway.journal, store, format_by_name, now)

    hooks = Hooks(
        work_changed=gateway.look_again,
        process=gateway.process_facts,
        plan=plan,
        reading=OrderReading(gateway.destinations, gateway.clock),
    )
    return Operations(gateway.journal, lambda: gateway.configuration, gateway.clock, hooks)


async def _control(gateway: Gateway, operations: Operations, stack: contextlib.AsyncExitStack) -> None:
    socket_path = gateway.configuration.gateway.control_socket_path
    if socket_path is None:
        return
    server = ControlServer(socket_path, operations)
    await server.start()
    stack.push_async_callback(server.stop)


async def _reload_on_hangup(path: Path, gateway: Gateway, hangup: asyncio.Event) -> None:
    """Reload routes.yaml on SIGHUP; one with problems changes nothing."""
    while True:
        await hangup.wait()
        hangup.clear()
        await reload(path, gateway, "SIGHUP")


async def reload(path: Path, gateway: Gateway, who: str) -> bool:
    """Take over the routes.yaml of now; one that cannot be run changes nothing, and the log says why.

    Files that it names are read again first (WSDLs), for it is judged by them. One that cannot be read any
    more stays as it was, with a finding in the log, and keeps nothing else from being taken over.
    Errors: JournalError, after which the process must end.
    """
    reread = await asyncio.to_thread(read_again, gateway.configuration)
    for finding in reread.findings:
        log.error("configuration.finding %s", finding)
    is_taken = False
    try:
        configuration = _configuration(path)
        revision = await gateway.reload(configuration, who)
        is_taken = True
    except JournalError:
        raise
    except (ServeError, ReloadError) as error:
        log.error("configuration.refused reason=%s", error)
        for finding in error.findings:
            log.error("configuration.finding %s", finding)
        return False
    except Exception as error:  # noqa: BLE001  a secret, a certificate, an endpoint: what is in force stays
        log.error("configuration.refused reason=%s", f"{type(error).__name__}: {error}")
        return False
    finally:
        if not is_taken:
            reread.undo()
    if reread.has_changed:
        gateway.renew_decoding()
    log.info("configuration.reloaded revision=%d", revision)
    return True
