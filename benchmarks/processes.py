"""Processes beside a benchmark: started from this checkout, waited for until they listen, ended with it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
LISTENS_S = 20.0
LOOK_S = 0.05


@contextlib.contextmanager
def listening(
    command: Sequence[str], port: int, cwd: Path | None = None, *, is_quiet: bool = False
) -> Iterator[None]:
    """Run a command that serves a port of this machine. Errors: RuntimeError where it does not.

    ``is_quiet``: without what it tells on standard error.
    """
    errors = subprocess.DEVNULL if is_quiet else None
    process = subprocess.Popen(command, cwd=cwd, env=_environment(), stderr=errors)
    try:
        _wait_until_up(process, command, port)
        yield
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def simulator(name: str) -> Iterator[str]:
    """Run a simulator of ``simulators/``; give the address that it tells."""
    command = [sys.executable, "-m", f"simulators.{name}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment())
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        yield line.rpartition(" ")[2].strip()
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Give a port of this machine that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT)}


def _wait_until_up(process: subprocess.Popen[bytes], command: Sequence[str], port: int) -> None:
    ends_at = time.monotonic() + LISTENS_S
    while time.monotonic() < ends_at:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return
        if process.poll() is not None:
            raise RuntimeError(f"{command[1:4]} ended with {process.returncode}")
        time.sleep(LOOK_S)
    raise RuntimeError(f"{command[1:4]} does not listen on port {port} after {LISTENS_S:.0f} s")
