"""Acknowledgments that come in, and control numbers that come again: what is to be done. Pure.

An acknowledgment names a control number. Where we sent it, the acknowledgment is for us: it is consumed.
Where it came in and went on untouched, the acknowledgment goes back to who sent it. Where the gateway has
acknowledged already, a second answer would contradict the first: it is consumed, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.base import ControlKey, Decoded, Finding, Level, Position, Receipt, Verdict
from gateway.journal.types import Acknowledged, ControlNumber, DocumentPlan, KnownControl

GROUP_NUMBER = "GS06"  # what a 997 or 999 answers; a TA1 answers ISA13
CONTROL_REPEATED = "CONTROL-REPEATED"

ReturnsTo = Callable[[str], str | None]  # route -> endpoint for acknowledgments of what it received


@dataclass(frozen=True, slots=True)
class Consumed:
    """It is for us. ``refusal``: the other side refused what we sent, and a person must look."""

    acknowledged: Acknowledged
    reason: str
    refusal: Finding | None


@dataclass(frozen=True, slots=True)
class Returned:
    """It is for who sent what it is about."""

    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stranded:
    """It is for who sent what it is about, and there is no way there."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is about nothing that we know: it goes where a follow-on without an order goes."""

    note: Finding


Correspondence = Consumed | Returned | Stranded | Unknown


def correspondence(
    receipt: Receipt, known: Mapping[str, KnownControl], returns_to: ReturnsTo, at: Position
) -> Correspondence:
    """Tell for whom an acknowledgment is."""
    about = known.get(receipt.key)
    if about is None:
        text = f"it acknowledges a control number that we never saw ({receipt.text})"
        return Unknown(Finding("ACK-UNKNOWN", at, text, Level.NOTE))
    if about.delivery_id is None and not about.is_answered:
        target = returns_to(about.route)
        if target is not None:
            return Returned(target, f"goes back to the sender of message {about.message_id}: {receipt.text}")
        text = (
            f"it answers message {about.message_id}, whose partner has no endpoint for acknowledgments: name "
            "one in acknowledge.to"
        )
        return Stranded(Finding("ACK-NO-WAY-BACK", at, text, Level.REJECTED))
    what = f"what {about.target} got of" if about.delivery_id else "as received,"
    refusal = None
    if receipt.verdict is Verdict.REJECTED:
        text = (
            f"{what} message {about.message_id} was refused ({receipt.text}): look at that message, "
            "mend what was refused and send it again, then resolve this exception"
        )
        refusal = Finding("ACK-REFUSED", at, text, Level.REJECTED)
    return Consumed(
        Acknowledged(receipt.key, receipt.verdict),
        f"acknowledges {what} message {about.message_id}: {receipt.text}",
        refusal,
    )


@dataclass(frozen=True, slots=True)
class EnvelopeAnswers:
    """What the acknowledgments of whole envelopes in one input come to."""

    acknowledged: tuple[Acknowledged, ...] = ()
    findings: tuple[Finding, ...] = ()  # refusals: a person must look
    returns_to: str | None = None  # the whole input goes there


def envelope_answers(
    receipts: Sequence[Receipt],
    known: Mapping[str, KnownControl],
    returns_to: ReturnsTo,
    at: Position,
    *,
    is_alone: bool,
) -> EnvelopeAnswers:
    """Judge the TA1s of one input. ``is_alone``: there is nothing else in it, so that it can be returned."""
    results = [correspondence(receipt, known, returns_to, at) for receipt in receipts]
    ours = [result for result in results if isinstance(result, Consumed)]
    stranded = [result.finding for result in results if isinstance(result, Stranded)]
    targets = {result.target for result in results if isinstance(result, Returned)}
    return EnvelopeAnswers(
        tuple(result.acknowledged for result in ours),
        (*(result.refusal for result in ours if result.refusal is not None), *stranded),
        targets.pop() if is_alone and len(targets) == 1 else None,
    )


def taken_by(known: KnownControl | None) -> str | None:
    """Give the message whose use of a control number counts, None where it is free."""
    return known.message_id if known is not None and known.is_taken and known.delivery_id is None else None


def consumed(document: DocumentPlan, result: Consumed) -> DocumentPlan:
    """Write down that an acknowledgment was for us; one that refuses is parked."""
    findings = document.findings if result.refusal is None else (*document.findings, result.refusal)
    return replace(document, decision=result.reason, findings=findings, is_parked=result.refusal is not None)


def controls_of(decoded: Decoded, document: DocumentPlan) -> tuple[ControlNumber, ...]:
    """Give the control numbers that a set came under, to be kept; a refused set does not use them up."""
    is_taken = document.verdict is not Verdict.REJECTED and not document.is_parked
    return tuple(ControlNumber(each.key, is_taken) for each in decoded.control_keys)


def repeated(
    decoded: Decoded, message_id: str, known: Mapping[str, KnownControl]
) -> tuple[ControlKey, KnownControl] | None:
    """Give the outermost control number that another message used before, and that message."""
    for each in decoded.control_keys:
        earlier = known.get(each.key)
        if each.on_repeat == "ignore" or earlier is None or earlier.message_id == message_id:
            continue
        if earlier.is_taken and earlier.delivery_id is None:
            return each, earlier
    return None


def repeat_finding(decoded: Decoded, key: ControlKey, earlier: KnownControl, source: str) -> Finding:
    """Say that a control number was used before, in an earlier file."""
    level = Level.REJECTED if key.on_repeat == "reject" else Level.ERROR
    number = key.key.rpartition("/")[2]
    text = (
        f"{key.name} {number} was used before, in message {earlier.message_id}; a sender counts on: ask it "
        "whether this is a repeat, or its counter was set back"
    )
    at = Position(source, path=f"set {decoded.index + 1}")
    return Finding(CONTROL_REPEATED, at, text, level, facts={"control_number": key.name})


def repeats_refused(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Give the control numbers, by name, for whose repetition a set is refused."""
    return tuple(
        finding.facts["control_number"]
        for finding in findings
        if finding.code == CONTROL_REPEATED and finding.level is Level.REJECTED
    )


def control_keys(sets: Sequence[Decoded]) -> tuple[str, ...]:
    """Give every control number that a batch names, its own and those that it acknowledges."""
    own = (each.key for decoded in sets for each in decoded.control_keys)
    about = (receipt.key for decoded in sets for receipt in decoded.receipts)
    return tuple(dict.fromkeys((*own, *about)))
