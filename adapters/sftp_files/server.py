"""What routes.yaml says about an SFTP server: where, who we are there, which key it must show.

Every field is declared here once; the configuration reference and ``check`` come from it.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from adapters.base.settings import Duration, Kind, PresentFile, SecretRef, Settings

# Offered by paramiko and broken, or nearly so: CBC leaks plaintext (CVE-2008-5161), 3DES has 64-bit blocks
# (CVE-2016-2183), SHA-1 and MD5 are no longer good hashes. What paramiko 5 dropped stands here no more.
WEAK = (
    "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc",
    "hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96",
)  # fmt: skip


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _check_pin(value: str) -> str:
    """Check a pinned host key. Errors: ValueError (pydantic makes it a problem of that field)."""
    if re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", value):
        return value
    words = value.split()
    try:
        if len(words) >= 2 and words[0].encode() in base64.b64decode(words[1], validate=True)[:64]:
            return value
    except binascii.Error:
        pass
    raise ValueError(
        "expected a fingerprint (SHA256:...) or a public key (ssh-ed25519 AAAA...), as the partner gives it; "
        "`legacy-bridge sftp check` shows the one that the server has"
    )


def _pin(value: Any) -> Any:
    return _check_pin(value.strip()) if isinstance(value, str) else value


HostKey = Annotated[str, StringConstraints(min_length=1, max_length=4096), BeforeValidator(_pin)]
Algorithm = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@.-]{1,64}$"), Kind("name of an algorithm")]
RemoteFolder = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\\]{1,1024}$"),
    Kind("path on the server, from the log-in's own folder unless it begins with /"),
]


class SftpServer(Settings):
    """An account on an SFTP server."""

    host: str = Field(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|[A-Za-z0-9.:_-]{1,253})$")
    """Name or address; `env:NAME` where it differs between installations."""

    port: int = Field(default=22, ge=1, le=65_535)
    """Port."""

    user: str = Field(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|[^\x00-\x1f]{1,128})$")
    """Who we are there; or `env:NAME`."""

    key: SecretRef | None = None
    """Our private key (OpenSSH or PEM; Ed25519, ECDSA or RSA)."""

    passphrase: SecretRef | None = None
    """Opens the private key."""

    certificate: SecretRef | None = None
    """Our OpenSSH user certificate for that key (`id_ed25519-cert.pub`)."""

    password: SecretRef | None = None
    """Our password; together with a key where the server asks for both."""

    host_key: Annotated[
        tuple[HostKey, ...],
        BeforeValidator(_as_list),
        Kind("a fingerprint SHA256:..., a public key, or a list of them"),
    ] = ()
    """The keys that the server may show; more than one while it changes its key."""

    known_hosts: PresentFile | None = None
    """Or a file in OpenSSH's form that holds them."""

    folder: RemoteFolder = "."
    """The folder on the server."""

    channels: int = Field(default=4, ge=1, le=16)
    """How many files are on their way at once, over one connection."""

    requests: int = Field(default=64, ge=1, le=1024)
    """How many requests for a file's bytes are under way at once; 1 for servers that take no more."""

    connect_timeout: Annotated[Duration, Field(ge=timedelta(milliseconds=100))] = timedelta(seconds=15)
    """How long connecting may take, for each of: TCP, greeting, keys, log-in."""

    answer_timeout: Annotated[Duration, Field(ge=timedelta(milliseconds=100))] = timedelta(seconds=30)
    """How long the server may stay silent before the connection counts as dead."""

    keep_alive: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=30)
    """How often an idle connection is kept open."""

    reconnect_for: Duration = timedelta(seconds=10)
    """How long to try again at once where a connection cannot be made; afterwards the poll decides."""

    denied_pause: Duration = timedelta(minutes=5)
    """How long to leave a server alone that refused our log-in or showed a wrong key,
    so that it does not lock us out."""

    allow: Annotated[tuple[Algorithm, ...], BeforeValidator(_as_list)] = ()
    """Weak algorithms that this old server needs all the same: `aes256-cbc`, `hmac-sha1` ..."""

    disable: Annotated[tuple[Algorithm, ...], BeforeValidator(_as_list)] = ()
    """More algorithms that are never to be used."""

    @model_validator(mode="after")
    def _complete(self) -> SftpServer:
        if self.key is None and self.password is None:
            raise ValueError("expected key or password: how we log in")
        if self.key is None and (self.passphrase or self.certificate):
            raise ValueError("passphrase and certificate belong to a key; expected key too")
        if not self.host_key and self.known_hosts is None:
            raise ValueError(
                "expected host_key or known_hosts: a server is never trusted at first sight; ask the "
                "partner for the key, and compare with what `legacy-bridge sftp check` shows"
            )
        if unknown := [name for name in self.allow if name not in WEAK]:
            raise ValueError(f"'{unknown[0]}' cannot be allowed; weak and still there: {', '.join(WEAK)}")
        return self

    @property
    def disabled(self) -> tuple[str, ...]:
        """Give the algorithms that are not used."""
        return tuple(name for name in WEAK if name not in self.allow) + self.disable

    @property
    def account(self) -> SftpServer:
        """Give what a connection depends on: endpoints that differ only in their folder share one."""
        return self.model_copy(update={"folder": "."})
