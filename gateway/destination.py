"""One endpoint to deliver to."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.base import Sink, Target
from gateway.erp.limits import TargetHealth
from gateway.outcome import RetryPolicy
from gateway.shadowing import RENDERS, ShadowLeg


@dataclass(frozen=True, slots=True)
class Destination:
    """One endpoint to deliver to: its pure half, its wire, and what it can take."""

    name: str
    target: Target
    sink: Sink
    health: TargetHealth
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    shadow: ShadowLeg = RENDERS  # what shadow deliveries may do here; questions are asked

    @property
    def is_tenant(self) -> bool:
        """Tell whether this is a shadow's own tenant: nothing live is ever delivered there."""
        return self.shadow.mode != "render"
