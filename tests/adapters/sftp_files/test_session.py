"""The SFTP client against a server that does what no friendly one does; both ends of one socket pair."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sftp_files import protocol
from adapters.sftp_files.driver_session import Session, StatusError
from adapters.sftp_files.protocol import Packets, ProtocolError, Status, Type

HANDLE = protocol.text(b"h")
CONTENT = bytes(range(256)) * 700  # 179,200 bytes: five whole pieces and a part


class SocketChannel:
    """A socket in a channel's place."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.settimeout(5.0)
        self.sendall = sock.sendall
        self.recv = sock.recv

    def close(self) -> None:
        self._sock.close()


class ScriptedServer:
    """Answers each request by ``answer(kind, number, parts)``; ``batch`` of them at a time, in any order."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._packets = Packets()
        self.batch = 1
        self.is_reversed = False
        self.content = CONTENT
        self.short = 1 << 20
        self.failing: set[Type] = set()
        self.free_blocks = 1
        self.written: dict[int, bytes] = {}
        self.seen: list[Type] = []

    def run(self) -> None:
        self._sock.settimeout(0.05)
        waiting: list[bytes] = []
        while True:
            try:
                piece = self._sock.recv(65536)
                if not piece:
                    return
                self._packets.feed(piece)
            except TimeoutError:
                self._send(waiting)  # nobody asks for more: a smaller batch must do
                waiting = []
                continue
            except OSError:
                return
            while (body := self._packets.take()) is not None:
                waiting.append(self._answer(body))
                if len(waiting) >= self.batch:
                    self._send(waiting)
                    waiting = []

    def _send(self, waiting: list[bytes]) -> None:
        for each in reversed(waiting) if self.is_reversed else waiting:
            self._sock.sendall(each)

    def _answer(self, body: bytes) -> bytes:
        if body[0] == Type.INIT:
            extensions = protocol.text(protocol.STATVFS) + protocol.text(b"2")
            return framed(struct.pack(">BI", Type.VERSION, 3) + extensions)
        reply = protocol.read_reply(body)
        kind, parts = Type(reply.type), protocol.Reader(reply.body)
        self.seen.append(kind)
        if kind in self.failing:
            return status(reply.number, Status.FAILURE)
        match kind:
            case Type.OPEN:
                return protocol.packet(Type.HANDLE, reply.number, HANDLE)
            case Type.FSTAT | Type.LSTAT:
                size = protocol.number32(1) + protocol.number64(len(self.content))
                return protocol.packet(Type.ATTRS, reply.number, size)
            case Type.READ:
                parts.text()
                offset, length = parts.number64(), parts.number32()
                data = self.content[offset : offset + min(length, self.short)]
                if not data:
                    return status(reply.number, Status.EOF)
                return protocol.packet(Type.DATA, reply.number, protocol.text(data))
            case Type.WRITE:
                parts.text()
                offset = parts.number64()
                self.written[offset] = parts.text()
            case Type.EXTENDED:
                numbers = b"".join(protocol.number64(self.free_blocks if at == 4 else 0) for at in range(11))
                return protocol.packet(Type.EXTENDED_REPLY, reply.number, numbers)
        return status(reply.number, Status.OK)


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def status(number: int, code: Status) -> bytes:
    return protocol.packet(Type.STATUS, number, protocol.number32(code) + protocol.text(b"words"))


@pytest.fixture
def served() -> Iterator[tuple[Session, ScriptedServer]]:
    ours, theirs = socket.socketpair()
    server = ScriptedServer(theirs)
    thread = threading.Thread(target=server.run)
    thread.start()
    session = Session(SocketChannel(ours))
    session.begin()
    yield session, server
    session.close()
    thread.join()
    theirs.close()


def whole(session: Session, window: int = 4) -> bytes:
    download = session.download(b"a", 0, window)
    return b"".join(iter(lambda: download.piece(50_000), b""))


@pytest.mark.parametrize("window", [1, 3, 64])
def test_a_file_comes_whole_from_a_server_that_answers_in_any_order(
    served: tuple[Session, ScriptedServer], window: int
) -> None:
    session, server = served
    server.batch, server.is_reversed = 3, True

    assert whole(session, window) == CONTENT


@pytest.mark.parametrize("short", [1_000, 32_767, 32_768])
def test_short_answers_are_asked_for_again_where_they_ended(
    served: tuple[Session, ScriptedServer], short: int
) -> None:
    session, server = served
    server.short = short

    assert whole(session) == CONTENT


def test_a_download_ends_where_the_file_was_cut(served: tuple[Session, ScriptedServer]) -> None:
    session, server = served
    download = session.download(b"a", 0, 4)
    server.content = CONTENT[:40_000]

    found = b"".join(iter(lambda: download.piece(50_000), b""))

    assert CONTENT.startswith(found)
    assert len(found) < len(CONTENT)
    assert session.lstat(b"a").size_bytes == 40_000  # the session is still in step


@pytest.mark.parametrize("window", [1, 4, 64])
def test_every_pipelined_write_that_fails_is_told(
    served: tuple[Session, ScriptedServer], window: int
) -> None:
    session, server = served
    session.write(b"h", 0, memoryview(CONTENT), window)
    assert b"".join(server.written[at] for at in sorted(server.written)) == CONTENT

    server.failing = {Type.WRITE}
    with pytest.raises(StatusError) as refused:
        session.write(b"h", 0, memoryview(CONTENT), window)

    assert refused.value.code == Status.FAILURE
    server.failing = set()
    assert session.lstat(b"a").size_bytes == len(CONTENT)  # the replies that were not waited for are dropped


def test_a_server_without_room_says_so_when_it_is_asked(served: tuple[Session, ScriptedServer]) -> None:
    session, server = served
    assert session.free_blocks(b".") == 1
    server.free_blocks = 0
    assert session.free_blocks(b".") == 0


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"Welcome to ACME! Your password expires soon.\r\n", "greeting"),
        (b"", "ended the session"),
        (struct.pack(">I", 0), "no SFTP"),
        (framed(b"\x65\0\0\0\1"), "version"),
    ],
)
def test_what_is_no_sftp_is_said_to_be_none(sent: bytes, told: str) -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(sent)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises((ProtocolError, ConnectionResetError), match=told):
        Session(SocketChannel(ours)).begin()
    ours.close()
    theirs.close()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_raise_nothing_else(body: bytes) -> None:
    readers: tuple[Callable[[bytes], Any], ...] = (
        protocol.read_reply,
        protocol.read_version,
        protocol.read_names,
        protocol.read_status,
        lambda raw: protocol.Reader(raw).attributes(),
    )
    for read in readers:
        with contextlib.suppress(ProtocolError):
            read(body)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 50))
def test_packets_come_out_as_they_went_in_however_they_were_cut(bodies: list[bytes], step: int) -> None:
    stream = b"".join(framed(body) for body in bodies)
    packets, found = Packets(), []
    for start in range(0, len(stream), step):
        packets.feed(stream[start : start + step])
        while (body := packets.take()) is not None:
            found.append(body)

    assert found == bodies
