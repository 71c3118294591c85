"""What an outcome changes at a target, told to the log: once per change, not once per attempt.

A person who reads only the log at night learns here that an ERP refuses us, or was left alone. It decides
nothing: the target's health does.
"""

from __future__ import annotations

import logging

from adapters.base import Outcome
from gateway.erp.limits import TargetHealth

log = logging.getLogger("legacy_bridge.delivery")

REASON_MAX = 300  # characters; the whole reason stands in the journal


def learn(target: str, health: TargetHealth, outcome: Outcome, now: float) -> None:
    """Have a target's health learn from an outcome, and log what that changed."""
    was_left_alone, was_refused = health.is_left_alone, health.is_refused
    health.on_outcome(outcome, now)
    if (health.is_left_alone, health.is_refused) == (was_left_alone, was_refused):
        return
    reason = " ".join(str(getattr(outcome, "reason", "")).split())[:REASON_MAX]
    if health.is_refused and not was_refused:
        log.warning("target.credentials_refused target=%s reason=%s", target, reason)
    if health.is_left_alone and not was_left_alone:
        log.warning("target.left_alone target=%s reason=%s", target, reason)
    if (was_left_alone or was_refused) and not (health.is_left_alone or health.is_refused):
        log.warning("target.answers_again target=%s", target)
