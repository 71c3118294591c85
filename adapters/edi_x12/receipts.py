"""What an acknowledgment that came in says: of which of our numbers, and whether it was taken. Pure.

Source: X12 997 and 999 AK1, AK2, AK5/IK5, AK9; X12.5 TA1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.base.formats import Receipt, Verdict
from adapters.edi_x12.control_keys import group_key, interchange_key
from adapters.edi_x12.walk import Walked

_VERDICTS = {"A": Verdict.ACCEPTED, "E": Verdict.ACCEPTED_WITH_ERRORS}  # all other codes refuse
_REFUSED_SHOWN = 10


def receipts_of(walked: Walked, gs: Sequence[str], kind: str) -> tuple[Receipt, ...]:
    """Give what a 997 or 999 says. ``gs`` is the group that it came in."""
    rows = {path: row for path, row in walked.events if path in ("AK1", "AK9")}
    about, total = rows.get("AK1"), rows.get("AK9")
    if about is None or total is None or not gs:
        return ()
    group, number = about[0] or "", about[1] or ""
    refused = [f"{kind} {control}" for kind, control, code in _sets(walked) if code not in _VERDICTS]
    verdict = Verdict.REJECTED if refused else _VERDICTS.get(total[0] or "", Verdict.REJECTED)
    text = f"{kind}: group {group} {number}, {total[3] or 0} of {total[2] or 0} sets accepted"
    if refused:
        more = f" and {len(refused) - _REFUSED_SHOWN} more" if len(refused) > _REFUSED_SHOWN else ""
        text += f"; refused: {', '.join(refused[:_REFUSED_SHOWN])}{more}"
    return (Receipt(group_key(group, gs[2], gs[1], number)[:200], verdict, text),)


def receipt_of_ta1(ta1: Sequence[str], isa: Sequence[str]) -> Receipt | None:
    """Give what a TA1 says; None where it is too short. ``ta1`` begins with the segment's name."""
    if len(ta1) < 5 or not isa:
        return None
    number, code, note = ta1[1], ta1[4], (*ta1, "")[5]
    verdict = _VERDICTS.get(code, Verdict.REJECTED)
    text = f"TA1: interchange {number}, {verdict.value.replace('_', ' ')}" + (
        f", note {note}" if note else ""
    )
    return Receipt(interchange_key(isa[6:8], isa[4:6], number)[:200], verdict, text)


def _sets(walked: Walked) -> Iterator[tuple[str, str, str]]:
    """Yield type, control number and verdict code of each set that is named."""
    named = ("", "")
    for path, row in walked.events:
        if path == "AK2":
            named = (row[0] or "", row[1] or "")
        elif path in ("AK2/AK5", "AK2/IK5"):
            yield (*named, row[0] or "")
