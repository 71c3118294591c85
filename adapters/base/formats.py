"""Formats: pure translation between bytes and canonical documents.

A Format has no clock, no network and no counters: time and control numbers come in with the
Envelope, so encoding is reproducible. Decoding is streaming and judges each transaction set
by itself: one interchange may be half good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel

from adapters.base.findings import Finding
from adapters.base.library import Library
from canonical.document import CanonicalDocument

Environment = Literal["test", "production"]


class Verdict(StrEnum):
    """What became of one transaction set; an acknowledgment says it to the sender."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_ERRORS = "accepted_with_errors"
    REJECTED = "rejected"


class UnitKind(StrEnum):
    """The sizes in which an input can be accepted or refused as a whole, smallest first."""

    SET = "set"
    GROUP = "group"
    INTERCHANGE = "interchange"
    FILE = "file"


class Unit(NamedTuple):
    """One acceptance unit inside one message; ``key`` is unique within the message and its kind."""

    kind: UnitKind
    key: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of one decoding; a decoder that meets one gives a finding, never an exception."""

    size_bytes_max: int = 256 * 1024 * 1024
    set_bytes_max: int = 16 * 1024 * 1024
    segments_max: int = 1_000_000  # of one set
    findings_max: int = 1_000  # of one set; further ones are counted, not kept
    nesting_max: int = 64
    parts_max: int = 2_000_000  # interchanges, groups and sets of one input
    segment_bytes_max: int = 1024 * 1024  # of one segment that holds no binary data


@dataclass(frozen=True, slots=True)
class DecodeContext:
    """What a decoder is told about an input; picklable, since decoding may run in another process.

    ``partner_settings`` is the validated part of ``partners.<name>.<adapter>`` in routes.yaml,
    ``settings`` the validated ``from.settings`` of the route: each the adapter's own model, or
    None where the configuration says nothing.
    """

    source: str  # file name or message reference, for positions
    environment: Environment
    partner: str | None = None
    partner_settings: BaseModel | None = None
    settings: BaseModel | None = None
    endpoint_settings: BaseModel | None = None  # of the endpoint that the input came from, where there is one
    zone: str = "UTC"  # IANA name; given to dates that carry none
    bounds: Bounds = field(default_factory=Bounds)
    library: Library = field(default_factory=Library)  # the texts and tables that the settings name


OnRepeat = Literal["ignore", "report", "acknowledge", "reject"]


class ControlKey(NamedTuple):
    """A number by which an envelope or a set calls itself, and what follows where it was used before.

    ``key`` says who counts and what: the same for whoever sends it, so that an answer finds it.
    """

    name: str  # "ISA13", "GS06", "ST02"
    key: str
    on_repeat: OnRepeat = "ignore"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an acknowledgment says of one group or envelope that was sent to whoever wrote it."""

    key: str  # the ControlKey.key of what it acknowledges
    verdict: Verdict
    text: str  # "997: PO 101, 2 of 3 sets accepted; refused: 850 0002"


class Decoded(NamedTuple):
    """One transaction set (or record group, or call) of an input: a document, or why there is none.

    ``document`` is None where a finding is REJECTED, and for a set that has no guide and is
    passed through (``is_passed_through``). ``raw`` is the set's own bytes, unchanged (X12: ST
    to SE with terminators), so that it can travel on in another envelope. ``order_numbers``
    names the orders that a set without a document speaks of, passed through or refused, as sent.
    A tuple, since one is made for every set: a frozen dataclass takes six times as long to fill.
    """

    index: int  # type: ignore[assignment]  # from 0, in the order of the input; nothing is looked for in it
    set_type: str  # "850", "SubmitPurchaseOrder", a record or table name
    document: CanonicalDocument | None
    findings: tuple[Finding, ...]
    raw: bytes
    units: tuple[Unit, ...]  # the set's own unit and those around it, smallest first
    interchange: int = 0  # position in Summary.interchanges
    is_passed_through: bool = False
    order_numbers: tuple[str, ...] = ()
    control_keys: tuple[ControlKey, ...] = ()  # outermost first; none for an acknowledgment
    receipts: tuple[Receipt, ...] = ()  # of an acknowledgment
    is_answered_by_receiver: bool = False  # where it goes on in its own envelope, who gets it acknowledges it


class Interchange(NamedTuple):
    """One envelope of the input, for acknowledging it and for wrapping some of its sets again.

    ``facts`` belongs to the format and is opaque to the gateway: JSON-able (dicts, lists,
    strings, numbers, None), so that it can be kept and an acknowledgment be written later.
    """

    sender: tuple[str, str] | None  # qualifier, id, as sent and trimmed
    receiver: tuple[str, str] | None
    control_number: str
    is_acknowledgment: bool  # 997, 999 and TA1 are never acknowledged
    facts: Mapping[str, object]


class Summary(NamedTuple):
    """What only the end of the input can tell. As a tuple of tuples it travels fastest between processes."""

    sets: int
    findings: tuple[Finding, ...]  # of envelopes and of the input as a whole
    rejected_units: frozenset[Unit]  # units that their own envelope condemns (partner policy applied)
    interchanges: tuple[Interchange, ...] = ()
    is_readable: bool = True  # False: nothing in the input could be recognised as this format
    receipts: tuple[Receipt, ...] = ()  # those that stand in no set (X12: TA1)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What comes from outside when bytes are written: numbers, time, and who speaks to whom.

    ``sender`` and ``receiver`` are (qualifier, id). ``partner_settings`` is the adapter's model.
    """

    control_number: int
    at: datetime  # aware; written in ``zone``
    environment: Environment
    sender: tuple[str, str] | None = None
    receiver: tuple[str, str] | None = None
    zone: str = "UTC"
    partner_settings: BaseModel | None = None
    settings: BaseModel | None = None
    acknowledgment: Literal["997", "999"] = "997"  # which one the partner wants
    repeats: tuple[str, ...] = ()  # control numbers of what is acknowledged that were used before: "ISA13"
    library: Library = field(default_factory=Library)


class Decoder(Protocol):
    """A streaming decoder of one input. Any chunking of the same bytes gives the same results."""

    def feed(self, chunk: bytes) -> Iterator[Decoded]:
        """Take the next bytes and give the sets that they complete."""
        ...

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Say that the input ended: give the sets that only the end completes, and the summary."""
        ...

    def state(self) -> bytes:
        """Give what ``Format.decoder(context, resume=...)`` needs to go on after the bytes fed so far."""
        ...


class Format(Protocol):
    """A format: pure, without clock, network or counters."""

    name: str  # the adapter's folder name

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> Decoder:
        """Make a decoder for one input."""
        ...

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Write documents in one envelope. Errors: EncodeError with all findings."""
        ...

    def acknowledge(
        self,
        interchange: Interchange,
        verdicts: Mapping[int, Verdict],
        envelope: Envelope,
    ) -> bytes | None:
        """Write the acknowledgment of one interchange, or None where the format has none.

        ``verdicts`` are by ``Decoded.index`` and may be worse than the decoder's own.
        """
        ...

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Put sets of one interchange, bytes unchanged, into a new envelope of ours.

        Errors: EncodeError where the format knows no envelopes.
        """
        ...

    def is_urgent(self, head: bytes) -> bool:
        """Tell from an input's first bytes whether it says it is urgent; cheap, may miss, never raises.

        It only lets translation begin sooner. Whether a document is urgent, the document says.
        """
        ...

    def identity(self, head: bytes) -> str | None:
        """Give what identifies an input by its own first bytes (X12: ISA06, ISA08, ISA13), or None.

        Never raises. It is the arrival key of routes that say ``identity: control_numbers``.
        """
        ...

    def recognises(self, head: bytes) -> bool:
        """Tell whether an input's first bytes (up to 4 KiB) look like this format; never raises.

        A format that only a partner's settings tell apart (flat files) may have a further method
        ``recognises_by(head, partner_settings, library)``, which the command ``translate`` asks.
        """
        ...


@runtime_checkable
class Numbered(Protocol):
    """What a format adds whose envelopes are numbered and answered by number."""

    def control_keys(self, body: bytes) -> tuple[ControlKey, ...]:
        """Give the control numbers of an envelope that this format wrote."""
        ...


@runtime_checkable
class Lossy(Protocol):
    """What a format adds that has no place for all that a document may say."""

    def left_out(self, document: CanonicalDocument) -> tuple[Finding, ...]:
        """Give a note for each field that ``encode`` leaves out of a document, none where it says all."""
        ...


class EncodeError(Exception):
    """A document cannot be written in this format; all reasons at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = tuple(findings)
