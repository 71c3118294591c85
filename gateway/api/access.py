"""Which routes a request is about, and what of an answer its sender may see.

A message, an exception, an order or a delivery belongs to a route; only who is granted that route may ask
about it. What is refused for its route is told as unknown: an id must not be confirmed to a stranger. What
is about no particular route needs a grant for all, unless it is a list, of which the rest is left out.
The audit log is shown whole or not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.operations import CHANGES, OperationError
from gateway.security.roles import Principal, Role

RoutesOf = Callable[[str], Awaitable[set[str]]]

APPROVE = "routes.approve"
WHOLE = frozenset({"audit.list"})
"""Lists whose entries name no route: a part of them would say that nothing else happened."""

SUBJECTS = ("message", "exception", "subject", "order", "orders", "keys", "key", "delivery")
"""Arguments that name a thing of some route."""


async def check(
    principal: Principal,
    role: Role,
    verb: str,
    arguments: Mapping[str, Any],
    routes_of: RoutesOf,
    *,
    gives_list: bool,
) -> None:
    """Let a request pass, before anything is done. Errors: OperationError ``forbidden`` or ``unknown``.

    ``routes_of``: the routes that a message's, an exception's or an order's name belongs to.
    """
    if not principal.has(role):
        raise OperationError("forbidden", f"this needs the role {role.value}; your token does not give it")
    if verb == APPROVE:
        _check_approval(principal, arguments)
    if principal.may(role, None):
        return
    names = _particular(arguments)
    if verb in WHOLE or (not names and (verb in CHANGES or not gives_list)):
        raise OperationError("forbidden", f"this is about all routes; it needs the role {role.value} on '*'")
    for is_route, name in names:
        routes = {name} if is_route else await routes_of(name)
        if not routes or not all(principal.may(role, route) for route in routes):
            text = f"'{name}' is not there, or your token gives no role {role.value} on its route"
            raise OperationError("unknown", text)


def _check_approval(principal: Principal, arguments: Mapping[str, Any]) -> None:
    """Let nobody approve as what the token does not say: four eyes count by what people are."""
    word, route = str(arguments.get("role", "")), str(arguments.get("route", ""))
    if not principal.may_approve(word, route):
        text = f"your token does not let you approve as '{word}'; gateway.admin grants it (approves)"
        raise OperationError("forbidden", text)


def visible(result: Any, principal: Principal, role: Role, arguments: Mapping[str, Any]) -> Any:
    """Leave out of a list what belongs to routes that are not granted, and what names none."""
    if principal.may(role, None) or not isinstance(result, list) or _particular(arguments):
        return result
    return [each for each in result if isinstance(each, Mapping) and _is_granted(each, principal, role)]


def _particular(arguments: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """Give what a request names, and whether each is a route itself."""
    found = []
    for name in ("route", *SUBJECTS):
        value = arguments.get(name)
        values = value if isinstance(value, list) else [value]
        found += [(name == "route", each) for each in values if isinstance(each, str)]
    return found


def _is_granted(entry: Mapping[str, Any], principal: Principal, role: Role) -> bool:
    route = entry.get("route")
    return isinstance(route, str) and principal.may(role, route)
