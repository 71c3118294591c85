"""The bytes of one message that leave us: documents written for their targets, envelopes, acknowledgments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from adapters.base import EncodeError, Envelope, Finding, Interchange, Numbered, Role, Summary, Unit
from gateway.acknowledging import acknowledgment_delivery, verdicts_of
from gateway.correspondence import GROUP_NUMBER
from gateway.gathered import Gathered
from gateway.going_on import Bound, by_destination
from gateway.journal.types import ControlNumber, DeliveryPlan, DocumentPlan
from gateway.message_run import MessageRun
from gateway.planning import Chunk
from gateway.program import Program, Writing
from gateway.writing import losses, with_notes, without_unwritable, writing_of, written


class OutgoingBytes:
    """Writes what one translation sends. Control numbers come from the journal, each used once.

    A document is written once, though it may be decided again: its control number is in its bytes.
    """

    def __init__(self, run: MessageRun) -> None:
        self._run = run
        self._bodies: dict[str, bytes | tuple[Finding, ...]] = {}  # by delivery

    async def written(self, chunk: Chunk) -> Chunk:
        """Write the documents of a chunk for the targets that take bytes; park what cannot be written."""
        if not any(self._run.program_of(each.set_type).writes for each in chunk.documents):
            return chunk
        deliveries: list[DeliveryPlan] = []
        problems: dict[int, tuple[Finding, ...]] = {}
        notes: dict[int, tuple[Finding, ...]] = {}
        by_index = {document.index: document for document in chunk.documents}
        for each in chunk.deliveries:
            document = by_index.get(each.document_index) if each.document_index is not None else None
            if document is None:
                deliveries.append(each)
                continue
            program = self._run.program_of(document.set_type)
            made, found, told = await self.write(program, [document], [each])
            deliveries += made
            problems |= found
            notes |= {index: (*notes.get(index, ()), *more) for index, more in told.items()}
        noted = with_notes(chunk.documents, notes)
        documents, kept = without_unwritable(noted, tuple(deliveries), problems)
        bound = tuple(each for each in chunk.bound if each.index not in problems)
        return replace(chunk, documents=documents, deliveries=kept, bound=bound)

    async def write(
        self, program: Program, documents: Sequence[DocumentPlan], deliveries: Sequence[DeliveryPlan]
    ) -> tuple[list[DeliveryPlan], dict[int, tuple[Finding, ...]], dict[int, tuple[Finding, ...]]]:
        """Give the deliveries with their bytes, and by set index why the others cannot be written, and notes.

        The notes tell what the bytes do not say of a document.
        """
        made: list[DeliveryPlan] = []
        problems: dict[int, tuple[Finding, ...]] = {}
        notes: dict[int, tuple[Finding, ...]] = {}
        canonical = {document.index: document.canonical for document in documents}
        for each in deliveries:
            writing, text = writing_of(program, each), canonical.get(each.document_index or 0)
            if writing is None or text is None:
                made.append(each)
                continue
            if each.delivery_id not in self._bodies:
                self._bodies[each.delivery_id] = await self._body(program, writing, text)
            body = self._bodies[each.delivery_id]
            if isinstance(body, bytes):
                made.append(replace(each, body=body, content_type=writing.content_type))
                index = each.document_index or 0
                notes[index] = (*notes.get(index, ()), *losses(writing, self._run.formats, text))
            else:
                problems[each.document_index or 0] = body
        return made, problems, notes

    async def _body(
        self, program: Program, writing: Writing, canonical: bytes
    ) -> bytes | tuple[Finding, ...]:
        numbers = writing.control_numbers
        number = await self._run.journal.next_control_number(
            writing.emitter, "interchange", numbers.lowest, numbers.highest
        )
        return written(
            writing,
            self._run.formats,
            canonical,
            number,
            program.context.environment,
            await self._run.tables(program.crosswalks),
            self._run.message.accepted_at,
            self._run.clock.now(),
        )

    async def wrapped(
        self,
        program: Program,
        bound: Sequence[Bound],
        sets: int,
        interchanges: Sequence[Interchange],
        left_out: frozenset[Unit],
    ) -> tuple[dict[tuple[str, Role, int], bytes], list[Finding]]:
        """Put the sets that go on apart from the rest of their message into envelopes of ours."""
        wrapped: dict[tuple[str, Role, int], bytes] = {}
        problems: list[Finding] = []
        for (target, role), group in by_destination(bound, left_out).items():
            if len({each.index for each in group}) == sets:
                continue  # the whole message goes, as it came
            for position in sorted({each.interchange for each in group}):
                part = [each.raw for each in group if each.interchange == position]
                envelope = await self._envelope(program, f"{program.partner or program.route}>{target}")
                try:
                    wrapped[target, role, position] = self._run.format.wrap(
                        part, interchanges[position], envelope
                    )
                except EncodeError as error:
                    problems += error.findings
        return wrapped, problems

    async def acknowledgments(
        self,
        program: Program,
        gathered: Gathered,
        summary: Summary,
        rejected: frozenset[Unit],
        others: Sequence[DeliveryPlan],
    ) -> list[DeliveryPlan]:
        """Write one for each interchange, but for those that legacy gets as they came and acknowledges.

        ``others``: the deliveries of the plan so far.
        """
        made = []
        untouched = gathered.untouched(program, others)
        verdicts = verdicts_of(gathered.verdicts, gathered.units, rejected)
        for position, interchange in enumerate(summary.interchanges):
            if interchange.is_acknowledgment or position in untouched:
                continue
            own = {
                index: each for index, each in verdicts.items() if gathered.interchanges[index] == position
            }
            if program.resend == "ignore" and own and own.keys() <= gathered.came_before:
                continue  # all of it came before: the partner's policy is to say nothing
            envelope = await self._envelope(program, program.partner or program.route)
            repeats = tuple(gathered.repeats.get(position, ()))
            kind: Literal["997", "999"] = "999" if program.acknowledge.kind == "999" else "997"
            envelope = replace(envelope, acknowledgment=kind, repeats=repeats)
            body = self._run.format.acknowledge(interchange, own, envelope)
            if body is not None:
                made.append(acknowledgment_delivery(program, self._run.message, position, body))
        return made

    async def _envelope(self, program: Program, emitter: str) -> Envelope:
        numbers = program.control_numbers
        number = await self._run.journal.next_control_number(
            emitter, "interchange", numbers.lowest, numbers.highest
        )
        context = program.context
        return Envelope(
            control_number=number,
            at=self._run.clock.now(),
            environment=context.environment,
            zone=context.zone,
            partner_settings=context.partner_settings,
            settings=context.settings,
            library=context.library,
        )

    def numbers_sent(self, program: Program, deliveries: Sequence[DeliveryPlan]) -> list[ControlNumber]:
        """Give the control numbers of our own envelopes, and by when they must be acknowledged."""
        policy, made = program.acknowledge, list[ControlNumber]()
        for each in deliveries:
            if each.body is None or each.role == "acknowledgment" or each.document_index is not None:
                continue
            own_format = self._run.format
            if not isinstance(own_format, Numbered):
                break
            due_at = self._run.message.accepted_at + timedelta(seconds=policy.within_s)
            for key in own_format.control_keys(each.body):
                is_owed = policy.is_expected and key.name == GROUP_NUMBER
                made.append(ControlNumber(key.key, True, each.delivery_id, due_at if is_owed else None))
        return made
