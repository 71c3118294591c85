"""What `verify` is given besides the journal: what senders saw, and what each target committed.

Plain values, so that a simulation, a kill -9 test and a power-loss test can all fill them. A sender
knows one of three things about each submission: it was acknowledged (ok), it was refused (fail), or
nobody told it (unknown: the connection broke, the gateway died).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from canonical.keys import KeyRules, document_key, order_keys
from canonical.registry import DocumentError, parse_document

Told = Literal["ok", "fail", "unknown"]
Side = Literal["legacy", "cloud"]


@dataclass(frozen=True, slots=True)
class Submission:
    """One time that a sender offered bytes. A resend under the same key is another Submission.

    ``message_id`` is what the sender was told, None where it was told nothing. ``sets`` is how many
    sets the bytes hold, good and bad, None where the sender cannot tell (bytes of no meaning).
    """

    route: str
    arrival_key: str | None
    sha256: str
    told: Told
    message_id: str | None = None
    sets: int | None = None
    document_keys: tuple[str, ...] = ()  # of the good sets, in the order of the bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """One thing that a target committed, as the target's own witness saw it.

    ``reference`` is ours as it arrived there (header, body field or file name), "" where none did:
    then the entry is matched by ``body_sha256`` alone. ``at`` is compared with the attempt's start;
    None where the clocks are not one. ``number`` is the target's own.
    """

    sequence: int  # in the order of commits at this target
    body_sha256: str  # of the bytes as they arrived
    reference: str = ""
    document_keys: tuple[str, ...] = ()
    order_keys: tuple[str, ...] = ()
    number: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TargetLedger:
    """All that one target committed. ``side`` None: neither system (a supplier, an outlet)."""

    target: str
    side: Side | None
    committed: tuple[Committed, ...] = ()
    is_supplier: bool = False  # a commit here is a transmission by the gateway


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that was not kept. ``invariant`` is I1 to I7, DRAIN or AUDIT."""

    invariant: str
    subject: str  # a message, delivery, order or document key
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}: {self.text}"


def submission(
    route: str,
    arrival_key: str | None,
    body: bytes,
    told: Told,
    rules: KeyRules,
    message_id: str | None = None,
) -> Submission:
    """Describe a submission of canonical JSON, one document a line."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    good = tuple(key for line in lines for key in keys_in(line, rules)[0])
    digest = hashlib.sha256(body).hexdigest()
    return Submission(route, arrival_key, digest, told, message_id, len(lines) if good else None, good)


def told_later(sent: Submission, told: Told, message_id: str | None = None) -> Submission:
    """Give a submission with what its sender heard in the end."""
    return replace(sent, told=told, message_id=message_id)


def committed_lines(
    sequence: int, body: bytes, rules: KeyRules, reference: str = "", at: datetime | None = None
) -> Committed:
    """Describe a commit of canonical JSON, one document a line, as a legacy system takes it."""
    documents, orders = keys_in(body, rules)
    digest = hashlib.sha256(body).hexdigest()
    return Committed(sequence, digest, reference, documents, orders, at=at)


def keys_in(body: bytes, rules: KeyRules) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the document keys and order keys of canonical JSON lines; what cannot be read has none."""
    documents: list[str] = []
    orders: list[str] = []
    for line in body.split(b"\n"):
        try:
            document = parse_document(line)
        except DocumentError:
            continue
        documents.append(document_key(document, rules))
        orders.extend(order_keys(document, rules))
    return tuple(documents), tuple(dict.fromkeys(orders))


History = Sequence[Submission]
