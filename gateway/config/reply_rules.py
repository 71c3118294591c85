"""A caller that waits gets an answer in the end, and a question changes nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding
from gateway.config.configuration import writes_for
from gateway.config.draft import Draft
from gateway.config.routes import Route


def replies(draft: Draft, route: Route) -> Iterator[Finding]:
    """A caller that waits gets an answer in the end."""
    reply, here = route.reply, ("routes", route.id, "reply")
    endpoint = draft.endpoints.get(route.source.endpoint or "")
    kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
    if reply.mode != "accepted" and kind is not None and not kind.is_served:
        text = f"nobody waits for an answer at '{route.source.endpoint}'; remove this, or expect it over HTTP"
        yield draft.finding("CONFIG-REPLY", (*here, "mode"), text)
        return
    if reply.mode == "wait" and (reply.within is None or reply.pending is None):
        text = "a waiting caller needs an end and an answer: {mode: wait, within: 20s, pending: reference}"
        yield draft.finding("CONFIG-REPLY", here, text)
    if reply.mode == "query":
        yield from _queries(draft, route)
    if reply.mode == "pass_through" and writes_for(draft.endpoints.get(route.targets.legacy or ""), route):
        text = (
            f"'{route.targets.legacy}' gets documents in a form of its own, so its answer is none for this "
            "caller; expected accepted or wait"
        )
        yield draft.finding("CONFIG-REPLY", here, text)
    if reply.mode != "wait" and reply.pending is not None:
        text = f"'pending' belongs to mode wait; mode {reply.mode} never gives such an answer"
        yield draft.finding("CONFIG-REPLY", (*here, "pending"), text)


def _queries(draft: Draft, route: Route) -> Iterator[Finding]:
    """A question is asked only of a target that declares it to be free of side effects."""
    for side in ("legacy", "cloud"):
        name = getattr(route.targets, side)
        endpoint = draft.endpoints.get(name) if name is not None else None
        kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
        declares = endpoint is not None and bool(getattr(endpoint.settings, "queries", None))
        if kind is not None and not (kind.answers_queries or declares):
            text = (
                f"mode query asks '{name}', of kind {kind.name}, which declares no question that changes "
                "nothing (queries): expected accepted, wait or pass_through"
            )
            yield draft.finding("CONFIG-REPLY", ("routes", route.id, "reply"), text)
