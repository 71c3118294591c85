"""Follow-ons that waited for their order: decided when it is known, or when the wait is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from adapters.base import Alias, Decoded
from gateway.decoded_sets import EarlierGenerations, found_again
from gateway.earlier import Sent, unsent
from gateway.entity_owner import not_the_owner
from gateway.following import Followed, follow_on, told_of_ours, waiting
from gateway.going_on import bound_deliveries
from gateway.journal.types import NO_ALIASES, AwaitedOrder, DeliveryPlan, DocumentPlan, Expected, Facts
from gateway.looking_up import facts_of, revisions_of
from gateway.message_run import MessageRun
from gateway.naming import Keyed, keyed, orders_named, told_names
from gateway.outgoing import OutgoingBytes
from gateway.planning import plan_decision
from gateway.ruling import facts_of_order
from gateway.stage import Decision, Stage, decide
from gateway.writing import with_notes, without_unwritable


async def decide_awaited(run: MessageRun, documents: Sequence[DocumentPlan]) -> int:
    """Decide about follow-ons of one message that waited; give how many, without those that moved.

    Errors: LookupError where the message has no such set, JournalError.
    """
    found, sets = await found_again(run, {document.index for document in documents})
    sent = await EarlierGenerations(run).sent()
    outgoing = OutgoingBytes(run)
    decided = 0
    for document in documents:
        awaited = _Awaited(run, outgoing, found[document.index], sets, sent)
        decided += await awaited.decide(document)
    return decided


class _Awaited:
    """One set that waited. ``sets``: how many its message has."""

    def __init__(
        self, run: MessageRun, outgoing: OutgoingBytes, decoded: Decoded, sets: int, sent: Sent
    ) -> None:
        self._run = run
        self._outgoing = outgoing
        self._decoded = decoded
        self._sets = sets
        self._sent = sent
        self._program = run.program_of(decoded.set_type)

    async def decide(self, document: DocumentPlan) -> bool:
        """Decide and write it down; False where it goes on waiting, or something moved meanwhile."""
        run, program, revision = self._run, self._program, self._run.programs(None).revision
        each = keyed(self._decoded, program.naming, run.message.route, run.message.sha256)
        facts, now = await facts_of(run.journal, [each], run.program_of), run.clock.now()
        expected = Expected(revision, {}, revisions_of(facts, frozenset(orders_named(each, facts))))
        until = document.awaits.until if document.awaits is not None else now
        followed = follow_on(program, each, facts, facts.ledger, until if now < until else None, now)
        if (ours := told_of_ours(program, each, facts, facts.ledger)) is not None:
            followed, document = ours, replace(document, document_key=None)
        elif each.opens and isinstance(followed, Followed) and followed.decision.side is not None:
            # A further release of an order that was moving: it is sent on as any new one is.
            followed, stage_revisions = await self._opened_again(each, facts)
            expected = replace(expected, stage_revisions=stage_revisions)
        if isinstance(followed, AwaitedOrder):
            if followed == document.awaits:
                return False
            still = waiting(document, followed)  # for the others: one of its orders is known now
            return await self._plan(still, (), expected)
        keys = followed.order_keys or document.order_keys
        decision = await self._owned(followed.decision, document, keys, facts)
        settled = replace(document, awaits=None, order_keys=keys)
        names = told_names(each, facts, facts.ledger)
        return await self._plan(*await self._carried_out(settled, decision), expected, names)

    async def _plan(
        self,
        document: DocumentPlan,
        deliveries: Sequence[DeliveryPlan],
        expected: Expected,
        names: Mapping[str, Sequence[Alias]] = NO_ALIASES,
    ) -> bool:
        run = self._run
        return await run.journal.plan_awaited(
            run.message.message_id, document, deliveries, expected, run.clock.now(), names
        )

    async def _owned(
        self, decision: Decision, document: DocumentPlan, keys: Sequence[str], facts: Facts
    ) -> Decision:
        """Give the decision, but for documents that the owner of their kind alone may send."""
        stage = (await self._run.journal.stages())[self._program.stage_route].stage
        entries = [facts.ledger[key] for key in keys if key in facts.ledger]
        return not_the_owner(self._program, stage, document.document_type, entries) or decision

    async def _carried_out(
        self, document: DocumentPlan, decision: Decision
    ) -> tuple[DocumentPlan, list[DeliveryPlan]]:
        """Give the set as decided, and what is to be sent of it."""
        run, program, decoded, sets = self._run, self._program, self._decoded, self._sets
        decided, planned, bound = plan_decision(
            program, run.message, document, decision, decoded.raw, decoded.interchange
        )
        deliveries, unwritable, notes = await self._outgoing.write(program, [decided], planned)
        (decided,) = with_notes((decided,), notes)
        if unwritable:
            (decided,), _ = without_unwritable((decided,), (), unwritable)
            bound, deliveries = [], []
        bound, deliveries = unsent(bound, deliveries, self._sent)
        interchanges = run.message.interchanges
        wrapped, problems = await self._outgoing.wrapped(program, bound, sets, interchanges, frozenset())
        if problems:  # its bytes cannot go on: a person must look, or it would be lost in silence
            findings = (*decided.findings, *problems)
            decided = replace(decided, is_parked=True, passes_to=(), findings=findings)
        part = "" if sets == 1 else f"set-{document.index}"
        deliveries += bound_deliveries(program, run.message, bound, sets, frozenset(), wrapped, part=part)
        return decided, deliveries

    async def _opened_again(self, each: Keyed, facts: Facts) -> tuple[Followed, dict[str, int]]:
        """Decide about an order document that waited for its order to arrive on the other side."""
        program = self._program
        state = (await self._run.journal.stages())[program.stage_route]
        key = each.order_keys[0]
        decision = decide(
            program.rule,
            Stage(state.stage),
            Decimal(state.share_percent),
            facts_of_order(each),
            facts.ledger[key],
            is_new=self._run.message.generation == 1,
        )
        return Followed(decision, each.order_keys), {program.stage_route: state.revision}
