"""What a token lets its bearer do, as far as the token endpoint or the token itself tells. Pure.

Source: RFC 6749 section 5.1 (``scope`` in the reply, absent where it is what was asked for); RFC 9068
section 2.2.3 (``scope`` of a JWT access token); ``scp`` and ``roles`` as Microsoft Entra ID writes them.
The token is not verified: it is ours, and what it claims of itself can only close a shadow leg.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

_CLAIMS = ("scope", "scp", "roles")


def granted_scopes(reply: Mapping[str, Any], token: str, asked: str) -> frozenset[str] | None:
    """Give the scopes of a token; None where nothing tells them."""
    told = {
        *_words(reply.get("scope")),
        *(word for name in _CLAIMS for word in _words(_claims(token).get(name))),
    }
    if told:
        return frozenset(told)
    return frozenset(asked.split()) or None


def writing_scopes(scopes: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Give those scopes that allow writing, by patterns such as ``*write*``, whatever their case."""
    wanted = [each.lower() for each in patterns]
    return sorted(scope for scope in scopes if any(fnmatchcase(scope.lower(), each) for each in wanted))


def _claims(token: str) -> dict[str, Any]:
    """Read the claims of a JWT; nothing of an opaque token."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        fields = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)]
    return []
