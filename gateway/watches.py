"""Who is told in time, by a configuration: of what is late, and of certificates that end."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.base import Clock
from gateway.alarms import AlarmLoop, Send
from gateway.config import Configuration
from gateway.config import check as check_presence
from gateway.expiry import ExpiryLoop
from gateway.journal.base import Journal


def alarm_loop(
    configuration: Configuration, journal: Journal, clock: Clock, senders: Sequence[Send]
) -> AlarmLoop:
    """Give the loop that tells of what is late."""
    every = [configuration.patience(name, rush) for name in configuration.routes for rush in (True, False)]

    def told(route: str) -> tuple[str, ...]:
        found = configuration.routes.get(route)
        return configuration.deadline(found).tell if found is not None else ()

    return AlarmLoop(
        journal,
        clock,
        senders,
        repeat=configuration.gateway.alarms.repeat,
        patience=configuration.patience,
        patience_least=min(every, default=configuration.defaults.deadline.rush),
        tell=told,
    )


def expiry_loop(configuration: Configuration, clock: Clock, senders: Sequence[Send]) -> ExpiryLoop:
    """Give the loop that tells of certificates that end."""
    return ExpiryLoop(lambda now: check_presence(configuration, live=False, now=now), clock, senders)
