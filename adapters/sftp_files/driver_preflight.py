"""A first look at an SFTP server, step by step; what is found is told as it is found. Blocking."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import islice

import paramiko

from adapters.sftp_files import driver_ssh, preflight
from adapters.sftp_files.driver_greeting import Algorithms, Greeting, greet
from adapters.sftp_files.driver_session import Session, StatusError
from adapters.sftp_files.driver_ssh import Connection, Secret, connect, fingerprint, resolved, translated
from adapters.sftp_files.pickup import shown
from adapters.sftp_files.port import PortError
from adapters.sftp_files.preflight import Agreement, Step, Verdict
from adapters.sftp_files.protocol import Attributes, Flag
from adapters.sftp_files.server import WEAK, SftpServer

ENTRIES_MAX = 100_000
ENTRIES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Found:
    """What the algorithms are, for those who want the whole lists."""

    agreements: list[Agreement]


@dataclass(frozen=True, slots=True)
class Entries:
    """What stands in the folder: the first entries, and how many there are."""

    first: list[tuple[str, Attributes]]
    count: int


Told = Step | Found | Entries


def look(host: str, port: int, timeout_s: float) -> Iterator[Told]:
    """Look at a server from outside, without logging in."""
    greeting = yield from _greeting(host, port, timeout_s, disabled=WEAK)
    if greeting is None:
        return
    try:
        key = _shown_key(host, port, timeout_s)
    except PortError as error:
        yield Step("host key", Verdict.BAD, str(error))
        return
    yield _key_step(key, Verdict.NOTE, "compare it with what the partner tells you, then pin it as host_key")


def check(server: SftpServer, secret: Secret, token: str, *, writes: bool) -> Iterator[Told]:
    """Look at an account, from the connection to the rights in the folder."""
    timeout_s = server.connect_timeout.total_seconds()
    try:
        host = resolved(server.host, secret)
        driver_ssh.check_secrets(server, secret)
    except PortError as error:
        yield Step("settings", Verdict.BAD, str(error))
        return
    greeting = yield from _greeting(host, server.port, timeout_s, disabled=server.disabled)
    if greeting is None:
        return
    try:
        key = _shown_key(host, server.port, timeout_s)
        driver_ssh.check_host_key(key, driver_ssh.pinned(server, host), host, server.port)
    except PortError as error:
        ask = "whether this is its host key, by a way that you trust; until then nothing is sent"
        yield Step("host key", Verdict.BAD, str(error), ask if "pinned" in str(error) else "")
        return
    yield _key_step(key, Verdict.GOOD, "pinned")
    try:
        connection = connect(server, secret)
    except PortError as error:
        ask = "whether this user and this key or password are known there, and not locked"
        yield Step("log-in", Verdict.BAD, str(error), ask)
        return
    yield Step("log-in", Verdict.GOOD, f"as {resolved(server.user, secret)}")
    try:
        yield from _inside(connection, server, token, writes=writes)
    finally:
        connection.close()


def _greeting(
    host: str, port: int, timeout_s: float, *, disabled: tuple[str, ...]
) -> Generator[Told, None, Greeting | None]:
    """Tell the connection and the algorithms; give the greeting where going on makes sense."""
    began = time.monotonic()
    try:
        greeting = greet(host, port, timeout_s)
    except PortError as error:
        ask = "whether the server runs, at this host and port, and lets our address in"
        yield Step("connection", Verdict.BAD, str(error), ask)
        return None
    took_ms = (time.monotonic() - began) * 1000
    yield Step("connection", Verdict.GOOD, f"{greeting.software}, after {took_ms:.0f} ms")
    found = preflight.agreements(_ours(disabled), greeting.algorithms)
    yield Found(found)
    steps = preflight.algorithm_steps(found)
    yield from steps
    return greeting if all(step.verdict is not Verdict.BAD for step in steps) else None


def _ours(disabled: tuple[str, ...]) -> Algorithms:
    """Give what we offer, as a connection will."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        options = paramiko.Transport(ours).get_security_options()
        ciphers = sorted(options.ciphers, key=lambda name: "gcm" not in name)
        lists = (options.kex, options.key_types, ciphers, options.digests)
    return Algorithms(*(tuple(name for name in names if name not in disabled) for names in lists))


def _shown_key(host: str, port: int, timeout_s: float) -> paramiko.PKey:
    """Give the key that a server shows; nothing of ours is sent. Errors: PortError."""
    with driver_ssh.open_socket(host, port, timeout_s) as sock, translated("agreeing on keys"):
        transport = paramiko.Transport(sock)
        transport.banner_timeout = transport.handshake_timeout = timeout_s
        try:
            driver_ssh.negotiate(transport, timeout_s)
            return transport.get_remote_server_key()
        finally:
            transport.close()


def _key_step(key: paramiko.PKey, verdict: Verdict, told: str) -> Step:
    text = f"{fingerprint(key.asbytes())}, {told}: {key.get_name()} {key.get_base64()}"
    return Step("host key", verdict, text)


def _inside(connection: Connection, server: SftpServer, token: str, *, writes: bool) -> Iterator[Told]:
    try:
        session = connection.session()
    except PortError as error:
        yield Step("sftp", Verdict.BAD, str(error), "whether this user may use SFTP (subsystem sftp)")
        return
    yield preflight.extension_step(tuple(session.extensions))
    root = server.folder.rstrip("/").encode()
    listed = yield from _told(_listing(session, root, server.folder))
    if not listed:
        return
    if writes:
        yield from _told(_writing(session, root, token))
    yield _channels(connection, server.channels)


def _told(steps: Iterator[Told]) -> Generator[Told, None, bool]:
    """Tell steps; give whether all of them went well. What the connection does is told as a step, too."""
    is_good = True
    try:
        with translated("looking around"):
            for step in steps:
                is_good = is_good and not (isinstance(step, Step) and step.verdict is Verdict.BAD)
                yield step
    except (PortError, StatusError) as error:
        yield Step("connection", Verdict.BAD, str(error))
        return False
    return is_good


def _listing(session: Session, root: bytes, name: str) -> Iterator[Told]:
    try:
        full = session.realpath(root or b"/")
        entries = [
            (shown(at.decode("utf-8", "surrogateescape")), attributes)
            for at, attributes in islice(session.entries(root or b"/"), ENTRIES_MAX)
            if at not in (b".", b"..")
        ]
    except StatusError as error:
        ask = f"the folder '{name}' for this user, or the path under which it sees it"
        yield Step("folder", Verdict.BAD, f"'{name}': {error}", ask)
        return
    place = shown(full.decode("utf-8", "surrogateescape"))
    counted = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
    yield Step("folder", Verdict.GOOD, f"{place}, {counted}")
    yield Entries(sorted(entries)[:ENTRIES_SHOWN] if entries else [], len(entries))


def _writing(session: Session, root: bytes, token: str) -> Iterator[Told]:
    """Try each right with files of our own, which are gone afterwards."""
    one, two, folder = (root + f"/.legacy-bridge-{token}.{end}".encode() for end in ("one", "two", "dir"))
    failures: list[tuple[str, str]] = []

    def tried(right: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except StatusError as error:
            failures.append((right, str(error)))
            return False
        return True

    flags = Flag.WRITE | Flag.CREATE | Flag.EXCLUSIVE
    before = time.time()
    if tried("write", lambda: session.close_file(session.open(one, flags, 0o660))):
        stamped = session.lstat(one).modified_s
        has_moved = tried("rename", lambda: session.rename(one, two))
        is_gone = tried("delete", lambda: session.remove(two if has_moved else one))
        if not is_gone:
            left = shown((two if has_moved else one).decode())
            failures.append(("clear up", f"our empty file {left} stays there"))
        if stamped is not None:
            yield preflight.clock_step(stamped - int(before))
    if tried("make folders", lambda: session.mkdir(folder, 0o770)):
        with contextlib.suppress(StatusError):
            session.rmdir(folder)
    yield preflight.rights_step(failures)


def _channels(connection: Connection, wanted: int) -> Step:
    """Open as many sessions as the endpoint wants, one of which is open already."""
    opened = 1
    try:
        for _ in range(wanted - 1):
            connection.session()
            opened += 1
    except PortError as error:
        ask = f"{wanted} sessions over one connection (OpenSSH: MaxSessions); with fewer all goes slower"
        return Step("channels", Verdict.NOTE, f"{opened} of {wanted}: {error}", ask)
    return Step("channels", Verdict.GOOD, f"{opened} at once")
