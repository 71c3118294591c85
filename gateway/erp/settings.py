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


class BodyFields(Settings):
    """Names in the body of a create. An empty name leaves that part out."""

    reference: str = "reference"
    document_key: str = "document_key"
    order_key: str = "order_key"
    content_hash: str = "content_hash"
    transmitter: str = Field(
        default="transmitter",
        description="who sends the order to the supplier (legacy, gateway, erp or none): unless it is erp, "
        "the ERP must suppress its own output",
    )
    origin: str = Field(
        default="origin",
        description="says `copy` of what the cloud ERP owns, so that it is known when it comes back",
    )
    document: str = Field(
        default="document", description="the canonical document; empty: its fields stand beside the others"
    )


class ReplyPaths(Settings):
    """Where things stand in replies: dotted paths (`data.0.id`). An empty path: the whole, or not there."""

    items: str = Field(default="items", description="in a look-up's reply: the list of documents found")
    number: str = Field(default="number", description="in a document: the ERP's own number")
    reference: str = Field(
        default="reference", description="in a document found: our reference, to be sure of the filter"
    )
    document_key: str = Field(default="document_key", description="in a document found: compared with ours")
    content_hash: str = Field(default="content_hash", description="in a document found: compared with ours")
    lines: str = Field(default="lines", description="in a document: the list of its lines")
    line_sequence: str = Field(default="sequence", description="in a line: our own sequence, as we sent it")
    line_number: str = Field(default="id", description="in a line: the ERP's id of it")


class OrderSettings(Settings):
    """How an order that is there is read, and closed. Dotted paths name places in the reply."""

    read_path: str = Field(default="orders/{number}", description="where one order is read")
    close_path: str = Field(default="", description="where one is closed, by POST; empty: by hand, there")
    order: str = Field(default="", description="the order in the reply; empty: the whole reply")
    number: str = Field(default="number", description="the system's own number of it")
    state: str = Field(default="state", description="a word that says whether it is open")
    closed: frozenset[str] = Field(
        default=frozenset({"closed", "cancelled"}), description="words that say that it is closed"
    )
    transmitter: str = Field(default="transmitter", description="a word that says who sends it; empty: none")
    transmits_word: str = Field(default="erp", description="the word that says that this system sends it")
    encumbers: str = Field(default="", description="a flag: whether it binds a budget there; empty: not told")
    lines: str = "lines"
    line: str = Field(default="line_id", description="in a line: its id, as the order had it")
    quantity: str = "quantity"
    unit: str = "unit"
    price: str = "price"
    received: str = "received"
    invoiced: str = "invoiced"
    missing_statuses: frozenset[int] = frozenset({404})

    @field_validator("read_path", "close_path")
    @classmethod
    def _paths_are_relative(cls, path: str) -> str:
        return checked_path(path, {"number": "x", "reference": "x"})


class GenericRestSettings(HttpSettings):
    """A REST ERP of declared shape."""

    path: str = Field(default="documents/{document_type}", description="where documents are created")
    paths: dict[str, str] = Field(
        default_factory=dict,
        description="the same, by document type, or by type and purpose where it opens no order: "
        "`purchase_order.cancellation`",
    )
    method: Literal["POST", "PUT"] = "POST"
    look_up_path: str = "documents/{document_type}?reference={reference}"
    look_up_paths: dict[str, str] = Field(default_factory=dict)
    look_up: Literal["before_create", "after_doubt"] = "before_create"
    unique_reference: bool = Field(
        default=False, description="the ERP itself refuses a second document per reference"
    )
    idempotent_create: bool = Field(
        default=False,
        description="the ERP takes the same request twice as one: unknown outcomes are simply sent again",
    )
    reference_header: str = Field(
        default="Idempotency-Key", description="also carries the reference; empty: none does"
    )
    queries: dict[str, str] = Field(
        default_factory=dict,
        description="where questions are asked, by document type: they change nothing and are asked by POST",
    )
    orders: OrderSettings | None = Field(
        default=None, description="how orders are read and closed; unset: this system cannot be asked"
    )
    body: BodyFields = BodyFields()
    reply: ReplyPaths = ReplyPaths()
    decimals: Literal["text", "number"] = Field(
        default="text", description="how decimals are written; no digit is lost"
    )
    success_statuses: frozenset[int] = frozenset({200, 201, 202, 204})
    missing_statuses: frozenset[int] = Field(
        default=frozenset(),
        description="of a look-up by path: nothing there. Leave 404 out where a filter is used",
    )
    unprocessed_statuses: frozenset[int] = Field(
        default=frozenset({429, 503}),
        description="sure to mean that nothing was done; add 500 only if the ERP says so",
    )
    duplicate_statuses: frozenset[int] = Field(
        default=frozenset({409}), description="with unique_reference: the reference exists already"
    )
    quiet_period_s: float = Field(
        default=60.0,
        ge=0,
        description="a create of unknown outcome is sent again only after it; doubles each time",
    )
    look_up_waits_s: tuple[float, ...] = Field(
        default=(1.0, 4.0, 15.0),
        description="look-ups after an unknown outcome, before the one that ends the quiet period",
    )
    doubts_max: int = Field(
        default=10, ge=1, description="creates of unknown outcome before a person must look"
    )

    @property
    def takes_documents(self) -> bool:
        """Tell that it gets documents, and no bytes as they came."""
        return True

    @property
    def closes_orders(self) -> bool:
        """Tell whether orders that move away are closed here by a request."""
        return self.orders is not None and bool(self.orders.close_path)

    @property
    def suppresses_transmission(self) -> bool:
        """Tell whether it can be told that it must not send an order to the supplier."""
        return bool(self.body.transmitter)

    @field_validator("path", "look_up_path")
    @classmethod
    def _path_is_relative(cls, path: str) -> str:
        return checked_path(path)

    @field_validator("paths", "look_up_paths", "queries")
    @classmethod
    def _paths_are_relative(cls, paths: dict[str, str]) -> dict[str, str]:
        return {name: checked_path(path) for name, path in paths.items()}

    @model_validator(mode="after")
    def _look_up_is_safe(self) -> Self:
        # Without a look-up only the ERP itself can tell that it has a document already: the journal may
        # come from a backup, and then "never attempted" is not the whole truth.
        if self.look_up == "after_doubt" and not (self.unique_reference or self.idempotent_create):
            raise ValueError("look_up: after_doubt needs unique_reference: true or idempotent_create: true")
        return self


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
