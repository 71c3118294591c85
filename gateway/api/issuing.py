"""From ``gateway.admin`` in the configuration to the issuers whose tokens are believed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from adapters.base import Clock
from gateway.config import Configuration
from gateway.config.admin import AdminIssuer
from gateway.security.bearer import TokenRules
from gateway.security.issuers import Issuers, IssuerSetup
from gateway.security.roles import Grant


def issuers_of(configuration: Configuration, clock: Clock, secret: Callable[[str], str]) -> Issuers | None:
    """Give the issuers; None where no admin API is declared."""
    admin = configuration.gateway.admin
    if admin is None:
        return None
    return Issuers([_setup(each) for each in admin.issuers], clock, secret)


def _setup(issuer: AdminIssuer) -> IssuerSetup:
    rules = TokenRules(
        issuer=issuer.issuer,
        audience=issuer.audience,
        algorithms=tuple(issuer.algorithms),
        roles_claim=issuer.roles_claim,
        grants=tuple((each.holds, Grant(each.role, each.routes, each.approves)) for each in issuer.grants),
        leeway_s=int(issuer.leeway.total_seconds()),
    )
    file = Path(issuer.jwks_file) if issuer.jwks_file is not None else None
    return IssuerSetup(rules, issuer.jwks, file, issuer.ca)
