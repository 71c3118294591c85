"""From a validated Configuration to compiled routes. Pure.

The one place that knows both the settings' names and what decisions need of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from adapters.base import Bounds, DecodeContext, UnitKind
from adapters.base.registry import adapters
from adapters.mapping import crosswalk_words
from gateway.acknowledging import REPLY
from gateway.canonical_json import NAME as CANONICAL
from gateway.compare.rules import CompareRules, Ignored, Tolerance, Unordered
from gateway.config import Configuration, Partner, Resend, Route
from gateway.config.coexistence import IgnoreRule
from gateway.config.named_texts import library_for
from gateway.journal.types import Side
from gateway.outcome import RetryPolicy
from gateway.program import (
    AcknowledgePolicy,
    CompareProgram,
    ControlNumbers,
    Deadlines,
    Program,
    Programs,
    Tenant,
    UnknownOrder,
    Writing,
)

REPLY_WITHIN = timedelta(seconds=30)


def compile_programs(configuration: Configuration, revision: int) -> Programs:
    """Give all routes of a configuration, compiled."""
    routes = configuration.routes
    return Programs(
        revision=revision,
        routes={name: _program(configuration, route) for name, route in routes.items()},
        shared=shared_sets(routes),
        retries=retry_policies(configuration),
        lease_s=configuration.defaults.lease.total_seconds(),
    )


def declared_stages(configuration: Configuration) -> Mapping[str, tuple[str, str]]:
    """Give what routes.yaml declares for each route that originates orders: stage and share."""
    declared = {}
    for name, route in configuration.routes.items():
        if route.stage is not None:
            share = str(route.canary.share) if route.canary is not None else "0"
            declared[name] = (route.stage.value, share)
    return declared


def source_key(route: Route) -> tuple[str | None, str | None, str | None, str]:
    """Tell which routes are fed by one source: same endpoint, partner, format and settings (file names)."""
    source = route.source
    return (source.endpoint, source.partner, source.format, repr(source.source_settings))


def feeding_route(routes: Mapping[str, Route], route: Route) -> str:
    """Give the route to which the messages of this route's source belong: the first that shares it."""
    if route.source.endpoint is None:
        return route.id
    return next(name for name, other in routes.items() if source_key(other) == source_key(route))


def shared_sets(routes: Mapping[str, Route]) -> dict[str, dict[str, str]]:
    """Give whose the sets of shared sources are: feeding route -> set type -> route."""
    shared: dict[str, dict[str, str]] = {}
    for name, route in routes.items():
        first = feeding_route(routes, route)
        if route.source.set is not None:
            shared.setdefault(first, {})[route.source.set] = name
    return {first: sets for first, sets in shared.items() if set(sets.values()) != {first}}


def _program(configuration: Configuration, route: Route) -> Program:
    partner = configuration.partners.get(route.source.partner or "")
    rule = configuration.rule(route)
    deadline = configuration.deadline(route)
    within = route.reply.within or REPLY_WITHIN
    unknown = route.unknown_order
    return Program(
        route=route.id,
        format_name=route.source.format or CANONICAL,
        context=_context(configuration, route, partner),
        rule=rule,
        key_rules=configuration.key_rules(route.source.partner),
        follows=route.follows,
        partner=route.source.partner,
        unknown=UnknownOrder(
            None if unknown.to == "park" else Side(unknown.to), unknown.after.total_seconds()
        ),
        accept_by=partner.accept_by if partner is not None else UnitKind.SET,
        acknowledge=_acknowledge(configuration, route),
        control_numbers=_control_numbers(partner),
        resend=partner.resend.same_content if partner is not None else "acknowledge",
        resend_window=(partner.resend if partner is not None else Resend()).window,
        deadlines=Deadlines(deadline.rush.total_seconds(), deadline.other.total_seconds()),
        is_urgent=route.urgent,
        reply=route.reply.mode,
        reply_within_s=within.total_seconds(),
        size_bytes_max=configuration.gateway.limits.body_bytes_max,
        writes=writes_of(configuration, route),
        crosswalks=crosswalks_of(configuration, route),
        is_evidence=route.evidence,
        compare=_compare(configuration, route),
        from_side=route.source.side,
        owners=configuration.gateway.owners.declared(),
        tenant=_tenant(configuration, route),
    )


def _tenant(configuration: Configuration, route: Route) -> Tenant:
    """Give the ERP's tenant that a route's orders are in: that of its cloud target.

    What an ERP itself tells of has none: there it is where the route of its events looks things up.
    """
    tells = configuration.gives_erp_orders(route)
    looks = [
        each.targets.cloud
        for each in configuration.routes.values()
        if tells and each.source.endpoint == route.source.endpoint and route.id in (each.id, each.follows)
    ]
    own = next((each for each in (route.targets.cloud, *looks) if each is not None), None)
    if own is None:
        return Tenant()
    clouds = dict.fromkeys(each.targets.cloud for each in configuration.routes.values())
    is_own = {
        name: _tenant_of(configuration, name) == _tenant_of(configuration, own) for name in clouds if name
    }
    same = (own, *(name for name, is_same in is_own.items() if is_same and name != own))
    return Tenant(same, frozenset(name for name, is_same in is_own.items() if not is_same), tells)


def _tenant_of(configuration: Configuration, endpoint: str) -> tuple[str, str]:
    """Tell two tenants apart: by host, and by company where one host has several that number apart."""
    settings = configuration.endpoints[endpoint].settings
    base = str(getattr(settings, "base", endpoint))
    return urlsplit(base).netloc or base, str(getattr(getattr(settings, "defaults", None), "company", ""))


def _compare(configuration: Configuration, route: Route) -> CompareProgram | None:
    declared = route.compare
    if declared is None:
        return None
    factors = declared.factors
    return CompareProgram(
        evidence=declared.evidence,
        reads=declared.reads,
        within=declared.within,
        window=declared.window,
        rules=CompareRules(
            tolerate=tuple(Tolerance(each.path, each.abs, each.percent) for each in declared.tolerate),
            unordered=tuple(Unordered(each.path, each.by) for each in declared.unordered),
            ignore=tuple(ignored(each) for each in declared.ignore),
            untold=declared.untold,
            only=frozenset(declared.reads),
        ),
        factors=configuration.crosswalks.get(factors, factors) if factors is not None else None,
    )


def ignored(rule: IgnoreRule) -> Ignored:
    """Give an ignore as comparisons take it."""
    is_pair = rule.legacy is not None and rule.cloud is not None
    pair = (rule.legacy or "", rule.cloud or "") if is_pair else None
    return Ignored(rule.path, rule.until, rule.why, pair)


def writes_of(configuration: Configuration, route: Route) -> dict[str, Writing]:
    """Give how documents are written for those of a route's targets that take bytes."""
    found: dict[str, Writing] = {}
    for target, declared in route.write.items():
        name = declared.partner or route.source.partner
        partner = configuration.partners.get(name or "")
        partner_settings = partner.adapters.get(declared.format) if partner is not None else None
        found[target] = Writing(
            format_name=declared.format,
            emitter=f"{name or route.id}>{target}",
            settings=declared.settings,
            partner_settings=partner_settings,
            zone=configuration.zone(name),
            control_numbers=_control_numbers(partner),
            library=library_for(configuration.library, declared.settings, partner_settings),
            content_type=next(iter(adapters()[declared.format].content_types), ""),
        )
    return found


def crosswalks_of(configuration: Configuration, route: Route) -> dict[str, str]:
    """Give the code tables that the route's mappings use, by the words that they use for them."""
    partner = configuration.partners.get(route.source.partner or "")
    named = [route.source.format_settings, *(partner.adapters.values() if partner is not None else ())]
    for declared in route.write.values():
        named.append(declared.settings)
        other = configuration.partners.get(declared.partner or "")
        named += other.adapters.values() if other is not None else ()
    library = library_for(configuration.library, *named)
    words = {word for each in library.mappings.values() for word in crosswalk_words(each.text, each.file)}
    return {word: configuration.crosswalks.get(word, word) for word in sorted(words)}


def _context(configuration: Configuration, route: Route, partner: Partner | None) -> DecodeContext:
    limits = configuration.gateway.limits
    format_name = route.source.format or CANONICAL
    partner_settings = partner.adapters.get(format_name) if partner is not None else None
    endpoint = configuration.endpoints.get(route.source.endpoint or "")
    return DecodeContext(
        source=route.id,
        environment=configuration.gateway.environment,
        partner=route.source.partner,
        partner_settings=partner_settings,
        settings=route.source.format_settings,
        endpoint_settings=endpoint.settings if endpoint is not None else None,
        library=library_for(configuration.library, partner_settings, route.source.format_settings),
        zone=configuration.zone(route.source.partner),
        bounds=Bounds(
            size_bytes_max=limits.body_bytes_max,
            set_bytes_max=limits.set_bytes_max,
            segments_max=limits.segments_max,
        ),
    )


def _acknowledge(configuration: Configuration, route: Route) -> AcknowledgePolicy:
    declared = configuration.acknowledge(route)
    if declared is None:
        return AcknowledgePolicy()
    return AcknowledgePolicy(
        declared.type, declared.by, declared.to, declared.within.total_seconds(), declared.expected
    )


def _control_numbers(partner: Partner | None) -> ControlNumbers:
    declared = partner.control_numbers if partner is not None else None
    return ControlNumbers() if declared is None else ControlNumbers(declared.lowest, declared.highest)


def retry_policies(configuration: Configuration) -> dict[str, RetryPolicy]:
    """Give each endpoint the policy of the routes that deliver there; the most patient one wins."""
    policies: dict[str, RetryPolicy] = {}
    for route in configuration.routes.values():
        policy = configuration.retry_policy(route)
        acknowledge = configuration.acknowledge(route)
        answers_to = acknowledge.to if acknowledge is not None and acknowledge.to != REPLY else None
        for target in (route.targets.legacy, route.targets.cloud, route.targets.supplier, answers_to):
            known = policies.get(target) if target else None
            if target and (known is None or policy.attempts_max > known.attempts_max):
                policies[target] = policy
    return policies
