"""What a target would be sent, as far as it can be said without the other side's answers. Pure.

A live delivery is sent the whole series of requests, a shadow keeps the one that would write. Which
requests those are, `gateway.rehearsal` says for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters.base import Delivery, Finding, Position, Request, Stuck, Target
from gateway.rehearsal import rehearsed, walked
from gateway.shadowing import is_question


@dataclass(frozen=True, slots=True)
class Rendered:
    """The requests in their order; ``findings`` where the target refuses the document by itself."""

    requests: tuple[Request, ...]
    findings: tuple[Finding, ...] = ()


def shadow_rendered(target: Target, delivery: Delivery, mode: str, now: datetime) -> Rendered:
    """Give what a shadow keeps, or asks: it never writes but in a sandbox. ``mode``: the leg's."""
    first = target.next_request(delivery, (), now)
    if mode == "sandbox" or is_question(first):
        return rendered(target, delivery, now)
    following = rehearsed(target, delivery, now)
    if isinstance(following, Stuck):
        return Rendered((), following.findings)
    return Rendered((following,) if following is not None else ())


def rendered(target: Target, delivery: Delivery, now: datetime) -> Rendered:
    """Give what a delivery would be sent. A target that breaks is told as delivering tells it."""
    requests: list[Request] = []
    try:
        for each in walked(target, delivery, now):
            if isinstance(each, Stuck):
                return Rendered(tuple(requests), each.findings)
            requests.append(each)
    except Exception as error:  # noqa: BLE001  delivering parks it in the same way
        if not requests:
            text = f"{type(error).__name__}: {error}"
            at = Position(delivery.target, path=delivery.delivery_id)
            return Rendered((), (Finding("DELIVERY-FAILED", at, text),))
    return Rendered(tuple(requests))
