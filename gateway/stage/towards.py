"""What goes where, once a document's side is known: live, as copy or shadow, to the supplier. Pure."""

from __future__ import annotations

from adapters.base import Finding, Position
from gateway.journal.types import Side, Transmitter
from gateway.stage.rules import Decision, Form, Intent, RouteRule, Stage


def towards(
    rule: RouteRule,
    stage: Stage | None,
    side: Side,
    transmitter: Transmitter,
    reason: str,
    *,
    revises: bool = False,
) -> Decision:
    """Give the deliveries of a document whose side is known.

    ``stage`` None: it follows an order, and opens nothing. ``revises``: the supplier must get it, too.
    """
    if rule.from_cloud and side is Side.CLOUD:
        return _onwards(rule, transmitter, reason)
    target = rule.legacy_target if side is Side.LEGACY else rule.cloud_target
    if target is None:
        finding = Finding(
            code="ROUTE-NO-TARGET",
            at=Position(rule.route),
            text=f"the document belongs to {side.value} ({reason}), and the route declares no "
            f"targets.{side.value}; add one, then retry this exception",
        )
        return Decision(None, transmitter, (), reason, findings=(finding,))
    intents = [Intent(target, "live", rule.legacy_form if side is Side.LEGACY else "canonical")]
    if side is Side.LEGACY and stage is Stage.SHADOW and rule.cloud_target is not None:
        intents.append(Intent(rule.shadow_target or rule.cloud_target, "shadow", "canonical"))
    if (
        side is Side.CLOUD
        and rule.copies_to_legacy
        and rule.legacy_target is not None
        and stage is not Stage.RETIRED
    ):
        intents.append(Intent(rule.legacy_target, "copy", rule.legacy_form))
    is_opening = stage is not None and stage is not Stage.RETIRED
    if side is Side.CLOUD and rule.closes_legacy and rule.legacy_target is not None and is_opening:
        intents.append(Intent(rule.legacy_target, "close", "canonical"))  # sent once the cloud has it
    is_for_supplier = stage is not None or revises
    if transmitter is Transmitter.GATEWAY and is_for_supplier and rule.supplier_target is not None:
        form: Form = "canonical" if rule.writes_supplier else "as_received"
        intents.append(Intent(rule.supplier_target, "live", form))
    return Decision(side, transmitter, tuple(intents), reason)


def _onwards(rule: RouteRule, transmitter: Transmitter, reason: str) -> Decision:
    """Send on what the ERP has: to the supplier where the gateway transmits, as a copy to legacy."""
    intents = []
    if transmitter is Transmitter.GATEWAY and rule.supplier_target is not None:
        intents.append(Intent(rule.supplier_target, "live", "canonical"))
    if rule.copies_to_legacy and rule.legacy_target is not None:
        intents.append(Intent(rule.legacy_target, "copy", "canonical"))
    return Decision(Side.CLOUD, transmitter, tuple(intents), reason)
