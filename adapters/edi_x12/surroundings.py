"""What stands around all transaction sets of one type in one functional group. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from adapters.base.formats import ControlKey, Unit, UnitKind
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.control_keys import keys_of_set
from adapters.edi_x12.judge import ACKNOWLEDGMENTS, TOLD_MAX


class Surroundings(NamedTuple):
    """What a set's frame takes from its group and interchange."""

    set_type: str
    gs: tuple[str, ...]
    version: str
    numbers: Mapping[str, str]
    units: tuple[Unit, ...]
    control_keys: tuple[ControlKey, ...]


def surroundings(
    set_type: str, interchange: Mapping[str, Any], group: Mapping[str, Any], partner: X12Partner
) -> Surroundings:
    """Give them by the facts of both, which may be without ISA and GS."""
    isa, gs = interchange["isa"], group["gs"]
    numbers = {"GS06": gs[5][:TOLD_MAX] if gs else "", "ISA13": isa[12][:TOLD_MAX] if isa else ""}
    is_answer = set_type in ACKNOWLEDGMENTS
    return Surroundings(
        set_type,
        tuple(gs),
        (gs[7] if gs else "") or partner.version,
        {name: number for name, number in numbers.items() if number},
        units_around(interchange, group),
        () if is_answer else keys_of_set(isa, gs, (set_type, ""), partner),
    )


def units_around(interchange: Mapping[str, Any], group: Mapping[str, Any]) -> tuple[Unit, ...]:
    """Give the units that a set stands in, the innermost first."""
    return (
        Unit(UnitKind.GROUP, group["key"]),
        Unit(UnitKind.INTERCHANGE, interchange["key"]),
        Unit(UnitKind.FILE, "file"),
    )
