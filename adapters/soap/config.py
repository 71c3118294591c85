"""What routes.yaml says of SOAP: an endpoint that is served or called, and a route of one operation."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from adapters.base.settings import Kind, MappingName, PresentFile, Settings, Size
from adapters.mapping.records import SourcePathError, source_path
from adapters.soap.call_settings import Call
from adapters.soap.templates import TemplateError, placeholders
from adapters.soap.wsse_settings import InboundSecurity


def _path(text: str) -> str:
    try:
        source_path(text)
    except SourcePathError as error:
        raise PydanticCustomError("source_path", "{told}", {"told": str(error)}) from error
    return text


def _template(record: dict[str, Any]) -> dict[str, Any]:
    try:
        placeholders(record)
    except TemplateError as error:
        raise PydanticCustomError("template", "{told}", {"told": str(error)}) from error
    return record


ServedPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$", max_length=200),
    Kind("path, as in `/services/Purchasing`"),
]
RecordPath = Annotated[str, AfterValidator(_path), Kind("path in the request, as mappings write it")]
Template = Annotated[dict[str, Any], AfterValidator(_template), Kind("fields of the answer, as texts")]


class Serve(Settings):
    """How this WSDL is served to legacy clients."""

    path: ServedPath
    """Path on the gateway's listeners; the legacy system's own keeps clients from noticing."""

    message_id: RecordPath | None = None
    """Where the request says its id, such as `soap:Header.RequestHeader.MessageId`. Default: the
    WS-Addressing MessageID. A repeat of it is the same request."""

    security: InboundSecurity | None = None
    """What a caller must show in the `wsse:Security` header."""

    body_bytes_max: Size = 4 * 1024 * 1024
    """Largest request."""


class SoapEndpoint(Settings):
    """A SOAP service: one that the gateway serves in legacy's place, or one that it calls."""

    wsdl: PresentFile
    """The WSDL. What it imports stands in the same folder; nothing is fetched. Read at the start,
    and again by a reload."""

    serve: Serve | None = None
    """Serve it: routes say `from: {endpoint: NAME, format: soap, set: OPERATION}`."""

    call: Call | None = None
    """Call it: routes name it in `targets`. Documents become its operations, requests pass through."""

    @property
    def takes_copies(self) -> bool:
        """Tell whether a copy of the cloud's order does no harm here."""
        return self.call is None or self.call.copies == "send"

    @property
    def closes_orders(self) -> bool:
        """Tell whether orders that move away are closed here by a request."""
        return self.call is not None and self.call.orders is not None and self.call.orders.close is not None

    @property
    def queries(self) -> frozenset[str]:
        """Give the operations that are declared to change nothing."""
        return self.call.queries if self.call is not None else frozenset()


class FaultTemplate(Settings):
    """The typed fault that a client knows."""

    name: str
    """Fault of the operation, as the WSDL names it."""

    fields: Template
    """Its fields; `{code}` and `{text}` say what was wrong."""


class Replies(Settings):
    """What a caller is told where not legacy itself answers, in the WSDL's own types.

    Texts may hold `{message_id}`, `{reference}` (the target's number), `{request.PATH}`, `{reply.PATH}` (of
    the target's JSON answer). An entry with `each: PATH` is written once for each of the request's records
    there.
    """

    accepted: Template | None = None
    """For `reply: accepted`."""

    delivered: Template | None = None
    """For `wait`, `pass_through` and `query`: what the target has done."""

    pending: Template | None = None
    """For `wait`: time is up, the request goes on."""

    fault: FaultTemplate | None = None
    """For what is refused. Without it, faults carry no detail of the client's own type."""


class SoapRoute(Settings):
    """How a route reads its operation's request and answers it."""

    mapping: MappingName | None = None
    """Mapping from the request to the canonical document. Without one, requests can only be passed on."""

    replies: Replies = Replies()
    """The answers."""
