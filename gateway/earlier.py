"""What earlier generations of a message have settled, and a new plan without it. Pure.

A replay sends nothing again unless told to, and brings nothing back that a person has closed. A document
of its own is recognised by its reference; sets that went on together in one envelope must be told apart
here, since another generation may put other sets together: what an envelope carried is never sent again,
and what it did not carry is not forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.going_on import Bound, part_of
from gateway.journal.sent import closes, was_sent
from gateway.journal.types import (
    FINISHED,
    DeliveryPlan,
    DeliveryState,
    DeliveryView,
    DocumentPlan,
    DocumentView,
)
from gateway.planning import Chunk

Place = tuple[int, str, str]  # set index, target, role


@dataclass(frozen=True, slots=True)
class Sent:
    """Where sets of a message went, whole or in doubt, and what people closed of it.

    ``decided`` is how those with a live delivery were decided; ``targets`` where live ones went or were to
    go, since an endpoint may have another name now. ``closed``: sets that are not planned again, as they
    stand from now on; ``quiet``: sets whose finding was closed, and how. ``is_whole``: legacy was given the
    message as it came. ``settled``: ids, for ``Expected``.
    """

    places: frozenset[Place] = frozenset()
    decided: Mapping[int, DocumentPlan] = field(default_factory=dict)
    targets: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    closed: Mapping[int, DocumentPlan] = field(default_factory=dict)
    quiet: Mapping[int, str] = field(default_factory=dict)
    is_whole: bool = False
    settled: frozenset[str] | None = None


def sent_earlier(
    generation: int,
    documents: Sequence[DocumentView],
    deliveries: Sequence[DeliveryView],
    interchanges: Mapping[int, int],
) -> Sent:
    """Gather what generations before this one settled. ``interchanges``: set index -> interchange."""
    places: set[Place] = set()
    decided: dict[int, DocumentPlan] = {}
    newest: dict[int, DocumentPlan] = {}
    live: dict[int, list[DeliveryView]] = {}
    former = [view for view in deliveries if view.generation < generation]
    for earlier in range(1, generation):
        plans = {view.plan.index: view.plan for view in documents if view.generation == earlier}
        newest |= plans
        own = [view for view in former if view.generation == earlier]
        apart = {index for view in own for index in _apart(view)}
        for view in own:
            indexes = _carried(view, plans, interchanges, apart)
            is_live = _role(view.role) == "live"
            for index in indexes if is_live else ():
                live.setdefault(index, []).append(view)
            if not was_sent(view.role, view.state, view.steps, view.resolution):
                continue
            places.update((index, view.target, _role(view.role)) for index in indexes)
            if is_live:
                decided |= {index: plans[index] for index in indexes if index in plans}
    closed = {index: how for index, plan in newest.items() if (how := _closed_by(plan, live.get(index, ())))}
    return Sent(
        frozenset(places),
        decided,
        {index: tuple(dict.fromkeys(view.target for view in views)) for index, views in live.items()},
        {index: _as_closed(newest[index], how) for index, how in closed.items()},
        {index: plan.resolution for index, plan in newest.items() if plan.resolution and index not in closed},
        any(part_of(view) == "message" and view.steps for view in former),
        frozenset(view.delivery_id for view in former if view.steps or view.resolution),
    )


NOTHING_SENT = Sent()  # what nearly every message has: it was never planned before


def without_sent(chunk: Chunk, sent: Sent) -> Chunk:
    """Give a plan that sends nothing again, and nothing to the other side of what was sent."""
    if sent is NOTHING_SENT:
        return chunk
    kept = {
        document.index: sent.decided[document.index]
        for document in chunk.documents
        if document.index in sent.decided and document.side is not sent.decided[document.index].side
    }
    kept |= {each.index: sent.closed[each.index] for each in chunk.documents if each.index in sent.closed}
    opening = {key for each in chunk.documents if each.index not in kept for key in each.order_keys}
    bound, deliveries = unsent(chunk.bound, chunk.deliveries, sent)
    return replace(
        chunk,
        documents=tuple(kept.get(each.index) or _quieted(each, sent) for each in chunk.documents),
        deliveries=tuple(each for each in deliveries if each.document_index not in kept),
        opens=tuple(entry for entry in chunk.opens if entry.order_key in opening),
        bound=tuple(each for each in bound if each.index not in kept),
    )


def unsent(
    bound: Iterable[Bound], deliveries: Iterable[DeliveryPlan], sent: Sent
) -> tuple[list[Bound], list[DeliveryPlan]]:
    """Leave out the sets whose bytes went on before, and the documents that were sent."""
    bound, deliveries = list(bound), list(deliveries)
    if sent is NOTHING_SENT:
        return bound, deliveries
    now: dict[int, list[str]] = {}
    for index, target, role in (
        *((each.index, each.target, each.role) for each in bound),
        *((each.document_index, each.target, each.role) for each in deliveries),
    ):
        if index is not None and _role(role) == "live":
            now.setdefault(index, []).append(target)
    names = {index: _former_names(sent.targets.get(index, ()), targets) for index, targets in now.items()}

    def is_sent(index: int | None, target: str, role: str) -> bool:
        if index is None:
            return False
        role = _role(role)
        former = names[index].get(target, target) if role == "live" else target
        return (index, former, role) in sent.places

    return (
        [each for each in bound if not is_sent(each.index, each.target, each.role)],
        [each for each in deliveries if not is_sent(each.document_index, each.target, each.role)],
    )


def _former_names(former: Sequence[str], now: Sequence[str]) -> dict[str, str]:
    """Give the name that an endpoint had before, for each that is new: the one that is gone in its place."""
    gone = [name for name in former if name not in now]
    new = [name for name in dict.fromkeys(now) if name not in former]
    return dict(zip(new, gone, strict=False))


def _closed_by(plan: DocumentPlan, live: Sequence[DeliveryView]) -> str:
    """Give how a person closed a set for good: its last delivery, or its finding; "" where nobody did.

    To close a finding closes no bytes that go on all the same.
    """
    if closes(plan.resolution) and not plan.passes_to:
        return plan.resolution
    standing = [view for view in live if view.state is not DeliveryState.SUPERSEDED]
    is_over = bool(standing) and all(view.state in FINISHED for view in standing)
    return standing[-1].resolution if is_over and closes(standing[-1].resolution) else ""


def _as_closed(plan: DocumentPlan, resolution: str) -> DocumentPlan:
    """Give a set as it stands from now on."""
    return replace(
        plan,
        is_parked=False,
        awaits=None,
        passes_to=(),
        decision=f"closed by a person ({resolution})",
        resolution=resolution,
    )


def _quieted(document: DocumentPlan, sent: Sent) -> DocumentPlan:
    """Keep a finding closed that a person has closed, where the set's own bytes go on all the same."""
    if not document.is_parked or not document.passes_to or not closes(sent.quiet.get(document.index, "")):
        return document
    return replace(document, is_parked=False, resolution=sent.quiet[document.index])


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
