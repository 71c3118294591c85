"""Reading X12 in tests: one decoder run with all that it gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from adapters.base import Bounds, DecodeContext, Decoded, Envelope, Finding, Summary
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.format import X12Format

FORMAT = X12Format()
ENVELOPE = Envelope(
    control_number=4711,
    at=datetime(2026, 3, 4, 18, 5, tzinfo=UTC),
    environment="test",
    zone="America/Chicago",
)


@dataclass(frozen=True)
class Read:
    """All that one input gave."""

    sets: list[Decoded]
    summary: Summary

    @property
    def findings(self) -> list[Finding]:
        """Give every finding, the envelope's first."""
        return [*self.summary.findings, *(finding for each in self.sets for finding in each.findings)]

    @property
    def codes(self) -> list[str]:
        """Give the codes of all findings."""
        return [finding.code for finding in self.findings]


def context(
    partner: X12Partner | None = None,
    *,
    source: str = "order.edi",
    environment: Literal["test", "production"] = "test",
    name: str | None = "acme",
    bounds: Bounds | None = None,
) -> DecodeContext:
    return DecodeContext(
        source=source,
        environment=environment,
        partner=name,
        partner_settings=partner,
        zone="America/Chicago",
        bounds=bounds or Bounds(),
    )


def read(body: bytes, around: DecodeContext | None = None, cuts: Sequence[int] = ()) -> Read:
    """Decode an input, fed in pieces that end at the cuts."""
    decoder = FORMAT.decoder(around or context())
    sets: list[Decoded] = []
    start = 0
    for end in (*cuts, len(body)):
        sets.extend(decoder.feed(body[start:end]))
        start = end
    last, summary = decoder.finish()
    return Read([*sets, *last], summary)


def interchange(*sets: str, gs: str = "PO", version: str = "004010") -> bytes:
    """Give an interchange around sets that are written without ST and SE, their segments parted by `|`."""
    body = "".join(numbered(number, text) for number, text in enumerate(sets, 1))
    return (
        "ISA*00*          *00*          *ZZ*MERCYMMS       *ZZ*MEDSUPPLY      *260304*0930*U*00401"
        "*000000101*0*T*>~"
        f"GS*{gs}*MERCYMMS*MEDSUPPLY*20260304*0930*101*X*{version}~{body}GE*{len(sets)}*101~IEA*1*000000101~"
    ).encode()


def numbered(number: int, text: str, kind: str = "850") -> str:
    """Give one ST..SE."""
    segments = [f"ST*{kind}*{number:04}", *text.split("|")]
    return "".join(f"{each}~" for each in (*segments, f"SE*{len(segments) + 1}*{number:04}"))


ORDER = "BEG*00*SA*PO1**20260304|PO1*1*5*EA*9.99|CTT*1*5"
