"""What earlier generations of a message have sent, and a new plan without it. Pure.

A replay sends nothing again unless told to. A document of its own is recognised by its reference; sets
that went on together in one envelope must be told apart here, since another generation may put other
sets together: what an envelope carried is never sent again, and what it did not carry is not forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.journal.sent import was_sent
from gateway.journal.types import DeliveryPlan, DeliveryView, DocumentPlan, DocumentView
from gateway.planning import Bound, Chunk, part_of

Place = tuple[int, str, str]  # set index, target, role


@dataclass(frozen=True, slots=True)
class Sent:
    """Where sets of a message went, whole or in doubt; ``decided`` is how those with a live one were."""

    places: frozenset[Place] = frozenset()
    decided: Mapping[int, DocumentPlan] = field(default_factory=dict)


def sent_earlier(
    generation: int,
    documents: Sequence[DocumentView],
    deliveries: Sequence[DeliveryView],
    interchanges: Mapping[int, int],
) -> Sent:
    """Gather what generations before this one attempted. ``interchanges``: set index -> interchange."""
    places: set[Place] = set()
    decided: dict[int, DocumentPlan] = {}
    for earlier in range(1, generation):
        plans = {view.plan.index: view.plan for view in documents if view.generation == earlier}
        own = [view for view in deliveries if view.generation == earlier]
        apart = {index for view in own for index in _apart(view)}
        for view in own:
            if not was_sent(view.role, view.state, view.steps):
                continue
            indexes = _carried(view, plans, interchanges, apart)
            places.update((index, view.target, _role(view.role)) for index in indexes)
            if _role(view.role) == "live":
                decided |= {index: plans[index] for index in indexes if index in plans}
    return Sent(frozenset(places), decided)


def without_sent(chunk: Chunk, sent: Sent) -> Chunk:
    """Give a plan that sends nothing again, and nothing to the other side of what was sent."""
    settled = {
        document.index
        for document in chunk.documents
        if document.index in sent.decided and document.side is not sent.decided[document.index].side
    }
    opening = {key for each in chunk.documents if each.index not in settled for key in each.order_keys}
    return replace(
        chunk,
        documents=tuple(
            sent.decided[each.index] if each.index in settled else each for each in chunk.documents
        ),
        deliveries=tuple(
            each for each in unsent_deliveries(chunk.deliveries, sent) if each.document_index not in settled
        ),
        opens=tuple(entry for entry in chunk.opens if entry.order_key in opening),
        bound=tuple(each for each in unsent(chunk.bound, sent) if each.index not in settled),
    )


def unsent(bound: Iterable[Bound], sent: Sent) -> list[Bound]:
    """Leave out the sets whose bytes went on before."""
    return [each for each in bound if (each.index, each.target, _role(each.role)) not in sent.places]


def unsent_deliveries(deliveries: Iterable[DeliveryPlan], sent: Sent) -> list[DeliveryPlan]:
    """Leave out the documents that were sent before."""
    return [
        each
        for each in deliveries
        if each.document_index is None
        or (each.document_index, each.target, _role(each.role)) not in sent.places
    ]


def _apart(view: DeliveryView) -> tuple[int, ...]:
    """Give the set that a delivery of bytes carries alone, since it was decided apart."""
    part = part_of(view)
    return (int(part.removeprefix("set-")),) if part.startswith("set-") else ()


def _carried(
    view: DeliveryView,
    plans: Mapping[int, DocumentPlan],
    interchanges: Mapping[int, int],
    apart: set[int],
) -> list[int]:
    if view.document_index is not None:
        return [view.document_index]
    part = part_of(view)
    bound = [
        index
        for index, plan in plans.items()
        if any((target, _role(role)) == (view.target, _role(view.role)) for target, role in plan.passes_to)
    ]
    if part.startswith("set-"):
        return list(_apart(view))
    if part.startswith("interchange-"):
        position = int(part.removeprefix("interchange-"))
        return [index for index in bound if index not in apart and interchanges.get(index) == position]
    return bound if part == "message" else []


def _role(role: str) -> str:
    """A call that is passed through is the live delivery of its sets."""
    return "live" if role == "pass_through" else role
