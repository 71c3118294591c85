"""OAuth2 tokens by client credentials or JWT bearer: one cached per endpoint, renewed before it ends.

Source: RFC 6749 sections 2.3.1 and 4.4, RFC 7523 section 2; RFC 6750 for its use. Tokens and secrets
reach no text of ours.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from adapters.base import Clock, Rng
from gateway.security import assertions
from gateway.security.assertions import SigningError, signed_assertion
from gateway.security.scopes import granted_scopes
from gateway.security.secrets import SecretError
from gateway.security.settings import AssertionSettings, OAuth2Settings
from gateway.security.tls import ClientTls, TlsError

REPLY_BYTES_MAX = 256 * 1024
LIFETIME_UNKNOWN_S = 300.0  # expires_in is only recommended (RFC 6749 section 5.1)
PAUSE_S = 0.25
TOKEN_CHARACTERS_MAX = 16 * 1024


class TokenError(Exception):
    """No token could be had. `kind` says whether the provider is away or refuses us."""

    def __init__(self, reason: str, kind: Literal["outage", "credential"]) -> None:
        super().__init__(reason)
        self.kind = kind


class _TokenOutageError(TokenError):
    """The provider did not answer, or said: not now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "outage")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    renew_at: float
    ends_at: float
    scopes: frozenset[str] | None = None


class TokenSource:
    """Gives tokens. Callers that come together wait for one request to the provider."""

    def __init__(
        self,
        settings: OAuth2Settings,
        *,
        clock: Clock,
        rng: Rng,
        secret: Callable[[str], str],
        tls: ClientTls,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._secret = secret
        self._tls = tls
        self._token: _Token | None = None
        self.granted: frozenset[str] | None = None  # scopes of the newest token, where anything tells them
        self._lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def token(self) -> str:
        """Give a token that is good now. Errors: TokenError."""
        token = self._token
        if token is not None and self._clock.monotonic() < token.renew_at:
            return token.text
        async with self._lock:
            token = self._token
            if token is not None and self._clock.monotonic() < token.renew_at:
                return token.text  # another caller renewed it while we waited
            return await self._renewed(token)

    def invalidate(self, text: str) -> None:
        """Forget a token that was refused; a newer one stays."""
        if self._token is not None and self._token.text == text:
            self._token = None

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _renewed(self, old: _Token | None) -> str:
        try:
            self._token = await self._fetch_persistently()
        except _TokenOutageError:
            if old is not None and self._clock.monotonic() < old.ends_at:
                return old.text  # not fresh, but still good
            raise
        self.granted = self._token.scopes
        return self._token.text

    async def _fetch_persistently(self) -> _Token:
        """Ask; only where that failed bring in tenacity, whose set-up costs more than the success path."""
        try:
            return await self._fetch()
        except _TokenOutageError:
            if self._settings.attempts_max == 1:
                raise
        await self._clock.sleep(PAUSE_S * (0.5 + self._rng.random()))
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._settings.attempts_max - 1),
            wait=self._pause_s,
            sleep=self._clock.sleep,
            retry=retry_if_exception_type(_TokenOutageError),
            reraise=True,
        )
        return await retrying(self._fetch)

    def _pause_s(self, state: RetryCallState) -> float:
        return PAUSE_S * 2.0**state.attempt_number * (0.5 + self._rng.random())

    async def _fetch(self) -> _Token:
        settings = self._settings
        asked_at = self._clock.monotonic()
        try:
            headers, form = self._question()
            context = self._tls.context()
        except SecretError as error:
            raise TokenError(error.finding.text, "credential") from error
        except SigningError as error:
            raise TokenError(str(error), "credential") from error
        except TlsError as error:
            raise TokenError(error.finding.text, "credential") from error
        try:
            async with self._opened().post(
                settings.token_url,
                data=form,
                headers=headers,
                ssl=context,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=settings.timeout_s),
            ) as response:
                return _token(response.status, await _body(response), settings, asked_at)
        except aiohttp.ClientConnectorCertificateError as error:
            why = getattr(error.certificate_error, "verify_message", "") or "see its certificate"
            raise TokenError(
                f"the certificate of the token endpoint {settings.token_url} is not trusted ({why}); if it "
                "is right, name who signed it in tls.ca",
                "credential",
            ) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _TokenOutageError(
                f"the token endpoint {settings.token_url} does not answer ({type(error).__name__})"
            ) from error

    def _question(self) -> tuple[dict[str, str], dict[str, str]]:
        settings = self._settings
        client_id = settings.client_id
        if client_id.startswith(("env:", "file:")):
            client_id = self._secret(client_id)
        form = {"grant_type": "client_credentials", "scope": settings.scope, "audience": settings.audience}
        if settings.grant == "jwt_bearer":
            form |= {"grant_type": assertions.GRANT, "assertion": self._assertion(settings.assertion, "user")}
        headers = {"Accept": "application/json"}
        if settings.authenticate == "none":
            form["client_id"] = client_id
            return headers, {name: text for name, text in form.items() if text}
        if settings.authenticate == "assertion":
            proof = self._assertion(settings.assertion, "client")
            form |= {"client_assertion_type": assertions.CLIENT_TYPE, "client_assertion": proof}
            form["client_id"] = client_id
            return headers, {name: text for name, text in form.items() if text}
        client_secret = self._secret(settings.client_secret or "")
        if settings.authenticate == "basic":
            # Id and secret are form-encoded first (RFC 6749 section 2.3.1).
            pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": client_id, "client_secret": client_secret}
        return headers, {name: text for name, text in form.items() if text}

    def _assertion(self, settings: AssertionSettings | None, whose: Literal["user", "client"]) -> str:
        """Sign a new one each time: providers refuse one that they have seen (RFC 7523 section 3)."""
        if settings is None:
            raise AssertionError("the settings' own check asks for it")
        subject = (settings.subject if whose == "user" else "") or settings.issuer
        key, audience = self._secret(settings.key), self._settings.token_url
        return signed_assertion(settings, key, audience, subject, self._clock.now(), self._rng.token())

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=1), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


async def _body(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > REPLY_BYTES_MAX:
            raise _TokenOutageError("the token endpoint's reply is too large")
        chunks.append(chunk)
    return b"".join(chunks)


def _token(status: int, body: bytes, settings: OAuth2Settings, asked_at: float) -> _Token:
    """Read the reply (RFC 6749 sections 5.1 and 5.2)."""
    fields = _object(body)
    if status in (400, 401, 403):
        reason = fields.get("error")
        reason = reason if isinstance(reason, str) and reason.isidentifier() else f"status {status}"
        raise TokenError(f"the token endpoint refuses our credentials: {reason}", "credential")
    text = fields.get("access_token")
    if status != 200 or not isinstance(text, str) or not 0 < len(text) <= TOKEN_CHARACTERS_MAX:
        raise _TokenOutageError(f"the token endpoint {settings.token_url} gives no token: status {status}")
    if not text.isascii() or not text.isprintable():
        raise TokenError("the token endpoint gives a token that is no header value", "credential")
    lifetime_s = _lifetime_s(fields.get("expires_in"))
    # A token that lives shorter than the margin is still used for half of its life.
    margin_s = min(settings.refresh_before_s, lifetime_s / 2)
    scopes = granted_scopes(fields, text, settings.scope or "")
    return _Token(text, asked_at + lifetime_s - margin_s, asked_at + lifetime_s, scopes)


def _lifetime_s(value: object) -> float:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9:
        return float(value)
    return LIFETIME_UNKNOWN_S


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
