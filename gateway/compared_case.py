"""One document that is compared, with everything that is known of it now: its message, and its deliveries."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.journal.base import Journal, UnknownError
from gateway.journal.comparisons import Comparison
from gateway.journal.types import DeliveryView, DocumentView, Message
from gateway.program import CompareProgram, Program


@dataclass(frozen=True, slots=True)
class ComparedCase:
    """One document, its comparison so far, and the deliveries of its message."""

    comparison: Comparison
    program: Program
    compare: CompareProgram
    message: Message
    view: DocumentView
    deliveries: tuple[DeliveryView, ...]

    @property
    def shadow(self) -> DeliveryView | None:
        """Give the shadow delivery of this document and generation."""
        return self._of("shadow", own=True)

    @property
    def live(self) -> DeliveryView | None:
        """Give the delivery to legacy; bytes that go on as a whole carry no document index."""
        return self._of("pass_through") or self._of("live")

    def _of(self, role: str, *, own: bool = False) -> DeliveryView | None:
        index = self.view.plan.index
        indexes = (index,) if own else (index, None)
        found = [each for each in self.deliveries if each.role == role and each.document_index in indexes]
        return max(found, key=lambda each: each.generation, default=None)


async def case_of(journal: Journal, program: Program, comparison: Comparison) -> ComparedCase | None:
    """Give everything that is known of a document; None where it is not there, or its route compares not."""
    if program.compare is None:
        return None
    try:
        message = await journal.message(comparison.message_id)
    except UnknownError:
        return None
    found = await journal.one_document(comparison.message_id, comparison.document_index)
    if found is None:
        return None
    view, deliveries = found
    return ComparedCase(comparison, program, program.compare, message, view, tuple(deliveries))
