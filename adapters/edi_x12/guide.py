"""A guide: what one transaction set of one version may hold, for one partner.

Our description of the set (in `guides/`) with the version's and the partner's overrides merged on it.
Compiled once and kept; `grammar.py` makes the fast tables of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from pydantic import BaseModel

from adapters.base.findings import Finding, Level, Position
from adapters.base.library import Library
from adapters.edi_x12.config import GuideOverride, X12Partner
from adapters.edi_x12.guide_loader import guide_file, guide_names
from adapters.edi_x12.notation import (
    GuideError,
    Place,
    Shape,
    merged,
    places,
    shape,
    with_extra,
    with_limits,
)

VERSIONS = ("004010", "005010")  # only what real files have tested

ASKED_MAX = 64
_asked: dict[tuple[str, str], tuple[X12Partner, Guide | None]] = {}  # for the partner that asked last

_LEVELS = {
    "X12-SEG-MISSING": Level.REJECTED,
    "X12-SEG-UNKNOWN": Level.NOTE,
    "X12-CHAR": Level.REJECTED,  # a number or a code that is none
    "X12-DATE": Level.REJECTED,
}


@dataclass(frozen=True, eq=False, slots=True)
class Guide:
    """One compiled description. Compared by identity: equal ones are the same object."""

    set_type: str
    version: str
    shapes: Mapping[str, Shape]
    structure: tuple[Place, ...]
    levels: Mapping[str, Level]

    def level(self, code: str, element: str = "") -> Level:
        """Give how bad a finding is here; the most special setting holds."""
        own = self.levels.get(f"{code}/{element}") or self.levels.get(code)
        return own or _LEVELS.get(code, Level.ERROR)


def guide_for(set_type: str, version: str, partner: X12Partner) -> Guide | None:
    """Give the guide for a set, None where we have none.

    `version` is GS08 (element 480); an industry's suffix (`004010VICS`) says nothing about the base.
    """
    known = _asked.get((set_type, version))
    if known is not None and known[0] is partner:
        return known[1]
    found = _guide_for(set_type, version, partner)
    if len(_asked) >= ASKED_MAX:
        _asked.clear()
    _asked[set_type, version] = (partner, found)
    return found


def judged(settings: BaseModel, library: Library) -> list[Finding]:
    """Give what is wrong with the guides of a partner's profile; ``at.path`` is below its ``edi_x12``."""
    if not isinstance(settings, X12Partner):
        return []
    found = []
    for set_type in settings.guides:
        if set_type not in guide_names():
            known = ", ".join(sorted(guide_names()))
            found.append(_wrong(set_type, f"there is no guide for set '{set_type}'; there are: {known}"))
            continue
        try:
            for version in VERSIONS:
                guide_for(set_type, version, settings)
        except (GuideError, ValueError, KeyError) as error:
            found.append(_wrong(set_type, f"the guide cannot be used: {error}"))
    return found


def _wrong(set_type: str, text: str) -> Finding:
    return Finding("X12-GUIDE", Position("", path=f"guides.{set_type}"), text)


def warm() -> None:
    """Compile our own guides: the first input of a process need not wait a quarter second for them."""
    for set_type in sorted(guide_names()):
        guide_for(set_type, VERSIONS[0], X12Partner())


def _guide_for(set_type: str, version: str, partner: X12Partner) -> Guide | None:
    base = partner.read_version_as.get(version, version)[:6]
    if set_type not in guide_names() or base not in VERSIONS:
        return None
    override = partner.guides.get(set_type)
    levels = tuple(sorted((code, level.value) for code, level in partner.levels.items()))
    unknown = "rejected" if partner.unknown_segments == "reject" else ""
    return _guide(set_type, base, override.model_dump_json() if override else "", levels, unknown)


@lru_cache(maxsize=256)
def _guide(
    set_type: str, version: str, override_json: str, partner_levels: tuple[tuple[str, str], ...], unknown: str
) -> Guide:
    ours = guide_file(set_type)
    override = GuideOverride.model_validate_json(override_json) if override_json else GuideOverride()
    ours_for_version = ours.get(version, {})
    codes = {
        number: frozenset(listed) for number, listed in {**ours.get("codes", {}), **override.codes}.items()
    }
    elements = merged(guide_file("elements"), version, override.elements)
    segments = merged(guide_file("segments"), version, override.segments)
    structure = tuple(places(ours["structure"]))
    for change in (GuideOverride(**ours_for_version), override):
        structure = with_limits(with_extra(structure, change.extra), change.limits)
    used = {"ST", "SE", *_segments(structure)}
    shapes = {name: shape(name, segments[name], elements, codes) for name in used}
    whole = merged(guide_file("segments"), version, {})
    for name in override.segments.keys() & used & whole.keys():
        ours_there = len(shape(name, whole[name], elements, codes).uses)
        shapes[name] = replace(shapes[name], missing=max(0, ours_there - len(shapes[name].uses)))
    levels = {**ours.get("levels", {}), **dict(partner_levels)}
    if unknown:
        levels["X12-SEG-UNKNOWN"] = unknown
    return Guide(set_type, version, shapes, structure, {code: Level(level) for code, level in levels.items()})


def _segments(structure: tuple[Place, ...]) -> set[str]:
    names = {place.segment for place in structure}
    return names.union(*(_segments(place.children) for place in structure)) if structure else names
