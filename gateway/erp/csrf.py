"""The CSRF session of an endpoint: a token and the cookies that it belongs to, in memory only.

SAP's gateway answers a write without them 403 with `x-csrf-token: Required`, before anything is done;
then, and only then, a write is sent once more with a new session. Neither token nor cookies reach the
journal: they are session secrets. Source: SAP Gateway developer guide, "Cross-Site Request Forgery
Protection".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from adapters.base import NoReply, Reply

HEADER = "x-csrf-token"
FETCH = ((HEADER, "fetch"),)
REQUIRED = "required"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Captured:
    """What a reply brought that the journal does not keep."""

    token: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def take(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        """Keep a reply's token and cookies."""
        self.token = headers.get(HEADER, "")
        self.cookies.update(cookies)

    def __repr__(self) -> str:
        return "<session>"


@dataclass(frozen=True, slots=True)
class CsrfSession:
    """One session's headers, for every write until the ERP forgets it."""

    headers: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return "<session>"


Fetch = Callable[[Captured], Awaitable[Reply | NoReply]]


class CsrfSessions:
    """The current session, fetched once however many writes wait for it; a failure is theirs, too."""

    def __init__(self) -> None:
        self._session: CsrfSession | None = None
        self._failures = 0
        self._failure: Reply | NoReply = NoReply("none", "no CSRF token")
        self._lock = asyncio.Lock()

    @property
    def known(self) -> CsrfSession | None:
        """Give the session that is there already, None where one must be fetched."""
        return self._session

    async def current(self, fetch: Fetch) -> CsrfSession | Reply | NoReply:
        """Give the session; or what came instead of one, which says that nothing was written."""
        failures = self._failures
        async with self._lock:
            if self._session is not None:
                return self._session
            if self._failures != failures:
                return self._failure  # of the fetch that we waited for
            captured = Captured()
            reply = await fetch(captured)
            if isinstance(reply, Reply) and reply.status < 400 and captured.token:
                self._session = _session(captured)
                return self._session
            self._failures, self._failure = self._failures + 1, _instead(reply)
            return self._failure

    def forget(self, session: CsrfSession) -> None:
        """Drop a session that was refused, unless another has taken its place."""
        if self._session is session:
            self._session = None


def is_refused(reply: Reply | NoReply) -> bool:
    """Tell whether a write was refused for want of a valid session: surely nothing was done."""
    return (
        isinstance(reply, Reply)
        and reply.status == 403
        and (reply.header(HEADER) or "").strip().lower() == REQUIRED
    )


def _session(captured: Captured) -> CsrfSession:
    cookies = "; ".join(f"{name}={text}" for name, text in captured.cookies.items())
    return CsrfSession(((HEADER, captured.token), *((("Cookie", cookies),) if cookies else ())))


def _instead(reply: Reply | NoReply) -> Reply | NoReply:
    """A refusal counts as the write's own: the same account was refused, before anything was written."""
    if isinstance(reply, NoReply):
        return NoReply("none", f"no CSRF token: {reply.reason}", reply.kind)
    if reply.status in (401, 403, 429, 503):
        return reply
    if reply.status < 400:
        text = "the answer holds no CSRF token (a log-in page?): check base, csrf.path and the account"
        return NoReply("none", text, "credential")
    return NoReply("none", f"no CSRF token: status {reply.status}", "outage")
