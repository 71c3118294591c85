"""``gateway.admin`` in routes.yaml: who may ask and change what over the admin REST API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from adapters.base.settings import Duration, Kind, PresentFile, SecretRef, Settings
from gateway.security.roles import Role

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a private key of the issuer only: a secret that both sides know could make tokens here."""


def _https(text: str) -> str:
    if not text.startswith("https://") or len(text) > 2_000:
        raise PydanticCustomError("https", "expected an address that begins with https://")
    return text


HttpsUrl = Annotated[str, AfterValidator(_https), Kind("https address")]


class AdminGrant(Settings):
    """What a word in a token's roles claim gives."""

    holds: str = Field(min_length=1, max_length=200)
    """The word, as the issuer writes it: a role or a group."""

    role: Role
    """`viewer` reads; `operator` also works the queues; `migrator` also moves routes, orders and tables;
    `admin` also reads free text."""

    routes: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Routes that it is for: ids, or beginnings such as `po.*`. What is about no one route needs `*`."""

    approves: tuple[str, ...] = ()
    """As whom its holder may approve of a route's move: words of the route's `gates`, `supply-chain`."""


class AdminIssuer(Settings):
    """Whose tokens are believed."""

    issuer: HttpsUrl
    """The token's `iss`, exactly."""

    audience: str = Field(min_length=1)
    """What must be among the token's `aud`."""

    jwks: HttpsUrl | None = None
    """Where its public keys are (a JWK set). They are fetched again when a new key signs."""

    jwks_file: PresentFile | None = None
    """A file with its public keys, where they are not to be fetched."""

    ca: SecretRef | None = None
    """Who may have signed the certificate of `jwks`. Default: the system's list."""

    algorithms: tuple[Algorithm, ...] = Field(default=("RS256", "ES256"), min_length=1)
    """Signatures that are taken."""

    roles_claim: str = Field(default="roles", pattern=r"^[A-Za-z0-9_:/.\-]{1,200}$")
    """Claim that holds the words of `grants`; `realm_access.roles` looks inside an object."""

    grants: tuple[AdminGrant, ...] = Field(min_length=1)
    """What they give. A token with none of them may do nothing."""

    leeway: Duration = timedelta(seconds=30)
    """How far its clock may differ from ours."""


class AdminApi(Settings):
    """The admin REST API, on the gateway's own listeners. Without this section it is not served."""

    issuers: tuple[AdminIssuer, ...] = Field(min_length=1)
    """Identity providers."""
