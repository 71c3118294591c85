"""A configuration on its way: what could be read of each entry, and every name that is declared.

Rules across the file judge a draft, so that they speak even where some entries are wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from adapters.base import Finding, Level, Library
from gateway.config.catalogue import Catalogue
from gateway.config.configuration import Configuration, Places
from gateway.config.defaults import Defaults
from gateway.config.endpoints import Endpoint
from gateway.config.partners import Partner
from gateway.config.problems import suggestion
from gateway.config.process import GatewaySettings
from gateway.config.routes import Route


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known so far. ``names``: every declared name by section, readable or not."""

    gateway: GatewaySettings | None
    defaults: Defaults | None
    endpoints: Mapping[str, Endpoint]
    partners: Mapping[str, Partner]
    routes: Mapping[str, Route]
    names: Mapping[str, frozenset[str]]
    places: Places
    catalogue: Catalogue
    library: Library = field(default_factory=Library)

    def finding(
        self,
        code: str,
        where: tuple[str, str, *tuple[str | int, ...]],
        text: str,
        level: Level = Level.REJECTED,
    ) -> Finding:
        """Give a finding about a part of an entry: (section, name, key ...)."""
        return Finding(code, self.places.at(*where), text, level)

    def unknown(
        self,
        section: str,
        name: str,
        where: tuple[str, str, *tuple[str | int, ...]],
        also: Iterable[str] = (),
    ) -> list[Finding]:
        """Give a finding where a name is not declared in a section."""
        known = {*self.names.get(section, ()), *also}
        if name in known:
            return []
        text = f"there is no {section.removesuffix('s')} '{name}'; {suggestion(name, known)}"
        return [self.finding("CONFIG-REFERENCE", where, text)]


def draft_of(configuration: Configuration, catalogue: Catalogue) -> Draft:
    """Give a whole configuration as a draft, to judge it again."""
    sections = {
        "endpoints": configuration.endpoints,
        "partners": configuration.partners,
        "routes": configuration.routes,
        "mappings": configuration.mappings,
        "layouts": configuration.layouts,
    }
    names = {**sections, "mappings": configuration.mappings, "layouts": configuration.layouts}
    return Draft(
        gateway=configuration.gateway,
        defaults=configuration.defaults,
        endpoints=configuration.endpoints,
        partners=configuration.partners,
        routes=configuration.routes,
        names={section: frozenset(entries) for section, entries in names.items()},
        places=configuration.places,
        catalogue=catalogue,
        library=configuration.library,
    )
