"""What a waiting caller is told of its message, in the gateway's own words. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.base import Answered
from gateway.journal.types import DeliveryState, DeliveryView

DELIVERED = 200
GONE = 410
PROBLEM = "application/problem+json"


def result_of(message_id: str, live: list[DeliveryView]) -> Answered | None:
    """Give the answer that ended deliveries amount to; None while one is still on its way."""
    stopped = [view for view in live if view.state is DeliveryState.PARKED]
    if stopped:
        return parked(message_id, [finding.to_json() for view in stopped for finding in view.findings])
    standing = [view for view in live if view.state is not DeliveryState.SUPERSEDED]
    if any(view.state not in (DeliveryState.DONE, DeliveryState.VOID) for view in standing):
        return None
    newest = max((view.generation for view in standing), default=0)
    closed = [view for view in standing if view.state is DeliveryState.VOID and view.generation == newest]
    if closed:
        return _not_delivered(message_id, closed)
    deliveries = [
        {"target": view.target, "reference": view.target_reference}
        for view in standing
        if view.state is DeliveryState.DONE
    ]
    result = {"message_id": message_id, "state": "delivered", "deliveries": deliveries}
    return Answered(message_id, json.dumps(result).encode(), "application/json")


def parked(message_id: str, findings: Sequence[Mapping[str, Any]]) -> Answered:
    """Say that something of a message waits for a person, and why."""
    return _problem(message_id, {"title": "parked", "message_id": message_id, "findings": findings}, 422)


def forgotten(message_id: str) -> Answered:
    """Say that a message was answered, and that retention has taken the answer."""
    detail = "it was taken and answered, and its answer is no longer kept; do not send it again"
    return _problem(
        message_id, {"title": "answered before", "detail": detail, "message_id": message_id}, GONE
    )


def _not_delivered(message_id: str, closed: list[DeliveryView]) -> Answered:
    """Say that a message was closed without being delivered: by a person, or with the unit it stood in."""
    why = "; ".join(f"{view.target}: {view.reason or 'closed without being sent'}" for view in closed)
    detail = f"{why}. It was closed, and nothing sends it any more; ask the gateway's operators"
    return _problem(message_id, {"title": "not delivered", "detail": detail, "message_id": message_id}, 409)


def _problem(message_id: str, body: Mapping[str, Any], status: int) -> Answered:
    return Answered(message_id, json.dumps(body).encode(), PROBLEM, status=status)
