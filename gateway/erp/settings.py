"""Settings of HTTP endpoints, as they stand under `endpoints:` in routes.yaml. Types only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from gateway.security.settings import OAuth2Settings, SecretReference, Settings, TlsSettings


class LimitSettings(Settings):
    """How much a target is asked to bear at a time, and when it is left alone."""

    rate_per_s: float | None = Field(default=None, gt=0, description="requests a second; unset: no limit")
    burst: int = Field(default=10, ge=1, description="requests that may follow each other at once")
    urgent_share: float = Field(
        default=0.2, ge=0, lt=1, description="part of the burst that only urgent ones use"
    )
    concurrent: int = Field(default=8, ge=1, le=1_000, description="deliveries under way at a time")
    concurrent_urgent: int = Field(default=2, ge=0, le=100, description="urgent ones on top of these")
    retry_tokens_max: float = Field(default=100, gt=0, description="the retry budget when full")
    retry_cost: float = Field(default=5, gt=0, description="taken by each retry")
    retry_refund: float = Field(default=1, ge=0, description="given back by each success")
    retry_refill_per_s: float = Field(
        default=0.5,
        gt=0,
        description="given back by time, so that an idle target does not starve its retries",
    )
    breaker_failures: int = Field(default=5, ge=1, description="outages in a row that open the breaker")
    breaker_credential_failures: int = Field(
        default=2, ge=1, description="refused credentials in a row that open it; more may lock the account"
    )
    breaker_errors: int = Field(
        default=20, ge=1, description="errors in a row, of whichever deliveries, that open it"
    )
    breaker_wait_s: float = Field(
        default=10.0, gt=0, description="first time it stays open; doubles each time"
    )
    breaker_wait_max_s: float = Field(default=300.0, gt=0)
    throttle_wait_s: float = Field(default=5.0, gt=0, description="pause after a 429 without Retry-After")
    throttle_wait_max_s: float = Field(
        default=600.0, gt=0, description="longest pause that a Retry-After can ask for"
    )

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        if self.retry_cost > self.retry_tokens_max:
            raise ValueError("retry_cost is above retry_tokens_max: nothing could ever be retried")
        return self


class BasicSettings(Settings):
    """HTTP basic authentication (RFC 7617)."""

    user: str
    password: SecretReference
    retry_refused_after_s: float | None = Field(
        default=None,
        gt=0,
        description="a refused password is tried again after so long; unset: not before it changes or a "
        "restart, because tries lock the user",
    )


class CsrfSettings(Settings):
    """Where a token against cross-site request forgery is fetched before writing (SAP)."""

    path: str = Field(description="below base; asked with `x-csrf-token: fetch`")
    method: Literal["HEAD", "GET"] = "HEAD"

    @field_validator("path")
    @classmethod
    def _path_is_relative(cls, path: str) -> str:
        problem = path_problem(path)
        if problem:
            raise ValueError(f"'{path}' {problem}")
        return path


class HttpSettings(Settings):
    """What the sink needs to reach one endpoint. `base` may be a reference (`env:FUSION_URL`)."""

    base: str = Field(description="https://host[:port][/path]; all addresses are below it")
    plaintext: bool = Field(default=False, description="allow http:// (the network itself must be trusted)")
    tls: TlsSettings = TlsSettings()
    oauth2: OAuth2Settings | None = None
    basic: BasicSettings | None = None
    csrf: CsrfSettings | None = None
    headers: dict[str, str] = Field(default_factory=dict, description="added to every request")
    secret_headers: dict[str, SecretReference] = Field(default_factory=dict)
    connections: int = Field(default=16, ge=1, le=1_000)
    keep_alive_s: float = Field(
        default=10.0,
        ge=0,
        description="idle connections are closed after it; keep it below the server's own time",
    )
    connect_timeout_s: float = Field(default=5.0, gt=0)
    read_timeout_s: float | None = Field(
        default=None,
        gt=0,
        description="between two bytes of a reply, and to its first; unset: only the whole",
    )
    timeout_s: float = Field(
        default=20.0, gt=0, le=600, description="for one request, from connecting to the last byte"
    )
    reply_bytes_max: int = Field(default=8 * 1024 * 1024, ge=1024)
    limits: LimitSettings = LimitSettings()

    @field_validator("headers", "secret_headers")
    @classmethod
    def _headers_are_plain(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not name.isascii() or not name.replace("-", "").isalnum() or not value.isprintable():
                raise ValueError(
                    f"'{name}' is not a header: expected letters, digits, '-', and a plain value"
                )
        return headers

    @model_validator(mode="after")
    def _base_is_an_address(self) -> Self:
        if not self.base.startswith(("env:", "file:")):
            problem = address_problem(self.base, self.plaintext)
            if problem:
                raise ValueError(problem)
        if self.oauth2 is not None and self.basic is not None:
            raise ValueError("oauth2 and basic exclude each other")
        return self


def address_problem(base: str, plaintext: bool) -> str:
    """Say what is wrong with a base address; empty where it is good."""
    try:
        parts = urlsplit(base)
        port = parts.port
    except ValueError as error:
        return f"base is no address: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "base must be https://host[:port][/path]"
    if parts.scheme == "http" and not plaintext:
        return "base begins with http://; use https://, or say `plaintext: true` where the network is trusted"
    if parts.query or parts.fragment or parts.username or parts.password:
        return "base must hold no query, fragment, user or password"
    return ""


class RawHttpSettings(HttpSettings):
    """An endpoint that takes bytes as they arrived."""

    path: str = Field(default="", description="below base")
    method: Literal["POST", "PUT"] = "POST"
    content_type: str = Field(default="", description="default: as received")
    forward: tuple[str, ...] = Field(
        default=("SOAPAction",), description="headers sent on as they arrived, where the origin keeps them"
    )
    reference_header: str = "Idempotency-Key"
    resend: Literal["never", "safe"] = Field(
        default="never",
        description="after an unknown outcome; safe: the receiver takes the same bytes twice as one",
    )
    copies: Literal["refuse", "mark"] = Field(
        default="refuse",
        description="of orders that the cloud ERP owns. mark: the receiver looks at `role_header`, neither "
        "sends a `copy` to the supplier nor encumbers it. refuse: these bytes look like any order",
    )
    role_header: str = Field(default="X-Bridge-Role", description="says `copy`; on nothing that is live")
    queries: bool = Field(
        default=False, description="what it is sent are questions that change nothing (`reply: query`)"
    )
    success_statuses: frozenset[int] = frozenset({200, 201, 202, 204})
    unprocessed_statuses: frozenset[int] = frozenset({429, 503})

    @property
    def takes_copies(self) -> bool:
        """Tell whether a copy of the cloud's order does no harm here."""
        return self.copies == "mark"

    @property
    def takes_documents(self) -> bool:
        """Tell that it gets bytes as they came, or written for it."""
        return False

    @field_validator("path")
    @classmethod
    def _path_is_relative(cls, path: str) -> str:
        return checked_path(path)


PLACEHOLDERS = {"document_type": "x", "reference": "x"}


def checked_path(path: str, placeholders: Mapping[str, str] = MappingProxyType(PLACEHOLDERS)) -> str:
    """Give a path template that stays below its base. Errors: ValueError."""
    try:
        filled = path.format_map(placeholders)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        named = " and ".join(f"{{{name}}}" for name in placeholders)
        raise ValueError(f"'{path}' may hold only {named}") from error
    problem = path_problem(filled)
    if problem:
        raise ValueError(f"'{path}' {problem}")
    return path


def path_problem(address: str) -> str:
    """Say why an address would not stay below its base; empty where it does."""
    path = address.partition("?")[0]
    if path.startswith(("/", "\\")) or "://" in path or ":" in path.partition("/")[0]:
        return "must be relative to base"
    if any(
        part in (".", "..")
        for part in path.replace("\\", "/").replace("%2e", ".").replace("%2E", ".").split("/")
    ):
        return "must not hold '.' or '..'"
    if not address.isascii() or not address.isprintable() or any(each in address for each in ' #\\"<>^`{|}'):
        return "must be plain ASCII, percent-encoded"
    return ""
