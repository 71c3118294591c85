"""Who may come in: Basic with a lock after bad passwords, bearer tokens, and CSRF tokens tied to a cookie.

Source: SAP Gateway developer guide, "Cross-Site Request Forgery Protection": a safe request with
`X-CSRF-Token: Fetch` is given a token that belongs to its session; a write without it, or of another
session, is answered 403 with `X-CSRF-Token: Required` before anything is done.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable

from aiohttp import web

from simulators.cloud_erp.sap_s4hana.settings import Settings

COOKIE = "SAP_SESSIONID_SIM_100"
HEADER = "x-csrf-token"


class Sessions:
    """The sessions of one tenant. `bearer` can be changed while it runs: tokens expire."""

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._tokens: dict[str, tuple[str, float]] = {}
        self._failures: dict[str, int] = {}
        self.users = dict(settings.users)
        self.bearer = settings.token
        self.refusals = 0  # answers of 401

    @property
    def locked(self) -> frozenset[str]:
        """Give the users that are locked after bad passwords."""
        return frozenset(
            user for user, failures in self._failures.items() if failures >= self._settings.locks_after
        )

    def unlock(self) -> None:
        """Unlock all users, as an administrator would."""
        self._failures.clear()

    def expire_csrf(self) -> None:
        """Forget all CSRF tokens: the sessions timed out."""
        self._tokens.clear()

    def is_known(self, request: web.Request) -> bool:
        """Tell whether the caller may come in; a bad password counts towards the lock."""
        if not self.users and self.bearer is None:
            return True
        kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer":
            known = self.bearer is not None and secrets.compare_digest(credentials, self.bearer)
        else:
            known = kind == "Basic" and self._has_password(credentials)
        self.refusals += not known
        return known

    def fetch(self, response: web.StreamResponse) -> None:
        """Begin a session: its token in a header, its name in a cookie."""
        session, token = secrets.token_hex(8), secrets.token_urlsafe(16)
        self._tokens[session] = (token, self._monotonic() + self._settings.csrf_life_s)
        response.headers[HEADER] = token
        response.set_cookie(COOKIE, session, path="/", httponly=True)
        response.set_cookie("sap-usercontext", "sap-client=100", path="/")

    def has_csrf(self, request: web.Request) -> bool:
        """Tell whether a write carries the token of its own session."""
        if not self._settings.needs_csrf:
            return True
        token, until = self._tokens.get(request.cookies.get(COOKIE, ""), ("", 0.0))
        return bool(token) and self._monotonic() < until and request.headers.get(HEADER) == token

    def _has_password(self, credentials: str) -> bool:
        try:
            user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        if user in self.locked:
            return False  # even the right password: the user stays locked
        is_right = user in self.users and self.users[user] == password
        self._failures[user] = 0 if is_right else self._failures.get(user, 0) + 1
        return is_right
