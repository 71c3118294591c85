"""What counts as settled when a message is planned again: the same rule in every store. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from adapters.base import Accepted, Effect, NoReply, Rejected, Role, StepResult, Transient
from gateway.journal.types import DeliveryState, Side

DISMISSED = "dismissed"
PLACED_BY_PHONE = "placed_by_phone:"


def was_sent(role: Role | str, state: DeliveryState, steps: Sequence[StepResult], resolution: str) -> bool:
    """Tell whether a delivery of an earlier plan stands for the same one of a new plan.

    One that was attempted does, and one that a person closed for good. An order that was placed by phone
    is created later, where no request can have had an effect. A call that was passed through belongs to
    its caller, who was told how it ended.
    """
    if closes(resolution):
        return True
    if state is DeliveryState.VOID and role != "pass_through":
        return may_have_happened(steps)
    return bool(steps)


def closes(resolution: str) -> bool:
    """Tell whether a person has closed a thing for good: no later plan has it, unless told to resend."""
    return bool(resolution) and not resolution.startswith(PLACED_BY_PHONE)


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


def never_left(steps: Iterable[StepResult]) -> bool:
    """Tell whether not a byte of these requests was written.

    An answer that says "not now" is no proof: a system may do the work and fail afterwards.
    """
    return all(isinstance(step.reply, NoReply) and step.reply.written == "none" for step in steps)


def is_unheard(step: StepResult) -> bool:
    """Tell whether a request may have arrived and was never answered, however its target judges that."""
    return step.is_in_doubt or (isinstance(step.reply, NoReply) and step.reply.written == "maybe")


def is_spent(state: DeliveryState, steps: Sequence[StepResult], resolution: str) -> bool:
    """Tell whether a delivery is over and has brought nothing anywhere."""
    is_elsewhere = closes(resolution) and resolution != DISMISSED
    return state is DeliveryState.VOID and not is_elsewhere and not may_have_happened(steps)


def goes_on_in_bytes(passes_to: Iterable[tuple[str, Role]]) -> bool:
    """Tell whether a set goes on in its message's bytes, whatever was found about it."""
    return any(role in ("live", "pass_through") for _, role in passes_to)


class Carrier(NamedTuple):
    """A live delivery of a message: the set that it carries, or the lanes of those in its bytes."""

    set_index: int | None
    target: str
    lanes: Sequence[str]
    is_spent: bool


class DocumentPlace(NamedTuple):
    """Where a set stands, to tell which deliveries of its message carry it."""

    set_index: int
    order_keys: tuple[str, ...]
    passes_to: tuple[tuple[str, Role], ...]

    def is_in_bytes(self, carrier: Carrier) -> bool:
        """Tell whether a delivery of bytes carries it among others."""
        is_bound = any(target == carrier.target for target, _ in self.passes_to)
        return is_bound and set(self.order_keys) <= set(carrier.lanes)


class Carriers:
    """All live deliveries of a message that stand, found by set.

    Of every generation: what an earlier one has sent is not planned again, and is there all the same.
    """

    def __init__(self, every: Iterable[Carrier]) -> None:
        self._alone: dict[int, list[Carrier]] = {}
        self._bytes: list[Carrier] = []
        for each in every:
            (self._bytes if each.set_index is None else self._alone.setdefault(each.set_index, [])).append(
                each
            )

    def are_spent(self, places: Iterable[DocumentPlace]) -> bool:
        """Tell whether some delivery was to carry a document, and none has brought or will bring it anywhere.

        ``places``: all that it has in its message. A later generation may be bound elsewhere, and by other
        orders, than the one whose bytes went out.
        """
        carrying = [each for place in places for each in self._of(place)]
        return bool(carrying) and all(each.is_spent for each in carrying)

    def _of(self, place: DocumentPlace) -> Iterable[Carrier]:
        return (*self._alone.get(place.set_index, ()), *filter(place.is_in_bytes, self._bytes))


def side_of_stage(stage: str | None) -> Side:
    """Give the side of an order that a person had to place before anything was decided about it.

    In canary the selection would have decided; legacy is safe, since nothing sends it what was placed
    by phone.
    """
    return Side.CLOUD if stage in ("cloud", "retired") else Side.LEGACY
