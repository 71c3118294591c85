"""From what a journal holds of a message to a forecast of it. Pure.

The same function reads a run on a journal in memory and the record of what really happened, so that
the two can be compared word by word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from adapters.base import Finding, Level
from canonical.registry import without_provenance
from gateway.forecast.model import WHOLE, DeliveryForecast, DocumentForecast, MessageForecast, RequestForecast
from gateway.journal.types import DeliveryState, DeliveryView, DocumentView, Message

_UNSENT = {
    DeliveryState.PARKED: "parked",
    DeliveryState.HELD: "held",
    DeliveryState.VOID: "void",
    DeliveryState.SUPERSEDED: "void",
    DeliveryState.DONE: "sent",
}


def message_forecast(
    message: Message,
    state: str,
    findings: Sequence[Finding | str] = (),
    documents: Iterable[DocumentView] = (),
    deliveries: Iterable[DeliveryView] = (),
    requests: Mapping[str, tuple[RequestForecast, ...]] | None = None,
) -> MessageForecast:
    """Give a message's forecast.

    ``requests``: by delivery id; None takes them from the attempts that the journal holds.
    """
    told = [each if isinstance(each, str) else each.code for each in findings if _counts(each)]
    views = [each for each in documents if each.generation == message.generation or requests is not None]
    own = [each for each in deliveries if each.generation == message.generation or requests is not None]
    return MessageForecast(
        message_id=message.message_id,
        route=message.route,
        name=message.origin.name,
        sender=message.partner or message.origin.identity or message.origin.peer or "unknown",
        accepted_at=message.accepted_at,
        state=state,
        codes=tuple(sorted(set(told))),
        documents=tuple(_document(each) for each in views),
        deliveries=tuple(sorted((_delivery(each, requests) for each in own), key=lambda each: each.place)),
    )


def _document(view: DocumentView) -> DocumentForecast:
    plan = view.plan
    return DocumentForecast(
        index=plan.index,
        set_type=plan.set_type,
        document_type=plan.document_type,
        document_key=plan.document_key,
        order_keys=plan.order_keys,
        side=plan.side.value if plan.side is not None else None,
        verdict=plan.verdict.value,
        decision=plan.decision,
        is_parked=plan.is_parked,
        repeats=plan.repeats is not None,
        codes=_codes(plan.findings),
        canonical=without_provenance(plan.canonical) if plan.canonical is not None else None,
    )


def _delivery(
    view: DeliveryView, requests: Mapping[str, tuple[RequestForecast, ...]] | None
) -> DeliveryForecast:
    if requests is None:
        sent = (step.request for step in view.steps)
        known = tuple(RequestForecast.of(each.step, each.method, each.address, each.body) for each in sent)
    else:
        known = requests.get(view.delivery_id, ())
    state = _UNSENT.get(view.state, "waits")
    return DeliveryForecast(
        part=WHOLE if view.document_index is None else str(view.document_index),
        target=view.target,
        role=view.role,
        reference=view.reference,
        state="rendered" if view.role == "shadow" and state == "sent" else state,
        codes=_codes(view.findings),
        requests=known,
    )


def _codes(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(sorted({each.code for each in findings if _counts(each)}))


def _counts(finding: Finding | str) -> bool:
    return isinstance(finding, str) or finding.level is not Level.NOTE
