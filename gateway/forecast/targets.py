"""The pure halves of all endpoints of a configuration, without their wires, secrets or sessions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from adapters.base import Clock, Library, Rng, Target
from adapters.base.registry import EndpointError, EndpointSetup, adapters
from gateway.config import Configuration, Endpoint
from gateway.config.named_texts import library_for
from gateway.erp.kinds import erp_kinds

log = logging.getLogger("legacy_bridge.forecast")


def targets_of(configuration: Configuration, clock: Clock, rng: Rng) -> Mapping[str, Target]:
    """Give the target of each endpoint that can be delivered to. Errors: EndpointError."""
    found: dict[str, Target] = {}
    for name, endpoint in configuration.endpoints.items():
        texts = library_for(configuration.library, endpoint.settings)
        target = _target(name, endpoint, texts, clock, rng)
        if target is not None:
            found[name] = target
    return found


def _target(name: str, endpoint: Endpoint, texts: Library, clock: Clock, rng: Rng) -> Target | None:
    if endpoint.settings is None:
        return None
    erp = erp_kinds().get(endpoint.kind)
    if erp is not None:
        return erp.target(name, endpoint.settings)
    adapter = adapters().get(endpoint.kind)
    if adapter is None or adapter.target is None:
        return None
    setup = EndpointSetup(name, endpoint.environment, endpoint.settings, clock, rng, _no_secret)
    try:
        return adapter.target(replace(setup, library=texts))
    except EndpointError:
        log.warning("forecast.endpoint_unreadable endpoint=%s", name)
        raise


def _no_secret(reference: str) -> str:
    """Refuse: what only says what would be sent opens no secret."""
    raise LookupError(f"{reference} is not opened for a plan")
