"""What an SSH server says before anything is agreed upon: its software and its algorithms. Blocking.

Read from the first two packets by ourselves: with a server that shares no algorithm with us, a library
only tells that it failed. Source: RFC 4253 sections 4.2 (greeting), 6 (packet) and 7.1 (SSH_MSG_KEXINIT).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from adapters.sftp_files.driver_ssh import open_socket
from adapters.sftp_files.port import PortError, PortErrorKind

OUR_GREETING = b"SSH-2.0-legacy-bridge_check\r\n"
LINES_MAX, LINE_BYTES_MAX, PACKET_BYTES_MAX = 50, 1024, 64 * 1024
KEXINIT = 20
NAME_LISTS = 10


@dataclass(frozen=True, slots=True)
class Algorithms:
    """Names by what they are for, in the order in which one side prefers them."""

    key_exchange: tuple[str, ...]
    host_key_type: tuple[str, ...]
    cipher: tuple[str, ...]
    mac: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Greeting:
    """A server's first words."""

    software: str
    algorithms: Algorithms


def greet(host: str, port: int, timeout_s: float) -> Greeting:
    """Connect, and read what the server says of itself. Errors: PortError."""
    with open_socket(host, port, timeout_s) as sock:
        sock.settimeout(timeout_s)
        try:
            sock.sendall(OUR_GREETING)
            with sock.makefile("rb") as reader:
                return Greeting(_software(reader), _algorithms(_packet(reader)))
        except TimeoutError as error:
            text = f"{host}:{port} took the connection and then said nothing for {timeout_s:g} s"
            raise PortError(PortErrorKind.OUTAGE, f"{text}: no SSH server, or one that hangs") from error
        except (OSError, struct.error, IndexError) as error:
            reason = str(error) or type(error).__name__
            raise PortError(PortErrorKind.OUTAGE, f"{host}:{port} ended the connection: {reason}") from error


def _software(reader: BinaryIO) -> str:
    """Give the greeting; lines before it are allowed."""
    heard = b""
    for _ in range(LINES_MAX):
        line = reader.readline(LINE_BYTES_MAX)
        if line.startswith(b"SSH-"):
            return line.strip().decode("utf-8", "backslashreplace")
        if not line:
            break
        heard = heard or line
    shown = heard[:60].decode("utf-8", "backslashreplace").strip()
    told = f"it began with '{shown}'" if shown else "it closed the connection without a word"
    raise PortError(PortErrorKind.OUTAGE, f"there is no SSH server at that port: {told}")


def _packet(reader: BinaryIO) -> bytes:
    head = reader.read(5)
    length, padding = struct.unpack(">IB", head)
    if not padding < length <= PACKET_BYTES_MAX:
        raise OSError("its first packet makes no sense")
    return reader.read(length - 1)[: length - 1 - padding]


def _algorithms(body: bytes) -> Algorithms:
    if body[0] != KEXINIT:
        raise OSError("it did not begin with its algorithms")
    lists, at = [], 17  # the type and 16 random bytes
    for _ in range(NAME_LISTS):
        (length,) = struct.unpack_from(">I", body, at)
        lists.append(tuple(body[at + 4 : at + 4 + length].decode("ascii", "backslashreplace").split(",")))
        at += 4 + length
    return Algorithms(lists[0], lists[1], lists[2], lists[4])
