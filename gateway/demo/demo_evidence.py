"""What became of each message by the journal, and whether that is how the scenario says it must end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from adapters.base import InDoubt, Level, Transient, TransientKind
from gateway.demo.demo_ground import OPEN, DemoGround
from gateway.journal.types import (
    FINISHED,
    DeliveryState,
    DeliveryView,
    DocumentView,
    ExceptionItem,
    Message,
)
from simulators.scenario import Sent

EVERYTHING = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """One fed message with all that the journal holds of it; ``message`` None where it is not there."""

    number: int
    sent: Sent
    message: Message | None
    copies: int  # messages of the same bytes
    documents: tuple[DocumentView, ...] = ()
    deliveries: tuple[DeliveryView, ...] = ()
    parked: tuple[ExceptionItem, ...] = ()

    @property
    def is_over(self) -> bool:
        """Tell whether nothing of it goes on by itself any more."""
        if self.message is None or self.message.state in OPEN:
            return False
        rests = (*FINISHED, DeliveryState.PARKED)
        return all(each.state in rests for each in self.deliveries) and not any(
            each.plan.awaits for each in self.documents
        )

    @property
    def codes(self) -> tuple[str, ...]:
        """Give the codes of what a person must look at."""
        found = (each for item in self.parked for each in item.findings if each.level is not Level.NOTE)
        return tuple(sorted({each.code for each in found}))

    @property
    def troubles(self) -> tuple[str, ...]:
        """Give what happened on the way to the targets, in a reader's words."""
        outcomes = [step.outcome for each in self.deliveries for step in each.steps]
        told = []
        if any(isinstance(each, Transient) and each.kind is TransientKind.OUTAGE for each in outcomes):
            told.append("an outage, waited")
        if any(isinstance(each, InDoubt) for each in outcomes):
            told.append("in doubt, looked up")
        return tuple(told)

    def differences(self, firsts: int) -> list[str]:
        """Say where it did not end as it must. ``firsts``: messages of these bytes that must be there."""
        expected = self.sent.ending
        found: list[str] = []
        if self.copies != firsts:
            found.append(f"{self.copies} messages of these bytes in the journal, expected {firsts}")
        if expected.status is not None and self.sent.status != expected.status:
            found.append(f"the caller got {self.sent.status}, expected {expected.status}")
        if expected.is_known:
            return found
        actual = Counter(f"{each.target} {each.role} {each.state.value}" for each in self.deliveries)
        wanted = Counter(expected.deliveries)
        found += [f"not there: {each}" for each in sorted((wanted - actual).elements())]
        found += [f"not expected: {each}" for each in sorted((actual - wanted).elements())]
        if self.codes != tuple(sorted(expected.parked)):
            texts = [", ".join(codes) or "nothing" for codes in (self.codes, sorted(expected.parked))]
            found.append(f"parked with {texts[0]}, expected {texts[1]}")
        return found


async def gather(ground: DemoGround) -> list[Found]:
    """Look up everything that was fed, in the order it was."""
    exceptions = await ground.journal.exceptions(limit=EVERYTHING)
    return [
        await _found(ground, number, sent, exceptions) for number, sent in enumerate(ground.sent, start=1)
    ]


def firsts_of(found: Found, ground: DemoGround) -> int:
    """Count how many messages of these bytes must be in the journal: what was known made no new one."""
    same = [each for each in ground.sent if _fed(each) == _fed(found.sent)]
    return sum(1 for each in same if not each.ending.is_known)


def _fed(sent: Sent) -> tuple[str, bytes | str]:
    return sent.route, sent.body or sent.name


async def _found(ground: DemoGround, number: int, sent: Sent, exceptions: list[ExceptionItem]) -> Found:
    messages = await ground.messages(sent)
    if not messages:
        return Found(number, sent, None, 0)
    message = messages[0]
    documents = await ground.journal.documents(message_id=message.message_id, limit=EVERYTHING)
    deliveries = await ground.journal.deliveries(message_id=message.message_id, limit=EVERYTHING)
    parked = tuple(each for each in exceptions if each.message_id == message.message_id)
    return Found(number, sent, message, len(messages), tuple(documents), tuple(deliveries), parked)
