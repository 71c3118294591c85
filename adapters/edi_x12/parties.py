"""Who sends and who receives an interchange that we write ourselves, by the partner's profile. Pure."""

from __future__ import annotations

from pydantic import BaseModel

from adapters.base.findings import Finding, Position
from adapters.edi_x12.config import X12Partner, partner_of


def judged_writing(settings: BaseModel | None) -> list[Finding]:
    """Give what keeps every interchange for a partner from being written: it lacks our id, or its own.

    Source: X12 004010, ISA05 to ISA08 (elements I05, I06, I07), all mandatory.
    """
    text = parties_missing(partner_of(settings))
    return [Finding("X12-PARTIES", Position(""), text)] if text else []


def parties_missing(partner: X12Partner, *, ours: bool = True, theirs: bool = True) -> str:
    """Say which ids a profile lacks of those that are needed, and where they go; "" where none is missing."""
    missing = []
    if ours and partner.us is None:
        missing.append("our id towards it (us: {qualifier: ZZ, id: OURS})")
    if theirs and not partner.isa:
        missing.append("its own id (isa: [{qualifier: ZZ, id: THEIRS}])")
    if not missing:
        return ""
    return (
        f"no interchange can be written for this partner: its edi_x12 lacks {' and '.join(missing)}; add "
        "that below partners.NAME.edi_x12, or name a partner that has both (write: {ENDPOINT: "
        "{format: edi_x12, partner: NAME}} of a route; --partner NAME of the command translate)"
    )
