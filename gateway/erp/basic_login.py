"""Basic authentication that locks nobody out: a password that was refused is not sent again.

SAP locks a communication user after a few wrong passwords, for every system that uses it. So one request
alone tries a password that has not been accepted yet; a 401 holds back all others until the secret
changes, the endpoint is set up anew, or `retry_refused_after_s` has passed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable

from adapters.base import Clock, NoReply, Reply
from gateway.erp.settings import BasicSettings

Send = Callable[[str], Awaitable[Reply | NoReply]]


class BasicLogin:
    """The log-in of one endpoint. Passwords are kept as hashes only, to tell a changed one."""

    def __init__(self, settings: BasicSettings, clock: Clock, secret: Callable[[str], str]) -> None:
        self._settings = settings
        self._clock = clock
        self._secret = secret
        self._accepted = b""
        self._refused = b""
        self._refused_at = 0.0
        self._trial = asyncio.Lock()

    async def send(self, send: Send, until: float) -> Reply | NoReply:
        """Send with the log-in, or say why not. `until` is in the loop's time. Errors: SecretError."""
        authorization, mark = self._current()
        if mark == self._accepted:
            return self._judged(mark, await send(authorization))
        try:
            async with asyncio.timeout_at(until):
                await self._trial.acquire()
        except TimeoutError:
            return NoReply("none", "another request still tries the password", "outage")
        try:
            if self._is_held_back(mark):
                return NoReply("none", self._why(), "credential")
            return self._judged(mark, await send(authorization))
        finally:
            self._trial.release()

    @property
    def trouble(self) -> str | None:
        """Say why the password of now is held back; None where it may be sent. Errors: SecretError."""
        return self._why() if self._refused and self._is_held_back(self._current()[1]) else None

    def _current(self) -> tuple[str, bytes]:
        pair = f"{self._settings.user}:{self._secret(self._settings.password)}".encode()
        return "Basic " + base64.b64encode(pair).decode(), hashlib.sha256(pair).digest()

    def _judged(self, mark: bytes, reply: Reply | NoReply) -> Reply | NoReply:
        if isinstance(reply, Reply):
            if reply.status == 401:
                self._refused, self._refused_at, self._accepted = mark, self._clock.monotonic(), b""
            else:
                self._accepted = mark
        return reply

    def _is_held_back(self, mark: bytes) -> bool:
        after_s = self._settings.retry_refused_after_s
        is_over = after_s is not None and self._clock.monotonic() - self._refused_at >= after_s
        return mark == self._refused and not is_over

    def _why(self) -> str:
        return (
            f"the password of {self._settings.user} was refused, and is not tried again: more tries lock the"
            " user. Correct the secret (in a file: it is then tried by itself; with env: restart), or"
            " unlock the user and restart"
        )
