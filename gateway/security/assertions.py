"""JWT assertions for OAuth2: who we are, or for whom we ask, signed with a key of ours. Pure.

Sources: RFC 7523 sections 2.1 (authorization grant), 2.2 (client authentication) and 3 (claims); RFC 7518
section 3.3 (RS256); RFC 7515 section 4.1.7 (`x5t`).
"""

from __future__ import annotations

from datetime import datetime

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from gateway.security.settings import AssertionSettings

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class SigningError(Exception):
    """The key cannot sign; the text says why and holds nothing of it."""


def signed_assertion(
    settings: AssertionSettings, key: str, audience: str, subject: str, now: datetime, token: str
) -> str:
    """Sign an assertion that holds for `lifetime_s`. `key` is PEM; `token` makes it one of its own.

    Errors: SigningError for a key that is none.
    """
    header = {"alg": "RS256", "typ": "JWT"}
    header |= {
        name: text for name, text in (("kid", settings.key_id), ("x5t", settings.certificate_hash)) if text
    }
    issued_at = int(now.timestamp())
    claims = {
        "iss": settings.issuer,
        "sub": subject,
        "aud": settings.audience or audience,
        "jti": token,
        "iat": issued_at,
        "exp": issued_at + int(settings.lifetime_s),
    }
    if settings.principal_claim:
        claims[settings.principal_claim] = subject
    try:
        return jwt.encode(header, claims, RSAKey.import_key(key), algorithms=["RS256"])
    except (JoseError, ValueError, TypeError) as error:
        # The library's text may quote the key.
        raise SigningError(f"{settings.key}: no RSA private key in PEM form") from error
