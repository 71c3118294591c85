"""``endpoints:`` in routes.yaml: the systems around the gateway, each of one kind.

What all kinds share stands here. The rest of an endpoint's keys belong to its kind - an adapter's
folder or a cloud ERP - and are validated by that kind's own model into ``Endpoint.settings``.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, SerializeAsAny

from adapters.base import Environment
from adapters.base.settings import (
    CertificateFile,
    DurationRange,
    Name,
    PresentFile,
    SecretRef,
    Settings,
    Url,
)


class EndpointLimits(Settings):
    """How much an endpoint is asked at once."""

    rps: Decimal | None = Field(default=None, gt=0, le=10_000)
    """Requests a second at most; without it there is no such limit."""

    concurrent: int = Field(default=4, ge=1, le=1_000)
    """Requests at the same time."""

    urgent_reserve: int = Field(default=1, ge=0, le=100)
    """Further requests at the same time that only urgent deliveries may make."""


class Breaker(Settings):
    """When an endpoint that fails is left alone: its deliveries wait, and go on by themselves."""

    failures: int = Field(default=5, ge=1, le=1_000)
    """Failures in a row that open the breaker."""

    pause: DurationRange = DurationRange(timedelta(seconds=5), timedelta(minutes=5))
    """How long nothing but one trial request is sent, doubled with each trial that fails."""

    retry_share: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.2")
    """Part of an endpoint's requests that may be repeats of failed ones."""


class Mtls(Settings):
    """A client certificate."""

    certificate: CertificateFile
    """PEM file: our certificate."""

    key: PresentFile
    """PEM file: its private key."""

    ca: CertificateFile | None = None
    """PEM file: the authorities that may vouch for the server. Default: those of this machine."""


class OAuth2(Settings):
    """Client credentials. Source: RFC 6749, 4.4."""

    token_url: Url
    """Where tokens are issued."""

    client_id: str = Field(min_length=1)
    """Our name there."""

    client_secret: SecretRef
    """Our secret there."""

    scope: str | None = None
    """Scopes to ask for, separated by blanks."""


class Basic(Settings):
    """User and password. Source: RFC 7617."""

    user: str = Field(min_length=1)
    """User name."""

    password: SecretRef
    """Password."""


class Auth(Settings):
    """How the gateway shows who it is. mTLS may be combined with one of the others."""

    mtls: Mtls | None = None
    """With a client certificate."""

    oauth2: OAuth2 | None = None
    """With an OAuth 2.0 access token."""

    basic: Basic | None = None
    """With user and password."""


class Endpoint(Settings):
    """One system around the gateway."""

    kind: Name
    """Which adapter or cloud ERP speaks with it; its own settings stand beside these."""

    environment: Environment
    """Whether it is a test or a production system; must agree with `gateway.environment`."""

    limits: EndpointLimits = EndpointLimits()
    """How much it is asked at once."""

    breaker: Breaker = Breaker()
    """When it is left alone."""

    auth: Auth = Auth()
    """How the gateway shows who it is."""

    settings: SerializeAsAny[BaseModel] | None = Field(default=None, exclude=True)
    """The kind's own settings, of the kind's own model; None where the kind has none."""
