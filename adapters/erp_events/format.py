"""The format of events, and of documents that were read because of one. Pure.

An event becomes a status event; the gateway's target reads the document and hands it over in an envelope
of ours (`enveloped`), which this format reads as the canonical document. So both stand in the journal
as they came, and either can be translated again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.base.findings import Finding, Position
from adapters.base.formats import (
    DecodeContext,
    Decoded,
    EncodeError,
    Envelope,
    Interchange,
    Summary,
    Unit,
    UnitKind,
    Verdict,
)
from adapters.base.whole_body import WholeBody, unreadable
from adapters.erp_events.config import ErpEventsEndpoint, ErpEventsRoute
from adapters.erp_events.facade import EVENT_SET
from adapters.erp_events.mapping_loader import own_mapping, packaged_mapping
from adapters.erp_events.notice import Notice, NoticeError, read_notices
from adapters.mapping import Mapping as FieldMapping
from adapters.mapping import MappingContext
from canonical.document import CanonicalDocument, DocumentReference, OrderReference
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.registry import DocumentError, read_json
from canonical.status_event import StatusEvent

ENVELOPE_KEY = "erp_document"
SUBJECT = {"purchase_order": "erp_purchase_order"}
"""What a status event is about. Its number is the ERP's, so it is never taken for the buyer's own."""

_PURPOSE = {"changed": "change", "cancelled": "cancellation"}
FILE = Unit(UnitKind.FILE, "0")


class ErpEventsFormat:
    """The format `erp_events`."""

    name = "erp_events"

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> ErpEventsDecoder:
        """Make a decoder for one input."""
        return ErpEventsDecoder(context, resume)

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Refuse: events are read, never written. Errors: EncodeError, always."""
        text = "events of an ERP are read only; name another format under `write`"
        raise EncodeError([Finding("ERP-EVENT-WRITE", Position("erp_events"), text)])

    def acknowledge(
        self, interchange: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope
    ) -> bytes | None:
        """Give none: the HTTP reply is one."""
        return None

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Refuse. Errors: EncodeError, always."""
        return self.encode((), envelope)

    def is_urgent(self, head: bytes) -> bool:
        """Tell nothing: an event has no word for it."""
        return False

    def identity(self, head: bytes) -> str | None:
        """Give none: the facade knows the event's id."""
        return None

    def recognises(self, head: bytes) -> bool:
        """Look for our envelope or a CloudEvent."""
        return head.lstrip().startswith(b'{"erp_document"') or b'"specversion"' in head


class ErpEventsDecoder(WholeBody):
    """Decodes one delivery of events, or one document that was read; it is kept whole."""

    def __init__(self, context: DecodeContext, resume: bytes | None) -> None:
        super().__init__(context.bounds.set_bytes_max, resume)
        self._context = context

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Give what the input tells of."""
        body, source = self.content, self._context.source
        if self.is_too_large:
            size = self._context.bounds.set_bytes_max
            text = f"more than {size} bytes came; expected a notice or one document"
            return unreadable(Finding("ERP-EVENT-SIZE", Position(source), text))
        if body.lstrip().startswith(b'{"%s"' % ENVELOPE_KEY.encode()):
            return self._document(body)
        settings = self._context.endpoint_settings
        if not isinstance(settings, ErpEventsEndpoint):
            text = "the route's endpoint is not of kind erp_events, so nothing says what an event means"
            return unreadable(Finding("ERP-EVENT-FORM", Position(source), text))
        try:
            notices = read_notices(body, settings.erp, settings.fields, source)
        except NoticeError as error:
            return unreadable(error.finding)
        known = [each for each in notices if each.type not in settings.ignore]
        sets = [self._event(index, each, settings, body) for index, each in enumerate(known)]
        return sets, _summary(len(sets))

    def _event(self, index: int, notice: Notice, settings: ErpEventsEndpoint, body: bytes) -> Decoded:
        units = (Unit(UnitKind.SET, str(index)), FILE)
        meaning = settings.events.get(notice.type)
        if meaning is None:
            text = (
                f"event type '{notice.type}' means nothing here; add it to `events` or `ignore`, then replay"
            )
            finding = Finding(
                "ERP-EVENT-TYPE", Position(self._context.source, path=f"event {index + 1}"), text
            )
            return Decoded(index, EVENT_SET, None, (finding,), body, units)
        document = StatusEvent(
            number=notice.event_id,
            subject=DocumentReference(document_type=SUBJECT[meaning.document], number=notice.number),
            order=OrderReference(erp_number=notice.number),
            status=meaning.status,
            system=settings.erp,
            extensions={"erp_event": _facts(notice, settings.erp, meaning.document)},
        )
        return Decoded(index, EVENT_SET, document, (), body, units)

    def _document(self, body: bytes) -> tuple[list[Decoded], Summary]:
        units = (Unit(UnitKind.SET, "0"), FILE)
        try:
            envelope = read_json(body)[ENVELOPE_KEY]
            erp, kind, status = envelope["erp"], envelope["document"], envelope["status"]
            records = [_record(each) for each in envelope["replies"]]
        except (DocumentError, KeyError, TypeError) as error:
            text = f"the envelope around a document that was read is broken: {error}"
            return unreadable(Finding("ERP-EVENT-FORM", Position(self._context.source), text))
        context = self._context
        mapped = MappingContext(
            context.source, context.zone, context.library.at, context.library.crosswalk, None,
            context.bounds.findings_max,
        )  # fmt: skip
        document, findings = self._mapping(erp, kind).read_document(_joined(records), mapped)
        if isinstance(document, PurchaseOrder) and not document.lines:
            text = "the order that was read has no lines; see whether the account may read them, then replay"
            at = Position(self._context.source, path="lines")
            return [
                Decoded(0, kind, None, (Finding("ERP-EVENT-NO-LINES", at, text),), body, units)
            ], _summary(1)
        if isinstance(document, PurchaseOrder):
            document = _with_units(document)
            if status in _PURPOSE:
                document = document.model_copy(update={"purpose": _PURPOSE[status]})
        return [Decoded(0, kind, document, tuple(findings), body, units)], _summary(1)

    def _mapping(self, erp: str, kind: str) -> FieldMapping:
        settings = self._context.settings
        if isinstance(settings, ErpEventsRoute) and settings.mapping is not None:
            text = self._context.library.mappings[settings.mapping]
            return own_mapping(text.text, text.file)
        return packaged_mapping(erp, kind)


def enveloped(facts: Mapping[str, str], status: str, replies: Sequence[bytes]) -> bytes:
    """Put what was read into the envelope that this format reads; no digit of it changes."""
    head = json.dumps(dict(facts) | {"status": status}, sort_keys=True, separators=(",", ":")).encode()
    return b'{"%s":%s,"replies":[%s]}}' % (ENVELOPE_KEY.encode(), head[:-1], b",".join(replies))


def _facts(notice: Notice, erp: str, document: str) -> dict[str, str]:
    facts = {
        "erp": erp,
        "document": document,
        "event_id": notice.event_id,
        "event_type": notice.type,
        "number": notice.number,
        "company": notice.company,
        "at": notice.at,
    }
    return {name: text for name, text in facts.items() if text}


def _joined(records: Sequence[Any]) -> dict[str, Any]:
    """Make one record of what several requests gave: the first is the document, the next its lines."""
    head = dict(_single(records[0])) if records else {}
    if len(records) > 1:
        head["Lines"] = _list(records[1])
    return head


def _single(record: Any) -> dict[str, Any]:
    found = _list(record)
    return found[0] if found and isinstance(found[0], dict) else {}


def _list(record: Any) -> list[Any]:
    """Give a collection's entries: OData V4 `value`, V2 `d.results`, Oracle's `items` as a list already."""
    if isinstance(record, list):
        return record
    if isinstance(record, dict):
        inner = record.get("d", record)
        for name in ("value", "results"):
            if isinstance(inner, dict) and isinstance(inner.get(name), list):
                return list(inner[name])
        return [inner]
    return []


def _record(value: Any) -> Any:
    """Give JSON as the mapping's records: texts, records and lists; a number keeps all its digits."""
    match value:
        case dict():
            if isinstance(value.get("items"), list) and "hasMore" in value:
                return [_record(each) for each in value["items"]]
            return {str(name): _record(each) for name, each in value.items()}
        case list():
            return [_record(each) for each in value]
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)
        case _:
            return value


def _with_units(order: PurchaseOrder) -> PurchaseOrder:
    """Give schedules the unit of their line where the API names one for the line only, as Oracle's does."""
    if not any(line.schedules and line.quantity is not None for line in order.lines):
        return order
    return order.model_copy(update={"lines": tuple(_in_its_unit(line) for line in order.lines)})


def _in_its_unit(line: PurchaseOrderLine) -> PurchaseOrderLine:
    unit = line.quantity.unit if line.quantity is not None else None
    schedules = tuple(
        each.model_copy(update={"quantity": each.quantity.model_copy(update={"unit": unit})})
        if each.quantity is not None and each.quantity.unit is None
        else each
        for each in line.schedules
    )
    return line.model_copy(update={"schedules": schedules})


def _summary(sets: int) -> Summary:
    whole = (Interchange(None, None, "", is_acknowledgment=False, facts={}),)
    return Summary(sets, (), frozenset(), whole)
