"""Whether an event comes from where it says: signature, secret header, client certificate. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from adapters.base.facade import FacadeCall
from adapters.erp_events.config import Hmac, SharedSecret, Verify


def unproven(verify: Verify, call: FacadeCall, partner: str | None, secret: Callable[[str], str]) -> str:
    """Say what does not hold; empty where everything that is declared does.

    The comparison takes as long for a wrong value as for the right one. Source: RFC 2104 (HMAC).
    """
    if verify.certificate and (not call.identity or call.partner != partner):
        return "the client certificate is not that of the route's partner"
    if verify.secret is not None and not _holds_secret(verify.secret, call, secret):
        return f"the header {verify.secret.header} is missing or does not hold the shared secret"
    if verify.signature is not None and not _is_signed(verify.signature, call, secret):
        return f"the signature in {verify.signature.header} is missing or does not fit the body"
    return ""


def signature_of(body: bytes, rule: Hmac, key: str) -> str:
    """Give the header value that a sender with this key makes for a body."""
    digest = hmac.new(key.encode(), body, getattr(hashlib, rule.algorithm)).digest()
    text = digest.hex() if rule.encoding == "hex" else base64.b64encode(digest).decode()
    return rule.prefix + text


def _holds_secret(rule: SharedSecret, call: FacadeCall, secret: Callable[[str], str]) -> bool:
    given, wanted = call.header(rule.header) or "", secret(rule.secret)
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _is_signed(rule: Hmac, call: FacadeCall, secret: Callable[[str], str]) -> bool:
    given, key = (call.header(rule.header) or "").strip(), secret(rule.secret)
    wanted = signature_of(call.body, rule, key)
    if rule.encoding == "hex":
        given, wanted = given.lower(), wanted.lower()
    return bool(key) and hmac.compare_digest(given.encode(), wanted.encode())
