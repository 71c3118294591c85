"""Documents written as bytes for endpoints that take no canonical JSON. Pure.

The format, the partner's settings and the code tables come with the route (``write:``). It happens when
the plan is made: the control number is in the frozen bytes, and what cannot be written parks then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import CodeTables, EncodeError, Envelope, Environment, Finding, Format, Lossy
from canonical.registry import parse_document, read_own
from gateway.journal.types import DeliveryPlan, DocumentPlan
from gateway.program import Program, Writing


def writing_of(program: Program, delivery: DeliveryPlan) -> Writing | None:
    """Give how a delivery is to be written, None where it needs no writing (any more)."""
    if delivery.document_index is None or delivery.body is not None or delivery.role == "shadow":
        return None
    return program.writes.get(delivery.target)


def written(
    writing: Writing,
    formats: Callable[[str], Format],
    canonical: bytes,
    control_number: int,
    environment: Environment,
    tables: CodeTables,
    accepted_at: datetime,
    now: datetime,
) -> bytes | tuple[Finding, ...]:
    """Give a document's bytes for its target, or everything that keeps it from being written."""
    envelope = Envelope(
        control_number=control_number,
        at=now,
        environment=environment,
        zone=writing.zone,
        partner_settings=writing.partner_settings,
        settings=writing.settings,
        library=replace(writing.library, crosswalk=tables, at=accepted_at),
    )
    try:
        return formats(writing.format_name).encode([parse_document(canonical)], envelope)
    except EncodeError as error:
        return error.findings


def unwritten(target: str, findings: Sequence[Finding]) -> str:
    """Say in a sentence why a document was not written for its target."""
    told = "; ".join(f"{each.text} [{each.code}]" for each in findings)
    return f"what is left of it cannot be written for {target}: {told}"


def losses(writing: Writing, formats: Callable[[str], Format], canonical: bytes) -> tuple[Finding, ...]:
    """Give notes about what a written document does not say of our own one."""
    made = formats(writing.format_name)
    return made.left_out(read_own(canonical)) if isinstance(made, Lossy) else ()


def with_notes(
    documents: tuple[DocumentPlan, ...], notes: Mapping[int, Sequence[Finding]]
) -> tuple[DocumentPlan, ...]:
    """Add to documents what writing them told, each note once, to however many targets they go."""

    def noted(document: DocumentPlan) -> DocumentPlan:
        found = list(document.findings)
        found += [each for each in notes[document.index] if each not in found]
        return replace(document, findings=tuple(found))

    return tuple(noted(each) if notes.get(each.index) else each for each in documents)


def without_unwritable(
    documents: tuple[DocumentPlan, ...],
    deliveries: tuple[DeliveryPlan, ...],
    problems: Mapping[int, tuple[Finding, ...]],
) -> tuple[tuple[DocumentPlan, ...], tuple[DeliveryPlan, ...]]:
    """Park the documents that cannot be written for one of their targets, with all their deliveries."""
    parked = tuple(
        replace(
            each,
            is_parked=True,
            document_key=None,  # the mended document must not be taken for a repeat of this one
            passes_to=(),
            decision=f"{each.decision}; not written for its target",
            findings=(*each.findings, *problems[each.index]),
        )
        if each.index in problems
        else each
        for each in documents
    )
    return parked, tuple(each for each in deliveries if each.document_index not in problems)
