"""Sets that go on whatever was found about them, and those that cannot be translated. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.going_on import Bound, bound_sets
from gateway.journal.types import DeliveryPlan, DocumentPlan, Facts, Message, Side
from gateway.naming import Keyed
from gateway.order_opening import open_entry
from gateway.ruling import Ruling, Seen, entries_of
from gateway.stage import Decision, Stage, placed_by_phone


def untranslated(
    ruling: Ruling,
    message: Message,
    each: Keyed,
    document: DocumentPlan,
    facts: Facts,
    seen: Seen,
    now: datetime,
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    """Park what cannot be translated; where legacy is live its bytes go on all the same.

    Legacy is live in stages legacy and shadow, and in every stage for a follow-on of orders that are
    legacy's: it needs no translation of ours. What follows an order of the cloud ERP goes nowhere by
    itself. The document key is dropped: a corrected set must not be taken for a repeat of this one. But
    an order that legacy was given is legacy's from then on, and what corrects it must go there too.
    """
    parked = replace(document, is_parked=True, document_key=None, decision="not translated")
    entries, program = entries_of(each, facts, seen), ruling.program
    if program.follows is not None and entries:
        target = program.rule.legacy_target
        is_moving = any(entry.moving_to is not None for entry in entries)
        if target is None or is_moving or {entry.side for entry in entries} != {Side.LEGACY}:
            return parked, [], []
        passes = replace(
            parked,
            decision="not translated; its order is legacy's: the bytes pass on",
            side=Side.LEGACY,
            passes_to=((target, "live"),),
            order_keys=tuple(entry.order_key for entry in entries),
        )
        return passes, [], bound_sets(passes, each.decoded.raw, each.decoded.interchange)
    passed, deliveries, bound = passed_on(ruling, each, parked, facts, seen)
    if bound and program.follows is None:
        reason = f"stage {ruling.stage.value}, passed on untranslated"
        decision = Decision(Side.LEGACY, program.rule.legacy_transmitter, (), reason, opens=True)
        for key in each.order_keys:
            if key not in seen.ledger:
                open_entry(program, message, ruling.stage, key, decision, seen, now)
    return passed, deliveries, bound


def passed_on(
    ruling: Ruling, each: Keyed, document: DocumentPlan, facts: Facts, seen: Seen
) -> tuple[DocumentPlan, list[DeliveryPlan], list[Bound]]:
    """In stages legacy and shadow, let a set's bytes go on whatever was found about it.

    Not where its order is known to be the cloud's, or was placed by phone: legacy would transmit it.
    """
    program, stage, target = ruling.program, ruling.stage, ruling.program.rule.legacy_target
    entries = entries_of(each, facts, seen)
    is_clouds = any(entry.side is Side.CLOUD or entry.moving_to is not None for entry in entries) or (
        not entries and program.follows is not None and program.unknown.side is Side.CLOUD
    )
    is_phoned = program.follows is None and any(placed_by_phone(program.rule, entry) for entry in entries)
    takes_bytes = program.rule.legacy_form == "as_received"  # else the endpoint cannot use them
    if (
        stage not in (Stage.LEGACY, Stage.SHADOW)
        or target is None
        or is_clouds
        or is_phoned
        or not takes_bytes
    ):
        return document, [], []
    passes = replace(
        document,
        decision=f"{document.decision}; stage {stage.value} passes the bytes on",
        side=Side.LEGACY,
        passes_to=((target, "live"),),
    )
    return passes, [], bound_sets(passes, each.decoded.raw, each.decoded.interchange)
