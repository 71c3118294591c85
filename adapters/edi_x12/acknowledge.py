"""The acknowledgment of one interchange: TA1 where there is reason for one, then a 997 or 999 per group.

Written from the interchange's facts alone, so it can be made long after the input is gone. One for each
interchange, to who sent it. Source: X12.5 (TA1 stands in front of the first GS), X12 997 and 999.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.base.formats import Envelope, Interchange, Verdict
from adapters.edi_x12.config import X12Partner, partner_of
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.functional import DIALECTS, functional_set, verdict_in
from adapters.edi_x12.interchange_ack import envelope_result, is_told, ta1
from adapters.edi_x12.outbound import Group, Writer, write_interchange

_ACKNOWLEDGMENT_GROUPS = frozenset({"FA"})
GUIDE_OF_999 = "005010X231A1"  # before 005010 there is no 999 that partners would know


def acknowledge(about: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope) -> bytes | None:
    """Give the acknowledgment of an interchange; None where there is nothing to say or nobody to tell.

    An envelope that is rejected is told by TA1 alone: nothing inside it counts as received.
    """
    facts = about.facts
    entries = facts.get("groups")
    if about.is_acknowledgment or not facts.get("isa") or not isinstance(entries, list):
        return None
    partner = partner_of(envelope.partner_settings)
    reached = [verdict_in(each, verdicts) for entry in entries for each in entry["sets"]]
    is_nothing_left = all(verdict is Verdict.REJECTED for verdict in reached)
    result = envelope_result(facts, envelope.repeats, is_nothing_left=is_nothing_left)
    writer = Writer(_delimiters(facts))
    told = ta1(writer, facts, result) if is_told(partner, facts, result) else b""
    theirs = [entry for entry in entries if entry["gs"] and entry["gs"][0] not in _ACKNOWLEDGMENT_GROUPS]
    made = [] if told and result.is_rejected else _groups(writer, theirs, verdicts, envelope, partner)
    if not told and not made:
        return None
    return write_interchange(made, about, envelope, is_reply=True, in_front=told)


def _groups(
    writer: Writer,
    theirs: Sequence[Mapping[str, Any]],
    verdicts: Mapping[int, Verdict],
    envelope: Envelope,
    partner: X12Partner,
) -> list[Group]:
    """Give the groups to send back: GS02 and GS03 swapped, in the version of what is acknowledged."""
    dialect = DIALECTS[envelope.acknowledgment]
    sets: dict[tuple[str, str, str], list[bytes]] = {}
    for number, entry in enumerate(theirs, 1):
        gs = entry["gs"]
        version = partner.acknowledgment_version or _version(dialect.set_type, gs[7])
        made = sets.setdefault((gs[2], gs[1], version), [])
        made.append(functional_set(writer, dialect, entry, verdicts, f"{number:04}", version))
    return [
        Group("FA", writer.shown(sender, 15), writer.shown(receiver, 15), version, written)
        for (sender, receiver, version), written in sets.items()
    ]


def _version(set_type: str, theirs: str) -> str:
    """Give GS08: theirs, and for a 999 the implementation guide that it is written by."""
    if set_type == "999":
        return GUIDE_OF_999 if theirs[:6] <= "005010" else theirs[:6]
    return theirs if theirs.isalnum() else "004010"


def _delimiters(facts: Mapping[str, object]) -> Delimiters:
    kept = facts.get("delimiters")
    return Delimiters.from_json(kept if isinstance(kept, dict) else {})
