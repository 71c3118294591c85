"""What is known already: our own copies come back, confirmations, repeats by number and by key. Pure."""

from __future__ import annotations

from dataclasses import replace

from adapters.base import Finding, Level, Position
from gateway.brief import Brief
from gateway.correspondence import repeat_finding, repeated
from gateway.journal.types import DocumentPlan, Facts, LedgerEntry, Message, Side
from gateway.naming import Keyed
from gateway.program import Program
from gateway.ruling import Seen, verdict_of
from gateway.stage import Stage


def own_copy(message: Message, document: DocumentPlan, brief: Brief | None) -> DocumentPlan | None:
    """Take back what the gateway itself made (a copy, a remainder) and a system hands on: nothing loops."""
    if brief is None or not brief.is_ours:
        return None
    finding = Finding(
        code="COPY-RETURNED",
        at=Position(message.origin.name, path=f"set {document.index + 1}"),
        text="the gateway made this document itself for the other system, which handed it on; it is kept, "
        "and goes nowhere",
        level=Level.NOTE,
    )
    return replace(
        document, document_key=None, decision="our own, come back", findings=(*document.findings, finding)
    )


def counted(
    message: Message, each: Keyed, document: DocumentPlan, facts: Facts, stage: Stage
) -> DocumentPlan:
    """Judge a set whose control numbers another message used before, by the partner's policy.

    Where legacy is live its bytes go on whatever we find.
    """
    decoded = each.decoded
    used = repeated(decoded, message.message_id, facts.controls)
    if used is None:
        return document
    control, earlier = used
    findings = (*document.findings, repeat_finding(decoded, control, earlier, message.origin.name))
    counted = replace(document, findings=findings, verdict=verdict_of(findings))
    if control.on_repeat != "acknowledge" or stage in (Stage.LEGACY, Stage.SHADOW):
        return counted
    reason = f"{control.name} repeats that of {earlier.message_id}"
    return replace(counted, repeats=earlier.message_id, decision=reason)


def confirmation_of(
    message: Message, each: Keyed, document: DocumentPlan, entry: LedgerEntry | None
) -> DocumentPlan | None:
    """Take a confirmation of an order that the cloud ERP has already: there is nothing to create again.

    One that legacy owns goes on, as everything does that legacy sends and gets.
    """
    confirms = each.brief is not None and each.brief.is_confirmation
    if entry is None or entry.side is not Side.CLOUD or not confirms:
        return None
    finding = Finding(
        code="ORDER-CONFIRMED",
        at=Position(message.origin.name, path=f"set {document.index + 1}"),
        text="it confirms an order that the cloud ERP has; it is kept, and nothing is created or sent again",
        level=Level.NOTE,
    )
    reason = f"confirms order {entry.order_key}"
    return replace(document, decision=reason, findings=(*document.findings, finding))


def repeat_of(
    program: Program, message: Message, each: Keyed, document: DocumentPlan, seen: Seen
) -> DocumentPlan | None:
    """Judge a document whose key is known: a repeat by the partner's policy, or a changed body."""
    if each.document_key is None or each.content_hash is None:
        return None
    own = (message.message_id, document.index, each.content_hash, message.accepted_at)
    first, index, hashed, since = seen.documents.setdefault(each.document_key, own)
    if (first, index) == own[:2]:
        return None  # itself: now, or in an earlier generation of a replayed message
    if hashed != each.content_hash:
        finding = Finding(
            code="DOCUMENT-CHANGED",
            at=Position(message.origin.name, path=f"set {document.index + 1}"),
            text=f"message {first} brought a document with this key and other content; a document is never "
            "updated by sending it again: compare the two, then resolve this exception",
        )
        return replace(
            document, is_parked=True, document_key=None, decision=f"same key as in {first}, other content",
            findings=(*document.findings, finding),
        )  # fmt: skip
    is_late = message.accepted_at - since > program.resend_window
    told = f"the partner's resend policy is '{program.resend}'"
    if is_late:
        days = program.resend_window.days
        told = f"that is longer ago than the partner's resend window ({days} days): see whether it was sent "
        told += "again, or its number used for another order"
    finding = Finding(
        code="DOCUMENT-REPEATED",
        at=Position(message.origin.name, path=f"set {document.index + 1}"),
        text=f"message {first} brought the same document; {told}",
        level=Level.NOTE,
    )
    return replace(
        document, repeats=first, is_parked=is_late or program.resend == "park", decision=f"repeat of {first}",
        findings=(*document.findings, finding),
    )  # fmt: skip
