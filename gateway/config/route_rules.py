"""What one route says of its source, its targets, what it follows and what it is read as. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding
from canonical.registry import DOCUMENT_TYPES
from gateway.config.draft import Draft
from gateway.config.endpoint_rules import can
from gateway.config.problems import suggestion
from gateway.config.routes import Route

HTTP_IDENTITIES = ("idempotency_key",)
FORMAT_IDENTITIES = ("control_numbers",)


def references(draft: Draft, route: Route) -> Iterator[Finding]:
    """Every name that a route uses is declared."""
    here = ("routes", route.id)
    if route.source.endpoint is not None:
        yield from draft.unknown("endpoints", route.source.endpoint, (*here, "from", "endpoint"))
    if route.source.partner is not None:
        yield from draft.unknown("partners", route.source.partner, (*here, "from", "partner"))
    for side in ("legacy", "cloud", "supplier"):
        name = getattr(route.targets, side)
        if name is not None:
            yield from draft.unknown("endpoints", name, (*here, "targets", side))
            yield from can(draft, name, (*here, "targets", side), sends=True)
    if route.follows is not None:
        yield from draft.unknown("routes", route.follows, (*here, "follows"))
    for index, test in enumerate(route.tests):
        if test.expect.target is not None:
            place = (*here, "tests", index, "expect", "target")
            yield from draft.unknown("endpoints", test.expect.target, place)


def sources(draft: Draft, route: Route) -> Iterator[Finding]:
    """A route has one source, and says how its bytes are read."""
    source, here = route.source, ("routes", route.id, "from")
    if (source.endpoint is not None) == source.http:
        text = "expected one source: endpoint: NAME or http: true, and not both"
        yield draft.finding("CONFIG-SOURCE", here, text)
    if source.endpoint is not None:
        yield from can(draft, source.endpoint, (*here, "endpoint"), sends=False)
    if (source.format is not None) == (source.document is not None):
        text = "expected how to read it: format: NAME, or document: TYPE for canonical JSON, and not both"
        yield draft.finding("CONFIG-SOURCE", here, text)
    if source.format is not None and source.format not in draft.catalogue.formats:
        text = f"there is no format '{source.format}'; {suggestion(source.format, draft.catalogue.formats)}"
        yield draft.finding("CONFIG-KIND", (*here, "format"), text)
    if source.document is not None and source.document not in DOCUMENT_TYPES:
        text = f"there is no document type '{source.document}'; {suggestion(source.document, DOCUMENT_TYPES)}"
        yield draft.finding("CONFIG-KIND", (*here, "document"), text)


def identities(draft: Draft, route: Route) -> Iterator[Finding]:
    """`identity` is a word that the source or the format knows."""
    word = route.source.identity
    if word is None:
        return
    known: set[str] = set(HTTP_IDENTITIES) if route.source.http else set()
    if route.source.format is not None:
        known |= set(FORMAT_IDENTITIES)
    if route.source.endpoint is not None:
        endpoint = draft.endpoints.get(route.source.endpoint)
        kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
        if kind is None:
            return
        known |= set(kind.identities)
    if word not in known:
        text = f"this source knows no identity '{word}'; {suggestion(word, known)}"
        yield draft.finding("CONFIG-IDENTITY", ("routes", route.id, "from", "identity"), text)


def followers(draft: Draft, route: Route) -> Iterator[Finding]:
    """A route that follows has no stage of its own, and follows one that has."""
    here = ("routes", route.id)
    if route.originates:
        return
    if route.targets.supplier is not None:
        text = "what follows an order is not sent to its supplier; remove this"
        yield draft.finding("CONFIG-FOLLOWS", (*here, "targets", "supplier"), text)
    for word in ("stage", "canary", "losing_side", "transmitter"):
        if word in route.model_fields_set:
            text = f"'{word}' belongs to the route that this one follows ('{route.follows}'); remove it here"
            yield draft.finding("CONFIG-FOLLOWS", (*here, word), text)
    endpoint = draft.endpoints.get(route.source.endpoint or "")
    kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
    if kind is not None and kind.gives_erp_orders and route.unknown_order.to != "cloud":
        text = (
            "an event is about a document of the cloud ERP, known to us or not; expected unknown_order: "
            "{to: cloud, after: 0s}"
        )
        yield draft.finding("CONFIG-FOLLOWS", (*here, "unknown_order"), text)
    followed = draft.routes.get(route.follows or "")
    if followed is not None and not followed.originates:
        told = "itself" if followed.id == route.id else f"'{followed.id}', which follows '{followed.follows}'"
        text = f"this route follows {told}; expected a route that opens orders and has a stage"
        yield draft.finding("CONFIG-FOLLOWS", (*here, "follows"), text)


def loops(draft: Draft, route: Route) -> Iterator[Finding]:
    """A route does not deliver to where it takes from: it would take up what it delivered, for ever."""
    name = route.source.endpoint
    endpoint = draft.endpoints.get(name or "")
    kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
    if name is None or (kind is not None and kind.is_served):
        return  # what we serve and whom we call are two sides of one contract there
    places = [(getattr(route.targets, side), ("targets", side)) for side in ("legacy", "cloud", "supplier")]
    if route.acknowledge is not None:
        places.append((route.acknowledge.to, ("acknowledge", "to")))
    for target, where in places:
        if target == name:
            text = f"'{name}' is this route's own source: it would take up its deliveries again and again"
            yield draft.finding("CONFIG-LOOP", ("routes", route.id, *where), text)


def contracts(draft: Draft, route: Route) -> Iterator[Finding]:
    """A contract names a document type and major version that exist."""
    if route.contract is None:
        return
    name, _, version = route.contract.canonical.partition("@")
    model = DOCUMENT_TYPES.get(name)
    where = ("routes", route.id, "contract", "canonical")
    if model is None:
        text = f"there is no document type '{name}'; {suggestion(name, DOCUMENT_TYPES)}"
        yield draft.finding("CONFIG-KIND", where, text)
        return
    major = str(model.model_fields["schema_version"].default).partition(".")[0]
    if version != major:
        yield draft.finding("CONFIG-KIND", where, f"{name} has major version {major} here, not {version}")
    begins, ends = route.contract.deprecated, route.contract.sunset
    if begins is not None and ends is not None and ends < begins:
        text = (
            f"it may be gone on {ends}, before it is deprecated on {begins}; expected a later day (RFC 9745)"
        )
        yield draft.finding("CONFIG-VALUE", ("routes", route.id, "contract", "sunset"), text)


def acknowledgments(draft: Draft, route: Route) -> Iterator[Finding]:
    """The gateway's acknowledgment has somewhere to go."""
    rule, where = route.acknowledge, ("routes", route.id, "acknowledge")
    if rule is None or rule.type == "none":
        return
    if rule.to is not None and rule.to != "reply":
        yield from draft.unknown("endpoints", rule.to, (*where, "to"), also=("reply",))
        yield from can(draft, rule.to, (*where, "to"), sends=True)
    if rule.to is None and rule.by != "legacy":
        text = "the gateway acknowledges, and nothing says where to; expected to: ENDPOINT, or to: reply"
        yield draft.finding("CONFIG-ACKNOWLEDGE", where, text)


def claims(draft: Draft) -> Iterator[Finding]:
    """No two routes take the same set of the same source."""
    seen: dict[tuple[object, ...], str] = {}
    for route in draft.routes.values():
        source = route.source
        if source.http and source.document is None:
            continue  # it has an address of its own
        place = source.endpoint or "http"
        claim = (place, source.partner, source.set, source.document, repr(source.source_settings))
        if (first := seen.setdefault(claim, route.id)) != route.id:
            what = source.set or source.document or "messages"
            text = f"route '{first}' takes the same {what} of the same source already"
            yield draft.finding("CONFIG-CLAIM", ("routes", route.id, "from"), text)
