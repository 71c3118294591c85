"""Settings of partners that must agree with themselves, with each other and with the gateway. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding
from gateway.config.draft import Draft
from gateway.config.endpoint_rules import can


def partners_fit(draft: Draft) -> Iterator[Finding]:
    """Settings of partners that must agree with themselves and with each other."""
    owners: dict[str, str] = {}
    for name, partner in draft.partners.items():
        here = ("partners", name)
        numbers = partner.control_numbers
        if numbers is not None and numbers.lowest > numbers.highest:
            text = f"lowest {numbers.lowest} is above highest {numbers.highest}; exchange them"
            yield draft.finding("CONFIG-VALUE", (*here, "control_numbers"), text)
        if (rule := partner.acknowledge) is not None and rule.type != "none":
            if rule.to is not None and rule.to != "reply":
                yield from draft.unknown("endpoints", rule.to, (*here, "acknowledge", "to"), also=("reply",))
                yield from can(draft, rule.to, (*here, "acknowledge", "to"), sends=True)
            if rule.to is None and rule.by != "legacy":
                text = (
                    "the gateway acknowledges, and nothing says where to; expected to: ENDPOINT, or to: reply"
                )
                yield draft.finding("CONFIG-ACKNOWLEDGE", (*here, "acknowledge"), text)
        for index, certificate in enumerate(partner.certificates):
            if (first := owners.setdefault(certificate, name)) != name:
                text = f"partner '{first}' is proven by the same certificate; each needs its own"
                yield draft.finding("CONFIG-CLAIM", (*here, "certificates", index), text)


def partner_environments(draft: Draft) -> Iterator[Finding]:
    """Partners are of the gateway's environment."""
    for name, partner in draft.partners.items():
        if draft.gateway is not None and partner.environment != draft.gateway.environment:
            text = (
                f"a {partner.environment} partner in a {draft.gateway.environment} gateway; "
                "test and production never touch: run a gateway for each"
            )
            yield draft.finding("CONFIG-ENVIRONMENT", ("partners", name, "environment"), text)
