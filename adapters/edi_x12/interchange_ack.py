"""TA1: what became of an envelope, apart from what is in it. Pure.

It is asked for by ISA14, and given unasked where something is wrong with the envelope itself, since no 997
can say so. Source: X12.5 TA1; elements I17 (A, E, R) and I18 (note codes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.outbound import Writer

NO_ERROR = "000"
REPEATED = "025"  # duplicate interchange control number
WRONG_ENVIRONMENT = "020"  # invalid test indicator value
NO_CONTENT = "024"  # invalid interchange content


@dataclass(frozen=True, slots=True)
class EnvelopeResult:
    """TA104 and TA105."""

    code: str  # A accepted, E accepted with errors, R rejected
    note: str

    @property
    def is_rejected(self) -> bool:
        """Tell whether nothing inside the envelope was looked at."""
        return self.code == "R"


def envelope_result(
    facts: Mapping[str, Any], repeats: Sequence[str], *, is_nothing_left: bool
) -> EnvelopeResult:
    """Judge an envelope by its facts.

    ``repeats``: control numbers that were used before, by name. ``is_nothing_left``: every set in it is
    rejected; a trailer that condemns the interchange has then done so.
    """
    errors: list[str] = list(facts.get("errors", ()))
    refused: str | None = facts.get("refused")
    if "ISA13" in repeats:
        refused = refused or REPEATED
    if is_nothing_left:
        refused = refused or facts.get("condemns")
    if refused is not None:
        return EnvelopeResult("R", refused)
    if not facts.get("groups"):
        return EnvelopeResult("R", errors[0] if errors else NO_CONTENT)
    return EnvelopeResult("E", errors[0]) if errors else EnvelopeResult("A", NO_ERROR)


def is_told(partner: X12Partner, facts: Mapping[str, Any], result: EnvelopeResult) -> bool:
    """Tell whether a TA1 is written."""
    match partner.interchange_acknowledgment:
        case "never":
            return False
        case "always":
            return True
        case _:
            return result.code != "A" or facts["isa"][13] == "1"


def ta1(writer: Writer, facts: Mapping[str, Any], result: EnvelopeResult) -> bytes:
    """Give the TA1 segment about an interchange: its control number, date and time, and the result."""
    isa = [writer.shown(str(part), 15) for part in facts["isa"]]
    return writer.segment("TA1", isa[12], isa[8], isa[9], result.code, result.note)
