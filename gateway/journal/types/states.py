"""What a message, a delivery and an order may be."""

from __future__ import annotations

from enum import StrEnum


class MessageState(StrEnum):
    """Where a message stands. ACCEPTED and TRANSLATING are open work; the rest is settled."""

    ACCEPTED = "accepted"
    TRANSLATING = "translating"
    PLANNED = "planned"
    PARKED = "parked"
    REFUSED = "refused"


class DeliveryState(StrEnum):
    """Where a delivery stands. All but DONE, SUPERSEDED and VOID hold their lanes."""

    HELD = "held"  # until its acceptance unit is known good
    READY = "ready"
    CLAIMED = "claimed"  # leased to a worker, nothing sent
    ATTEMPTING = "attempting"  # leased, and a request may be under way
    WAITING = "waiting"  # resumes by itself at ``not_before``
    IN_DOUBT = "in_doubt"  # the next thing sent is a look-up on the same target
    PARKED = "parked"  # a person must look
    DONE = "done"
    SUPERSEDED = "superseded"  # a replay made a newer plan before this was ever attempted
    VOID = "void"  # its acceptance unit was refused, nobody waits for it any more, or a person closed it


FINISHED = frozenset({DeliveryState.DONE, DeliveryState.SUPERSEDED, DeliveryState.VOID})
BEING_SENT = frozenset({DeliveryState.CLAIMED, DeliveryState.ATTEMPTING})


class Side(StrEnum):
    """The system that owns an order."""

    LEGACY = "legacy"
    CLOUD = "cloud"


class Transmitter(StrEnum):
    """Who sends an order to the supplier: exactly one does."""

    LEGACY = "legacy"
    GATEWAY = "gateway"
    ERP = "erp"
    NONE = "none"
