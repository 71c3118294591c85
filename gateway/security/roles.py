"""Who may do what: roles, and the routes that they are for. Pure.

A role includes those before it. A grant holds for routes by id, or by their beginning (``po.*``); only
``*`` covers what is about no one route: code tables, the audit log, the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles, each including those before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    MIGRATOR = "migrator"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Tell whether who has this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, for some routes."""

    role: Role
    routes: tuple[str, ...] = ("*",)
    approves: tuple[str, ...] = ()  # as whom its holder may approve of a route's move

    def covers(self, route: str | None) -> bool:
        """Tell whether it is for a route; None: for what is about no one route."""
        if "*" in self.routes:
            return True
        if route is None:
            return False
        return any(
            route == each or (each.endswith("*") and route.startswith(each.removesuffix("*")))
            for each in self.routes
        )


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as a verified token says. ``name`` goes to the audit log: the issuer's own id, no alias."""

    name: str
    grants: tuple[Grant, ...]

    def may(self, role: Role, route: str | None) -> bool:
        """Tell whether it may act in a role on a route."""
        return any(each.role.includes(role) and each.covers(route) for each in self.grants)

    def may_approve(self, word: str, route: str) -> bool:
        """Tell whether it may approve of a route's move as this word says: as supply-chain, as audit."""
        return any(word in each.approves and each.covers(route) for each in self.grants)

    def has(self, role: Role) -> bool:
        """Tell whether it may act in a role on any route at all."""
        return any(each.role.includes(role) for each in self.grants)


_ROLES: Mapping[str, Role] = {
    "exceptions.retry": Role.OPERATOR,
    "exceptions.resolve": Role.OPERATOR,
    "alarms.acknowledge": Role.OPERATOR,
    "messages.replay": Role.OPERATOR,
    "routes.approve": Role.VIEWER,  # who approves need not be able to move it; ``approves`` says as whom
    "messages.documents_unmasked": Role.ADMIN,  # free text
    "diffs.values": Role.ADMIN,  # prices
}
"""Of changes that are not a migrator's."""


def role_for(verb: str, changes: Iterable[str]) -> Role:
    """Give the role that a verb needs: reading a viewer's, a change a migrator's if nothing says else."""
    if verb in _ROLES:
        return _ROLES[verb]
    return Role.MIGRATOR if verb in changes else Role.VIEWER
