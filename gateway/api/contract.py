"""The admin API's contract: which path and method is which verb of the gateway. Pure.

The server, the OpenAPI document and the command line's client read the same table. A verb without a line
of its own is a resource below ``/v1/verbs``, so that nothing which a gateway can be asked is out of reach.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints
from urllib.parse import quote

from pydantic import TypeAdapter

from gateway.inlets.lifecycle import lifecycle_headers
from gateway.operations import CHANGES
from gateway.operations.verbs import VERBS
from gateway.security.roles import Role, role_for

PREFIX = "/v1"
LIFECYCLE = lifecycle_headers(deprecated=None, sunset=None)  # of version 1 of this API: nothing of it ends
WHO = "who"  # never a parameter here: it is who holds the token

_TABLE = """
GET    /status                          status
GET    /routes                          routes.list
GET    /routes/{route}                  routes.show
PUT    /routes/{route}/stage            routes.set
POST   /routes/{route}/revocations      routes.revoke
POST   /routes/{route}/dossier          routes.dossier
GET    /drift                           routes.diff
GET    /orders                          orders.list
GET    /orders/{order}                  orders.show
GET    /orders/{order}/exceptions       exceptions.of
POST   /orders/close                    orders.close
GET    /messages                        messages.list
GET    /messages/{message}              messages.show
GET    /messages/{message}/documents    messages.documents
POST   /messages/{message}/replay       messages.replay
GET    /explain/{subject}               explain
GET    /exceptions                      exceptions.list
GET    /exceptions/{exception}          exceptions.show
POST   /exceptions/{exception}/retry    exceptions.retry
POST   /exceptions/{exception}/resolve  exceptions.resolve
POST   /alarms/{message}/acknowledge    alarms.acknowledge
GET    /diffs                           diffs.list
GET    /diffs/{}                        diffs.show
POST   /diffs/{}/accept                 diffs.accept
POST   /plan                            plan
GET    /crosswalks                      crosswalk.list
GET    /crosswalks/{table}              crosswalk.show
GET    /audit                           audit.list
GET    /audit/verification              audit.verify
"""
"""Method, path below ``/v1``, verb. ``{}``: the verb's first parameter."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a verb. ``schema``: JSON Schema of it; ``definitions``: what that refers to."""

    name: str
    schema: Mapping[str, Any]
    definitions: Mapping[str, Any]
    is_required: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """One path and method."""

    method: str
    path: str  # with {names}, the prefix in front
    verb: str
    summary: str
    role: Role
    in_path: tuple[Parameter, ...]
    others: tuple[Parameter, ...]  # in the query of a GET, else in the body
    gives_list: bool

    @property
    def has_body(self) -> bool:
        """Tell whether its arguments stand in a JSON object."""
        return self.method != "GET"

    def address(self, arguments: Mapping[str, Any]) -> str:
        """Give the path with its names filled in, each as one segment."""
        filled = {each.name: quote(str(arguments[each.name]), safe="") for each in self.in_path}
        return self.path.format_map(filled)


@cache
def resources() -> tuple[Resource, ...]:
    """Give all resources; lines about verbs that this gateway does not have are left out."""
    found: list[Resource] = []
    for line in _TABLE.strip().splitlines():
        method, path, verb = line.split()
        if verb in VERBS:
            found.append(_resource(method, PREFIX + path, verb))
    named = {each.verb for each in found}
    found += [_resource("POST", f"{PREFIX}/verbs/{verb}", verb) for verb in VERBS if verb not in named]
    return tuple(found)


def resource_of(verb: str) -> Resource:
    """Give the resource of a verb. Errors: LookupError."""
    for each in resources():
        if each.verb == verb:
            return each
    raise LookupError(verb)


def _resource(method: str, path: str, verb: str) -> Resource:
    doing = VERBS[verb]
    parameters = list(_parameters(doing))
    if "{}" in path:
        path = path.replace("{}", f"{{{parameters[0].name}}}")
    in_path = tuple(each for each in parameters if f"{{{each.name}}}" in path)
    others = tuple(each for each in parameters if each not in in_path)
    summary = (inspect.getdoc(doing) or verb).partition("\n")[0]
    returns = str(get_type_hints(doing).get("return", ""))
    return Resource(
        method, path, verb, summary, role_for(verb, CHANGES), in_path, others, returns.startswith("list")
    )


def _parameters(doing: Callable[..., Awaitable[Any]]) -> Iterator[Parameter]:
    hints = get_type_hints(doing, include_extras=True)
    for name, each in inspect.signature(doing).parameters.items():
        if name in ("self", WHO):
            continue
        schema = TypeAdapter(hints[name]).json_schema(ref_template="#/components/schemas/{model}")
        definitions = schema.pop("$defs", {})
        is_required = each.default is inspect.Parameter.empty
        if not is_required and each.default is not None:
            schema["default"] = each.default
        yield Parameter(name, schema, definitions, is_required)
