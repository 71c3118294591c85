"""How a message ended, or what it waits for, in a sentence at the end of its story. Pure.

``progress`` says the same in a word, for lists.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.journal.sent import PLACED_BY_PHONE
from gateway.journal.types import FINISHED, DeliveryState, DeliveryView, MessageState
from gateway.operations.lineage import Lineage
from gateway.operations.progress import LIVE

GIVEN_UP = (DeliveryState.VOID, DeliveryState.SUPERSEDED)
NOTHING = "Nothing of it is to be delivered."


def conclusion(lineage: Lineage) -> str:
    """Say in a sentence how it ended, or what it waits for."""
    message = lineage.message
    if message.state is MessageState.REFUSED:
        return "It was refused before it was accepted; its bytes are not kept."
    if message.state in (MessageState.ACCEPTED, MessageState.TRANSLATING):
        return "It is accepted and not translated yet; it goes on by itself."
    live = _standing([each for each in lineage.deliveries if each.role in LIVE])
    current = [each for each in lineage.documents if each.generation == message.generation]
    if lineage.parked:
        count = len(lineage.parked)
        return f"A person must look: {count} parked (legacy-bridge exceptions list)."
    if waiting := [each for each in current if each.plan.awaits is not None]:
        return f"{len(waiting)} of its documents wait for their order to become known."
    return _ended(lineage, live, sum(1 for each in current if each.plan.is_parked))


def _standing(live: Sequence[DeliveryView]) -> list[DeliveryView]:
    """Leave out what came to nothing and was planned again: a later delivery stands in its place."""
    newest = {_identity(each): each.generation for each in sorted(live, key=lambda each: each.generation)}
    return [each for each in live if each.state not in GIVEN_UP or each.generation == newest[_identity(each)]]


def _identity(view: DeliveryView) -> tuple[str, str, str]:
    return view.reference, view.target, view.role


def _ended(lineage: Lineage, live: Sequence[DeliveryView], resolved: int) -> str:
    """Say how far it is where nobody must look. ``resolved``: parked sets that a person closed."""
    resolved += lineage.message.state is MessageState.PARKED
    done = sum(1 for each in live if each.state is DeliveryState.DONE)
    if open_ones := [each for each in live if each.state not in FINISHED]:
        told = f"{done} of {len(live)} live deliveries are done"
        troubled = {each.target: lineage.troubles.get(each.target) for each in open_ones}
        stuck = "; ".join(f"{target} needs a person: {why}" for target, why in troubled.items() if why)
        if not stuck:
            return f"{told}; the others go on by themselves."
        return f"{told}; {stuck}." + (" The others go on by themselves." if None in troubled.values() else "")
    rest = [each for each in lineage.deliveries if each.state not in FINISHED]
    if rest:  # an acknowledgment, a copy, a shadow: of its own lane, and late or in trouble by itself
        what = ", ".join(sorted({f"{each.role} to {each.target}" for each in rest}))
        return f"Nothing live is left to deliver; still on its way: {what}."
    closed = len(live) - done
    if closed or (live and resolved):
        by_person = f", {resolved} closed by a person" if resolved else ""
        return f"It is closed: {done} delivered, {closed} void or superseded{by_person}.{_by_hand(live)}"
    if live:
        return "Everything of it is delivered."
    return "A person closed it; nothing of it is delivered." if resolved else NOTHING


def _by_hand(live: Sequence[DeliveryView]) -> str:
    """Say which systems lack what was placed by phone, where nothing else brings it to any."""
    others = {each.document_index for each in live if each.state not in GIVEN_UP}
    lacking = {
        each.target
        for each in live
        if each.resolution.startswith(PLACED_BY_PHONE) and each.document_index not in others
    }
    if not lacking:
        return ""
    return (
        f" What was placed by phone is not in {', '.join(sorted(lacking))}, unless a person entered it there."
    )
