"""What a reload may change: nothing that journal keys rest on, and nothing that only a start reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding
from gateway.config.configuration import Configuration

_FIXED = {
    "environment": "a gateway stays test or production for life; run another one, with its own journal",
    "organisation": "every order key begins with it, and open orders would not be found again; restart to "
    "change it",
    "organisations": "order keys begin with them, and open orders would not be found again; restart to "
    "change them",
    "journal": "the running gateway holds the one that it has; restart to move to another one",
    "journal_key": "the running gateway has opened its journal with another one; restart to change it",
}


class ReloadError(Exception):
    """A configuration cannot replace the one in force; ``findings`` say why, and nothing was changed."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("a running gateway does not take this over; nothing was changed")
        self.findings = findings


def refused_changes(running: Configuration, changed: Configuration) -> tuple[Finding, ...]:
    """Give a finding for each setting that a running gateway never takes over."""
    return tuple(
        Finding(
            "CONFIG-RELOAD", changed.places.at("gateway", "", name), f"gateway.{name} is another one: {why}"
        )
        for name, why in _FIXED.items()
        if getattr(running.gateway, name) != getattr(changed.gateway, name)
    )


def waiting_for_restart(started: Configuration, changed: Configuration) -> tuple[str, ...]:
    """Name each setting that is another one than at the start and that only a start reads."""
    return tuple(_waiting(started, changed))


def _waiting(started: Configuration, changed: Configuration) -> Iterator[str]:
    before, now = started.gateway, changed.gateway
    for name in ("http", "https", "tls"):
        if getattr(before.listen, name) != getattr(now.listen, name):
            yield f"gateway.listen.{name}"
    if before.workers != now.workers:
        yield "gateway.workers"
    if before.control_socket_path != now.control_socket_path:
        yield "gateway.control_socket"
    if before.limits.requests_max != now.limits.requests_max:
        yield "gateway.limits.requests_max"
    if started.defaults.lease != changed.defaults.lease:
        yield "defaults.lease"
