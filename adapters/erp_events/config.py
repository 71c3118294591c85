"""What routes.yaml says about an ERP's events: where they arrive, how they are proven, what each means."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from adapters.base.settings import Duration, Kind, MappingName, SecretRef, Settings

Erp = Literal["oracle_fusion", "sap_s4hana", "dynamics365"]
FEED_TYPE = "feed"
"""What happened, of an event that nobody sent: a change that the feed found."""

Status = Literal["created", "approved", "released", "implemented", "changed", "cancelled"]


def _absolute(path: str) -> str:
    if not path.startswith("/") or path == "/" or "//" in path or not path.isascii():
        raise ValueError("expected a path of its own, such as /events/fusion")
    return path


class Hmac(Settings):
    """A signature over the body, made with a secret that both sides hold."""

    header: str = "X-Signature"
    """Header that carries it."""

    secret: SecretRef
    """The shared secret."""

    algorithm: Literal["sha256", "sha512"] = "sha256"
    """Hash that it is made with (RFC 2104)."""

    encoding: Literal["hex", "base64"] = "hex"
    """How it is written."""

    prefix: str = ""
    """What stands before it in the header, such as `sha256=`."""


class SharedSecret(Settings):
    """A word that the sender adds to each call: weaker than a signature, and all that some ERPs can do."""

    header: str = "Authorization"
    """Header that carries it."""

    secret: SecretRef
    """The header's whole value: for Basic authentication `Basic` and the encoded pair."""


class Verify(Settings):
    """How an event proves where it comes from. At least one; what is declared must all hold."""

    signature: Hmac | None = None
    """A signature over the body."""

    secret: SharedSecret | None = None
    """A secret header."""

    certificate: bool = False
    """The client certificate of the route's partner."""

    @model_validator(mode="after")
    def _something_proves(self) -> Self:
        if self.signature is None and self.secret is None and not self.certificate:
            raise ValueError("expected signature, secret or certificate: an unproven event is never believed")
        return self


class Meaning(Settings):
    """What one type of event tells. A word alone is short for `{status: WORD}`."""

    document: Literal["purchase_order"] = "purchase_order"
    """Document that is read from the API."""

    status: Status
    """What happened to it: `created`, `approved`, `released` and `implemented` bring the order,
    `changed` and `cancelled` bring its change."""


def _as_meaning(value: object) -> object:
    return {"status": value} if isinstance(value, str) else value


_Meaning = Annotated[Meaning, BeforeValidator(_as_meaning), Kind("status, or {document, status}")]


class Fields(Settings):
    """Where an event says what: dotted paths into its JSON. Empty: the ERP's usual place."""

    id: str = ""
    """Its own id, the same when it is sent again."""

    type: str = ""
    """What happened."""

    number: str = ""
    """The document's number in the ERP."""

    company: str = ""
    """The legal entity, where the number alone does not say it."""

    at: str = ""
    """When it happened."""


class Feed(Settings):
    """Asking the API for what changed, where no event comes by itself or one was missed."""

    endpoint: str = Field(min_length=1)
    """The ERP's endpoint: its address, credentials and limits are used."""

    every: Duration = timedelta(minutes=1)
    """How often it is asked."""

    quiet: Duration = timedelta(minutes=1)
    """How long an order must have stayed as it is: one that somebody still types has not all its lines."""

    field: str = Field(default="", pattern=r"^[A-Za-z_]*$")
    """The order's field that tells when it changed. Empty: `LastUpdateDate` (Oracle), `LastChangeDateTime`
    (SAP). Dynamics' order entity has none: name one of an extension."""

    since: str = Field(default="", pattern=r"^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$")
    """Where the first question begins (`2026-11-01T00:00:00Z`). Empty: when the gateway first starts."""


class ErpEventsEndpoint(Settings):
    """Where events of one cloud ERP arrive."""

    erp: Erp
    """Whose events they are."""

    path: Annotated[str, AfterValidator(_absolute)]
    """Path on the gateway's own listener."""

    verify: Verify
    """How they are proven."""

    events: dict[str, _Meaning] = Field(min_length=1)
    """By type of event: what it tells. Other types are refused, and the refusal is kept."""

    ignore: tuple[str, ...] = ()
    """Types of events that mean nothing here."""

    fields: Fields = Fields()
    """Where an event says what, if elsewhere than usual."""

    feed: Feed | None = None
    """Changes that are asked for. They arrive as events of type `feed`, which `events` must declare."""

    @model_validator(mode="after")
    def _feed_fits(self) -> Self:
        if self.feed is None:
            return self
        if FEED_TYPE not in self.events:
            raise ValueError("feed: what it finds are events of type `feed`; expected `feed` among `events`")
        if self.erp == "dynamics365" and not self.feed.field:
            raise ValueError(
                "feed: Dynamics' orders have no field that tells when they changed; expected `field`"
            )
        return self


class ErpEventsRoute(Settings):
    """`from.settings` of a route that takes documents which were read from the ERP."""

    mapping: MappingName | None = None
    """Mapping of what the ERP's API gives, in place of the packaged one: for crosswalks and own fields."""
