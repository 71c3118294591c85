"""The local control socket: how the command line talks to a running gateway.

A Unix domain socket that only its owner may open (mode 0600). One JSON object a line each way:
``{"verb": ..., "arguments": {...}}`` is answered by ``{"ok": true, "result": ...}`` or
``{"ok": false, "code": ..., "text": ...}``. What the verbs do is ``gateway.operations``' affair.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from adapters.base.ending import ended
from gateway.operations.errors import OperationError

log = logging.getLogger("legacy_bridge.control")

LINE_BYTES_MAX = 64 * 1024 * 1024  # of a request, and of an answer: some 200,000 orders to import
IDLE_S = 30.0  # for a caller to send its request
CALLS_MAX = 32  # at the same time; more wait for their turn
PATH_BYTES_MAX = 100  # sun_path holds 108 on Linux, 104 on macOS; unix(7)


class ControlError(Exception):
    """The control socket cannot be opened or used; the text says what to do."""


class NotRunningError(ControlError):
    """Nobody listens on the control socket: no gateway is running."""


class Operator(Protocol):
    """Whoever carries out what callers ask for."""

    async def perform(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        """Do it and give a JSON-able result. Errors: OperationError."""
        ...


class ControlServer:
    """The gateway's end. ``start`` refuses where another gateway answers, and clears a dead one's socket."""

    def __init__(self, path: Path, operations: Operator) -> None:
        self._path = path
        self._operations = operations
        self._server: asyncio.Server | None = None
        self._inode: int | None = None
        self._slots = asyncio.Semaphore(CALLS_MAX)
        self._calls: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Errors: ControlError."""
        listening = _bound(self._path)
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._answer, sock=listening, limit=LINE_BYTES_MAX)

    async def stop(self) -> None:
        """Stop listening, end open calls and remove the socket, unless another gateway has made its own."""
        if self._server is None:
            return
        self._server.close()
        await ended(*self._calls)
        self._server = None
        try:
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        except FileNotFoundError:
            return

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.current_task()
        assert call is not None  # noqa: S101 - a coroutine that runs has a task
        self._calls.add(call)
        try:
            async with self._slots:
                await self._answer_all(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            log.debug("control.call_ended early")
        finally:
            self._calls.discard(call)
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await asyncio.wait_for(reader.readline(), IDLE_S)
            except ValueError:  # asyncio's word for a line beyond the limit
                writer.write(_failure("too_large", f"a request may have {LINE_BYTES_MAX} bytes at most"))
                await writer.drain()
                return
            if not line:
                return
            writer.write(await self._reply(line))
            await writer.drain()

    async def _reply(self, line: bytes) -> bytes:
        try:
            verb, arguments = _request(line)
            result = await self._operations.perform(verb, arguments)
        except OperationError as error:
            return _failure(error.code, str(error), error.findings)
        except Exception as error:  # the caller learns of it; the gateway goes on
            log.exception("control.failed")
            text = f"the gateway could not do it ({type(error).__name__}); its log says more"
            return _failure("failed", text)
        return _line({"ok": True, "result": result})


def call(path: Path, verb: str, arguments: Mapping[str, Any], timeout_s: float = 60.0) -> Any:
    """Ask a running gateway, and wait for its answer.

    Errors: NotRunningError, ControlError, OperationError as the gateway gave it.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        _connect(connection, path)
        try:
            connection.sendall(_line({"verb": verb, "arguments": arguments}))
            line = _read_line(connection)
        except TimeoutError as error:
            text = f"the gateway gave no answer within {timeout_s:.0f} s; what was asked may still happen"
            raise ControlError(text) from error
        except OSError as error:
            raise ControlError(f"the gateway ended the call ({error.strerror or error})") from error
    return _result(line)


def _result(line: bytes) -> Any:
    try:
        answer = json.loads(line)
        if answer["ok"]:
            return answer["result"]
        error = OperationError(answer["code"], answer["text"], tuple(answer.get("findings", ())))
    except (ValueError, KeyError, TypeError) as problem:
        raise ControlError(
            "the answer is not one of a gateway; is the socket another program's?"
        ) from problem
    raise error


def _connect(connection: socket.socket, path: Path) -> None:
    try:
        with _short(path) as address:
            connection.connect(address)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise NotRunningError(f"no gateway is running (nobody listens on {path})") from error
    except PermissionError as error:
        raise ControlError(
            f"{path} belongs to another user; run this command as the user that the gateway runs as"
        ) from error
    except OSError as error:
        raise ControlError(f"{path} cannot be used ({error.strerror or error})") from error


def _read_line(connection: socket.socket) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while not pieces or not pieces[-1].endswith(b"\n"):
        piece = connection.recv(256 * 1024)
        size += len(piece)
        if not piece or size > LINE_BYTES_MAX:
            raise ControlError("the gateway's answer broke off; is it stopping? Ask again")
        pieces.append(piece)
    return b"".join(pieces)


def _bound(path: Path) -> socket.socket:
    """Bind the socket with mode 0600, having made sure that nobody uses it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Nothing else runs between these lines, so no other file is made with this mask.
        mask = os.umask(0o177)
        try:
            with _short(path) as address:
                listening.bind(address)
        except OSError:
            listening.close()
            raise
        finally:
            os.umask(mask)
    except OSError as error:
        raise ControlError(
            f"the control socket {path} cannot be opened ({error.strerror or error}); "
            "gateway.control_socket in routes.yaml moves it"
        ) from error
    return listening


def _clear(path: Path) -> None:
    """Remove a dead gateway's socket. Errors: ControlError where it is alive, or no socket."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ControlError(f"{path} is no socket; remove it, or set gateway.control_socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            _connect(probe, path)
        except NotRunningError:
            path.unlink(missing_ok=True)
            return
    raise ControlError(f"another gateway is running: it answers on {path}. Stop it first")


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give an address that fits into ``sun_path``: on Linux a deep folder is named by a descriptor."""
    if len(os.fsencode(path)) <= PATH_BYTES_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        through = Path(f"/proc/self/fd/{folder}")
        if not through.exists():
            raise OSError(f"the path is longer than {PATH_BYTES_MAX} bytes")
        yield str(through / path.name)
    finally:
        os.close(folder)


def _request(line: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise OperationError("bad_request", "expected one JSON object a line") from error
    if isinstance(request, dict) and isinstance(request.get("verb"), str):
        arguments = request.get("arguments", {})
        if isinstance(arguments, dict):
            return request["verb"], arguments
    raise OperationError("bad_request", 'expected {"verb": TEXT, "arguments": {...}}')


def _failure(code: str, text: str, findings: tuple[Mapping[str, Any], ...] = ()) -> bytes:
    return _line({"ok": False, "code": code, "text": text, "findings": [dict(each) for each in findings]})


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
