"""``routes:`` in routes.yaml: which document goes from where to where, and how far it has moved."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, Field, PlainValidator, SerializeAsAny, ValidationInfo
from pydantic_core import PydanticCustomError

from adapters.base.settings import Duration, Kind, Name, Percentage, PresentFile, Settings, Url, beside
from gateway.config.coexistence import Compare, Gates, Ramp, Shadow
from gateway.config.defaults import DeadlineChange, RetryChange
from gateway.config.ownership import Invoices, Ownership
from gateway.config.partners import Acknowledge
from gateway.journal.types import Side, Transmitter
from gateway.stage import Dimension, Stage


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Word = Annotated[str, Field(min_length=1)]
Words = Annotated[tuple[_Word, ...], BeforeValidator(_as_list), Kind("one text or a list of texts")]


def _pending(value: object, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise PydanticCustomError("pending", "expected reference, or a file with the answer")
    return value if value == PENDING_REFERENCE else PresentFile(beside(value, info.context))


PENDING_REFERENCE = "reference"
Pending = Annotated[str, PlainValidator(_pending), Kind("`reference` or a file")]


class Owner(Settings):
    """Who answers for a route."""

    business: str | None = None
    """Who says whether it is right."""

    technical: str | None = None
    """Who mends it."""

    page: str | None = None
    """Who is woken; alarms carry it."""


class From(Settings):
    """Where a route's messages come from, and how to read them.

    Further keys belong to the endpoint's kind (its source settings).
    """

    endpoint: str | None = None
    """Endpoint that messages are fetched from; or say `http: true`."""

    http: bool = False
    """Messages arrive by `POST /v1/inbound/{route}`, or, with `document`, by `POST /v1/documents/{type}`."""

    format: str | None = None
    """Adapter that reads the bytes. Without it they are canonical JSON."""

    partner: str | None = None
    """Whose profile holds. Without it the client certificate or the envelope tells."""

    set: str | None = None
    """The one transaction set, record or call that this route takes (`850`); others of the same source
    need routes of their own."""

    document: str | None = None
    """The canonical document type that this route takes, where the bytes are canonical JSON."""

    side: Side | None = None
    """Whose system sends here, `legacy` or `cloud`: what it does not own (`gateway.owners`) is parked."""

    identity: str | None = None
    """What makes an arrival the same one as an earlier: a word that the source knows."""

    format_settings: SerializeAsAny[BaseModel] | None = Field(default=None, validation_alias="settings")
    """Settings of the format for this route, of the format's own model."""

    source_settings: SerializeAsAny[BaseModel] | None = Field(default=None, validation_alias="(source)")
    """Settings of the endpoint's kind for this source, of the kind's own model."""


class Targets(Settings):
    """Where documents go: one endpoint for each side."""

    legacy: str | None = None
    """Endpoint of the legacy system; it gets the bytes as received."""

    cloud: str | None = None
    """Endpoint of the cloud ERP."""

    supplier: str | None = None
    """Endpoint of the supplier, where the gateway is the transmitter."""


class Writing(Settings):
    """How a canonical document is written for an endpoint that takes bytes."""

    format: str
    """Adapter that writes the bytes."""

    partner: str | None = None
    """Whose profile and control numbers hold. Default: the route's own partner."""

    settings: SerializeAsAny[BaseModel] | None = None
    """Settings of the format for this endpoint, of the format's own model."""


class Transmitters(Settings):
    """Who sends an order to the supplier: exactly one, by the side that owns it."""

    legacy: Transmitter = Transmitter.LEGACY
    """For orders that legacy owns: `legacy`, `gateway` or `none`."""

    cloud: Transmitter = Transmitter.ERP
    """For orders that the cloud ERP owns: `erp`, `gateway` or `none`."""


class OrderWords(Settings):
    """Words of orders, by what they speak of."""

    def words(self) -> dict[Dimension, frozenset[str]]:
        """Give what is declared, by dimension."""
        dimensions: tuple[Dimension, ...] = get_args(Dimension)
        declared = {dimension: getattr(self, dimension, ()) for dimension in dimensions}
        return {dimension: frozenset(words) for dimension, words in declared.items() if words}


class Selection(OrderWords):
    """Which orders a canary takes. Every key given must hold for all lines of an order."""

    facility: Words = ()
    """Facilities."""

    location: Words = ()
    """Inventory locations."""

    supplier: Words = ()
    """Suppliers, as identifiers of the canonical document."""

    category: Words = ()
    """Purchasing categories."""


class Pins(OrderWords):
    """Which orders stay on legacy, whatever is selected. One line that matches is enough."""

    facility: Words = ()
    """Facilities."""

    location: Words = ()
    """Inventory locations."""

    supplier: Words = ()
    """Suppliers."""

    category: Words = ()
    """Purchasing categories."""

    line_class: Words = ()
    """Guarded classes of items, such as implant, blood, pharmacy."""

    order_type: Words = ()
    """Order types of the canonical document, such as blanket, consignment, bill_only."""

    stock: Words = ()
    """Stock classes of the canonical document, such as stock, consignment."""


class Canary(Settings):
    """Which orders go to the cloud in stage `canary`."""

    select: Selection = Selection()
    """What is selected; without any, nothing is."""

    share: Percentage = Decimal(100)
    """How many of the selected orders: the same ones stay in as it rises. Below 100% it never takes
    stock, blanket and consignment orders."""

    pin_legacy: Pins = Pins()
    """What stays on legacy."""

    ramp: Ramp | None = None
    """Lets the share grow by itself while the route's gates and limits are kept."""


class UnknownOrder(Settings):
    """What becomes of a document whose order nobody knows."""

    to: Literal["legacy", "cloud", "park"] = "legacy"
    """The side that takes it; `park` lets a person look. Never drawn by percentage."""

    after: Duration = timedelta(seconds=60)
    """How long to wait for the order itself, which may be under way."""


class ReplyRule(Settings):
    """What a caller that waits for an answer gets. `reply: accepted` is short for `{mode: accepted}`."""

    mode: Literal["accepted", "wait", "pass_through", "query"] = "accepted"
    """`accepted`: our own reference at once. `wait`: the ERP's result. `pass_through`: the legacy system's
    answer, byte for byte, in stages legacy and shadow. `query`: the answer to a read-only question."""

    within: Duration | None = None
    """How long the caller waits; needed by `wait`, `pass_through` and `query`."""

    pending: Pending | None = None
    """What the caller of `wait` gets when time is up: `reference` (our own, in the form of the inlet),
    or a file with the answer, in which `{message_id}` is replaced."""


Day = Annotated[date, Kind("date, such as 2027-03-31")]


class Contract(Settings):
    """What the route promises to those who build on it."""

    canonical: str = Field(pattern=r"^[a-z_]+@[1-9][0-9]*$")
    """Canonical document type and major version: `purchase_order@1`."""

    deprecated: Day | None = None
    """From when senders should use another contract: told in each answer (header `Deprecation`)."""

    sunset: Day | None = None
    """From when this one may be gone (header `Sunset`). `routes set ROUTE retired` ends it."""

    successor: Url | None = None
    """Address of what takes its place."""

    notice: Url | None = None
    """A page for senders about the change."""


class Expect(Settings):
    """What a route test expects. A file name alone is short for `{document: FILE}`."""

    document: PresentFile | None = None
    """Canonical JSON of the (only) document."""

    side: Side | None = None
    """Which side takes it: `legacy` or `cloud`."""

    target: str | None = None
    """Endpoint that gets the live delivery."""

    deliveries: int | None = Field(default=None, ge=0)
    """How many live deliveries there are in all."""

    finding: str | None = None
    """Code of a finding that is there."""

    acknowledgment: PresentFile | None = None
    """The acknowledgment that is written."""


class RouteTest(Settings):
    """One example that `legacy-bridge test` runs."""

    given: Annotated[tuple[PresentFile, ...], BeforeValidator(_as_list), Kind("file or list of files")] = (
        Field(min_length=1)
    )
    """Messages that arrive, in this order."""

    stage: Stage | None = None
    """Stage to test in. Default: the route's own."""

    expect: Annotated[
        Expect, BeforeValidator(lambda value: {"document": value} if isinstance(value, str) else value)
    ]
    """What must come of it."""


class Route(Settings):
    """One flow of documents. One that opens orders has a stage; all others follow one that does."""

    id: Name
    """Its name, for ever: messages and orders in the journal carry it."""

    owner: Owner = Owner()
    """Who answers for it."""

    source: From = Field(validation_alias="from")
    """Where messages come from."""

    targets: Targets = Targets()
    """Where documents go."""

    write: dict[str, Writing] = Field(default_factory=dict)
    """By endpoint: the format in which documents are written for it. Without an entry a target gets
    canonical JSON, or what its kind makes of it."""

    stage: Stage | None = None
    """How far it has moved: `legacy`, `shadow`, `canary`, `cloud` or `retired`. `routes set` changes it in
    a running gateway."""

    follows: str | None = None
    """Route that opens the orders which this one's documents are about."""

    transmitter: Transmitters = Transmitters()
    """Who sends orders to the supplier."""

    canary: Canary | None = None
    """What goes to the cloud in stage canary."""

    losing_side: Literal["nothing", "copy_not_transmitted", "close"] = "nothing"
    """What legacy does with an order that the cloud ERP owns: it never has it (`nothing`), it gets a copy
    which it neither sends nor encumbers, or it closes its own (`close`) once the ERP has it."""

    ownership: Ownership = Ownership()
    """Where goods are received and invoices matched; what a canary needs to be declared."""

    invoices: Invoices = Invoices()
    """Of a route that brings invoices: who takes those of both sides or of none."""

    unknown_order: UnknownOrder = UnknownOrder()
    """Documents whose order nobody knows: answers, and changes, cancellations and confirmations of orders."""

    reply: Annotated[
        ReplyRule, BeforeValidator(lambda value: {"mode": value} if isinstance(value, str) else value)
    ] = ReplyRule()
    """What a waiting caller gets."""

    deadline: DeadlineChange = DeadlineChange()
    """Alarms, where other than `defaults.deadline`."""

    retry: RetryChange = RetryChange()
    """Trying again, where other than `defaults.retry`."""

    urgent: bool = False
    """Whether all its documents are urgent, not only those that say so."""

    evidence: bool = False
    """Whether its documents are legacy's own versions of the orders of the route that it follows: they are
    compared with ours, and delivered nowhere."""

    compare: Compare | None = None
    """Legacy's version of each document, and how ours is compared with it."""

    shadow: Shadow = Shadow()
    """What happens with the cloud's side in stage `shadow`."""

    gates: Gates = Gates()
    """What holds the route in its stage, and what sends it back."""

    contract: Contract | None = None
    """What it promises."""

    acknowledge: Acknowledge | None = None
    """Who acknowledges, where other than the partner's rule."""

    tests: tuple[RouteTest, ...] = ()
    """Examples."""

    @property
    def originates(self) -> bool:
        """Tell whether this route opens orders, and so has a stage."""
        return self.follows is None
