"""The UsernameToken as this system checks and writes it: its own few lines, a witness for the gateway's."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from simulators.soap_mms.envelope import WSSE, WSU, Call

_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"


def is_token_right(call: Call, user: str, password: str, nonces: set[str]) -> bool:
    """Tell whether a request shows the user's token; a nonce is good once."""
    token = call.header.find(f".//{{{WSSE}}}UsernameToken") if call.header is not None else None
    if token is None or token.findtext(f"{{{WSSE}}}Username") != user:
        return False
    shown = token.find(f"{{{WSSE}}}Password")
    if shown is None:
        return False
    nonce, created = token.findtext(f"{{{WSSE}}}Nonce") or "", token.findtext(f"{{{WSU}}}Created") or ""
    if nonce in nonces:
        return False
    if nonce:
        nonces.add(nonce)
    if not (shown.get("Type") or "").endswith("#PasswordDigest"):
        return shown.text == password
    return shown.text == digest(base64.b64decode(nonce), created, password)


def digest(nonce: bytes, created: str, password: str) -> str:
    """Give the password digest of the profile."""
    return base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()  # noqa: S324


def security_header(user: str, password: str, nonce: bytes, now: datetime, *, is_text: bool = False) -> str:
    """Write a Security header with a token and a timestamp."""
    created, expires = (
        f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (now, now + timedelta(minutes=5))
    )
    kind = "PasswordText" if is_text else "PasswordDigest"
    shown = escape(password) if is_text else digest(nonce, created, password)
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" env:mustUnderstand="1">'
        f"<wsu:Timestamp><wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
        f"<wsse:UsernameToken><wsse:Username>{escape(user)}</wsse:Username>"
        f'<wsse:Password Type="{_PROFILE}#{kind}">{shown}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{_BASE64}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )
