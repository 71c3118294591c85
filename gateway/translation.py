"""One translation of one message: decode, decide in chunks, write the plan.

All state of a run is here and is lost with the process; what must survive is in the journal. The
input is decoded with the configuration that the message was first translated with; decisions are
made under the current one, and made again where it, a stage or the ledger moved meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from adapters.base import Decoded, Finding, Position, Summary, Unit
from gateway.acknowledging import acknowledges
from gateway.correspondence import EnvelopeAnswers, envelope_answers
from gateway.decoded_sets import ALL_OF_THEM, EarlierGenerations, sets_of
from gateway.earlier import NOTHING_SENT, unsent, without_sent
from gateway.gathered import Gathered
from gateway.going_on import bound_deliveries, bound_sets, whole_message
from gateway.journal.types import DeliveryPlan, DocumentPlan, Expected, Moved, Plan, StageState
from gateway.looking_up import expected_of, facts_of
from gateway.message_run import MessageRun
from gateway.naming import Keyed, keyed
from gateway.outgoing import OutgoingBytes
from gateway.planning import Chunk, plan_chunk
from gateway.preparing import Ready
from gateway.program import Program
from gateway.ruling import Ruling
from gateway.stage import Stage
from gateway.turns import Turn

SETS_PER_CHUNK = 200
RELOAD_S = 0.05
DECISIONS_MAX = 100  # a plan that keeps moving is decided again this often; then it is tried later


class UnsettledError(Exception):
    """A plan was decided again and again and something always moved; the translation is tried later."""


class Translation:
    """One message on its way through its route's program."""

    def __init__(self, run: MessageRun, turn: Turn | None = None, ready: Ready | None = None) -> None:
        """``ready``: the message is decoded and named already, and what it names perhaps looked up."""
        self._run = run
        self._prepared = ready.prepared if ready is not None else None
        self._facts = ready.facts if ready is not None else None  # for the first decision alone
        self._message = run.message
        self._turn = turn or Turn()
        self._outgoing = OutgoingBytes(run)
        self._earlier = EarlierGenerations(run)
        self._gathered = Gathered()
        self._batch: list[Keyed] = []
        self._planned: dict[int, DocumentPlan] = {}
        self._sent = NOTHING_SENT

    async def run(self) -> None:
        """Decode the whole message and plan it. Errors: UnsettledError, JournalError."""
        self._sent = await self._earlier.sent()
        message = self._message
        if message.planned_through:
            views = await self._run.journal.documents(message_id=message.message_id, limit=ALL_OF_THEM)
            self._planned = {
                view.plan.index: view.plan for view in views if view.generation == message.generation
            }
        if self._prepared is not None:
            for each in self._prepared.sets:
                await self._take(each.decoded, each)
            await self._finish(self._batch, self._prepared.summary)
            return
        summary: Summary | None = None
        async for decoded in sets_of(self._run):  # to its end: left early, it ends in a task of its own
            if isinstance(decoded, Summary):
                summary = decoded
                continue
            naming = self._run.program_of(decoded.set_type).naming
            is_planned = decoded.index < message.planned_through
            named = None if is_planned else keyed(decoded, naming, message.route, message.sha256)
            await self._take(decoded, named)
        assert summary is not None  # noqa: S101  the last thing that sets_of gives
        await self._finish(self._batch, summary)

    async def only_plan(self) -> Plan | None:
        """Give the plan of a prepared message, still to be written; None where it takes several chunks."""
        if self._prepared is None or len(self._prepared.sets) > SETS_PER_CHUNK:
            return None
        self._sent = await self._earlier.sent()
        for each in self._prepared.sets:
            self._gathered.decoded(each.decoded)
        stages, expected, chunk = await self._decided(self._prepared.sets)
        return await self._last_plan(stages, expected, chunk, self._prepared.summary)

    async def _take(self, decoded: Decoded, named: Keyed | None) -> None:
        """Take a set; with its chunk it is planned. ``named`` None: it was planned before a kill."""
        self._gathered.decoded(decoded)
        document = self._planned.get(decoded.index)
        if document is not None:  # finish what was decided then
            self._gathered.decided(document)
            own = bound_sets(document, decoded.raw, decoded.interchange)
            self._gathered.bound += unsent(own, (), self._sent)[0]
        if named is not None:
            self._batch.append(named)
        if len(self._batch) >= SETS_PER_CHUNK:
            batch, self._batch = self._batch, []
            await self._plan_middle(batch)

    async def broken_plan(self, finding: Finding) -> Plan:
        """Give the plan of a message that breaks its translation: it is parked.

        In stages legacy and shadow translation only observes: where nothing of the message was planned yet,
        its bytes go on as received.
        """
        message, program = self._message, self._run.own_program()
        revision, stages = self._run.programs(None).revision, await self._run.journal.stages()
        state = stages[program.stage_route]
        is_untouched = message.planned_through == 0 and not (await self._earlier.sent()).is_whole
        goes_on = self._run.nothing_recognised(program, Stage(state.stage)) if is_untouched else []
        return Plan(
            message.message_id,
            message.generation,
            Expected(revision, {state.route: state.revision}),
            deliveries=tuple(goes_on),
            is_last=True,
            findings=(finding,),
            parks=True,
            is_broken=True,
        )

    async def _plan_middle(self, batch: Sequence[Keyed]) -> None:
        for _ in range(DECISIONS_MAX):
            _, expected, chunk = await self._decided(batch)
            await self._turn.mine()
            plan = self._plan_of(expected, chunk, chunk.deliveries)
            done = await self._run.journal.plan(plan, self._run.clock.now())
            if not isinstance(done, Moved):
                self._gathered.bound += chunk.bound
                for document in chunk.documents:
                    self._gathered.decided(document)
                return
            await self._look_again(done)
        raise UnsettledError(self._message.message_id)

    async def _finish(self, batch: Sequence[Keyed], summary: Summary) -> None:
        for _ in range(DECISIONS_MAX):
            stages, expected, chunk = await self._decided(batch)
            plan = await self._last_plan(stages, expected, chunk, summary)
            await self._turn.mine()
            asked = asyncio.ensure_future(self._run.journal.plan(plan, self._run.clock.now()))
            await asyncio.sleep(0)  # lets the journal take it before the next message's plan
            self._turn.over()
            done = await asked
            if not isinstance(done, Moved):
                return
            await self._look_again(done)
        raise UnsettledError(self._message.message_id)

    async def _decided(self, batch: Sequence[Keyed]) -> tuple[Mapping[str, StageState], Expected, Chunk]:
        """Decide about a batch by what holds now; give the stages and what the plan stands on as well."""
        revision, stages = self._run.programs(None).revision, await self._run.journal.stages()
        facts, self._facts = self._facts, None
        if facts is None:
            facts = await facts_of(self._run.journal, batch, self._run.program_of)

        def ruling(set_type: str) -> Ruling:
            program = self._run.program_of(set_type)
            state = stages[program.stage_route]
            share = Decimal(state.share_percent)
            return Ruling(program, Stage(state.stage), share, self._run.returns_to)

        planned = plan_chunk(ruling, self._message, batch, facts, self._run.clock.now())
        chunk = await self._outgoing.written(without_sent(planned, self._sent))
        expected = expected_of(self._run, revision, stages, batch, facts, chunk, self._sent)
        return stages, expected, chunk

    async def _look_again(self, moved: Moved) -> None:
        """Read anew what only this run remembers; the rest is looked up with each decision."""
        if moved.what == "settled":
            self._sent = await self._earlier.sent()
        if moved.what == "config":
            # A reload that the journal has and this process has not yet: over in a moment, not in a turn.
            await self._run.clock.sleep(RELOAD_S)

    async def _last_plan(
        self, stages: Mapping[str, StageState], expected: Expected, chunk: Chunk, summary: Summary
    ) -> Plan:
        """Add to the last chunk what only the end of the input shows: what goes on, and the answers to it."""
        program, gathered = self._run.own_program(), self._gathered
        stage = Stage(stages[program.stage_route].stage)
        for document in chunk.documents:
            gathered.decided(document)
        rejected = gathered.rejected(program, stage, summary)
        answers = await self._answers(summary)
        goes_on, problems = await self._goes_on(program, stage, chunk, summary, answers, rejected)
        deliveries = [*chunk.deliveries, *goes_on]
        is_untouched = gathered.is_untouched(program, self._sent, summary, deliveries)
        if acknowledges(program, stage, is_untouched=is_untouched):
            deliveries += await self._outgoing.acknowledgments(
                program, gathered, summary, rejected, deliveries
            )
        findings = (*summary.findings, *answers.findings, *problems)
        return replace(
            self._plan_of(expected, chunk, deliveries),
            is_last=True,
            rejected_units=rejected,
            findings=findings,
            interchanges=summary.interchanges,
            parks=not summary.is_readable
            or any(each not in summary.findings for each in findings)
            or gathered.is_condemned_in_silence(rejected),
            controls=(*chunk.controls, *self._outgoing.numbers_sent(program, deliveries)),
            acknowledged=(*chunk.acknowledged, *answers.acknowledged),
        )

    def _plan_of(self, expected: Expected, chunk: Chunk, deliveries: Sequence[DeliveryPlan]) -> Plan:
        return Plan(
            self._message.message_id,
            self._message.generation,
            expected,
            chunk.documents,
            tuple(deliveries),
            chunk.opens,
            aliases=chunk.aliases,
            controls=chunk.controls,
            acknowledged=chunk.acknowledged,
        )

    async def _goes_on(
        self,
        program: Program,
        stage: Stage,
        chunk: Chunk,
        summary: Summary,
        answers: EnvelopeAnswers,
        rejected: frozenset[Unit],
    ) -> tuple[list[DeliveryPlan], list[Finding]]:
        """Give the deliveries of bytes that go on, and why some cannot."""
        if answers.returns_to is not None:
            return [whole_message(program, self._message, answers.returns_to, "acknowledgment")], []
        if summary.sets == 0 and not answers.acknowledged:
            return self._run.nothing_recognised(program, stage), []
        bound = [*self._gathered.bound, *chunk.bound]
        wrapped, problems = await self._outgoing.wrapped(
            program, bound, summary.sets, summary.interchanges, rejected
        )
        live = self._run.live_role(program)
        deliveries = [
            replace(each, role=live)
            if each.role == "live" and each.body is None and each.target == program.rule.legacy_target
            else each
            for each in bound_deliveries(program, self._message, bound, summary.sets, rejected, wrapped)
        ]
        return deliveries, problems

    async def _answers(self, summary: Summary) -> EnvelopeAnswers:
        """Tell for whom the acknowledgments are that stand in no set."""
        if not summary.receipts:
            return EnvelopeAnswers()
        facts = await self._run.journal.facts((), (), (), [receipt.key for receipt in summary.receipts])
        at = Position(self._message.origin.name)
        return envelope_answers(
            summary.receipts, facts.controls, self._run.returns_to, at, is_alone=summary.sets == 0
        )
