"""TLS handshakes that fail at a listener: they would end in an alert to the caller and in silence here.

``asyncio`` tells nobody of them, so the object that does the handshake says it itself.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

_NO_CERTIFICATE = "PEER_DID_NOT_RETURN_A_CERTIFICATE"


def tell_failures(context: ssl.SSLContext, failed: Callable[[ssl.SSLError], None]) -> None:
    """Have a server's context call ``failed`` for each handshake that fails, in the event loop."""

    class Handshake(ssl.SSLObject):
        def do_handshake(self) -> None:
            """Go on with the handshake."""
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise  # it only waits for more bytes
            except ssl.SSLError as error:
                failed(error)
                raise

    context.sslobject_class = Handshake


def blames_certificate(error: ssl.SSLError) -> bool:
    """Tell whether a caller came with a certificate that is not taken, or without one."""
    return isinstance(error, ssl.SSLCertVerificationError) or error.reason == _NO_CERTIFICATE


def reason_of(error: ssl.SSLError) -> str:
    """Say why a handshake failed, in OpenSSL's words without its numbers."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or "no reason given").replace("_", " ").lower()
