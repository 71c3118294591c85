"""What no single entry can tell: names that must exist, and settings that must fit each other. Pure.

Each rule gives findings and looks at nothing but the draft. Rules about a route's stage are apart
(``stage_rules``), since ``routes set`` asks them again about the stage that somebody wants.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from adapters.base import Finding, Level
from canonical.registry import DOCUMENT_TYPES
from gateway.config.catalogue import Catalogue
from gateway.config.compare_rules import comparisons, evidence, gates, shadow_endpoints
from gateway.config.configuration import Configuration, writes_for
from gateway.config.draft import Draft, draft_of
from gateway.config.named_texts import mapping_files, partner_texts, route_texts
from gateway.config.ownership_rules import back_syncs
from gateway.config.problems import suggestion
from gateway.config.routes import Route
from gateway.config.stage_rules import is_served, stage_findings
from gateway.stage import Stage

HTTP_IDENTITIES = ("idempotency_key",)
FORMAT_IDENTITIES = ("control_numbers",)
CANONICAL = "canonical"


def judge(draft: Draft) -> list[Finding]:
    """Give every finding of every rule, notes too."""
    of_routes = chain.from_iterable(
        rule(draft, route)
        for route in draft.routes.values()
        for rule in (
            references,
            sources,
            identities,
            followers,
            loops,
            replies,
            contracts,
            acknowledgments,
            route_texts,
            evidence,
            comparisons,
            gates,
            back_syncs,
            lambda draft, route: stage_findings(draft, route, route.stage),
        )
    )
    whole = chain.from_iterable(
        rule(draft)
        for rule in (
            claims,
            listeners,
            gateway_fits,
            admin_fits,
            partners_fit,
            partner_environments,
            partner_texts,
            mapping_files,
            shadow_endpoints,
            unused,
            feeds,
        )
    )
    return [*of_routes, *whole]


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
            yield from _can(draft, name, (*here, "targets", side), sends=True)
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
        yield from _can(draft, source.endpoint, (*here, "endpoint"), sends=False)
    if (source.format is not None) == (source.document is not None):
        text = "expected how to read it: format: NAME, or document: TYPE for canonical JSON, and not both"
        yield draft.finding("CONFIG-SOURCE", here, text)
    if source.format is not None and source.format not in draft.catalogue.formats:
        text = f"there is no format '{source.format}'; {suggestion(source.format, draft.catalogue.formats)}"
        yield draft.finding("CONFIG-KIND", (*here, "format"), text)
    if source.document is not None and source.document not in DOCUMENT_TYPES:
        text = f"there is no document type '{source.document}'; {suggestion(source.document, DOCUMENT_TYPES)}"
        yield draft.finding("CONFIG-KIND", (*here, "document"), text)


def _can(
    draft: Draft, name: str, where: tuple[str, str, *tuple[str | int, ...]], *, sends: bool
) -> Iterator[Finding]:
    endpoint = draft.endpoints.get(name)
    kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
    if kind is not None and not (kind.can_send if sends else kind.can_receive):
        told = "takes no documents" if sends else "gives no messages"
        yield draft.finding("CONFIG-KIND", where, f"'{name}' is of kind {kind.name}, which {told}")


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
        yield from _can(draft, rule.to, (*where, "to"), sends=True)
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


def listeners(draft: Draft) -> Iterator[Finding]:
    """What arrives over HTTP needs a listener, and TLS needs a certificate."""
    if draft.gateway is None:
        return
    listen = draft.gateway.listen
    if listen.https is not None and listen.tls is None:
        text = "https needs listen.tls with a certificate and its key"
        yield draft.finding("CONFIG-LISTEN", ("gateway", "", "listen", "https"), text)
    if listen.tls is not None and listen.https is None:
        text = "tls is declared, and nothing listens with it; expected listen.https: HOST:PORT"
        yield draft.finding("CONFIG-LISTEN", ("gateway", "", "listen", "tls"), text)
    if listen.http is not None and not listen.http.is_loopback:
        text = f"{listen.http} takes messages without TLS from other machines; expected a loopback address"
        yield draft.finding("CONFIG-LISTEN", ("gateway", "", "listen", "http"), text, Level.NOTE)
    if listen.http is None and listen.https is None:
        for route in draft.routes.values():
            if route.source.http or is_served(draft, route):
                text = "this route takes messages over HTTP, and gateway.listen declares no address"
                yield draft.finding("CONFIG-LISTEN", ("routes", route.id, "from", "http"), text)


def gateway_fits(draft: Draft) -> Iterator[Finding]:
    """Settings of the process that must agree with each other and with the partners'."""
    gateway = draft.gateway
    if gateway is None:
        return
    if gateway.environment == "production" and gateway.journal.path is None:
        text = "a journal in memory forgets acknowledged orders; expected sqlite:PATH in production"
        yield draft.finding("CONFIG-JOURNAL", ("gateway", "", "journal"), text)
    if gateway.limits.set_bytes_max > gateway.limits.body_bytes_max:
        text = "a set may be larger than the message it stands in; expected at most body_bytes_max"
        yield draft.finding("CONFIG-LIMITS", ("gateway", "", "limits", "set_bytes_max"), text)
    for name, partner in draft.partners.items():
        if partner.resend.window > gateway.retention.keys:
            text = (
                "repeats are recognised no longer than gateway.retention.keys; shorten this or lengthen that"
            )
            yield draft.finding("CONFIG-RETENTION", ("partners", name, "resend", "window"), text)
    if gateway.alarms.webhook is None and gateway.alarms.email is None:
        text = "no alarms are declared: nobody hears of an order that is past its deadline"
        yield draft.finding("CONFIG-ALARMS", ("gateway", "", "alarms"), text, Level.NOTE)


def admin_fits(draft: Draft) -> Iterator[Finding]:
    """The admin API has a listener, and each issuer is told once, with its keys in one place."""
    if draft.gateway is None or draft.gateway.admin is None:
        return
    if draft.gateway.listen.http is None and draft.gateway.listen.https is None:
        text = "the admin API is served by the gateway's listeners, and gateway.listen declares no address"
        yield draft.finding("CONFIG-LISTEN", ("gateway", "", "admin"), text)
    known: set[str] = set()
    for number, each in enumerate(draft.gateway.admin.issuers):
        here = ("gateway", "", "admin", "issuers", number)
        if (each.jwks is None) is (each.jwks_file is None):
            text = "an issuer has its keys in one place; expected jwks: ADDRESS or jwks_file: PATH"
            yield draft.finding("CONFIG-ADMIN", here, text)
        if each.issuer in known:
            yield draft.finding("CONFIG-ADMIN", here, f"issuer {each.issuer} is declared twice; join the two")
        known.add(each.issuer)
        for grant in each.grants:
            for route in grant.routes:
                is_known = any(
                    name == route or (route.endswith("*") and name.startswith(route[:-1]))
                    for name in draft.routes
                )
                if not is_known and route != "*":
                    text = f"'{route}' is no route's id, nor the beginning of one with * behind it"
                    yield draft.finding("CONFIG-ADMIN", here, text, Level.NOTE)


def partners_fit(draft: Draft) -> Iterator[Finding]:
    """Settings of partners that must agree with themselves and with each other."""
    owners: dict[str, str] = {}
    for name, partner in draft.partners.items():
        here = ("partners", name)
        numbers = partner.control_numbers
        if numbers is not None and numbers.lowest > numbers.highest:
            text = f"lowest {numbers.lowest} is above highest {numbers.highest}; exchange them"
            yield draft.finding("CONFIG-VALUE", (*here, "control_numbers"), text)
        if (rule := partner.acknowledge) is not None and rule.type != "none":
            if rule.to is not None and rule.to != "reply":
                yield from draft.unknown("endpoints", rule.to, (*here, "acknowledge", "to"), also=("reply",))
                yield from _can(draft, rule.to, (*here, "acknowledge", "to"), sends=True)
            if rule.to is None and rule.by != "legacy":
                text = (
                    "the gateway acknowledges, and nothing says where to; expected to: ENDPOINT, or to: reply"
                )
                yield draft.finding("CONFIG-ACKNOWLEDGE", (*here, "acknowledge"), text)
        for index, certificate in enumerate(partner.certificates):
            if (first := owners.setdefault(certificate, name)) != name:
                text = f"partner '{first}' is proven by the same certificate; each needs its own"
                yield draft.finding("CONFIG-CLAIM", (*here, "certificates", index), text)


def partner_environments(draft: Draft) -> Iterator[Finding]:
    """Partners are of the gateway's environment."""
    for name, partner in draft.partners.items():
        if draft.gateway is not None and partner.environment != draft.gateway.environment:
            text = (
                f"a {partner.environment} partner in a {draft.gateway.environment} gateway; "
                "test and production never touch: run a gateway for each"
            )
            yield draft.finding("CONFIG-ENVIRONMENT", ("partners", name, "environment"), text)


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


def stage_findings_of(
    configuration: Configuration, route: str, stage: Stage, catalogue: Catalogue
) -> list[Finding]:
    """Give what keeps a route from moving to a stage; ``routes set`` asks before it changes anything."""
    draft = draft_of(configuration, catalogue)
    return list(stage_findings(draft, configuration.routes[route], stage))
