"""What a batch of sets must be decided against, and what the decision then stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gateway.correspondence import control_keys, taken_by
from gateway.earlier import Sent
from gateway.journal.base import Journal
from gateway.journal.types import Expected, Facts, StageState
from gateway.message_run import MessageRun
from gateway.naming import Keyed
from gateway.planning import Chunk
from gateway.program import Program


async def facts_of(journal: Journal, batch: Sequence[Keyed], program_of: Callable[[str], Program]) -> Facts:
    """Look up everything that a batch names; what an alias leads to is looked up in turn.

    ``program_of``: by set type.
    """
    orders = tuple(dict.fromkeys(key for each in batch for key in each.order_keys))
    documents = tuple(dict.fromkeys(each.document_key for each in batch if each.document_key))
    numbers = tuple(
        dict.fromkeys(
            number
            for each in batch
            if _has_other_names(each, program_of(each.decoded.set_type))
            for number in each.order_numbers
        )
    )
    controls = control_keys([each.decoded for each in batch])
    facts = await journal.facts(orders, documents, numbers, controls)
    further = tuple({key for keys in facts.resolved.values() for key in keys} - set(orders))
    if not further:
        return facts
    more = await journal.facts(sorted(further), (), ())
    return replace(facts, ledger={**more.ledger, **facts.ledger})


def expected_of(
    run: MessageRun,
    revision: int,
    stages: Mapping[str, StageState],
    batch: Sequence[Keyed],
    facts: Facts,
    chunk: Chunk,
    sent: Sent,
) -> Expected:
    """Give what must still hold when the plan of a batch is written; the journal refuses it otherwise."""
    programs = [run.program_of(each.decoded.set_type) for each in batch]
    deciding = {program.route: stages[program.route].revision for program in programs if not program.follows}
    known = {
        key: facts.documents[key].message_id if key in facts.documents else None
        for key in chunk.seen_documents
    }
    counted = {key.key for each in batch for key in each.decoded.control_keys if key.on_repeat != "ignore"}
    used = {key: taken_by(facts.controls.get(key)) for key in counted}
    return Expected(revision, deciding, revisions_of(facts, chunk.seen_orders), known, used, sent.settled)


def revisions_of(facts: Facts, order_keys: frozenset[str]) -> dict[str, int | None]:
    """Give the ledger revisions that a decision about these orders stands on."""
    return {key: facts.ledger[key].revision if key in facts.ledger else None for key in order_keys}


def _has_other_names(each: Keyed, program: Program) -> bool:
    """Tell whether a set may name an order by another name: a new order does only where the ERP tells."""
    return not each.opens or program.rule.from_cloud
