"""A claimed delivery as its target is asked about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from adapters.base import Alias, AliasKind, Delivery, Origin
from gateway.journal.types import ClaimedDelivery


def delivery_of(claimed: ClaimedDelivery) -> Delivery:
    """Give what a target is asked about."""
    return Delivery(
        delivery_id=claimed.claim.delivery_id,
        message_id=claimed.message_id,
        target=claimed.target,
        role=claimed.role,
        reference=claimed.reference,
        # What was written for its target (the route's ``write``) is bytes to it, whatever it was before.
        canonical=claimed.document if claimed.body == claimed.document else None,
        body=claimed.body,
        origin=_origin(claimed),
        document_key=claimed.document_key,
        order_key=claimed.order_keys[0] if claimed.order_keys else None,
        correlation_id=claimed.correlation_id,
        accepted_at=claimed.accepted_at,
        is_urgent=claimed.is_urgent,
        aliases=names_at(claimed.target, claimed.aliases),
        transmitter=claimed.transmitter,
        route=claimed.route,
        steps_before_retry=_before_retry(claimed),
    )


def _origin(claimed: ClaimedDelivery) -> Origin:
    """Give where the message came from, with the content type of what goes out."""
    if claimed.content_type in ("", claimed.origin.content_type):
        return claimed.origin
    return replace(claimed.origin, content_type=claimed.content_type)


def _before_retry(claimed: ClaimedDelivery) -> int:
    """Count the steps that were begun before a person's retry, which has the first attempt yet to come."""
    since = claimed.first_attempt_at
    older = takewhile(lambda each: since is None or each.started_at < since, claimed.steps)
    return sum(1 for _ in older)


def names_at(target: str, aliases: Sequence[Alias]) -> tuple[Alias, ...]:
    """Give an order's names as one endpoint may take them: the ERP's own are those that it told itself.

    Where it told none (orders and receipts go to one ERP by two endpoints, say), all of them are given.
    """
    told = [each for each in aliases if each.kind is AliasKind.ERP and each.target in (None, target)]
    others = [each for each in aliases if each.kind is not AliasKind.ERP]
    return (*others, *told) if told else tuple(aliases)
