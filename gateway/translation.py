"""One translation of one message: decode, decide in chunks, write the plan.

All state of a run is here and is lost with the process; what must survive is in the journal. The
input is decoded with the configuration that the message was first translated with; decisions are
made under the current one, and made again where it, a stage or the ledger moved meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from adapters.base import (
    Clock,
    Decoded,
    EncodeError,
    Envelope,
    Executor,
    Finding,
    Format,
    Interchange,
    Numbered,
    Position,
    Role,
    Summary,
    Unit,
    Verdict,
)
from gateway.acknowledging import REPLY, acknowledges, acknowledgment_delivery, verdicts_of
from gateway.correspondence import (
    GROUP_NUMBER,
    EnvelopeAnswers,
    control_keys,
    envelope_answers,
    repeats_refused,
    taken_by,
)
from gateway.crosswalk import CodeTableCache
from gateway.earlier import Sent, sent_earlier, unsent, without_sent
from gateway.entity_owner import not_the_owner
from gateway.following import Followed, follow_on, told_of_ours, waiting
from gateway.going_on import Bound, bound_deliveries, bound_sets, by_destination, refused_units, whole_message
from gateway.journal.base import Journal
from gateway.journal.types import (
    AwaitedOrder,
    ControlNumber,
    DeliveryPlan,
    DocumentPlan,
    Expected,
    Facts,
    Message,
    Moved,
    Plan,
    Side,
    StageState,
)
from gateway.naming import Keyed, keyed, orders_named, told_names
from gateway.order_facts import order_facts
from gateway.planning import Chunk, Ruling, plan_chunk, plan_decision, verdict_of
from gateway.program import Program, ProgramSource, Writing
from gateway.stage import Stage, decide
from gateway.turns import Turn
from gateway.writing import without_unwritable, writing_of, written

SETS_PER_CHUNK = 200
RELOAD_S = 0.05
DECISIONS_MAX = 100  # a plan that keeps moving is decided again this often; then it is tried later


class UnsettledError(Exception):
    """A plan was decided again and again and something always moved; the translation is tried later."""


@dataclass(slots=True)
class _Gathered:
    """What the chunks so far leave for the end of the input."""

    bound: list[Bound] = field(default_factory=list)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    units: dict[int, tuple[Unit, ...]] = field(default_factory=dict)
    interchanges: dict[int, int] = field(default_factory=dict)  # set index -> interchange
    came_before: set[int] = field(default_factory=set)  # indexes of sets that are repeats
    repeats: dict[int, dict[str, None]] = field(default_factory=dict)  # interchange -> control numbers
    answered_elsewhere: set[int] = field(default_factory=set)  # sets that who gets them acknowledges
    clouds: set[int] = field(default_factory=set)  # indexes of sets that go to the cloud
    waiting: set[int] = field(default_factory=set)  # indexes of sets that wait for their order


class Translation:
    """One message on its way through its route's program."""

    def __init__(  # noqa: PLR0913  what one run is made of; only the pipeline makes one
        self,
        journal: Journal,
        programs: ProgramSource,
        formats: Callable[[str], Format],
        executor: Executor,
        clock: Clock,
        message: Message,
        turn: Turn | None = None,
        *,
        tables: CodeTableCache | None = None,
        is_call: bool = True,
    ) -> None:
        self._is_call = is_call
        self._tables = tables or CodeTableCache(journal)
        self._formats = formats
        self._bodies: dict[str, bytes | tuple[Finding, ...]] = {}  # written once, though decided again
        self._turn = turn or Turn()
        self._journal = journal
        self._programs = programs
        self._pinned = programs(message.config_revision).routes[message.route]
        self._format = formats(self._pinned.format_name)
        self._executor = executor
        self._clock = clock
        self._message = message
        self._gathered = _Gathered()
        self._planned: dict[int, DocumentPlan] = {}
        self._sent = Sent()
        self._places: dict[int, int] | None = None  # set index -> interchange, of earlier generations' sets

    async def run(self) -> None:
        """Decode the whole message and plan it. Errors: UnsettledError, JournalError."""
        self._sent = await self._sent_earlier()
        if self._message.planned_through:
            views = await self._journal.documents(message_id=self._message.message_id, limit=1_000_000)
            self._planned = {
                view.plan.index: view.plan for view in views if view.generation == self._message.generation
            }
        batch: list[Keyed] = []
        async for decoded in self._sets():
            if isinstance(decoded, Summary):
                await self._finish(batch, decoded)
                return
            self._remember(decoded)
            if decoded.index >= self._message.planned_through:
                batch.append(keyed(decoded, self._program_of(decoded.set_type), self._message))
            if len(batch) >= SETS_PER_CHUNK:
                await self._plan_middle(batch)
                batch = []

    async def broken_plan(self, finding: Finding) -> Plan:
        """Give the plan of a message that breaks its translation: it is parked.

        In stages legacy and shadow translation only observes: where nothing of the message was planned yet,
        its bytes go on as received.
        """
        message, program = self._message, self._own_program()
        revision, stages = self._programs(None).revision, await self._journal.stages()
        state = stages[program.stage_route]
        self._sent = await self._sent_earlier()
        is_untouched = message.planned_through == 0 and not self._sent.is_whole
        return Plan(
            message.message_id,
            message.generation,
            Expected(revision, {state.route: state.revision}),
            deliveries=tuple(self._nothing_recognised(program, Stage(state.stage))) if is_untouched else (),
            is_last=True,
            findings=(finding,),
            parks=True,
            is_broken=True,
        )

    async def decide_awaited(self, documents: Sequence[DocumentPlan]) -> int:
        """Decide about follow-ons of this message that waited; give how many, without those that moved."""
        found, sets = await self._found_again({document.index for document in documents})
        self._sent = await self._sent_earlier()
        decided = 0
        for document in documents:
            decided += await self._decide_awaited(document, found[document.index], sets)
        return decided

    async def _decide_awaited(self, document: DocumentPlan, decoded: Decoded, sets: int) -> bool:
        program, revision = self._program_of(decoded.set_type), self._programs(None).revision
        each = keyed(decoded, program, self._message)
        facts, now = await self._facts([each]), self._clock.now()
        expected = Expected(revision, {}, _revisions(facts, frozenset(orders_named(each, facts))))
        until = document.awaits.until if document.awaits is not None else now
        followed = follow_on(program, each, facts, facts.ledger, until if now < until else None, now)
        if (ours := told_of_ours(program, each, facts, facts.ledger)) is not None:
            followed, document = ours, replace(document, document_key=None)
        elif each.opens and isinstance(followed, Followed) and followed.decision.side is not None:
            # A further release of an order that was moving: it is sent on as any new one is.
            followed, stage_revisions = await self._opened_again(program, each, facts)
            expected = replace(expected, stage_revisions=stage_revisions)
        if isinstance(followed, AwaitedOrder):
            if followed == document.awaits:
                return False
            still = waiting(document, followed)  # for the others: one of its orders is known now
            return await self._journal.plan_awaited(self._message.message_id, still, (), expected, now)
        decision, keys = followed.decision, followed.order_keys or document.order_keys
        stage = (await self._journal.stages())[program.stage_route].stage
        entries = [facts.ledger[key] for key in keys if key in facts.ledger]
        decision = not_the_owner(program, stage, document.document_type, entries) or decision
        settled = replace(document, awaits=None, order_keys=keys)
        decided, deliveries, bound = plan_decision(
            program, self._message, settled, decision, decoded.raw, decoded.interchange
        )
        deliveries, unwritable = await self._write(program, [decided], deliveries)
        if unwritable:
            (decided,), _ = without_unwritable((decided,), (), unwritable)
            bound, deliveries = [], []
        bound, deliveries = unsent(bound, deliveries, self._sent)
        wrapped, problems = await self._wrap(program, bound, sets, self._message.interchanges, frozenset())
        if problems:  # its bytes cannot go on: a person must look, or it would be lost in silence
            findings = (*decided.findings, *problems)
            decided = replace(decided, is_parked=True, passes_to=(), findings=findings)
        part = "" if sets == 1 else f"set-{document.index}"
        deliveries += bound_deliveries(program, self._message, bound, sets, frozenset(), wrapped, part=part)
        names = told_names(each, facts, facts.ledger)
        return await self._journal.plan_awaited(
            self._message.message_id, decided, deliveries, expected, now, names
        )

    async def _opened_again(
        self, program: Program, each: Keyed, facts: Facts
    ) -> tuple[Followed, dict[str, int]]:
        """Decide about an order document that waited for its order to arrive on the other side."""
        state = (await self._journal.stages())[program.stage_route]
        key = each.order_keys[0]
        if each.decoded.document is None:
            raise ValueError("a set without a document opens no order")
        decision = decide(
            program.rule,
            Stage(state.stage),
            Decimal(state.share_percent),
            order_facts(key, each.decoded.document),
            facts.ledger[key],
            is_new=self._message.generation == 1,
        )
        return Followed(decision, each.order_keys), {program.stage_route: state.revision}

    async def _sent_earlier(self) -> Sent:
        """Look up what earlier generations sent; nothing of that where this one is told to send again."""
        message = self._message
        if message.generation == 1 or message.resend:
            return Sent()
        documents = await self._journal.documents(message_id=message.message_id, limit=1_000_000)
        deliveries = await self._journal.deliveries(message_id=message.message_id, limit=1_000_000)
        if self._places is None:
            self._places = {
                decoded.index: decoded.interchange
                async for decoded in self._sets()
                if not isinstance(decoded, Summary)
            }
        return sent_earlier(message.generation, documents, deliveries, self._places)

    # -- decoding --------------------------------------------------------------------------

    async def _sets(self, *, is_urgent: bool = False) -> AsyncIterator[Decoded | Summary]:
        """Give the sets of the message and at last the summary."""
        message, pinned = self._message, self._pinned.context
        library = pinned.library
        if self._pinned.crosswalks:
            tables = await self._tables(self._pinned.crosswalks)
            library = replace(library, crosswalk=tables, at=message.accepted_at)
        context = replace(pinned, source=message.origin.name or message.message_id, library=library)
        decoding = await self._executor.decoding(
            self._pinned.format_name, context, message.size_bytes, is_urgent=is_urgent or message.is_urgent
        )
        try:
            async for piece in self._journal.body(self._message.message_id):
                for decoded in await decoding.feed(piece):
                    yield decoded
            rest, summary = await decoding.finish()
            for decoded in rest:
                yield decoded
            yield summary
        finally:
            await decoding.close()

    async def _found_again(self, indexes: Set[int]) -> tuple[dict[int, Decoded], int]:
        """Decode the message again, once, for some of its sets, and how many there are."""
        found: dict[int, Decoded] = {}
        sets = 0
        # As an urgent one: the translator's loop waits for it, and must not wait behind a batch.
        async for decoded in self._sets(is_urgent=True):
            if isinstance(decoded, Summary):
                continue
            sets += 1
            if decoded.index in indexes:
                found[decoded.index] = decoded
        if missing := indexes - found.keys():
            raise LookupError(f"{self._message.message_id} has no set {min(missing)}")
        return found, sets

    def _remember(self, decoded: Decoded) -> None:
        gathered = self._gathered
        gathered.verdicts[decoded.index] = verdict_of(decoded.findings)
        gathered.units[decoded.index] = decoded.units
        gathered.interchanges[decoded.index] = decoded.interchange
        if decoded.is_answered_by_receiver:
            gathered.answered_elsewhere.add(decoded.index)
        document = self._planned.get(decoded.index)
        if document is not None:  # planned before a kill: finish what was decided then
            self._remember_decided(document)
            own = bound_sets(document, decoded.raw, decoded.interchange)
            gathered.bound += unsent(own, (), self._sent)[0]

    def _remember_decided(self, document: DocumentPlan) -> None:
        """Keep what a decision makes worse than decoding did: an acknowledgment says it."""
        gathered = self._gathered
        index = document.index
        gathered.verdicts[index] = document.verdict
        for indexes, holds in (
            (gathered.came_before, document.repeats is not None),
            (gathered.clouds, document.side is Side.CLOUD),
            (gathered.waiting, document.awaits is not None),
        ):
            indexes.discard(index)
            indexes.update((index,) if holds else ())
        interchange = gathered.interchanges[document.index]
        names = dict.fromkeys(repeats_refused(document.findings))
        gathered.repeats.setdefault(interchange, {}).update(names)

    # -- planning --------------------------------------------------------------------------

    async def _plan_middle(self, batch: Sequence[Keyed]) -> None:
        for _ in range(DECISIONS_MAX):
            revision, stages = self._programs(None).revision, await self._journal.stages()
            facts = await self._facts(batch)
            chunk = await self._written(self._chunk(stages, batch, facts))
            plan = Plan(
                self._message.message_id,
                self._message.generation,
                self._expected(revision, stages, batch, facts, chunk),
                chunk.documents,
                chunk.deliveries,
                chunk.opens,
                aliases=chunk.aliases,
                controls=chunk.controls,
                acknowledged=chunk.acknowledged,
            )
            await self._turn.mine()
            done = await self._journal.plan(plan, self._clock.now())
            if not isinstance(done, Moved):
                self._gathered.bound += chunk.bound
                for document in chunk.documents:
                    self._remember_decided(document)
                return
            await self._look_again(done)
        raise UnsettledError(self._message.message_id)

    async def _finish(self, batch: Sequence[Keyed], summary: Summary) -> None:
        for _ in range(DECISIONS_MAX):
            revision, stages = self._programs(None).revision, await self._journal.stages()
            facts = await self._facts(batch)
            chunk = await self._written(self._chunk(stages, batch, facts))
            expected = self._expected(revision, stages, batch, facts, chunk)
            plan = await self._last_plan(stages, expected, chunk, summary)
            await self._turn.mine()
            asked = asyncio.ensure_future(self._journal.plan(plan, self._clock.now()))
            await asyncio.sleep(0)  # lets the journal take it before the next message's plan
            self._turn.over()
            done = await asked
            if not isinstance(done, Moved):
                return
            await self._look_again(done)
        raise UnsettledError(self._message.message_id)

    async def _look_again(self, moved: Moved) -> None:
        """Read anew what only this run remembers; the rest is looked up with each decision."""
        if moved.what == "settled":
            self._sent = await self._sent_earlier()
        if moved.what == "config":
            # A reload that the journal has and this process has not yet: over in a moment, not in a turn.
            await self._clock.sleep(RELOAD_S)

    async def _last_plan(
        self, stages: Mapping[str, StageState], expected: Expected, chunk: Chunk, summary: Summary
    ) -> Plan:
        program = self._own_program()
        stage = Stage(stages[program.stage_route].stage)
        for document in chunk.documents:
            self._remember_decided(document)
        rejected = self._rejected(program, stage, summary)
        findings = list(summary.findings)
        deliveries = list(chunk.deliveries)
        answers = await self._answers(summary)
        findings += answers.findings
        if answers.returns_to is not None:
            deliveries.append(whole_message(program, self._message, answers.returns_to, "acknowledgment"))
        elif summary.sets == 0 and not answers.acknowledged:
            deliveries += self._nothing_recognised(program, stage)
        else:
            bound = [*self._gathered.bound, *chunk.bound]
            wrapped, problems = await self._wrap(program, bound, summary.sets, summary.interchanges, rejected)
            findings += problems
            deliveries += [
                replace(each, role=self._live_role(program))
                if each.role == "live" and each.body is None and each.target == program.rule.legacy_target
                else each
                for each in bound_deliveries(program, self._message, bound, summary.sets, rejected, wrapped)
            ]
        if acknowledges(program, stage, is_untouched=self._is_untouched(program, summary, deliveries)):
            untouched = self._untouched(program, deliveries)
            deliveries += await self._acknowledgments(program, summary, rejected, untouched)
        return Plan(
            self._message.message_id,
            self._message.generation,
            expected,
            chunk.documents,
            tuple(deliveries),
            chunk.opens,
            aliases=chunk.aliases,
            is_last=True,
            rejected_units=rejected,
            findings=tuple(findings),
            interchanges=summary.interchanges,
            parks=not summary.is_readable
            or any(each not in summary.findings for each in findings)
            or self._is_condemned_in_silence(rejected),
            controls=(*chunk.controls, *self._numbers_sent(program, deliveries)),
            acknowledged=(*chunk.acknowledged, *answers.acknowledged),
        )

    def _rejected(self, program: Program, stage: Stage, summary: Summary) -> frozenset[Unit]:
        """Give the units that are refused as a whole.

        In stages legacy and shadow legacy gets every set whatever we find, and takes the good ones: to call
        them refused would free their keys, and a corrected file could then go to the other system as well.
        But a unit of which something is the cloud's is ours to judge.
        """
        gathered = self._gathered
        rejected = refused_units(program, summary, gathered.verdicts, gathered.units)
        if stage not in (Stage.LEGACY, Stage.SHADOW):
            return rejected
        return rejected.intersection(unit for index in gathered.clouds for unit in gathered.units[index])

    def _is_condemned_in_silence(self, rejected: frozenset[Unit]) -> bool:
        """Tell whether good sets fall with a unit of which no set is parked, so that nobody would look."""
        told = {
            unit
            for index, verdict in self._gathered.verdicts.items()
            if verdict is Verdict.REJECTED
            for unit in self._gathered.units[index]
        }
        return any(
            rejected.intersection(units) and not told.intersection(units)
            for units in self._gathered.units.values()
        )

    def _is_untouched(self, program: Program, summary: Summary, deliveries: Sequence[DeliveryPlan]) -> bool:
        """Tell whether legacy gets the message as it came, and so acknowledges it to its sender itself."""
        if self._sent.is_whole or (
            summary.sets == 1 and self._gathered.waiting and program.unknown.side is Side.LEGACY
        ):
            return True
        return any(
            each.document_index is None
            and each.body is None
            and each.role in ("live", "pass_through")
            and each.target == program.rule.legacy_target
            for each in deliveries
        )

    async def _answers(self, summary: Summary) -> EnvelopeAnswers:
        """Tell for whom the acknowledgments are that stand in no set."""
        if not summary.receipts:
            return EnvelopeAnswers()
        facts = await self._journal.facts((), (), (), [receipt.key for receipt in summary.receipts])
        at = Position(self._message.origin.name)
        return envelope_answers(
            summary.receipts, facts.controls, self._returns_to, at, is_alone=summary.sets == 0
        )

    def _returns_to(self, route: str) -> str | None:
        """Give the endpoint that takes acknowledgments of what a route received."""
        program = self._programs(None).routes.get(route)
        target = program.acknowledge.to if program is not None else None
        return None if target == REPLY else target

    def _numbers_sent(self, program: Program, deliveries: Sequence[DeliveryPlan]) -> list[ControlNumber]:
        """Give the control numbers of our own envelopes, and by when they must be acknowledged."""
        if not isinstance(self._format, Numbered):
            return []
        policy, made = program.acknowledge, list[ControlNumber]()
        for each in deliveries:
            if each.body is None or each.role == "acknowledgment" or each.document_index is not None:
                continue
            due_at = self._message.accepted_at + timedelta(seconds=policy.within_s)
            for key in self._format.control_keys(each.body):
                is_owed = policy.is_expected and key.name == GROUP_NUMBER
                made.append(ControlNumber(key.key, True, each.delivery_id, due_at if is_owed else None))
        return made

    def _untouched(self, program: Program, deliveries: Sequence[DeliveryPlan]) -> frozenset[int]:
        """Give the interchanges that legacy gets as they came, all of whose sets it acknowledges itself.

        A single set goes as it came even where it waits for its order first.
        """
        gathered = self._gathered
        is_whole = any(
            each.document_index is None and each.body is None and each.target == program.rule.legacy_target
            for each in deliveries
        )
        if not is_whole and len(gathered.verdicts) != 1:
            return frozenset()
        ours = (index for index in gathered.verdicts if index not in gathered.answered_elsewhere)
        return frozenset(gathered.interchanges.values()) - {gathered.interchanges[index] for index in ours}

    def _nothing_recognised(self, program: Program, stage: Stage) -> list[DeliveryPlan]:
        """Pass on what we cannot read at all, where legacy is live: it only is an exception for us."""
        target = program.rule.legacy_target
        if stage not in (Stage.LEGACY, Stage.SHADOW) or target is None:
            return []
        return [whole_message(program, self._message, target, self._live_role(program))]

    def _live_role(self, program: Program) -> Role:
        """Give the role of a whole message on its way to legacy: the caller's own call, where one waits.

        Nobody waits for what a person has replayed: workers deliver it.
        """
        is_call = (
            self._is_call
            and program.reply in ("pass_through", "query")
            and self._message.origin.transport == "http"
        )
        return "pass_through" if is_call else "live"

    def _chunk(self, stages: Mapping[str, StageState], batch: Sequence[Keyed], facts: Facts) -> Chunk:
        def ruling(set_type: str) -> Ruling:
            program = self._program_of(set_type)
            state = stages[program.stage_route]
            share = Decimal(state.share_percent)
            return Ruling(program, Stage(state.stage), share, self._returns_to)

        chunk = plan_chunk(ruling, self._message, batch, facts, self._clock.now())
        return without_sent(chunk, self._sent)

    def _expected(
        self,
        revision: int,
        stages: Mapping[str, StageState],
        batch: Sequence[Keyed],
        facts: Facts,
        chunk: Chunk,
    ) -> Expected:
        programs = [self._program_of(each.decoded.set_type) for each in batch]
        deciding = {
            program.route: stages[program.route].revision for program in programs if not program.follows
        }
        known = {
            key: facts.documents[key].message_id if key in facts.documents else None
            for key in chunk.seen_documents
        }
        counted = {
            key.key for each in batch for key in each.decoded.control_keys if key.on_repeat != "ignore"
        }
        used = {key: taken_by(facts.controls.get(key)) for key in counted}
        return Expected(
            revision, deciding, _revisions(facts, chunk.seen_orders), known, used, self._sent.settled
        )

    async def _facts(self, batch: Sequence[Keyed]) -> Facts:
        """Look up everything that a batch names; what an alias leads to is looked up in turn."""
        orders = tuple(dict.fromkeys(key for each in batch for key in each.order_keys))
        documents = tuple(dict.fromkeys(each.document_key for each in batch if each.document_key))
        numbers = tuple(
            dict.fromkeys(
                number for each in batch if self._has_other_names(each) for number in each.order_numbers
            )
        )
        controls = control_keys([each.decoded for each in batch])
        facts = await self._journal.facts(orders, documents, numbers, controls)
        further = tuple({key for keys in facts.resolved.values() for key in keys} - set(orders))
        if not further:
            return facts
        more = await self._journal.facts(sorted(further), (), ())
        return replace(facts, ledger={**more.ledger, **facts.ledger})

    def _has_other_names(self, each: Keyed) -> bool:
        """Tell whether a set may name an order by another name: a new order does only where the ERP tells."""
        return not each.opens or self._program_of(each.decoded.set_type).rule.from_cloud

    def _program_of(self, set_type: str) -> Program:
        """Give the program of a set as configured now; where it is gone, as it was then."""
        route, pinned = self._message.route, self._programs(self._message.config_revision)
        return self._programs(None).of_set(route, set_type) or pinned.of_set(route, set_type) or self._pinned

    def _own_program(self) -> Program:
        """Give the program of the message's own route as configured now; one that is gone, as it was."""
        return self._programs(None).routes.get(self._message.route, self._pinned)

    # -- writing bytes ---------------------------------------------------------------------

    async def _written(self, chunk: Chunk) -> Chunk:
        """Write the documents of a chunk for the targets that take bytes; park what cannot be written."""
        deliveries: list[DeliveryPlan] = []
        problems: dict[int, tuple[Finding, ...]] = {}
        by_index = {document.index: document for document in chunk.documents}
        for each in chunk.deliveries:
            document = by_index.get(each.document_index) if each.document_index is not None else None
            if document is None:
                deliveries.append(each)
                continue
            made, found = await self._write(self._program_of(document.set_type), [document], [each])
            deliveries += made
            problems |= found
        documents, kept = without_unwritable(chunk.documents, tuple(deliveries), problems)
        bound = tuple(each for each in chunk.bound if each.index not in problems)
        return replace(chunk, documents=documents, deliveries=kept, bound=bound)

    async def _write(
        self, program: Program, documents: Sequence[DocumentPlan], deliveries: Sequence[DeliveryPlan]
    ) -> tuple[list[DeliveryPlan], dict[int, tuple[Finding, ...]]]:
        made: list[DeliveryPlan] = []
        problems: dict[int, tuple[Finding, ...]] = {}
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
            else:
                problems[each.document_index or 0] = body
        return made, problems

    async def _body(
        self, program: Program, writing: Writing, canonical: bytes
    ) -> bytes | tuple[Finding, ...]:
        numbers = writing.control_numbers
        number = await self._journal.next_control_number(
            writing.emitter, "interchange", numbers.lowest, numbers.highest
        )
        return written(
            writing,
            self._formats,
            canonical,
            number,
            program.context.environment,
            await self._tables(program.crosswalks),
            self._message.accepted_at,
            self._clock.now(),
        )

    async def _wrap(
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
                    wrapped[target, role, position] = self._format.wrap(
                        part, interchanges[position], envelope
                    )
                except EncodeError as error:
                    problems += error.findings
        return wrapped, problems

    async def _acknowledgments(
        self,
        program: Program,
        summary: Summary,
        rejected: frozenset[Unit],
        untouched: frozenset[int],
    ) -> list[DeliveryPlan]:
        made = []
        verdicts = verdicts_of(self._gathered.verdicts, self._gathered.units, rejected)
        for position, interchange in enumerate(summary.interchanges):
            if interchange.is_acknowledgment or position in untouched:
                continue
            own = {
                index: each
                for index, each in verdicts.items()
                if self._gathered.interchanges[index] == position
            }
            if program.resend == "ignore" and own and own.keys() <= self._gathered.came_before:
                continue  # all of it came before: the partner's policy is to say nothing
            envelope = await self._envelope(program, program.partner or program.route)
            repeats = tuple(self._gathered.repeats.get(position, ()))
            kind: Literal["997", "999"] = "999" if program.acknowledge.kind == "999" else "997"
            envelope = replace(envelope, acknowledgment=kind, repeats=repeats)
            body = self._format.acknowledge(interchange, own, envelope)
            if body is not None:
                made.append(acknowledgment_delivery(program, self._message, position, body))
        return made

    async def _envelope(self, program: Program, emitter: str) -> Envelope:
        numbers = program.control_numbers
        number = await self._journal.next_control_number(
            emitter, "interchange", numbers.lowest, numbers.highest
        )
        context = program.context
        return Envelope(
            control_number=number,
            at=self._clock.now(),
            environment=context.environment,
            zone=context.zone,
            partner_settings=context.partner_settings,
            settings=context.settings,
            library=context.library,
        )


def _revisions(facts: Facts, order_keys: frozenset[str]) -> dict[str, int | None]:
    return {key: facts.ledger[key].revision if key in facts.ledger else None for key in order_keys}
