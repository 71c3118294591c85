"""A gateway in a process of its own, built as ``legacy-bridge serve`` builds it, with faults put in.

Run as a program it is a *nursery*: it imports everything once, then forks one gateway for each connection
to its socket, which saves each of a hundred kills a second of imports. On the connection the gateway says
``up ADDRESS`` and the nursery says ``ended CODE`` (negative: the signal).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from adapters.base import Executor
from gateway import translation
from gateway.app import format_by_name
from gateway.config import Configuration
from gateway.config.catalogue import installed
from gateway.destination import Destination
from gateway.journal.base import Journal, JournalError
from gateway.journal.sqlite import SqliteJournal
from gateway.parts import Parts
from gateway.serving import Served, serve
from gateway.start_errors import ServeError
from tests.faults.blind import BlindTarget
from tests.faults.crashing import Boundaries, CrashingGateway, CrashingJournal
from tests.gateway.beside import Beside
from tests.gateway.journal.faults import FailingDisk, VolatileDisk

ERRORS = {"EIO": apsw.IOError, "ENOSPC": apsw.FullError}
BESIDE = 0.5  # of the batches of a gateway that dies at no certain place
LINE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What one gateway is to be. ``cut_power_into``: where SIGUSR1 leaves what a power cut would."""

    routes: str
    log: str
    crash_at: str = ""  # "after accept:2"
    sets_per_chunk: int = 2
    disk_error: str = ""  # EIO or ENOSPC at the `fail_at`-th write or flush after SIGUSR1
    fail_at: int = 0
    cut_power_into: str = ""
    seed: int | None = None
    no_sync: bool = False
    no_dedupe: bool = False
    no_look_up: bool = False
    signal_at_start: int = 0  # sent to itself before it is up

    def line(self) -> bytes:
        """Give the order as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def main(path: str) -> None:
    """Be a nursery until standard input ends; then everything born here ends too."""
    installed()  # every adapter, once for all children
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake)
    children: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        print("ready", flush=True)
        while True:
            readable, _, _ = select.select([listening, woken, sys.stdin], [], [])
            if sys.stdin in readable:
                break
            if woken in readable:
                os.read(woken, 4096)
                _bury(children)
            if listening in readable:
                _bear(listening, children, wake)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _bury(children: dict[int, socket.socket]) -> None:
    """Say how each dead child ended."""
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        connection = children.pop(pid)
        with contextlib.suppress(OSError):
            connection.sendall(f"ended {os.waitstatus_to_exitcode(status)}\n".encode())
        connection.close()


def _bear(listening: socket.socket, children: dict[int, socket.socket], wake: int) -> None:
    connection, _ = listening.accept()
    order = Order(**json.loads(connection.makefile("rb").readline(LINE_BYTES_MAX)))
    pid = os.fork()
    if pid:
        children[pid] = connection
        connection.sendall(f"born {pid}\n".encode())
        return
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(wake)
        listening.close()
        for other in children.values():
            other.close()
        with Path(order.log).open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        code = run(order, connection)
    except BaseException:  # noqa: BLE001 - what ended it stands in its log; the nursery lives on
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def run(order: Order, connection: socket.socket) -> int:
    """Be a gateway; give the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    translation.SETS_PER_CHUNK = order.sets_per_chunk
    boundaries, disk = Boundaries(order.crash_at), _disk(order)
    gateway = partial(_gateway, order, boundaries)
    parts = Parts(journal=partial(_journal, order, disk, boundaries), gateway=gateway)

    def up(served: Served) -> None:
        connection.sendall(f"up {' '.join(served.addresses)}\n".encode())

    try:
        asyncio.run(serve(Path(order.routes), up=up, parts=parts))
    except (ServeError, JournalError) as error:
        told = [f"legacy-bridge: {error}", *map(str, getattr(error, "findings", ()))]
        print("\n".join(told), file=sys.stderr, flush=True)
        return 2
    return 0


def _gateway(
    order: Order,
    boundaries: Boundaries,
    configuration: Configuration,
    journal: Journal,
    executor: Executor,
    *args: Any,
    **settings: Any,
) -> CrashingGateway:
    """Make the gateway: many small messages go beside where that is to be seen, and else by chance."""
    if "together" in order.crash_at:
        executor = Beside(format_by_name)
    elif not order.crash_at:
        executor = Beside(format_by_name, lambda: random.random() < BESIDE)
    return CrashingGateway(
        configuration, journal, executor, *args, boundaries=boundaries, outfit=_outfit(order), **settings
    )


async def _journal(
    order: Order, disk: FailingDisk | VolatileDisk | None, boundaries: Boundaries, path: Path, **settings: Any
) -> Journal:
    journal = await SqliteJournal.open(
        path,
        vfs=disk.name if disk is not None else None,
        unsafe_no_sync=order.no_sync,
        unsafe_no_dedupe=order.no_dedupe,
        **settings,
    )
    if order.signal_at_start:
        os.kill(os.getpid(), order.signal_at_start)
    if isinstance(disk, VolatileDisk):
        _cut_power_on_signal(disk, path.parent, order)
    elif disk is not None:
        signal.signal(signal.SIGUSR1, lambda number, frame: disk.arm(order.fail_at))
    crashing: Any = CrashingJournal(journal, boundaries)
    return crashing


def _disk(order: Order) -> FailingDisk | VolatileDisk | None:
    if order.disk_error:
        return FailingDisk(ERRORS[order.disk_error])
    return VolatileDisk() if order.cut_power_into else None


def _cut_power_on_signal(disk: VolatileDisk, folder: Path, order: Order) -> None:
    """Leave what a power cut would leave, then be gone. The event loop, and so each sender, waits."""

    def cut(number: int, frame: object) -> None:
        disk.cut_power(folder, Path(order.cut_power_into), order.seed)
        os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()

    signal.signal(signal.SIGUSR1, cut)


def _outfit(order: Order) -> Callable[[Destination], Destination]:
    def outfit(destination: Destination) -> Destination:
        return (
            replace(destination, target=BlindTarget(destination.target)) if order.no_look_up else destination
        )

    return outfit


if __name__ == "__main__":
    main(sys.argv[1])
