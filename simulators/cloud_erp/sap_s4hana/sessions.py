"""CSRF tokens, each tied to a session's cookie and ending with it.

Source: SAP Gateway developer guide, "Cross-Site Request Forgery Protection": a safe request with
`X-CSRF-Token: Fetch` is given a token that belongs to its session; a write without it, or of another
session, is answered 403 with `X-CSRF-Token: Required` before anything is done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from aiohttp import web

from simulators.cloud_erp.sap_s4hana.tenant import Tenant

COOKIE = "SAP_SESSIONID_SIM_100"
HEADER = "x-csrf-token"


class Sessions:
    """The sessions of one tenant."""

    def __init__(self, tenant: Tenant, clock: Callable[[], float]) -> None:
        self._tenant = tenant
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}

    def expire(self) -> None:
        """Forget all sessions: they timed out."""
        self._tokens.clear()

    def fetch(self, response: web.StreamResponse) -> None:
        """Begin a session: its token in a header, its name in a cookie."""
        session, token = secrets.token_hex(8), secrets.token_urlsafe(16)
        self._tokens[session] = (token, self._clock() + self._tenant.csrf_life_s)
        response.headers[HEADER] = token
        response.set_cookie(COOKIE, session, path="/", httponly=True)
        response.set_cookie("sap-usercontext", "sap-client=100", path="/")

    def has_csrf(self, request: web.Request) -> bool:
        """Tell whether a write carries the token of its own session."""
        if not self._tenant.needs_csrf:
            return True
        token, until = self._tokens.get(request.cookies.get(COOKIE, ""), ("", 0.0))
        return bool(token) and self._clock() < until and request.headers.get(HEADER) == token
