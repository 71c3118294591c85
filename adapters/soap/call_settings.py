"""What routes.yaml says about calling a SOAP service: where, as whom, which document to which operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from adapters.base.settings import Duration, Kind, MappingName, Name, SecretRef, Settings, Size, Url
from adapters.mapping.records import SourcePathError, source_path
from adapters.soap.wsse_settings import OutboundSecurity

HEADER_WORDS = frozenset(
    {"reference", "at", "document_key", "order_key", "correlation_id", "is_test", "role"}
)


def _path(text: str) -> str:
    try:
        source_path(text)
    except SourcePathError as error:
        raise PydanticCustomError("source_path", "{told}", {"told": str(error)}) from error
    return text


def _header(fields: dict[str, Any]) -> dict[str, Any]:
    for text in _texts(fields):
        try:
            text.format_map(dict.fromkeys(HEADER_WORDS, ""))
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            told = f"'{text}' may hold only {', '.join(sorted(f'{{{word}}}' for word in HEADER_WORDS))}"
            raise PydanticCustomError("header_template", "{told}", {"told": told}) from error
    return fields


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for each in value.values():
                yield from _texts(each)
        case _:
            raise PydanticCustomError("header_template", "expected texts, or records of texts")


AnswerPath = Annotated[str, AfterValidator(_path), Kind("path in the answer, as mappings write it")]
HeaderFields = Annotated[
    dict[str, Any], AfterValidator(_header), Kind("fields of a header block, by its name, as texts")
]


class CallTls(Settings):
    """Certificates of the connection, each where its PEM text is found."""

    certificate: SecretRef | None = None
    """Our own certificate, then its chain: with it the service knows us (mutual TLS)."""

    key: SecretRef | None = None
    """Our own private key. Default: in `certificate`."""

    ca: SecretRef | None = None
    """Who may sign the service's certificate. Default: the system's list."""

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs a certificate beside it")
        return self


class CallBasic(Settings):
    """HTTP basic authentication."""

    user: str
    password: SecretRef


class FaultRules(Settings):
    """How to read the service's own typed faults: paths in the fault's detail, from its element on."""

    code: AnswerPath | None = None
    """Where its code stands, such as `Code`."""

    text: AnswerPath | None = None
    """Where its words stand."""

    retryable: AnswerPath | None = None
    """Where it says `true` when trying again can help: nothing was done then."""

    lines: AnswerPath | None = None
    """Where its records for single lines stand; each is read by `line`, `code` and `text`."""

    line: AnswerPath = "LineNumber"
    """In such a record: the line's number."""

    busy: frozenset[str] = frozenset()
    """Codes that say: not now, nothing was done."""

    duplicate: frozenset[str] = frozenset()
    """Codes that say: it is here already. After an unanswered request that is what we hoped for."""

    missing: frozenset[str] = frozenset()
    """Codes by which a look-up says that there is no such document."""

    untyped: Literal["in_doubt", "not_done"] = "in_doubt"
    """What a fault means that blames the server and carries no typed detail: perhaps the work was done."""


class LookUp(Settings):
    """The question whether the service has a document, for when a request got no answer."""

    operation: str
    """The operation that is asked; it must change nothing."""

    mapping: MappingName
    """From the canonical document to its request (`direction: write`)."""

    number: AnswerPath
    """In its answer: the service's own number of the document."""

    waits: tuple[Duration, ...] = (timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=30))
    """Pauses before the look-ups, from the request that got no answer on."""

    quiet: Duration = timedelta(minutes=2)
    """Only what a look-up after this time does not find may be sent again."""


class CallOperation(Settings):
    """One document type, written to one operation."""

    operation: str
    """The operation, as the WSDL names it."""

    mapping: MappingName
    """From the canonical document to its request."""

    number: AnswerPath | None = None
    """In the answer: the service's own number of the document."""

    refused: dict[AnswerPath, frozenset[str]] = Field(default_factory=dict)
    """Fields of the answer that refuse the document when they have one of these texts."""

    resend: Literal["never", "safe"] = "never"
    """After an unknown outcome. `safe`: the service takes the same request twice as one."""

    look_up: LookUp | None = None
    """How to find out after an unknown outcome. Without it a person must ask."""

    doubts_max: int = Field(default=3, ge=1, le=100)
    """Requests of unknown outcome before a person must look."""


class OrderCall(Settings):
    """One operation that is asked about an order that the service has."""

    operation: str
    """The operation, as the WSDL names it."""

    mapping: MappingName
    """From an `order_change` to its request; `order.number` is the number that the order has there."""


class OrderClose(OrderCall):
    """The operation that closes an order. Its lines say what stays (`quantity`): what was received there.

    It must set and not subtract: after an unknown outcome the order is read, and closed again if still open.
    """

    already: frozenset[str] = frozenset()
    """Codes of faults that say: it is closed already. It is read back then, as after a close."""

    refused: dict[AnswerPath, frozenset[str]] = Field(default_factory=dict)
    """Fields of the answer that refuse the close when they have one of these texts."""


class CallOrders(Settings):
    """How an order is read and closed that the service has. The paths stand in the answer of `read`."""

    read: OrderCall
    """Shows one order with what was received and invoiced; it must change nothing."""

    close: OrderClose | None = None
    """Closes one. Without it a person does, for each order that moves away (`MOVE-CLOSE-BY-HAND`)."""

    number: AnswerPath | None = None
    """The service's own number of it."""

    state: AnswerPath
    """A word that says whether it is open."""

    closed: frozenset[str] = Field(min_length=1)
    """The words that say that it is closed."""

    lines: AnswerPath | None = None
    """The records of its lines; each is read by the paths below. Without them nothing is compared."""

    line: AnswerPath = "LineNumber"
    """In a line: its id, as the order had it."""

    quantity: AnswerPath = "Quantity.value"
    """In a line: what was ordered, or what its close has left of that."""

    unit: AnswerPath | None = None
    """In a line: the unit of its quantities."""

    price: AnswerPath | None = None
    """In a line: the price of one unit."""

    received: AnswerPath | None = None
    """In a line: what was received. More than the gateway knows of is not closed but shown to a person."""

    invoiced: AnswerPath | None = None
    """In a line: what was invoiced; judged as what was received."""


class Call(Settings):
    """How this WSDL's service is called."""

    address: Url
    """The service's address. The one in the WSDL is not believed."""

    plaintext: bool = False
    """Allow http:// (the network itself must be trusted)."""

    port: str | None = None
    """The WSDL's port, which says the SOAP version. Default: the first one."""

    tls: CallTls = CallTls()
    basic: CallBasic | None = None
    security: OutboundSecurity | None = None
    """What goes into the `wsse:Security` header of what we write. Bytes that pass through have their own."""

    header: HeaderFields = Field(default_factory=dict)
    """Header blocks that the WSDL declares, by name: `{RequestHeader: {MessageId: "{reference}"}}`."""

    addressing: bool = False
    """Send WS-Addressing headers: Action, To, ReplyTo, and a MessageID made of the reference. An answer that
    relates to another message is no answer then."""

    operations: dict[Name, CallOperation] = Field(default_factory=dict)
    """By document type: what canonical documents become. Without an entry only bytes pass through."""

    orders: CallOrders | None = None
    """How orders that it has are read and closed, for `orders move`, `proof` and `reconcile`."""

    queries: frozenset[str] = frozenset()
    """Operations that change nothing: sent again without a look-up when no answer came."""

    copies: Literal["refuse", "send"] = "refuse"
    """A copy of an order that the cloud owns. `send` only where the service can tell it from an order (by
    `{role}` in `header`): else it would take it for one of its own, and send it to the supplier again."""

    faults: FaultRules = FaultRules()

    connect_timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=5)
    """To open the connection, TLS included."""

    read_timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=20)
    """Between two bytes of the answer, and to its first."""

    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=10))] = timedelta(seconds=25)
    """For one request, from connecting to the last byte."""

    reply_bytes_max: Annotated[Size, Field(ge=1024)] = 8 * 1024 * 1024
    """Largest answer that is read."""

    connections: int = Field(default=16, ge=1, le=1_000)

    @model_validator(mode="after")
    def _address_is_safe(self) -> Self:
        if self.address.startswith("http://") and not self.plaintext:
            raise ValueError(
                "address begins with http://; use https://, or say `plaintext: true` "
                "where the network is trusted"
            )
        return self
