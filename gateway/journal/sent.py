"""What counts as sent when a message is planned again: the same rule in every store. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapters.base import Accepted, Effect, NoReply, Rejected, Role, StepResult, Transient
from gateway.journal.types import DeliveryState


def was_sent(role: Role | str, state: DeliveryState, steps: Sequence[StepResult]) -> bool:
    """Tell whether a delivery of an earlier plan stands for the same one of a new plan.

    One that was attempted does. But one that a person closed, and of which no request can have had an
    effect (an ERP that was down), would never be created: the new plan has it again. A call that was
    passed through belongs to its caller, who was told how it ended.
    """
    if state is DeliveryState.VOID and role != "pass_through":
        return may_have_happened(steps)
    return bool(steps)


def may_have_happened(steps: Iterable[StepResult]) -> bool:
    """Tell whether one of these requests may have changed something at its target."""
    return any(
        step.request.effect is not Effect.READ
        and (is_unheard(step) or not isinstance(step.outcome, Transient | Rejected))
        for step in steps
    )


def may_be_there(steps: Iterable[StepResult]) -> bool:
    """Tell whether a target may have, unfinished, what these requests were to make there.

    A look-up that finds nothing does not clear it up: the system may show it later. A repeatable step
    that was taken (a file staged and not published) made nothing that anybody reads.
    """
    return any(
        step.request.effect is not Effect.READ
        and (is_unheard(step) or (step.request.effect is Effect.WRITE and isinstance(step.outcome, Accepted)))
        for step in steps
    )


def is_unheard(step: StepResult) -> bool:
    """Tell whether a request may have arrived and was never answered, however its target judges that."""
    return step.is_in_doubt or (isinstance(step.reply, NoReply) and step.reply.written == "maybe")
