"""What endpoints can do, which of them nothing uses, and whom a feed asks. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding, Level
from gateway.config.draft import Draft


def can(
    draft: Draft, name: str, where: tuple[str, str, *tuple[str | int, ...]], *, sends: bool
) -> Iterator[Finding]:
    """An endpoint takes documents (``sends``), or gives messages."""
    endpoint = draft.endpoints.get(name)
    kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
    if kind is not None and not (kind.can_send if sends else kind.can_receive):
        told = "takes no documents" if sends else "gives no messages"
        yield draft.finding("CONFIG-KIND", where, f"'{name}' is of kind {kind.name}, which {told}")


def feeds(draft: Draft) -> Iterator[Finding]:
    """A feed asks an endpoint that is declared."""
    for name, endpoint in draft.endpoints.items():
        asked = getattr(getattr(endpoint.settings, "feed", None), "endpoint", None)
        if asked is not None:
            yield from draft.unknown("endpoints", asked, ("endpoints", name, "feed", "endpoint"))


def unused(draft: Draft) -> Iterator[Finding]:
    """Endpoints that nothing uses are perhaps misspelt elsewhere."""
    used = set[str | None]()
    for route in draft.routes.values():
        targets = route.targets
        used |= {route.source.endpoint, targets.legacy, targets.cloud, targets.supplier, route.shadow.to}
        used |= {route.acknowledge.to} if route.acknowledge is not None else set()
    used |= {each.acknowledge.to for each in draft.partners.values() if each.acknowledge is not None}
    for name in draft.endpoints:
        if name not in used:
            text = f"no route or partner uses endpoint '{name}'"
            yield draft.finding("CONFIG-UNUSED", ("endpoints", name), text, Level.NOTE)
