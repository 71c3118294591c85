"""One process from one routes.yaml: opens the journal, builds the gateway, listens, and ends cleanly.

``app.py`` builds what runs; this adds what only a process has: signals, reloads, its end, and a clear
last word when the journal fails. What it is made of: ``parts.py``; what listens: ``listening.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.base import Clock
from adapters.base.ending import ended
from adapters.base.settings import Settings
from canonical.model import Model, build_models
from gateway.app import DRAIN_S, Gateway
from gateway.config import Configuration, load
from gateway.config.reloading import ReloadError
from gateway.journal.base import JournalError
from gateway.listening import listen
from gateway.parts import PARTS, Parts, compiler, executor_of, journal_of, senders_of
from gateway.process_operations import open_control_socket, operations_of
from gateway.rereading import read_again
from gateway.security.secrets import SecretStore
from gateway.start_errors import ServeError, in_one_sentence
from gateway.system import SystemClock, SystemRng, collect_seldom

log = logging.getLogger("legacy_bridge.serving")


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that is up, and where it listens."""

    gateway: Gateway
    addresses: tuple[str, ...]  # "https://127.0.0.1:8443"


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
        collect_seldom()
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
            await ended(stopped, *failing)


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
        with in_one_sentence():
            journal = await journal_of(configuration, clock, secret, parts)
            stack.push_async_callback(journal.close)
            executor = executor_of(configuration, stack)
            gateway = parts.gateway(
                configuration, journal, executor, clock, SystemRng(),
                secret=secret, senders=senders_of(configuration, secret), compiled=compiler(folder),
            )  # fmt: skip
            ending = _Ending(clock)
            stack.push_async_callback(lambda: gateway.stop(ending.left_s()))
            await gateway.start()
            operations = operations_of(gateway, secret)
            addresses = await listen(gateway, secret, operations, stack, ending.left_s)
            await open_control_socket(gateway, operations, stack)
        yield Served(gateway, addresses)


def _configuration(path: Path, *, otherwise: str = "nothing was started") -> Configuration:
    loaded = load(path)
    if isinstance(loaded, list):
        errors = "1 error" if len(loaded) == 1 else f"{len(loaded)} errors"
        raise ServeError(f"{path} has {errors}; {otherwise}", loaded)
    return loaded


def _folder(path: Path) -> Path:
    return path.absolute().parent


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
        configuration = _configuration(path, otherwise="what is in force stays")
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
