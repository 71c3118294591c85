"""The routes that messages reach over HTTP, as the HTTP application takes them, from the configuration.

Reads the files that a route answers with; decides nothing about a request, which is ``http_inlet``'s.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from adapters.base.registry import adapter
from gateway.acknowledging import REPLY
from gateway.canonical_json import NAME as CANONICAL
from gateway.compiling import REPLY_WITHIN
from gateway.config import Configuration, Route
from gateway.config.routes import PENDING_REFERENCE
from gateway.inlets.http_inlet import ANY_CONTENT_TYPE, HttpIdentity, HttpInlet
from gateway.inlets.lifecycle import lifecycle_headers

JSON = "application/json"


def http_inlets(configuration: Configuration) -> list[HttpInlet]:
    """Give the routes that messages reach over HTTP. Errors: OSError for an answer that cannot be read."""
    return [_inlet(configuration, route) for route in configuration.routes.values() if route.source.http]


def _inlet(configuration: Configuration, route: Route) -> HttpInlet:
    name = route.source.partner
    partner = configuration.partners.get(name or "")
    must_prove = partner is not None and bool(partner.certificates)
    acknowledge = configuration.acknowledge(route)
    answers_with_acknowledgment = acknowledge is not None and acknowledge.to == REPLY
    within = route.reply.within or REPLY_WITHIN
    pending, pending_content_type = _pending(route)
    return HttpInlet(
        route=route.id,
        document=route.source.document,
        identity=_identity(route),
        partner=name,
        needs_certificate=must_prove,
        partners=frozenset({name}) if must_prove and name is not None else frozenset(),
        content_types=_content_types(route),
        size_bytes_max=configuration.gateway.limits.body_bytes_max,
        reply="wait" if answers_with_acknowledgment else route.reply.mode,
        reply_within_s=within.total_seconds(),
        pending=pending,
        pending_content_type=pending_content_type,
        headers=contract_headers(route),
    )


def contract_headers(route: Route) -> tuple[tuple[str, str], ...]:
    """Give the headers that tell a route's senders how long its contract holds."""
    contract = route.contract
    if contract is None:
        return ()
    return lifecycle_headers(contract.deprecated, contract.sunset, contract.successor, contract.notice)


def _content_types(route: Route) -> tuple[str, ...]:
    """Give what the body's form may be called; an adapter that names nothing takes anything."""
    if route.source.format is None or route.source.format == CANONICAL:
        return (JSON,)
    return adapter(route.source.format).content_types or ANY_CONTENT_TYPE


def _pending(route: Route) -> tuple[bytes | None, str]:
    """Give what a caller of ``wait`` gets when time is up; None for our own JSON. Errors: OSError."""
    path = route.reply.pending
    if path is None or path == PENDING_REFERENCE:
        return None, JSON
    return Path(path).read_bytes(), mimetypes.guess_type(path)[0] or "application/octet-stream"


def _identity(route: Route) -> HttpIdentity:
    match route.source.identity:
        case "idempotency_key" | "control_numbers" as identity:
            return identity
        case _:
            return "none"
