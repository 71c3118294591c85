"""A layout and a mapping made ready for work, once for each pair of texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel

from adapters.base import Finding, Level, Library, Position, SourceText
from adapters.base.yaml import YamlError
from adapters.flat_files.config import BadRecords, FlatPartner, FlatSettings
from adapters.layouts import Layout, LayoutError, compile_layout, source_fields
from adapters.mapping import Mapping, MappingError


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one route's files are read and written by."""

    layout: Layout
    mapping: Mapping
    bad_records: BadRecords = "refuse"


def prepared(
    settings: BaseModel | None, partner: BaseModel | None, library: Library
) -> Prepared | tuple[Finding, ...]:
    """Give what settings name, compiled; or everything that keeps it from being used."""
    own = settings if isinstance(settings, FlatSettings) else FlatSettings()
    shared = partner if isinstance(partner, FlatPartner) else FlatPartner()
    layout, mapping = own.layout or shared.layout, own.mapping or shared.mapping
    missing = [word for word, name in (("layout", layout), ("mapping", mapping)) if name is None]
    if missing or layout is None or mapping is None:
        words = " and no ".join(missing)
        text = f"no {words} is named; say it in the route's settings or the partner's flat_files"
        return (Finding("FLAT-SETTINGS", Position("routes.yaml"), text),)
    texts = (library.layouts.get(layout), library.mappings.get(mapping))
    if texts[0] is None or texts[1] is None:
        name = f"layout '{layout}'" if texts[0] is None else f"mapping '{mapping}'"
        return (Finding("FLAT-SETTINGS", Position("routes.yaml"), f"there is no {name}"),)
    made = _compiled(texts[0], texts[1], tuple(sorted(library.layouts.items(), key=lambda each: each[0])))
    if isinstance(made, tuple):
        return made
    return Prepared(made.layout, made.mapping, own.bad_records or shared.bad_records)


def judged(settings: BaseModel, library: Library) -> list[Finding]:
    """Give what is wrong with the layout and the mapping that settings name, and how they fit together."""
    if isinstance(settings, (FlatSettings, FlatPartner)) and (settings.layout is None) != (
        settings.mapping is None
    ):
        return []  # the other half stands with the partner, or the route
    if getattr(settings, "layout", None) is None:
        return []
    partner = settings if isinstance(settings, FlatPartner) else None
    made = prepared(None if partner is not None else settings, partner, library)
    if isinstance(made, tuple):
        return list(made)
    return [finding for finding in made.mapping.notes if finding.level is not Level.NOTE]


@lru_cache(maxsize=64)
def _compiled(
    layout: SourceText, mapping: SourceText, others: tuple[tuple[str, SourceText], ...]
) -> Prepared | tuple[Finding, ...]:
    named = dict(others)

    def copybook(name: str) -> str | None:
        found = named.get(name)
        return found.text if found is not None else None

    try:
        compiled = compile_layout(layout.text, layout.file, copybook)
    except LayoutError as error:
        return error.findings
    try:
        return Prepared(compiled, Mapping.load(mapping.text, mapping.file, source_fields(compiled)))
    except MappingError as error:
        return error.findings
    except YamlError as error:
        return (Finding("MAP-FORM", Position(mapping.file), str(error)),)
