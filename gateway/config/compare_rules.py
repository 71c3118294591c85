"""What comparison, shadow and gates need: evidence, a tenant of their own, limits that can be kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding
from gateway.config.coexistence import REPLY, StageGate
from gateway.config.draft import Draft
from gateway.config.routes import Route
from gateway.erp.settings import HttpSettings

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def evidence(draft: Draft, route: Route) -> Iterator[Finding]:
    """A route of legacy's versions follows the route that it is compared with, and delivers nothing."""
    here = ("routes", route.id)
    if not route.evidence:
        return
    if route.originates:
        text = "legacy's versions belong to the orders of a route: say which one it follows"
        yield draft.finding("CONFIG-EVIDENCE", (*here, "evidence"), text)
    if any(getattr(route.targets, side) for side in ("legacy", "cloud", "supplier")) or route.write:
        text = "legacy's versions are compared and delivered nowhere; remove targets and write"
        yield draft.finding("CONFIG-EVIDENCE", (*here, "targets"), text)


def comparisons(draft: Draft, route: Route) -> Iterator[Finding]:
    """A comparison names a source of legacy's versions that there is."""
    here = ("routes", route.id, "compare")
    declared = route.compare
    if declared is None:
        return
    if not route.originates:
        text = "documents that follow an order go where it is, and have one side only; remove this"
        yield draft.finding("CONFIG-COMPARE", here, text)
    if declared.evidence == REPLY:
        yield from _reply(draft, route)
    else:
        yield from _evidence_route(draft, route, declared.evidence)
    for index, rule in enumerate(declared.ignore):
        if (rule.legacy is None) != (rule.cloud is None):
            text = "a pair needs both words: legacy: CA and cloud: CS; without either all values are ignored"
            yield draft.finding("CONFIG-COMPARE", (*here, "ignore", index), text)


def _reply(draft: Draft, route: Route) -> Iterator[Finding]:
    here = ("routes", route.id, "compare")
    if route.reply.mode == "query":
        return  # a question's two answers are read by what serves it
    if route.compare is not None and not route.compare.reads:
        text = "legacy's answer is read by places: expected reads: {number: PONumber, ...}"
        yield draft.finding("CONFIG-COMPARE", here, text)


def _evidence_route(draft: Draft, route: Route, name: str) -> Iterator[Finding]:
    here = ("routes", route.id, "compare", "with")
    if problems := draft.unknown("routes", name, here, also=(REPLY,)):
        yield from problems
        return
    found = draft.routes.get(name)
    if found is None:
        return
    if not found.evidence or found.follows != route.id:
        text = (
            f"route '{name}' does not bring legacy's versions of these orders; it needs "
            f"evidence: true and follows: {route.id}"
        )
        yield draft.finding("CONFIG-COMPARE", here, text)
    if route.compare is not None and route.compare.reads:
        text = "reads belongs to with: reply; a route brings whole documents"
        yield draft.finding("CONFIG-COMPARE", ("routes", route.id, "compare", "reads"), text)


def gates(draft: Draft, route: Route) -> Iterator[Finding]:
    """A gate that asks for comparisons needs legacy's versions, or it can never be passed."""
    here = ("routes", route.id)
    if not route.originates:
        for word in ("gates", "shadow"):
            if word in route.model_fields_set:
                text = f"'{word}' belongs to the route that this one follows ('{route.follows}'); remove it"
                yield draft.finding("CONFIG-FOLLOWS", (*here, word), text)
        return
    for name in ("to_canary", "to_cloud", "to_retired"):
        gate = getattr(route.gates, name)
        if gate is not None and needs_evidence(gate) and route.compare is None:
            text = (
                "without compare.with there is no legacy evidence, so comparisons that it asks for never come"
            )
            yield draft.finding("CONFIG-GATES", (*here, "gates", name), text)
    if route.canary is not None and route.canary.ramp is not None and route.gates.roll_back is None:
        text = "a share that grows by itself needs limits that send it back: gates.roll_back"
        yield draft.finding("CONFIG-GATES", (*here, "canary", "ramp"), text)
    back = route.gates.roll_back
    limits = () if back is None else (back.error_rate, back.open_exceptions, back.latency_p95)
    if back is not None and all(each is None for each in limits):
        text = "it declares no limit; expected error_rate, open_exceptions or latency_p95"
        yield draft.finding("CONFIG-GATES", (*here, "gates", "roll_back"), text)


def needs_evidence(gate: StageGate) -> bool:
    """Tell whether a gate looks at comparisons."""
    return bool(gate.compared or gate.clean or gate.mismatch_upper95 is not None or gate.seen)


def shadow_endpoints(draft: Draft) -> Iterator[Finding]:
    """What a shadow may send goes to a tenant of its own, and is listed."""
    live = {
        name: route.id
        for route in draft.routes.values()
        for name in (route.targets.legacy, route.targets.cloud, route.targets.supplier)
        if name is not None
    }
    rules: dict[str, Route] = {}
    for route in draft.routes.values():
        yield from _shadow(draft, route, live)
        if route.shadow.to is not None:
            first = rules.setdefault(route.shadow.to, route)
            if first.shadow != route.shadow:
                text = (
                    f"route '{first.id}' declares other rules for '{route.shadow.to}'; expected the same ones"
                )
                yield draft.finding("CONFIG-SHADOW", ("routes", route.id, "shadow"), text)


def _shadow(draft: Draft, route: Route, live: dict[str, str]) -> Iterator[Finding]:
    shadow, here = route.shadow, ("routes", route.id, "shadow")
    if shadow.mode == "render":
        if shadow.to is not None or shadow.allow:
            text = "mode render sends nothing: to and allow belong to mode validate or sandbox"
            yield draft.finding("CONFIG-SHADOW", here, text)
        return
    if draft.gateway is not None and draft.gateway.environment == "production":
        text = f"mode {shadow.mode} sends; a production gateway renders only"
        yield draft.finding("CONFIG-SHADOW", (*here, "mode"), text)
    if shadow.to is None:
        text = f"mode {shadow.mode} needs a non-production tenant: to: ENDPOINT"
        yield draft.finding("CONFIG-SHADOW", here, text)
        return
    yield from draft.unknown("endpoints", shadow.to, (*here, "to"))
    yield from _tenant(draft, route, shadow.to, live)
    if not shadow.allow:
        text = "nothing is allowed, so nothing would be asked; expected allow: [{host: HOST, methods: [GET]}]"
        yield draft.finding("CONFIG-SHADOW", here, text)
    for index, each in enumerate(shadow.allow):
        writing = sorted(set(each.methods) - READING)
        if shadow.mode == "validate" and writing and not each.path:
            text = (
                f"mode validate changes nothing, and {', '.join(writing)} may; name the one path that only "
                "validates (path: ...), or use mode sandbox"
            )
            yield draft.finding("CONFIG-SHADOW", (*here, "allow", index), text)
        if each.host == "*":
            text = "any host is no allow-list; name the tenant's host"
            yield draft.finding("CONFIG-SHADOW", (*here, "allow", index, "host"), text)


def _tenant(draft: Draft, route: Route, name: str, live: dict[str, str]) -> Iterator[Finding]:
    here = ("routes", route.id, "shadow", "to")
    endpoint = draft.endpoints.get(name)
    if name in live:
        text = f"'{name}' is a live target of route '{live[name]}'; a shadow needs a tenant of its own"
        yield draft.finding("CONFIG-SHADOW", here, text)
    if endpoint is None:
        return
    if endpoint.environment != "test":
        text = f"'{name}' is a {endpoint.environment} endpoint; a shadow sends to a test tenant only"
        yield draft.finding("CONFIG-SHADOW", here, text)
    if not isinstance(endpoint.settings, HttpSettings):
        text = (
            f"'{name}' is of kind {endpoint.kind}; only what is asked over HTTP can be held to an allow-list"
        )
        yield draft.finding("CONFIG-SHADOW", here, text)
    if name in route.write:
        text = "what is written for a tenant cannot be masked; remove this"
        yield draft.finding("CONFIG-SHADOW", ("routes", route.id, "write", name), text)
