"""Bearer tokens of the admin API: who signed one, for whom, until when, and what its holder may do. Pure.

Sources: RFC 6750 (use), RFC 7519 (claims), RFC 9068 (JWT access tokens), RFC 8725 (what to refuse). A token
is believed only under the keys and the algorithms of the one issuer that it names. Nothing of a token's text
is repeated in an error.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.security.roles import Grant, Principal, Role

TOKEN_CHARACTERS_MAX = 16 * 1024
TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
NAME_CHARACTERS_MAX = 200


class TokenRefusedError(Exception):
    """A token is not believed. ``is_new_key``: it names a key that this issuer's set lacks."""

    def __init__(self, text: str, *, is_new_key: bool = False) -> None:
        super().__init__(text)
        self.is_new_key = is_new_key


@dataclass(frozen=True, slots=True)
class TokenRules:
    """One issuer, as plain values. ``grants``: word of the roles claim -> what it gives."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    roles_claim: str
    grants: tuple[tuple[str, Grant], ...]
    leeway_s: int = 30


def issuer_of(token: str) -> str:
    """Read which issuer a token names; it is not believed yet. Errors: TokenRefusedError."""
    parts = token.split(".")
    if len(token) > TOKEN_CHARACTERS_MAX or len(parts) != 3 or not token.isascii():
        raise TokenRefusedError("it is no signed JSON Web Token")
    claims = _object(parts[1])
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise TokenRefusedError("it names no issuer (iss)")
    return issuer


def verified(token: str, rules: TokenRules, keys: KeySet, now: datetime) -> Principal:
    """Give who holds a token. Errors: TokenRefusedError."""
    header = _object(token.split(".", maxsplit=1)[0])
    if str(header.get("typ", "")).lower() not in TYPES:
        raise TokenRefusedError("it is a token of another type; an access token was expected")
    _check_key(header.get("kid"), keys)
    try:
        claims: Mapping[str, Any] = jwt.decode(token, keys, algorithms=list(rules.algorithms)).claims
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=rules.leeway_s,
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": rules.audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        registry.validate(dict(claims))
    except JoseError as error:
        raise TokenRefusedError(f"it is not valid ({error.error})") from error
    except (ValueError, TypeError, KeyError) as error:
        raise TokenRefusedError(f"it cannot be read ({type(error).__name__})") from error
    return Principal(_name(claims, rules), _grants(claims, rules))


def key_set(text: bytes) -> KeySet:
    """Read a JWK set (RFC 7517), public keys for signatures only. Errors: ValueError."""
    try:
        found = json.loads(text)
        entries = found["keys"] if isinstance(found, dict) else None
        if not isinstance(entries, list):
            raise ValueError("expected a JSON object with a list of keys")
        usable = [each for each in entries if _is_public(each)]
        return KeySet.import_key_set({"keys": usable})
    except (JoseError, KeyError, TypeError) as error:
        raise ValueError(f"it is no JWK set ({type(error).__name__})") from error


def _is_public(entry: object) -> bool:
    """Leave out keys for encryption, and secrets: who knows one could sign."""
    return isinstance(entry, dict) and entry.get("use", "sig") == "sig" and entry.get("kty") != "oct"


def _check_key(kid: object, keys: KeySet) -> None:
    known = {each.kid for each in keys.keys}
    if kid is not None and kid not in known:
        raise TokenRefusedError("its issuer has no key of that id", is_new_key=True)
    if kid is None and len(keys.keys) != 1:
        raise TokenRefusedError("it does not say which key signed it, and its issuer has several")


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as error:
        raise TokenRefusedError("it is no signed JSON Web Token") from error
    if not isinstance(found, dict):
        raise TokenRefusedError("it is no signed JSON Web Token")
    return found


def _name(claims: Mapping[str, Any], rules: TokenRules) -> str:
    subject = claims["sub"]
    is_plain = isinstance(subject, str) and 0 < len(subject) <= NAME_CHARACTERS_MAX and subject.isprintable()
    if not is_plain:
        raise TokenRefusedError("its subject (sub) is no plain text of at most 200 characters")
    return f"{subject} at {rules.issuer}"


def _grants(claims: Mapping[str, Any], rules: TokenRules) -> tuple[Grant, ...]:
    held = _words(claims, rules.roles_claim)
    return tuple(grant for word, grant in rules.grants if word in held)


def _words(claims: Mapping[str, Any], path: str) -> Sequence[str]:
    """Give the words of a claim, a list or one text; the whole name wins over a path into objects."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return value.split()
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


__all__ = ["Role", "TokenRefusedError", "TokenRules", "issuer_of", "key_set", "verified"]
