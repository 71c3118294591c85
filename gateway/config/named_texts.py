"""Mappings and layouts that settings name: which they are, whether they exist, and whether they fit. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from adapters.base import Finding, Level, Library
from adapters.base.settings import LayoutName, MappingName
from adapters.base.yaml import YamlError, load_yaml
from adapters.mapping import check_mapping
from gateway.config.draft import Draft
from gateway.config.ownership_rules import STORED
from gateway.config.routes import Route
from gateway.config.texts import key_of

Place = tuple[str | int, ...]


def named_below(value: object, path: Place = ()) -> Iterator[tuple[Place, MappingName | LayoutName]]:
    """Give every name of a mapping or a layout below a settings value, with its place."""
    match value:
        case MappingName() | LayoutName():
            yield path, value
        case BaseModel():
            for name, field in type(value).model_fields.items():
                yield from named_below(getattr(value, name), (*path, key_of(name, field)))
        case dict():
            for key, entry in value.items():
                yield from named_below(entry, (*path, str(key)))
        case list() | tuple():
            for index, entry in enumerate(value):
                yield from named_below(entry, (*path, index))


def library_for(library: Library, *settings: object) -> Library:
    """Give the part of a library that settings name; what is not declared is left out.

    A route without such names carries nothing: its context goes to worker processes with every input.
    """
    names = [name for each in settings for _, name in named_below(each)]
    if not names:
        return Library(at=library.at)
    return Library(
        {
            name: library.mappings[name]
            for name in names
            if isinstance(name, MappingName) and name in library.mappings
        },
        library.layouts,  # whole: a layout may name a copybook among them
        library.crosswalk,
        library.at,
    )


def route_texts(draft: Draft, route: Route) -> Iterator[Finding]:
    """Every mapping and layout that a route's formats name is declared, and fits."""
    here = ("routes", route.id)
    format_name, settings = route.source.format, route.source.format_settings
    if format_name is not None and settings is not None:
        yield from _judged(draft, format_name, settings, (*here, "from", "settings"))
    if format_name is not None:
        yield from _needed(draft, format_name, settings, route.source.partner, (*here, "from"))
    targets = {route.targets.legacy, route.targets.cloud, route.targets.supplier}
    for endpoint, writing in route.write.items():
        place = (*here, "write", endpoint)
        if endpoint not in targets:
            text = f"'{endpoint}' is none of this route's targets; nothing would be written for it"
            yield draft.finding("CONFIG-WRITE", place, text)
        if writing.partner is not None:
            yield from draft.unknown("partners", writing.partner, (*place, "partner"))
        if writing.format not in draft.catalogue.formats:
            known = ", ".join(sorted(draft.catalogue.formats))
            text = f"there is no format '{writing.format}'; there are: {known}"
            yield draft.finding("CONFIG-KIND", (*place, "format"), text)
        elif writing.settings is not None:
            yield from _judged(draft, writing.format, writing.settings, (*place, "settings"))
        yield from _needed(
            draft, writing.format, writing.settings, writing.partner or route.source.partner, place
        )
        yield from _written_for(draft, writing.format, writing.partner or route.source.partner, place)


def _written_for(
    draft: Draft, format_name: str, partner_name: str | None, place: tuple[str, str, *tuple[str | int, ...]]
) -> Iterator[Finding]:
    """Whom documents are written for has what each of them needs: else all of them would be parked."""
    kind, partner = draft.catalogue.formats.get(format_name), draft.partners.get(partner_name or "")
    if kind is None or kind.judge_writing is None or (partner_name is not None and partner is None):
        return  # told elsewhere
    if draft.places.source.startswith(STORED):
        return  # in force already; what it cannot write parks by name
    settings = partner.adapters.get(format_name) if partner is not None else None
    whom = f"partner '{partner_name}': " if partner_name is not None else "no partner is named: "
    for finding in kind.judge_writing(settings):
        yield draft.finding(finding.code, place, whom + finding.text, finding.level)


def _needed(
    draft: Draft,
    format_name: str,
    settings: BaseModel | None,
    partner_name: str | None,
    place: tuple[str, str, *tuple[str | int, ...]],
) -> Iterator[Finding]:
    """What a format cannot do without is named by the route or its partner: else every file is parked."""
    kind, partner = draft.catalogue.formats.get(format_name), draft.partners.get(partner_name or "")
    if kind is None or (partner_name is not None and partner is None):
        return  # told elsewhere
    shared = partner.adapters.get(format_name) if partner is not None else None
    missing = [
        word
        for word in kind.needs
        if getattr(settings, word, None) is None and getattr(shared, word, None) is None
    ]
    if missing and not draft.places.source.startswith(STORED):
        text = (
            f"no {' and no '.join(missing)} is named, and {format_name} reads and writes nothing without; "
            f"say it in the settings here, or in the partner's {format_name}"
        )
        yield draft.finding("CONFIG-MISSING", place, text)


def partner_texts(draft: Draft) -> Iterator[Finding]:
    """Every mapping and layout that a partner's section names is declared, and fits."""
    for name, partner in draft.partners.items():
        for adapter, settings in partner.adapters.items():
            yield from _judged(draft, adapter, settings, ("partners", name, adapter))


def mapping_files(draft: Draft) -> Iterator[Finding]:
    """Every mapping that is declared can be used, whether or not something names it yet."""
    for each in draft.library.mappings.values():
        try:
            found = check_mapping(load_yaml(each.text, each.file))
        except YamlError as error:
            found = list(error.findings)
        yield from (finding for finding in found if finding.level is not Level.NOTE)


def _judged(
    draft: Draft, format_name: str, settings: BaseModel, place: tuple[str, str, *tuple[str | int, ...]]
) -> Iterator[Finding]:
    is_whole = True
    for path, name in named_below(settings):
        section = "mappings" if isinstance(name, MappingName) else "layouts"
        texts = draft.library.mappings if isinstance(name, MappingName) else draft.library.layouts
        at: tuple[str, str, *tuple[str | int, ...]] = (place[0], place[1], *(place[2:] + path))
        yield from draft.unknown(section, name, at)
        is_whole = is_whole and name in texts
    kind = draft.catalogue.formats.get(format_name)
    if is_whole and kind is not None and kind.judge is not None:
        for finding in kind.judge(settings, draft.library):
            if finding.at.source:
                yield finding  # in a file of its own
            else:
                parts = tuple(finding.at.path.split(".")) if finding.at.path else ()
                own: tuple[str, str, *tuple[str | int, ...]] = (place[0], place[1], *(place[2:] + parts))
                yield draft.finding(finding.code, own, finding.text, finding.level)
