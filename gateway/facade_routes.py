"""Facades from the configuration: each served endpoint's adapter, its routes, and what they may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.base import Clock, Rng
from adapters.base.registry import FacadeRoute, FacadeSetup, adapters
from gateway.api.facades import Served, ServedRoute
from gateway.compiling import REPLY_WITHIN
from gateway.config import Configuration, Route
from gateway.config.named_texts import library_for
from gateway.destinations import endpoint_setup
from gateway.http_routes import contract_headers
from gateway.journal.types import StageState
from gateway.program import Program
from gateway.stage import Stage


def served_facades(
    configuration: Configuration, clock: Clock, rng: Rng, secret: Callable[[str], str]
) -> list[Served]:
    """Build every facade that routes take messages from. It may read files and take a second.

    Errors: FacadeError, for whatever an adapter raises.
    """
    found = []
    for name, endpoint in configuration.endpoints.items():
        made = adapters().get(endpoint.kind)
        routes = [route for route in configuration.routes.values() if route.source.endpoint == name]
        if made is None or made.facade is None or not routes:
            continue
        setup = FacadeSetup(
            endpoint=endpoint_setup(name, endpoint, clock, rng, secret),
            routes=tuple(_facade_route(route) for route in routes),
            library=library_for(configuration.library, *(route.source.format_settings for route in routes)),
            size_bytes_max=configuration.gateway.limits.body_bytes_max,
        )
        try:
            facade = made.facade(setup)
        except Exception as error:
            raise FacadeError(f"endpoint '{name}' cannot be served: {error}") from error
        found.append(Served(name, facade, {route.id: _served(configuration, route) for route in routes}))
    _check_paths(found)
    return found


def untouched_routes(routes: Mapping[str, Program], stages: Mapping[str, StageState]) -> frozenset[str]:
    """Name the routes whose calls go on to legacy unchanged, by the stages of now."""
    return frozenset(
        name
        for name, program in routes.items()
        if program.reply in ("pass_through", "query")
        and (state := stages.get(program.stage_route)) is not None
        and state.stage in (Stage.LEGACY, Stage.SHADOW)
    )


class FacadeError(Exception):
    """A facade cannot be built; the text says which and why."""


def _check_paths(served: list[Served]) -> None:
    owners: dict[str, str] = {}
    for each in served:
        for path in each.facade.paths:
            if path.startswith("/v1/") or path in ("/healthz", "/readyz"):
                raise FacadeError(
                    f"endpoint '{each.endpoint}' cannot be served under {path}: it is the gateway's own"
                )
            if (first := owners.setdefault(path, each.endpoint)) != each.endpoint:
                raise FacadeError(f"endpoints '{first}' and '{each.endpoint}' are both served under {path}")


def _facade_route(route: Route) -> FacadeRoute:
    return FacadeRoute(
        route=route.id,
        set_type=route.source.set,
        settings=route.source.format_settings,
        partner=route.source.partner,
        reply=route.reply.mode,
        identity=route.source.identity,
    )


def _served(configuration: Configuration, route: Route) -> ServedRoute:
    partner = configuration.partners.get(route.source.partner or "")
    within = route.reply.within or REPLY_WITHIN
    return ServedRoute(
        route=route.id,
        partner=route.source.partner,
        must_prove=partner is not None and bool(partner.certificates),
        reply=route.reply.mode,
        within_s=within.total_seconds(),
        headers=contract_headers(route),
    )
