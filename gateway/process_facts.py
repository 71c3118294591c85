"""What only a running process knows, for ``status``: since when it runs, and what it leaves alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.base import Clock, Source, TroubledSink, TroubledSource
from gateway.delivery import Destination


def process_facts(
    started_at: datetime | None,
    revision: int,
    destinations: Mapping[str, Destination],
    sources: Mapping[str, Source],
    clock: Clock,
) -> Mapping[str, Any]:
    """Give the facts as plain values."""
    monotonic = clock.monotonic()
    waiting = {name: each.health.reason(monotonic) for name, each in destinations.items()}
    return {
        "pid": os.getpid(),
        "started_at": started_at.isoformat() if started_at is not None else None,
        "configuration_revision": revision,
        "targets_left_alone": {name: reason for name, reason in waiting.items() if reason},
        "targets_that_need_a_person": {
            name: each.sink.trouble
            for name, each in destinations.items()
            if isinstance(each.sink, TroubledSink) and each.sink.trouble
        },
        "sources_standing_still": {
            name: source.trouble
            for name, source in sources.items()
            if isinstance(source, TroubledSource) and source.trouble
        },
    }
