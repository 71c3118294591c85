"""``gateway:`` in routes.yaml: the process itself - where it listens, keeps, and raises alarms."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from adapters.base import Environment
from adapters.base.settings import (
    Address,
    Duration,
    LocalPath,
    SecretRef,
    Settings,
    Size,
    Url,
    Zone,
    beside,
)
from canonical.scalars import Code
from gateway.config.admin import AdminApi
from gateway.config.coexistence import CalendarSettings
from gateway.config.ownership import Owners

MEBIBYTE = 2**20


class JournalRef(str):
    """Where the journal is: ``sqlite:PATH`` or ``memory:``."""

    __slots__ = ()

    @property
    def path(self) -> Path | None:
        """Give the database file, None for a journal in memory."""
        return Path(self.removeprefix("sqlite:")) if self.startswith("sqlite:") else None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, value: object, info: ValidationInfo) -> JournalRef:
        if value == "memory:":
            return cls(value)
        if isinstance(value, str) and value.startswith("sqlite:") and value != "sqlite:":
            return cls(f"sqlite:{beside(value.removeprefix('sqlite:'), info.context)}")
        raise PydanticCustomError("journal", "expected sqlite:PATH, or memory: for tests and rehearsals")


class ListenTls(Settings):
    """TLS of the HTTPS listener; each is the reference of a PEM text, such as `file:certs/gateway.pem`."""

    certificate: SecretRef
    """The server's certificate, intermediate certificates after it."""

    key: SecretRef
    """The private key of the certificate."""

    client_ca: SecretRef | None = None
    """The authorities whose client certificates are taken. Without it none is asked for."""


class Listen(Settings):
    """Where the one HTTP application listens."""

    https: Address | None = None
    """Address of the TLS listener; needs `tls`."""

    http: Address | None = None
    """Address of a listener without TLS: for this machine only, or behind a proxy that ends TLS."""

    tls: ListenTls | None = None
    """Certificate and key of the TLS listener."""


class Limits(Settings):
    """What one input may be at most; every input has a bound."""

    body_bytes_max: Annotated[Size, Field(ge=1)] = 64 * MEBIBYTE
    """One message: request body or file."""

    set_bytes_max: Annotated[Size, Field(ge=1)] = 16 * MEBIBYTE
    """One transaction set, record group or call in it."""

    segments_max: int = Field(default=1_000_000, ge=1)
    """Segments (records, elements) of one transaction set."""

    requests_max: int = Field(default=256, ge=1)
    """HTTP requests worked on at the same time; more are answered 503 with Retry-After."""


class Retention(Settings):
    """How long what is finished stays. Open work is never pruned."""

    bodies: Duration = timedelta(days=90)
    """Bytes as received and as sent."""

    keys: Duration = timedelta(days=400)
    """Arrival and document keys: as long as any partner may send the same again."""

    orders: Duration = timedelta(days=730)
    """Ledger entries and aliases, counted from the order's close."""


class Webhook(Settings):
    """Where alarms are posted as JSON."""

    url: Url
    """Address that takes the POST."""

    secret: SecretRef | None = None
    """Signs each alarm (HMAC-SHA-256 of the body, header `X-Legacy-Bridge-Signature`)."""


class Email(Settings):
    """Where alarms are mailed."""

    smtp: Address
    """The mail server."""

    sender: str = Field(validation_alias="from", min_length=3)
    """Address that the mail comes from."""

    to: tuple[str, ...] = Field(min_length=1)
    """Addresses that get every alarm."""

    tls: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is secured."""

    user: str | None = None
    """User name at the mail server."""

    password: SecretRef | None = None
    """Password at the mail server."""


class Alarms(Settings):
    """Who hears of an order that is past its deadline, until someone acknowledges it."""

    webhook: Webhook | None = None
    """An HTTP address, such as that of a pager service."""

    email: Email | None = None
    """A mail server and recipients."""

    repeat: Duration = timedelta(minutes=15)
    """Pause between two alarms about the same order."""


class GatewaySettings(Settings):
    """The process."""

    environment: Environment
    """`test` or `production`; bound into the journal, and every endpoint and partner must agree."""

    organisation: Code
    """The buyer organisation whose order numbers these are; part of every order key."""

    organisations: dict[Code, Code] = Field(default_factory=dict)
    """Buyer identifier (`gln:0614141000012`) -> organisation, where several number their orders apart."""

    journal: JournalRef = Field(default=JournalRef("sqlite:var/journal.db"), validate_default=True)
    """`sqlite:PATH`, or `memory:` for tests and rehearsals."""

    journal_key: SecretRef | None = None
    """Key that encrypts bodies at rest (32 bytes, base64). Without it bodies are stored in the clear."""

    listen: Listen = Listen()
    """Listeners; without any the gateway takes nothing over HTTP."""

    control_socket: LocalPath | None = None
    """Unix socket for the command line. Default: beside the journal, `journal.db.sock`."""

    zone: Zone = "UTC"
    """Zone of dates that carry none, where the partner declares no other."""

    workers: int = Field(default=1, ge=0, le=64)
    """Translation processes; 0 translates everything in the main process."""

    limits: Limits = Limits()
    """Bounds of every input."""

    retention: Retention = Retention()
    """How long finished work stays."""

    admin: AdminApi | None = None
    """The admin REST API: whose tokens are taken, and what they may do. Without it none is served."""

    alarms: Alarms = Alarms()
    """Webhook and e-mail for orders past their deadline."""

    calendar: CalendarSettings = CalendarSettings()
    """Business days and freezes, in `zone`."""

    owners: Owners = Owners()
    """Who owns what both systems know, by stage: one owner each."""

    @property
    def control_socket_path(self) -> Path | None:
        """Give the control socket's path; None for a journal in memory without a declared one."""
        if self.control_socket is not None:
            return self.control_socket.path
        beside_journal = self.journal.path
        return beside_journal.with_name(f"{beside_journal.name}.sock") if beside_journal else None
