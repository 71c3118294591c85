"""What a run says would become of each message. Plain values, handed over between processes. Pure.

The words are those of the journal. ``part`` names what a delivery carries: a document's index, or
``message`` for bytes of the whole message and for acknowledgments.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

BODY_BYTES_KEPT = 64 * 1024  # of a request's body, to show where it differs; beyond that its hash tells

WHOLE = "message"


@dataclass(frozen=True, slots=True)
class RequestForecast:
    """One request as a target would be sent it. ``body`` None: longer than what is kept."""

    step: str
    method: str
    address: str
    sha256: str
    size_bytes: int
    body: bytes | None

    @classmethod
    def of(cls, step: str, method: str, address: str, body: bytes) -> RequestForecast:
        """Make one from a request's parts."""
        kept = body if len(body) <= BODY_BYTES_KEPT else None
        return cls(step, method, address, hashlib.sha256(body).hexdigest(), len(body), kept)


@dataclass(frozen=True, slots=True)
class DeliveryForecast:
    """One delivery, and the requests of it that need no answer of the other side to be known.

    ``state``: ``sent`` (all that is known of it would go out), ``rendered`` (a shadow: nothing goes out),
    ``parked``, ``waits`` (behind one that is parked), ``held`` or ``void``.
    """

    part: str
    target: str
    role: str
    reference: str
    state: str
    codes: tuple[str, ...] = ()
    requests: tuple[RequestForecast, ...] = ()

    @property
    def place(self) -> tuple[str, str, str]:
        """Tell what goes where, as what."""
        return (self.part, self.target, self.role)


@dataclass(frozen=True, slots=True)
class DocumentForecast:
    """One set of a message. ``canonical``: JSON without provenance, None where it was not translated."""

    index: int
    set_type: str
    document_type: str | None
    document_key: str | None
    order_keys: tuple[str, ...]
    side: str | None
    verdict: str
    decision: str
    is_parked: bool
    repeats: bool
    codes: tuple[str, ...]  # of findings that are more than a note
    canonical: bytes | None


@dataclass(frozen=True, slots=True)
class MessageForecast:
    """What would become of one message. ``state`` is the journal's word, or ``not_received``."""

    message_id: str
    route: str
    name: str
    sender: str
    accepted_at: datetime
    state: str
    codes: tuple[str, ...] = ()
    documents: tuple[DocumentForecast, ...] = ()
    deliveries: tuple[DeliveryForecast, ...] = ()

    @property
    def targets(self) -> frozenset[tuple[str, str, str]]:
        """Give what goes where."""
        return frozenset(each.place for each in self.deliveries)

    @property
    def canonical(self) -> dict[int, bytes | None]:
        """Give what each set says."""
        return {each.index: each.canonical for each in self.documents}

    @property
    def requests(self) -> dict[tuple[str, str, str], tuple[RequestForecast, ...]]:
        """Give what each target would be sent."""
        return {each.place: each.requests for each in self.deliveries}

    @property
    def essence(self) -> tuple[object, ...]:
        """Give what must be the same where the same message is run again: not how deliveries went."""
        documents = tuple((each.index, each.side, each.is_parked, each.repeats) for each in self.documents)
        return (self.state, documents, self.targets, tuple(self.canonical.items()))

    @property
    def outcome(self) -> tuple[object, ...]:
        """Give what a person would see: accepted, repeated, parked and why, set by set."""
        documents = tuple(
            (each.index, each.verdict, each.is_parked, each.repeats, each.codes) for each in self.documents
        )
        stopped = tuple(
            sorted(
                (*each.place, each.state, each.codes) for each in self.deliveries if each.state == "parked"
            )
        )
        return (self.state, self.codes, documents, stopped)
