"""The issuers of admin tokens with their keys: fetched or read from a file, kept, and looked for anew.

Keys are fetched again after a while, and when a token names one that is not known, yet seldom enough that
made-up names cost the issuer nothing. While an issuer is away its last keys count for a day.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from joserfc.jwk import KeySet

from adapters.base import Clock
from gateway.security.bearer import TokenRefusedError, TokenRules, issuer_of, key_set, verified
from gateway.security.roles import Principal
from gateway.security.settings import TlsSettings
from gateway.security.tls import ClientTls, TlsError

log = logging.getLogger("legacy_bridge.admin")

FRESH_S = 300.0
STALE_S = 86_400.0
PAUSE_S = 10.0  # between two looks for a key that is not known
TIMEOUT_S = 5.0
SET_BYTES_MAX = 256 * 1024


class KeysAwayError(Exception):
    """An issuer's keys cannot be had now; nobody's fault who asks."""


@dataclass(frozen=True, slots=True)
class IssuerSetup:
    """One issuer: its rules, and where its keys are."""

    rules: TokenRules
    url: str | None = None
    file: Path | None = None
    ca: str | None = None  # a secret's reference


class Issuers:
    """Tells who holds a token."""

    def __init__(self, setups: Sequence[IssuerSetup], clock: Clock, secret: Callable[[str], str]) -> None:
        self._clock = clock
        self._keys = {each.rules.issuer: _Keys(each, clock, secret) for each in setups}

    async def principal(self, token: str) -> Principal:
        """Give who holds a token. Errors: TokenRefusedError, KeysAwayError."""
        keys = self._keys.get(issuer_of(token))
        if keys is None:
            raise TokenRefusedError("its issuer is not one of gateway.admin.issuers")
        rules, now = keys.setup.rules, self._clock.now()
        try:
            return verified(token, rules, await keys.current(), now)
        except TokenRefusedError as error:
            if not error.is_new_key:
                raise
        return verified(token, rules, await keys.anew(), now)


class _Keys:
    """One issuer's keys."""

    def __init__(self, setup: IssuerSetup, clock: Clock, secret: Callable[[str], str]) -> None:
        self.setup = setup
        self._clock = clock
        self._tls = ClientTls(TlsSettings(ca=setup.ca), secret, clock)
        self._lock = asyncio.Lock()
        self._kept: KeySet | None = None
        self._kept_at = 0.0
        self._tried_at: float | None = None

    async def current(self) -> KeySet:
        """Give the keys, looked up within the last minutes. Errors: KeysAwayError."""
        if self._kept is not None and self._clock.monotonic() - self._kept_at < FRESH_S:
            return self._kept
        return await self._looked_up()

    async def anew(self) -> KeySet:
        """Give the keys, looked up again unless that was done a moment ago. Errors: KeysAwayError."""
        return await self._looked_up()

    async def _looked_up(self) -> KeySet:
        async with self._lock:
            now = self._clock.monotonic()
            is_pausing = self._tried_at is not None and now - self._tried_at < PAUSE_S
            if not (is_pausing and self._kept is not None):
                self._tried_at = now
                await self._look(now)
            if self._kept is None or now - self._kept_at > STALE_S:
                raise KeysAwayError(self.setup.rules.issuer)
            return self._kept

    async def _look(self, now: float) -> None:
        try:
            self._kept = key_set(await self._text())
            self._kept_at = now
        except (OSError, ValueError, TlsError, TimeoutError, aiohttp.ClientError) as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("admin.keys_away issuer=%s reason=%s", self.setup.rules.issuer, reason)

    async def _text(self) -> bytes:
        if self.setup.file is not None:
            return await asyncio.to_thread(self.setup.file.read_bytes)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(self.setup.url or "", ssl=self._tls.context(), allow_redirects=False) as response,
        ):
            text = await response.content.read(SET_BYTES_MAX + 1)
            while not response.content.at_eof() and len(text) <= SET_BYTES_MAX:
                text += await response.content.read(SET_BYTES_MAX + 1)
            if response.status != 200 or len(text) > SET_BYTES_MAX:
                raise ValueError(f"status {response.status}, {len(text)} bytes")
            return text
