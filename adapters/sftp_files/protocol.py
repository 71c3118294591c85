"""SFTP version 3, the packets themselves: requests to bytes, bytes to replies. Pure.

paramiko brings a client of its own, and this stands in its place for what that one does to files: it
refuses a whole listing where one name is no UTF-8, forgets the errors of pipelined writes, sleeps 10 ms
whenever a limited read-ahead is full, and waits for ever where a server answers out of order.

Source: draft-ietf-secsh-filexfer-02 (version 3) sections 3 to 8; OpenSSH's PROTOCOL file, section 4, for
the extensions named ``...@openssh.com``.
"""

from __future__ import annotations

import re
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

VERSION = 3
PACKET_BYTES_MAX = 1024 * 1024  # a longer one is no SFTP: a greeting of a login script, most often

POSIX_RENAME = b"posix-rename@openssh.com"
FSYNC = b"fsync@openssh.com"
STATVFS = b"statvfs@openssh.com"

_LONG_NAME = re.compile(rb"[-bcdlps][-rwxsStT]{9}[+.@]?\s+(\d{1,9})\s")


class Type(IntEnum):
    """Packet types (section 3)."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    RENAME = 18
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """Status codes (section 7), and those of later versions that some servers send all the same."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8
    NO_SUCH_PATH = 10
    FILE_ALREADY_EXISTS = 11
    WRITE_PROTECT = 12
    NO_SPACE = 14
    QUOTA_EXCEEDED = 15


class Flag(IntEnum):
    """How a file is opened (section 6.3)."""

    READ = 1
    WRITE = 2
    CREATE = 8
    TRUNCATE = 16
    EXCLUSIVE = 32


class ProtocolError(Exception):
    """The other side sent what is no SFTP version 3."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a server says of a file; what it leaves out is None."""

    size_bytes: int | None = None
    mode: int | None = None
    modified_s: int | None = None  # since 1970, whole seconds, 32 bits
    links: int = 1  # names that the file has; told by listings in the form of `ls -l` only

    @property
    def is_file(self) -> bool:
        """Tell whether it is a regular file; a server that gives no mode is believed that it is."""
        return self.mode is None or stat.S_IFMT(self.mode) in (0, stat.S_IFREG)


@dataclass(frozen=True, slots=True)
class Reply:
    """One packet that came back; ``number`` is that of its request."""

    type: int
    number: int
    body: bytes  # what follows the number


def packet(kind: Type, number: int, *parts: bytes) -> bytes:
    """Give a request, ready to be sent."""
    body = struct.pack(">BI", kind, number) + b"".join(parts)
    return struct.pack(">I", len(body)) + body


def hello() -> bytes:
    """Give the first packet of a client."""
    return struct.pack(">IBI", 5, Type.INIT, VERSION)


def text(value: bytes) -> bytes:
    """Give a string as it stands in a packet."""
    return struct.pack(">I", len(value)) + value


def number32(value: int) -> bytes:
    """Give a 32-bit number."""
    return struct.pack(">I", value)


def number64(value: int) -> bytes:
    """Give a 64-bit number."""
    return struct.pack(">Q", value)


NO_ATTRIBUTES = number32(0)


def private_attributes(mode: int) -> bytes:
    """Give attributes that say a mode and nothing else (section 5)."""
    return number32(4) + number32(mode)


class Packets:
    """Cuts a stream into packets. Errors: ProtocolError."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes) -> None:
        """Add bytes that arrived."""
        self._rest += piece

    def take(self) -> bytes | None:
        """Give the next whole packet without its length; None while it is incomplete."""
        rest = self._rest
        if len(rest) < 4:
            return None
        length = int.from_bytes(rest[:4], "big")
        if not 1 <= length <= PACKET_BYTES_MAX:
            shown = bytes(rest[:60]).decode("ascii", "backslashreplace")
            raise ProtocolError(f"the server sent no SFTP but '{shown}' (does its log-in print a greeting?)")
        if len(rest) < 4 + length:
            return None
        body = bytes(rest[4 : 4 + length])
        del rest[: 4 + length]
        return body


def read_reply(body: bytes) -> Reply:
    """Read a packet that answers a request. Errors: ProtocolError."""
    if len(body) < 5:
        raise ProtocolError("a packet without a number")
    return Reply(body[0], int.from_bytes(body[1:5], "big"), body[5:])


def read_version(body: bytes) -> Mapping[bytes, bytes]:
    """Read the server's first packet: the extensions that it offers. Errors: ProtocolError."""
    if len(body) < 5 or body[0] != Type.VERSION:
        raise ProtocolError("the server did not begin with its version")
    reader = Reader(body[5:])
    found = {}
    while reader.is_more:
        name = reader.text()
        found[name] = reader.text()
    return found


class Reader:
    """Reads the parts of a packet, one after the other. Errors: ProtocolError where it is too short."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def is_more(self) -> bool:
        """Tell whether anything is left."""
        return self._at < len(self._body)

    def number32(self) -> int:
        """Read a 32-bit number."""
        return int.from_bytes(self._take(4), "big")

    def number64(self) -> int:
        """Read a 64-bit number."""
        return int.from_bytes(self._take(8), "big")

    def text(self) -> bytes:
        """Read a string."""
        return self._take(self.number32())

    def attributes(self) -> Attributes:
        """Read attributes (section 5); what nobody here needs is skipped."""
        flags = self.number32()
        size = self.number64() if flags & 1 else None
        if flags & 2:
            self._take(8)  # owner and group
        mode = self.number32() if flags & 4 else None
        modified_s = None
        if flags & 8:
            self._take(4)  # accessed
            modified_s = self.number32()
        if flags & 0x80000000:
            for _ in range(self.number32()):
                self.text(), self.text()
        return Attributes(size, mode, modified_s)

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise ProtocolError("a packet shorter than it says")
        taken = self._body[self._at : end]
        self._at = end
        return taken


def read_names(body: bytes) -> list[tuple[bytes, Attributes]]:
    """Read a piece of a listing."""
    reader = Reader(body)
    found = []
    for _ in range(reader.number32()):
        name, line = reader.text(), reader.text()
        attributes = reader.attributes()
        if shown := _LONG_NAME.match(line):
            attributes = replace(attributes, links=int(shown[1]))
        found.append((name, attributes))
    return found


def read_status(body: bytes) -> tuple[int, str]:
    """Read a status: code and the server's words, which old servers leave out."""
    reader = Reader(body)
    code = reader.number32()
    words = reader.text() if reader.is_more else b""
    return code, words.decode("utf-8", "backslashreplace")[:200]
