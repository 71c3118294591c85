"""TLS contexts for both directions: 1.2 or newer, certificates by reference, reloaded without a restart.

A listener asks every client for a certificate. Files that change are taken up by the next handshake;
files that went bad leave the last good ones in force and show in `problem`.
"""

from __future__ import annotations

import contextlib
import math
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from adapters.base import Clock, Finding, Level, Position
from gateway.security.secrets import SecretError
from gateway.security.settings import TlsSettings

EXPIRES_SOON = timedelta(days=30)
LOOK_EVERY_S = 1.0  # a look costs three stat calls: too much for every request

Secret = Callable[[str], str]


class TlsError(Exception):
    """A certificate or key cannot be used; the finding says which and why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True, slots=True)
class _Material:
    """The PEM texts of one side. `repr` shows none of them."""

    certificate: str | None
    key: str | None
    ca: str | None

    def __repr__(self) -> str:
        return "<certificates>"


class ClientTls:
    """Gives the context of outgoing connections; another one once the files have changed."""

    def __init__(self, settings: TlsSettings, secret: Secret, clock: Clock) -> None:
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._material: _Material | None = None
        self._context: ssl.SSLContext | None = None
        self._expires_at: datetime | None = None
        self._looked_at = -math.inf

    def context(self) -> ssl.SSLContext:
        """Give the context in force. Errors: TlsError for files missing, bad, or expired."""
        is_expired = self._expires_at is not None and self._expires_at <= self._clock.now()
        if self._context is None or is_expired or self._clock.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self._look()
        if self._context is None:
            raise AssertionError("a look gives a context or raises")
        return self._context

    def _look(self) -> None:
        """Take up the files as they are now."""
        material = _material(self._settings, self._secret)
        if self._context is None or material != self._material:
            context, expires_at = (
                _client_context(self._settings, material),
                _expires_at(self._settings, material),
            )
            self._context, self._expires_at, self._material = context, expires_at, material
        if self._expires_at is not None and self._expires_at <= self._clock.now():
            raise _expired(self._settings, self._expires_at)
        self._looked_at = self._clock.monotonic()


class ServerTls:
    """Gives the context of a listener; each handshake uses the files as they are by then."""

    def __init__(self, settings: TlsSettings, secret: Secret, *, require_client: bool = True) -> None:
        self._settings = settings
        self._secret = secret
        self._require_client = require_client
        self.problem: Finding | None = None  # why changed files are not in force; for readiness
        self._material = _material(settings, secret)
        self._current = self._make(self._material)
        self._listening = self._make(self._material)
        self._listening.sni_callback = self._on_hello

    @property
    def context(self) -> ssl.SSLContext:
        """Give the context to listen with; it stays the same, what it serves does not."""
        return self._listening

    def _on_hello(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Switch a handshake to the files of now; called for every client, with or without SNI."""
        connection.context = self._up_to_date()

    def _up_to_date(self) -> ssl.SSLContext:
        try:
            material = _material(self._settings, self._secret)
            if material != self._material:
                self._current = self._make(material)
                self._material = material
            self.problem = None
        except TlsError as error:
            self.problem = error.finding
        return self._current

    def _make(self, material: _Material) -> ssl.SSLContext:
        if material.certificate is None:
            raise _error("TLS-MISSING", "tls.certificate", "a listener needs a certificate")
        if self._require_client and material.ca is None:
            raise _error("TLS-MISSING", "tls.ca", "a listener needs the CA of its clients")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A resumed session would keep a client in after its certificate ended or its CA was withdrawn.
        context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.num_tickets = 0
        _load(context, self._settings, material)
        if self._require_client:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def certificate_findings(settings: TlsSettings, secret: Secret, now: datetime) -> list[Finding]:
    """Give everything wrong with configured certificates, and a note for one that ends soon.

    Codes: SECRET-*, TLS-UNREADABLE, TLS-KEY-MISMATCH, TLS-EXPIRED, TLS-NOT-YET, TLS-EXPIRES-SOON.
    """
    try:
        material = _material(settings, secret)
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), settings, material)
    except TlsError as error:
        return [error.finding]
    texts = ((settings.certificate, material.certificate), (settings.ca, material.ca))
    return [
        finding
        for reference, text in texts
        if reference is not None and text is not None
        for certificate in _parsed(reference, text)
        if (finding := _validity_finding(reference, certificate, now)) is not None
    ]


def _validity_finding(reference: str, certificate: x509.Certificate, now: datetime) -> Finding | None:
    ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    subject = certificate.subject.rfc4514_string()
    if ends <= now:
        return _finding(
            "TLS-EXPIRED", reference, f"certificate '{subject}' ended at {ends:%Y-%m-%d %H:%M} UTC"
        )
    if begins > now:
        return _finding(
            "TLS-NOT-YET", reference, f"certificate '{subject}' begins at {begins:%Y-%m-%d %H:%M} UTC"
        )
    if ends - now < EXPIRES_SOON:
        text = f"certificate '{subject}' ends at {ends:%Y-%m-%d %H:%M} UTC; renew it"
        return Finding("TLS-EXPIRES-SOON", Position(reference), f"{reference}: {text}", level=Level.NOTE)
    return None


def _client_context(settings: TlsSettings, material: _Material) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies the server and its name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if material.ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    _load(context, settings, material)
    return context


def _load(context: ssl.SSLContext, settings: TlsSettings, material: _Material) -> None:
    if material.ca is not None:
        try:
            context.load_verify_locations(cadata=material.ca)
        except ssl.SSLError as error:
            raise _error(
                "TLS-UNREADABLE", str(settings.ca), f"no CA certificate in it ({error.reason})"
            ) from error
    if material.certificate is not None:
        _load_chain(context, settings, material.certificate, material.key)


def _load_chain(context: ssl.SSLContext, settings: TlsSettings, certificate: str, key: str | None) -> None:
    """Hand certificate and key to OpenSSL, which reads them from files only."""
    with tempfile.TemporaryDirectory() as folder:  # mode 700
        chain = Path(folder) / "chain.pem"
        chain.write_text(
            certificate if key is None else f"{certificate}\n{key}\n", encoding="ascii", errors="replace"
        )
        try:
            # The password callback keeps OpenSSL from asking on the terminal for an encrypted key.
            context.load_cert_chain(chain, password=lambda: "")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise _error(
                    "TLS-KEY-MISMATCH", str(settings.key), f"is not the key of {settings.certificate}"
                ) from error
            places = ", ".join(str(each) for each in (settings.certificate, settings.key) if each)
            reason = error.reason or "not PEM"
            raise _error("TLS-UNREADABLE", places, f"no usable certificate and key ({reason})") from error


def _material(settings: TlsSettings, secret: Secret) -> _Material:
    try:
        return _Material(
            *(
                secret(reference) if reference is not None else None
                for reference in (settings.certificate, settings.key, settings.ca)
            )
        )
    except SecretError as error:
        raise TlsError(error.finding) from error


def _expires_at(settings: TlsSettings, material: _Material) -> datetime | None:
    if settings.certificate is None or material.certificate is None:
        return None
    return _parsed(settings.certificate, material.certificate)[0].not_valid_after_utc.astimezone(UTC)


def _parsed(reference: str, text: str) -> list[x509.Certificate]:
    certificates: list[x509.Certificate] = []
    with contextlib.suppress(ValueError):
        certificates = x509.load_pem_x509_certificates(text.encode())
    if not certificates:
        raise _error("TLS-UNREADABLE", reference, "no PEM certificate in it")
    return certificates


def _expired(settings: TlsSettings, ended_at: datetime) -> TlsError:
    text = f"our certificate ended at {ended_at:%Y-%m-%d %H:%M} UTC; replace the file, no restart is needed"
    return _error("TLS-EXPIRED", str(settings.certificate), text)


def _finding(code: str, reference: str, text: str) -> Finding:
    return Finding(code, Position(reference), f"{reference}: {text}")


def _error(code: str, reference: str, text: str) -> TlsError:
    return TlsError(_finding(code, reference, text))
