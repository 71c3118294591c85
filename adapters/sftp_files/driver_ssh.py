"""Connecting to an SFTP server: our socket, the key it shows, our log-in. Blocking, by paramiko.

Traps that decided the form: paramiko never sets TCP_NODELAY (a write loop is 49 times faster with it); its
keep-alive notices no dead peer, so every wait has a time-out of its own; a connection whose TCP is stuck
holds a sending thread for ever, so ``cut`` shuts the socket, which wakes everybody.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.ssh_exception import (
    AuthenticationException,
    BadAuthenticationType,
    ChannelException,
    IncompatiblePeer,
    PasswordRequiredException,
)

from adapters.sftp_files.driver_session import Session, StatusError
from adapters.sftp_files.known_hosts import known_keys
from adapters.sftp_files.port import PortError, PortErrorKind
from adapters.sftp_files.protocol import ProtocolError
from adapters.sftp_files.server import SftpServer

WINDOW_BYTES = 4 * 1024 * 1024  # of one channel: what may be under way towards us
PACKET_BYTES = 32 * 1024
KEY_CLASSES: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)

Secret = Callable[[str], str]

# It tells every cut connection with a traceback; what we find out about one is told once, by us.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Connection:
    """One logged-in connection, on which sessions are opened."""

    def __init__(self, transport: paramiko.Transport, sock: socket.socket, answer_s: float) -> None:
        self._transport = transport
        self._sock = sock
        self._answer_s = answer_s
        self.is_condemned = False  # no new session is opened on it
        self.sessions = 0  # open ones, counted by the pool

    @property
    def is_usable(self) -> bool:
        """Tell whether a session may be opened; a peer that died silently shows only by its silence."""
        return not self.is_condemned and self._transport.is_active()

    def session(self) -> Session:
        """Open a session. Errors: PortError."""
        with translated("opening a session"):
            channel = self._transport.open_session(WINDOW_BYTES, PACKET_BYTES, timeout=self._answer_s)
            channel.settimeout(self._answer_s)
            channel.invoke_subsystem("sftp")
            session = Session(channel)
            session.begin()
            return session

    def cut(self) -> None:
        """End it at once, without a word and without waiting: every thread that waits in it wakes up."""
        self.is_condemned = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it, and wait for its thread."""
        self.cut()
        self._transport.close()


def connect(server: SftpServer, secret: Secret) -> Connection:
    """Connect and log in. Errors: PortError (CREDENTIAL where trying again does not help)."""
    host, user = resolved(server.host, secret), resolved(server.user, secret)
    connect_s, answer_s = server.connect_timeout.total_seconds(), server.answer_timeout.total_seconds()
    sock = open_socket(host, server.port, connect_s)
    transport = None
    try:
        with translated(f"connecting to {host}:{server.port}"):
            transport = paramiko.Transport(sock, disabled_algorithms=_disabled(server))
            transport.banner_timeout = transport.handshake_timeout = connect_s
            transport.auth_timeout = connect_s
            transport.channel_timeout = transport.clear_to_send_timeout = answer_s
            pins = pinned(server, host)
            _prefer(transport, pins)
            negotiate(transport, connect_s)
            check_host_key(transport.get_remote_server_key(), pins, host, server.port)
            log_in(transport, user, server, secret)
            transport.set_keepalive(max(int(server.keep_alive.total_seconds()), 1))
        return Connection(transport, sock, answer_s)
    except BaseException:
        if transport is not None:
            transport.close()
        sock.close()
        raise


def resolved(value: str, secret: Secret) -> str:
    """Give a setting, or what the variable holds that it names. Errors: PortError."""
    if not value.startswith("env:"):
        return value
    return _secret(value, secret)


def open_socket(host: str, port: int, timeout_s: float) -> socket.socket:
    """Open our own socket. Errors: PortError."""
    try:
        sock = socket.create_connection((host, port), timeout_s)
    except OSError as error:
        reason = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error))
        raise PortError(PortErrorKind.OUTAGE, f"{host}:{port} cannot be reached: {reason}") from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock


def negotiate(transport: paramiko.Transport, timeout_s: float) -> None:
    """Agree on keys. Errors: SSHException, TimeoutError."""
    transport.start_client(timeout=timeout_s)
    # start_client returns in silence where its time is over.
    if not transport.initial_kex_done:
        raise TimeoutError("the server greeted us and agreed on no keys in time")


def _disabled(server: SftpServer) -> dict[str, list[str]]:
    names = list(server.disabled)
    return dict.fromkeys(("kex", "ciphers", "macs", "keys", "pubkeys"), names)


def _prefer(transport: paramiko.Transport, pins: Pins) -> None:
    """Ask for the kind of key that is pinned, and for ciphers that also protect the lengths."""
    options = transport.get_security_options()
    options.ciphers = tuple(sorted(options.ciphers, key=lambda name: "gcm" not in name))
    options.key_types = tuple(sorted(options.key_types, key=lambda name: _base(name) not in pins.types))


def _base(key_type: str) -> str:
    return "ssh-rsa" if key_type.startswith("rsa-sha2") else key_type


# -- the server's key ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pins:
    """The keys that a server may show, by fingerprint, and the kinds of key among them."""

    fingerprints: frozenset[str]
    types: frozenset[str]


def fingerprint(blob: bytes) -> str:
    """Give a public key's fingerprint, as OpenSSH prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def pinned(server: SftpServer, host: str) -> Pins:
    """Give the keys that a server may show. Errors: PortError where the file cannot be read."""
    fingerprints = {pin.rstrip("=") for pin in server.host_key if pin.startswith("SHA256:")}
    lines = [pin.split()[:2] for pin in server.host_key if not pin.startswith("SHA256:")]
    keys = [(kind, base64.b64decode(blob)) for kind, blob in lines]
    if server.known_hosts is not None:
        try:
            text = server.known_hosts.path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            reason = f"known_hosts cannot be read: {error.strerror}: {server.known_hosts}"
            raise PortError(PortErrorKind.CREDENTIAL, reason) from error
        keys += known_keys(text, host, server.port)
    found = fingerprints | {fingerprint(blob) for _, blob in keys}
    return Pins(frozenset(found), frozenset(kind for kind, _ in keys))


def check_host_key(key: paramiko.PKey, pins: Pins, host: str, port: int) -> None:
    """Refuse a server that shows another key than those that are pinned. Errors: PortError."""
    shown = fingerprint(key.asbytes())
    if shown in pins.fingerprints:
        return
    expected = ", ".join(sorted(pins.fingerprints)) or "none for this host and port"
    raise PortError(
        PortErrorKind.CREDENTIAL,
        f"{host}:{port} shows the host key {key.get_name()} {shown}; pinned: {expected}. Nothing was sent: "
        "ask the partner whether it changed its key, by a way that you trust, before you pin the new one",
    )


# -- our log-in ----------------------------------------------------------------------------------------


def log_in(transport: paramiko.Transport, user: str, server: SftpServer, secret: Secret) -> None:
    """Log in by key, password, or both where the server asks for both. Errors: PortError."""
    more: list[str] = []
    try:
        if server.key is not None:
            more = transport.auth_publickey(user, private_key(server, secret))
        if server.password is not None and (server.key is None or more):
            more = transport.auth_password(user, _secret(server.password, secret))
    except BadAuthenticationType as error:
        kinds = ", ".join(error.allowed_types)
        raise PortError(
            PortErrorKind.CREDENTIAL, f"the server takes no such log-in; it takes: {kinds}"
        ) from error
    except AuthenticationException as error:
        if isinstance(error.__cause__, TimeoutError) or "timeout" in str(error).lower():
            raise PortError(PortErrorKind.OUTAGE, "the server gave no answer to our log-in") from error
        means = " and ".join(
            word for word, has in (("key", server.key), ("password", server.password)) if has
        )
        raise PortError(
            PortErrorKind.CREDENTIAL, f"the server refused to log in '{user}' by {means}"
        ) from error
    if not transport.is_authenticated():
        raise PortError(PortErrorKind.CREDENTIAL, f"the server wants more than that: {', '.join(more)}")


def private_key(server: SftpServer, secret: Secret) -> paramiko.PKey:
    """Read our private key. Errors: PortError, which names the setting and never what it holds."""
    text = _secret(server.key or "", secret)
    passphrase = _secret(server.passphrase, secret) if server.passphrase is not None else None
    for key_class in KEY_CLASSES:
        try:
            key = key_class.from_private_key(io.StringIO(text), passphrase)
            break
        except PasswordRequiredException as error:
            raise PortError(
                PortErrorKind.CREDENTIAL, f"the key {server.key} is encrypted; set passphrase"
            ) from error
        except (paramiko.SSHException, ValueError, TypeError, IndexError, UnsupportedAlgorithm):
            continue  # a key of another kind
    else:
        opened = " by this passphrase" if passphrase is not None else ""
        raise PortError(
            PortErrorKind.CREDENTIAL,
            f"the key {server.key} cannot be read{opened}; expected a private key, Ed25519, ECDSA or RSA, "
            "in OpenSSH's form or PEM",
        )
    if server.certificate is not None:
        try:
            key.load_certificate(_secret(server.certificate, secret))
        except ValueError as error:
            raise PortError(
                PortErrorKind.CREDENTIAL, f"the certificate {server.certificate} is not one for this key"
            ) from error
    return key


def check_secrets(server: SftpServer, secret: Secret) -> None:
    """See that everything is there that a log-in needs. Errors: PortError."""
    resolved(server.user, secret)
    if server.key is not None:
        private_key(server, secret)
    if server.password is not None:
        _secret(server.password, secret)


def _secret(reference: str, secret: Secret) -> str:
    try:
        return secret(reference)
    except Exception as error:
        finding = getattr(error, "finding", None)
        # The store's error names the reference and not what it holds.
        raise PortError(PortErrorKind.CREDENTIAL, finding.text if finding else str(error)) from error


# -- errors --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def translated(doing: str, *, may_have_happened: bool = False) -> Iterator[None]:
    """Turn whatever paramiko, the socket or the server's words raise into a PortError."""
    try:
        yield
    except (PortError, StatusError):
        raise
    except IncompatiblePeer as error:
        text = (
            f"{doing}: no algorithm is known to both sides ({error}); `legacy-bridge sftp check` lists them"
        )
        raise PortError(PortErrorKind.CREDENTIAL, text) from error
    except ChannelException as error:
        raise PortError(PortErrorKind.OUTAGE, f"{doing}: the server opens no session: {error}") from error
    except (paramiko.SSHException, OSError, EOFError, ProtocolError) as error:
        silent = isinstance(error, TimeoutError) or "timeout" in str(error).lower()
        reason = "the server fell silent" if silent else (str(error) or type(error).__name__)
        raise PortError(
            PortErrorKind.OUTAGE, f"{doing}: {reason}", may_have_happened=may_have_happened
        ) from error
