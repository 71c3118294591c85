"""What ISA, GS, GE and IEA say, judged by what X12 asks for and by what they enclose. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adapters.edi_x12.functional_groups import GROUP_OF_SET

_ISA_VALUES = {  # element of ISA -> what it must look like; X12.5 ISA09, ISA10, ISA13-ISA15
    9: re.compile(r"[0-9]{6}"), 10: re.compile(r"[0-9]{4}"), 13: re.compile(r"[0-9]{9}"),
    14: re.compile(r"[01]"), 15: re.compile(r"[TPI]"),
}  # fmt: skip
_GS_VALUES = {4: re.compile(r"[0-9]{8}"), 5: re.compile(r"[0-9]{4}(?:[0-9]{2}(?:[0-9]{1,2})?)?")}
_ENVIRONMENTS = {"T": "test", "P": "production"}


class TrailerFault(NamedTuple):
    """What a trailer gets wrong.

    ``error``: its code in an acknowledgment. Source: X12 AK905 (element 716) for a functional group, TA105
    (element I18) for an interchange.
    """

    code: str
    text: str
    error: str


NO_IEA = TrailerFault("X12-NO-IEA", "the interchange has no IEA; it may be cut off", "023")


def other_environment(isa: Sequence[str], environment: str) -> str | None:
    """Say that ISA15 (element I14) is for another environment than ours; None where it is not."""
    said = _ENVIRONMENTS.get(isa[14])
    if not said or said == environment:
        return None
    return f"ISA15 says {said}, but this gateway's environment is {environment}"


def odd_isa_values(isa: Sequence[str]) -> str | None:
    """Name the elements of ISA that do not look as they must; None where all do."""
    odd = [f"ISA{n:02}" for n, value in _ISA_VALUES.items() if not value.fullmatch(isa[n - 1])]
    return f"{', '.join(odd)} do not hold what X12 asks for" if odd else None


def odd_gs_values(gs: Sequence[str]) -> str | None:
    """Name the elements of GS that do not look as they must; None where all do."""
    odd = [f"GS{n:02}" for n, value in _GS_VALUES.items() if not value.fullmatch(gs[n - 1])]
    return f"{', '.join(odd)} are no date and time as X12 has them" if odd else None


def other_version(isa: Sequence[str], gs: Sequence[str]) -> str | None:
    """Say that ISA12 (element I11) and GS08 (element 480) differ; None where they do not."""
    isa12 = isa[11] if isa else ""
    if not isa12 or gs[7][:5] == isa12:
        return None
    return f"ISA12 says version {isa12}, GS08 says {gs[7] or 'nothing'}; GS08 is followed"


def other_type(gs: Sequence[str], set_type: str) -> str | None:
    """Say that GS01 (element 479) belongs to other sets than this one; None where it does not."""
    expected = GROUP_OF_SET.get(set_type)
    if not gs or not expected or gs[0] == expected:
        return None
    return f"GS01 is {gs[0][:10] or 'empty'} around a {set_type}; expected {expected}. ST01 is followed"


def no_ge(group: Mapping[str, Any]) -> TrailerFault:
    """Say that a functional group has no trailer."""
    return TrailerFault("X12-NO-GE", f"the functional group {group['gs'][5]} has no GE", "3")


def faults_of_ge(group: Mapping[str, Any]) -> list[TrailerFault]:
    """Check GE01 (element 97) and GE02 (element 28) of a group's facts."""
    count, control = [*group["ge"], "", ""][:2]
    sets, expected = len(group["sets"]), group["gs"][5] if group["gs"] else ""
    faults = []
    if not _is_same_number(count, str(sets)):
        text = f"GE01 says {count[:20] or 'nothing'} sets, but the group has {sets}"
        faults.append(TrailerFault("X12-GE01", text, "5"))
    if not _is_same_number(control, expected):
        text = f"GE02 says {control[:20] or 'nothing'}; expected GS06's {expected or '(no GS)'}"
        faults.append(TrailerFault("X12-GE02", text, "4"))
    return faults


def faults_of_iea(iea: Sequence[str], interchange: Mapping[str, Any]) -> list[TrailerFault]:
    """Check IEA01 (element I16) and IEA02 (element I12) by an interchange's facts."""
    count, control = [*(part.strip() for part in iea), "", ""][:2]
    groups = sum(1 for group in interchange["groups"] if group["gs"])
    has_ta1 = any(other[0] == "TA1" for other in interchange["others"])
    faults = []
    if not _is_same_number(count, str(groups)) and not (has_ta1 and groups == 0):
        text = f"IEA01 says {count[:20] or 'nothing'} groups, but the interchange has {groups}"
        faults.append(TrailerFault("X12-IEA01", text, "021"))
    if not _is_same_number(control, interchange["isa"][12]):
        text = f"IEA02 says {control[:20] or 'nothing'}; expected ISA13's {interchange['isa'][12]}"
        faults.append(TrailerFault("X12-IEA02", text, "001"))
    return faults


def _is_same_number(found: str, expected: str) -> bool:
    if found == expected:
        return True
    if found.isdecimal() and expected.isdecimal() and max(len(found), len(expected)) <= 20:
        return int(found) == int(expected)
    return False
