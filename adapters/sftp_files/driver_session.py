"""One SFTP session on one channel: requests go out, several at a time, and each reply is looked at.

Blocking, for one thread at a time. Whatever ends the session (a timeout, a cut, nonsense) makes it
unusable; its owner throws it away. Errors: OSError and SSHException of the channel, ProtocolError, and
StatusError for what the server refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Protocol

from adapters.sftp_files import protocol
from adapters.sftp_files.protocol import Attributes, Flag, Packets, ProtocolError, Reader, Reply, Status, Type

READ_BYTES = 32 * 1024  # every server gives and takes that much at once (section 6.4)
RECEIVE_BYTES = 256 * 1024
LISTINGS_AHEAD = 4  # requests for more names under way at once


class StatusError(Exception):
    """The server refused a request."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words or f"status {code}")
        self.code = code


class Channel(Protocol):
    """What a session needs of an SSH channel."""

    def sendall(self, data: bytes) -> None:
        """Send everything, or raise."""
        ...

    def recv(self, nbytes: int) -> bytes:
        """Give what arrived; nothing where the other side ended."""
        ...

    def close(self) -> None:
        """End it, also for a thread that waits in ``recv``."""
        ...


class Session:
    """One SFTP session."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._packets = Packets()
        self._number = 0
        self._early: dict[int, Reply] = {}  # replies that came before those that were waited for
        self.ignored: set[int] = set()
        self.extensions: Mapping[bytes, bytes] = {}

    def begin(self) -> None:
        """Exchange versions."""
        self._channel.sendall(protocol.hello())
        self.extensions = protocol.read_version(self._packet())

    def close(self) -> None:
        """End the session; a thread that waits in it is woken by an error."""
        with suppress(Exception):  # it may be gone already
            self._channel.close()

    # -- names ---------------------------------------------------------------------------------

    def entries(self, folder: bytes) -> Iterator[tuple[bytes, Attributes]]:
        """Give a folder's entries; several requests are under way at once."""
        handle = self._handle(self.ask(Type.OPENDIR, protocol.text(folder)))
        asked: deque[int] = deque()
        try:
            while True:
                while len(asked) < LISTINGS_AHEAD:
                    asked.append(self.ask(Type.READDIR, protocol.text(handle)))
                reply = self.reply(asked.popleft())
                if _is_end(reply):
                    return
                yield from protocol.read_names(_body(reply, Type.NAME))
        finally:
            self.ignored |= set(asked)
            self.close_later(handle)

    def lstat(self, path: bytes) -> Attributes:
        """Give a name's attributes, a link's own."""
        return Reader(self._answer(Type.ATTRS, Type.LSTAT, protocol.text(path))).attributes()

    def realpath(self, path: bytes) -> bytes:
        """Give a path in full."""
        return protocol.read_names(self._answer(Type.NAME, Type.REALPATH, protocol.text(path)))[0][0]

    def rename(self, path: bytes, to: bytes) -> None:
        """Rename; version 3 refuses to replace."""
        self._done(Type.RENAME, protocol.text(path) + protocol.text(to))

    def posix_rename(self, path: bytes, to: bytes) -> None:
        """Rename, replacing; only where the server offers it."""
        names = protocol.text(path) + protocol.text(to)
        self._done(Type.EXTENDED, protocol.text(protocol.POSIX_RENAME) + names)

    def remove(self, path: bytes) -> None:
        """Delete a file."""
        self._done(Type.REMOVE, protocol.text(path))

    def mkdir(self, path: bytes, mode: int) -> None:
        """Make a folder."""
        self._done(Type.MKDIR, protocol.text(path) + protocol.private_attributes(mode))

    def rmdir(self, path: bytes) -> None:
        """Remove an empty folder."""
        self._done(Type.RMDIR, protocol.text(path))

    def free_blocks(self, path: bytes) -> int | None:
        """Give the blocks that are free for us where a path is; None where the server does not say."""
        if protocol.STATVFS not in self.extensions:
            return None
        parts = protocol.text(protocol.STATVFS) + protocol.text(path)
        reader = Reader(self._answer(Type.EXTENDED_REPLY, Type.EXTENDED, parts))
        return [reader.number64() for _ in range(11)][4]

    # -- content -------------------------------------------------------------------------------

    def open(self, path: bytes, flags: int, mode: int | None = None) -> bytes:
        """Open a file; give its handle."""
        attributes = protocol.NO_ATTRIBUTES if mode is None else protocol.private_attributes(mode)
        parts = protocol.text(path) + protocol.number32(flags) + attributes
        return self._handle(self.ask(Type.OPEN, parts))

    def fstat(self, handle: bytes) -> Attributes:
        """Give an open file's attributes."""
        return Reader(self._answer(Type.ATTRS, Type.FSTAT, protocol.text(handle))).attributes()

    def fsync(self, handle: bytes) -> None:
        """Have an open file flushed to the server's disk, where it offers that."""
        if protocol.FSYNC in self.extensions:
            self._done(Type.EXTENDED, protocol.text(protocol.FSYNC) + protocol.text(handle))

    def close_file(self, handle: bytes) -> None:
        """Close an open file, and hear that it went well: some servers say only here that they are full."""
        self._done(Type.CLOSE, protocol.text(handle))

    def close_later(self, handle: bytes) -> None:
        """Close without waiting; a session that is broken is thrown away anyway."""
        with suppress(Exception):
            self.ignored.add(self.ask(Type.CLOSE, protocol.text(handle)))

    def download(self, path: bytes, offset: int, window: int) -> Download:
        """Open a file for reading from an offset on; ``window`` requests are under way at once."""
        return Download(self, self.open(path, Flag.READ), offset, window)

    def write(self, handle: bytes, offset: int, body: memoryview, window: int) -> None:
        """Write at an offset, ``window`` requests at a time, and look at every reply."""
        asked: deque[int] = deque()
        try:
            for start in range(0, len(body), READ_BYTES):
                piece = bytes(body[start : start + READ_BYTES])
                parts = protocol.text(handle) + protocol.number64(offset + start) + protocol.text(piece)
                asked.append(self.ask(Type.WRITE, parts))
                if len(asked) >= window:
                    _good(self.reply(asked.popleft()))
            while asked:
                _good(self.reply(asked.popleft()))
        finally:
            self.ignored |= set(asked)

    # -- requests and replies ------------------------------------------------------------------

    def ask(self, kind: Type, parts: bytes) -> int:
        """Send a request; give its number."""
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._channel.sendall(protocol.packet(kind, self._number, parts))
        return self._number

    def reply(self, number: int) -> Reply:
        """Give the reply to a request; those to others are kept until they are asked for."""
        if (early := self._early.pop(number, None)) is not None:
            return early
        while True:
            reply = protocol.read_reply(self._packet())
            if reply.number == number:
                return reply
            if reply.number in self.ignored:
                self.ignored.discard(reply.number)
            else:
                self._early[reply.number] = reply

    def _packet(self) -> bytes:
        while (found := self._packets.take()) is None:
            piece = self._channel.recv(RECEIVE_BYTES)
            if not piece:
                raise ConnectionResetError("the server ended the session")
            self._packets.feed(piece)
        return found

    def _answer(self, wanted: Type, kind: Type, parts: bytes) -> bytes:
        return _body(self.reply(self.ask(kind, parts)), wanted)

    def _done(self, kind: Type, parts: bytes) -> None:
        _good(self.reply(self.ask(kind, parts)))

    def _handle(self, number: int) -> bytes:
        return Reader(_body(self.reply(number), Type.HANDLE)).text()


class Download:
    """An open file being read in order, with requests ahead of the reader.

    It ends where the file ended when it was opened: what a sender adds meanwhile shows in the attributes
    afterwards, which its reader compares.
    """

    def __init__(self, session: Session, handle: bytes, offset: int, window: int) -> None:
        self._session = session
        self._handle = handle
        self._window = window
        self._next = offset
        self._asked: deque[tuple[int, int, int]] = deque()  # number, offset, length
        # The first bytes are on their way together with the size: a small file costs one round trip.
        stat = session.ask(Type.FSTAT, protocol.text(handle))
        self._ask_next(READ_BYTES)
        self.attributes = Reader(_body(session.reply(stat), Type.ATTRS)).attributes()

    def piece(self, bytes_max: int) -> bytes:
        """Give the next bytes, at least so many; fewer only at the end of the file, then none."""
        found: list[bytes] = []
        size = 0
        while size < bytes_max:
            self._ask_ahead()
            if not self._asked:
                break
            number, offset, length = self._asked.popleft()
            reply = self._session.reply(number)
            if _is_end(reply):
                self._forget()
                break
            piece = Reader(_body(reply, Type.DATA)).text()
            found.append(piece)
            size += len(piece)
            if len(piece) < length:  # a short answer is allowed anywhere (section 6.4)
                self._ask_rest(offset + len(piece), length - len(piece))
        return b"".join(found)

    def close(self) -> None:
        """Let go of the file without waiting."""
        self._forget()
        self._session.close_later(self._handle)

    def _forget(self) -> None:
        self._session.ignored.update(number for number, _, _ in self._asked)
        self._asked.clear()
        self._next = self._end()

    def _end(self) -> int:
        return self.attributes.size_bytes if self.attributes.size_bytes is not None else 2**63

    def _ask_ahead(self) -> None:
        window = self._window if self.attributes.size_bytes is not None else 1
        while len(self._asked) < window and self._next < self._end():
            self._ask_next(min(READ_BYTES, self._end() - self._next))

    def _ask_next(self, length: int) -> None:
        self._asked.append((self._read(self._next, length), self._next, length))
        self._next += length

    def _ask_rest(self, offset: int, length: int) -> None:
        if offset < self._end():
            self._asked.appendleft((self._read(offset, length), offset, length))

    def _read(self, offset: int, length: int) -> int:
        parts = protocol.text(self._handle) + protocol.number64(offset) + protocol.number32(length)
        return self._session.ask(Type.READ, parts)


def _good(reply: Reply) -> None:
    code, words = protocol.read_status(_checked(reply, Type.STATUS))
    if code != Status.OK:
        raise StatusError(code, words)


def _body(reply: Reply, wanted: Type) -> bytes:
    if reply.type == Type.STATUS:
        raise StatusError(*protocol.read_status(reply.body))
    return _checked(reply, wanted)


def _checked(reply: Reply, wanted: Type) -> bytes:
    if reply.type != wanted:
        raise ProtocolError(f"the server answered with a packet of type {reply.type}, expected {wanted}")
    return reply.body


def _is_end(reply: Reply) -> bool:
    return reply.type == Type.STATUS and protocol.read_status(reply.body)[0] == Status.EOF
