"""Who may use a simulated ERP: OAuth2 tokens that end, Basic with a lock, an API key, or anyone.

Sources: RFC 6749 section 4.4 (client credentials), RFC 7523 (JWT bearer assertion), RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What is asked of clients. Nothing set: anyone may come.

    `clients`: OAuth2 client id to secret; `assertion_keys`: issuer to public key (PEM) for JWT bearer;
    `audience`: what an assertion must be meant for. `users`: Basic user to password, locked after
    `lock_after` wrong ones. `api_key`: header name to value.
    """

    clients: Mapping[str, str] | None = None
    assertion_keys: Mapping[str, str] | None = None
    audience: str = ""
    token_life_s: float = 3_600.0
    users: Mapping[str, str] | None = None
    lock_after: int = 5
    api_key: tuple[str, str] | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether nothing is asked."""
        return not (self.clients or self.assertion_keys or self.users or self.api_key)


class Access:
    """The state: tokens given, wrong passwords counted."""

    def __init__(self, rules: AccessRules, clock: Callable[[], float] = time.monotonic) -> None:
        self.rules = rules
        self.tokens: dict[str, float] = {}  # token to its end
        self.tokens_given = 0
        self.wrong: dict[str, int] = {}  # user to wrong passwords in a row
        self.refusals = 0
        self._seen: set[str] = set()
        self._clock = clock

    def expire_tokens(self) -> None:
        """End all tokens now, as a key rotation does."""
        self.tokens.clear()

    def token_reply(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Answer a token request: status and JSON."""
        grant = form.get("grant_type", "")
        if self.rules.is_open and grant in ("client_credentials", JWT_BEARER):
            is_good = True  # whoever asks; nobody is asked for it either
        elif grant == "client_credentials":
            is_good = self._is_client(form, authorization)
        elif grant == JWT_BEARER:
            is_good = self._is_asserted(form.get("assertion", ""))
        else:
            return 400, {"error": "unsupported_grant_type"}
        if not is_good:
            return 401, {"error": "invalid_client"}
        token = secrets.token_urlsafe(24)
        self.tokens[token] = self._clock() + self.rules.token_life_s
        self.tokens_given += 1
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.rules.token_life_s}

    def problem(self, headers: Mapping[str, str]) -> str:
        """Say why a request may not come in, as a `WWW-Authenticate` header; empty where it may."""
        text = "" if self.rules.is_open else self._problem(headers)
        self.refusals += bool(text)
        return text

    def _problem(self, headers: Mapping[str, str]) -> str:
        rules = self.rules
        if rules.api_key is not None and headers.get(rules.api_key[0]) != rules.api_key[1]:
            return "ApiKey"
        scheme, _, rest = headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and (rules.clients or rules.assertion_keys):
            return "" if self.tokens.get(rest, 0.0) > self._clock() else 'Bearer error="invalid_token"'
        if scheme == "Basic" and rules.users:
            return self._password_problem(rest)
        if rules.clients or rules.assertion_keys:
            return "Bearer"
        return 'Basic realm="erp"' if rules.users else ""

    def _password_problem(self, pair: str) -> str:
        user, password = _basic(pair)
        users = self.rules.users or {}
        if self.wrong.get(user, 0) >= self.rules.lock_after:
            return 'Basic realm="erp", error="user is locked"'
        if users.get(user) == password:
            self.wrong[user] = 0
            return ""
        self.wrong[user] = self.wrong.get(user, 0) + 1
        return 'Basic realm="erp"'

    def _is_client(self, form: Mapping[str, str], authorization: str) -> bool:
        scheme, _, rest = authorization.partition(" ")
        pair = (
            _basic(rest) if scheme == "Basic" else (form.get("client_id", ""), form.get("client_secret", ""))
        )
        return (self.rules.clients or {}).get(pair[0]) == pair[1]

    def _is_asserted(self, assertion: str) -> bool:
        """Judge a JWT (RFC 7523 section 3): signature, audience, end, and that it was not used before."""
        for issuer, pem in (self.rules.assertion_keys or {}).items():
            try:
                claims = jwt.decode(assertion, RSAKey.import_key(pem), algorithms=["RS256"]).claims
            except (JoseError, ValueError):
                continue
            audience = claims.get("aud", [])
            audiences = [audience] if isinstance(audience, str) else audience
            if (
                claims.get("iss") != issuer
                or self.rules.audience not in audiences
                or claims.get("exp", 0) < time.time()
            ):
                return False
            if claims.get("jti") in self._seen:
                return False
            self._seen.add(str(claims.get("jti")))
            return True
        return False


def _basic(pair: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(pair).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
