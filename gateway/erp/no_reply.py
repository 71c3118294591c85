"""What a failed exchange says about its request: surely not written, or perhaps; and whose fault it is."""

from __future__ import annotations

import ssl

import aiohttp

from adapters.base import NoReply
from gateway.erp.http_connections import Progress


def unanswered(error: Exception, progress: Progress, *, is_tls: bool) -> NoReply:
    """Say what became of a request whose exchange failed."""
    if not progress.has_begun:
        is_certificate = isinstance(error, aiohttp.ClientSSLError | ssl.SSLError)
        return NoReply("none", _reason("no connection", error), "credential" if is_certificate else "outage")
    alert = _handshake_alert(error)
    if alert and progress.is_first_on_connection:
        # With TLS 1.3 the client may write before the server has judged its certificate. The server's
        # program sees nothing before the handshake ends, so nothing was done.
        return NoReply("none", f"the other side refuses our certificate ({alert})", "credential")
    reason = _reason("no reply", error)
    if (
        is_tls
        and progress.is_first_on_connection
        and isinstance(error, ConnectionError | aiohttp.ClientError)
    ):
        # Servers that cut a connection in place of an alert are not rare. It proves nothing, so it is a hint.
        reason += "; it closed a new connection at once: does it accept our certificate?"
    return NoReply("maybe", reason)


_CERTIFICATE_ALERTS = (
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "ACCESS_DENIED",
)


def _handshake_alert(error: BaseException | None) -> str:
    """Give the TLS alert about our certificate that caused an error, if one did."""
    while error is not None:
        reason = getattr(error, "reason", None)
        if isinstance(error, ssl.SSLError) and isinstance(reason, str) and "ALERT" in reason:
            return reason if reason.endswith(_CERTIFICATE_ALERTS) else ""
        error = error.__cause__ or error.__context__
    return ""


def _reason(what: str, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"{what} in time"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{what}: {text[:300]}"
