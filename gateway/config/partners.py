"""``partners:`` in routes.yaml: who sends and receives, by which rules, and who acknowledges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, Field, SerializeAsAny

from adapters.base import Environment, UnitKind
from adapters.base.settings import Duration, Settings, Zone
from canonical.keys import NumberRule
from canonical.scalars import Code


class NumberRules(Settings):
    """How this partner's numbers are brought to the form that keys use; documents keep them as sent."""

    order: NumberRule = NumberRule()
    """Purchase order numbers."""

    release: NumberRule = NumberRule()
    """Release numbers of blanket orders."""

    invoice: NumberRule = NumberRule()
    """Invoice numbers."""

    receipt: NumberRule = NumberRule()
    """Goods receipt numbers."""

    requisition: NumberRule = NumberRule()
    """Requisition numbers."""

    shipment: NumberRule = NumberRule()
    """Shipment numbers."""


class Resend(Settings):
    """What becomes of a document that this partner sends again under another arrival key."""

    same_content: Literal["acknowledge", "ignore", "park"] = "acknowledge"
    """Same key and content: answer it as the first one, say nothing, or let a person look."""

    window: Duration = timedelta(days=30)
    """How long the same document counts as sent again; after that a person looks at it, whatever was said."""


class Acknowledge(Settings):
    """Who tells the sender that a message was understood; exactly one side does."""

    type: Literal["997", "999", "none"]
    """Which acknowledgment is written. Source: X12 997 (004010), 999 (005010X231)."""

    by: Literal["auto", "gateway", "legacy"] = "auto"
    """Who writes it. `auto`: legacy while its route is in stage legacy or shadow, else the gateway."""

    to: str | None = None
    """Endpoint that takes the gateway's acknowledgment, or `reply`: the answer to the same request."""

    within: Duration = timedelta(minutes=15)
    """When one that was not delivered raises an alarm."""

    expected: bool = False
    """Whether what goes on to legacy in envelopes of ours is acknowledged by it: its 997 is consumed here,
    and one that does not come `within` is an exception."""


class ControlNumbers(Settings):
    """The gateway's own range of interchange control numbers towards this partner.

    Each emitter has its own range, so that a partner's check for repeats never meets the same number
    from legacy and from us. Source: X12 ISA13 (I12, N0 9/9).
    """

    lowest: int = Field(ge=1, le=999_999_999)
    """First number."""

    highest: int = Field(ge=1, le=999_999_999)
    """Last number; the first one follows it."""


class Partner(Settings):
    """One trading partner, or one legacy system as the sender of documents."""

    environment: Environment
    """Whether its traffic is test or production; must agree with `gateway.environment`."""

    zone: Zone | None = None
    """Zone of its dates that carry none. Default: `gateway.zone`."""

    owner: str | None = None
    """Who here looks after this partner."""

    supplier: Code | None = None
    """The supplier that this partner is; part of the keys of its documents."""

    number_rules: NumberRules = NumberRules()
    """How its numbers are brought to one form."""

    resend: Resend = Resend()
    """What becomes of documents sent again."""

    accept_by: UnitKind = UnitKind.SET
    """What is accepted or refused as a whole: `set`, `group`, `interchange` or `file`."""

    acknowledge: Acknowledge | None = None
    """Who acknowledges. Without it nobody does."""

    control_numbers: ControlNumbers | None = None
    """Our interchange control numbers towards it; needed where the gateway writes envelopes."""

    certificates: tuple[str, ...] = ()
    """Client certificates that prove it is this partner: `sha256:HEX` of the certificate, or a
    name in it: `cn:mms`, `dns:mms.example.org`, `ip:...`, `email:...`, `uri:...`."""

    adapters: Mapping[str, SerializeAsAny[BaseModel]] = Field(
        default_factory=dict, validation_alias="(adapters)"
    )
    """Settings for one adapter, by its name, of the adapter's own partner model."""
