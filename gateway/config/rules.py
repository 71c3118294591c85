"""What no single entry can tell: names that must exist, and settings that must fit each other. Pure.

Each rule gives findings and looks at nothing but the draft; they stand in the modules named here. Rules
about a route's stage are apart (``stage_rules``), since ``routes set`` asks them again about the stage that
somebody wants.
"""

from __future__ import annotations

from itertools import chain

from adapters.base import Finding
from gateway.config.catalogue import Catalogue
from gateway.config.compare_rules import comparisons, evidence, gates, shadow_endpoints
from gateway.config.configuration import Configuration
from gateway.config.draft import Draft, draft_of
from gateway.config.endpoint_rules import feeds, unused
from gateway.config.gateway_rules import admin_fits, gateway_fits, listeners
from gateway.config.named_texts import mapping_files, partner_texts, route_texts
from gateway.config.ownership_rules import back_syncs
from gateway.config.partner_rules import partner_environments, partners_fit
from gateway.config.reply_rules import replies
from gateway.config.route_rules import (
    acknowledgments,
    claims,
    contracts,
    followers,
    identities,
    loops,
    references,
    sources,
)
from gateway.config.stage_rules import stage_findings
from gateway.stage import Stage


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


def stage_findings_of(
    configuration: Configuration, route: str, stage: Stage, catalogue: Catalogue
) -> list[Finding]:
    """Give what keeps a route from moving to a stage; ``routes set`` asks before it changes anything."""
    draft = draft_of(configuration, catalogue)
    return list(stage_findings(draft, configuration.routes[route], stage))
