"""What an ERP says is wrong, in one form, and what it means for the delivery. Pure.

Each connector reads its ERP's error bodies into `ErpError`s. Here they become findings (field, ERP code,
plain sentence), and the class decides: park, try again, or look whether it is there already.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from adapters.base import Finding, InDoubt, Level, Outcome, Position, Rejected, Transient, TransientKind

FINDINGS_MAX = 100
TEXT_MAX = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class ErrorClass(StrEnum):
    """What can be done about an error; the worst of several decides."""

    REFUSED = "refused"  # the same document would be refused again: a person must look
    CLOSED_PERIOD = "closed_period"  # the accounting date lies in a closed period
    DUPLICATE = "duplicate"  # the ERP has it already: look whether it is ours
    LOCKED = "locked"  # another user or job holds it: try again
    THROTTLED = "throttled"  # too much was asked of it: wait
    CREDENTIAL = "credential"  # the account may not do this
    NOTE = "note"  # a warning beside the real error


@dataclass(frozen=True, slots=True)
class ErpError:
    """One error as the ERP words it. `path` is where, in what we sent; empty where it does not say."""

    code: str
    text: str
    path: str = ""
    kind: ErrorClass = ErrorClass.REFUSED


def outcome_of(place: str, status: int, errors: Sequence[ErpError], retry_after_s: float | None) -> Outcome:
    """Say what a refusal with these errors means: surely nothing was done, but the class says what next.

    Some errors say that trying again helps: they count only where no other error says that it does not.
    """
    kinds = {each.kind for each in errors} - {ErrorClass.NOTE}
    if not kinds or kinds & {ErrorClass.REFUSED, ErrorClass.CLOSED_PERIOD}:
        return Rejected(findings_of(place, status, errors))
    first = next(each for each in errors if each.kind is not ErrorClass.NOTE)
    reason = f"status {status}: {plain(first.text)}" + (f" [{first.code}]" if first.code else "")
    if ErrorClass.DUPLICATE in kinds:
        return InDoubt(reason)
    if ErrorClass.CREDENTIAL in kinds:
        return Transient(reason, TransientKind.CREDENTIAL)
    kind = TransientKind.THROTTLE if ErrorClass.THROTTLED in kinds else TransientKind.ERROR
    return Transient(reason, kind, retry_after_s)


def findings_of(place: str, status: int, errors: Sequence[ErpError]) -> tuple[Finding, ...]:
    """Give a finding for each error; `facts` hold the ERP's own code and the field of what we sent."""
    return tuple(_finding(place, status, each) for each in errors[:FINDINGS_MAX])


def _finding(place: str, status: int, error: ErpError) -> Finding:
    code = "ERP-PERIOD-CLOSED" if error.kind is ErrorClass.CLOSED_PERIOD else f"ERP-{status}"
    facts = {"erp_code": plain(error.code), "field": plain(error.path)}
    text = plain(error.text) or "refused without a reason"
    if error.kind is ErrorClass.CLOSED_PERIOD:
        text += "; open the period, or set the endpoint's accounting_date.not_before, then retry"
    return Finding(
        code,
        Position(place, path=plain(error.path)),
        f"{text} (ERP code {facts['erp_code']})" if facts["erp_code"] else text,
        level=Level.NOTE if error.kind is ErrorClass.NOTE else Level.REJECTED,
        facts={name: text for name, text in facts.items() if text},
    )


def plain(value: object) -> str:
    """Give a text of theirs fit for ours: one line, bounded."""
    text = str(value)
    if not text.isprintable():  # a printable one holds no control character
        text = _CONTROL.sub(" ", text)
    return text.strip()[:TEXT_MAX]
