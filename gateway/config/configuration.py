"""The whole of routes.yaml, validated: what everything else in the gateway is built from.

A Configuration never changes. A reload makes another one, which the journal keeps as its next
revision; a message keeps the revision that it was translated with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from adapters.base import Library, Position, SourceText
from adapters.base.registry import adapters
from adapters.base.yaml import Node, position_of
from canonical.keys import KeyRules
from gateway.business_calendar import BusinessCalendar, Freeze, earlier_first
from gateway.config.coexistence import Shadow
from gateway.config.defaults import Deadline, Defaults
from gateway.config.endpoints import Endpoint
from gateway.config.partners import Acknowledge, Partner
from gateway.config.process import GatewaySettings
from gateway.config.routes import Route
from gateway.invoice_owner import InvoiceOwner
from gateway.journal.types import Side
from gateway.outcome import RetryPolicy
from gateway.stage import RouteRule, Stage


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping or a layout that routes.yaml names, with its text: it is part of the revision."""

    name: str
    file: str  # as routes.yaml says it
    text: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where in which file each part of a configuration stands.

    ``entries``: (section, name) -> root of its file, and its path in that file. A section as a whole
    has the name "".
    """

    source: str
    entries: Mapping[tuple[str, str], tuple[Node, tuple[str | int, ...]]] = field(default_factory=dict)

    def at(self, section: str, name: str = "", *path: str | int) -> Position:
        """Give the place of a part of an entry, or of the nearest thing around it that is there."""
        if (found := self.entries.get((section, name)) or self.entries.get((section, ""))) is None:
            return Position(self.source, path=".".join(filter(None, (section, name))))
        root, prefix = found
        at = position_of(root, (*prefix, *path))
        return Position(at.source, at.line, at.column, _shown((*prefix, *path)))


@dataclass(frozen=True, slots=True)
class Configuration:
    """One revision of routes.yaml, its included files and mappings.

    ``text`` is canonical: it holds every file that was read, and ``load_text(text)`` gives an equal
    Configuration. ``folder`` is what relative paths counted from.
    """

    gateway: GatewaySettings
    defaults: Defaults
    endpoints: Mapping[str, Endpoint]
    partners: Mapping[str, Partner]
    crosswalks: Mapping[str, str]  # word that mappings use -> table in the journal
    mappings: Mapping[str, MappingFile]
    routes: Mapping[str, Route]  # by id, in the order of the file
    text: str
    places: Places = field(compare=False, repr=False)
    folder: Path | None = field(default=None, compare=False)
    layouts: Mapping[str, MappingFile] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Give the hash of the canonical text, hex; equal for equal revisions."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def library(self) -> Library:
        """Give all mappings and layouts; no code table, which the journal has."""
        return library_of(self.mappings, self.layouts)

    def deadline(self, route: Route) -> Deadline:
        """Give a route's deadlines: its own words over the defaults."""
        changes = route.deadline.model_dump(exclude_none=True)
        if "tell" not in changes and not self.defaults.deadline.tell and route.owner.page is not None:
            changes["tell"] = (route.owner.page,)
        return self.defaults.deadline.model_copy(update=changes)

    def patience(self, route: str, is_urgent: bool) -> timedelta:
        """Give how long a message of a route may take where nothing of it says so itself."""
        found = self.routes.get(route)
        deadline = self.deadline(found) if found is not None else self.defaults.deadline
        return deadline.rush if is_urgent else deadline.other

    def retry_policy(self, route: Route) -> RetryPolicy:
        """Give how a route's deliveries are tried again: its own words over the defaults."""
        change, default = route.retry, self.defaults.retry
        backoff = change.backoff or default.backoff
        return RetryPolicy(
            attempts_max=change.attempts or default.attempts,
            backoff_lowest_s=backoff.lowest.total_seconds(),
            backoff_highest_s=backoff.highest.total_seconds(),
            jitter=change.jitter or default.jitter,
            budget_s=(default.budget if change.budget is None else change.budget).total_seconds(),
        )

    def acknowledge(self, route: Route, partner: str | None = None) -> Acknowledge | None:
        """Give the rule by which a route's messages are acknowledged: its own, else its partner's."""
        if route.acknowledge is not None:
            return route.acknowledge
        name = partner or route.source.partner
        found = self.partners.get(name) if name is not None else None
        return found.acknowledge if found is not None else None

    def share_percent(self, route: Route) -> Decimal:
        """Give how many of the selected orders a canary takes, from 0 to 100."""
        return route.canary.share if route.canary is not None else Decimal(100)

    def zone(self, partner: str | None) -> str:
        """Give the zone of dates that carry none."""
        found = self.partners.get(partner) if partner is not None else None
        return (found.zone if found is not None else None) or self.gateway.zone

    def key_rules(self, partner: str | None) -> KeyRules:
        """Give the rules by which the keys of a partner's documents are made."""
        shared = KeyRules(organisation=self.gateway.organisation, organisations=self.gateway.organisations)
        found = self.partners.get(partner) if partner is not None else None
        if found is None:
            return shared
        rules = found.number_rules
        numbers = {f"{name}_number": getattr(rules, name) for name in type(rules).model_fields}
        return shared.model_copy(update={"supplier": found.supplier, **numbers})

    def rule(self, route: Route) -> RouteRule:
        """Give what ``gateway.stage`` decides a route's documents by."""
        canary = route.canary
        sender = self.routes.get(route.follows or route.id, route).transmitter  # of the orders it is about
        legacy = self.endpoints.get(route.targets.legacy or "")
        return RouteRule(
            route=route.id,
            legacy_target=route.targets.legacy,
            cloud_target=route.targets.cloud,
            supplier_target=route.targets.supplier,
            legacy_transmitter=sender.legacy,
            cloud_transmitter=sender.cloud,
            select={} if canary is None else canary.select.words(),
            pin_legacy={} if canary is None else canary.pin_legacy.words(),
            salt=route.id,
            copies_to_legacy=route.losing_side == "copy_not_transmitted",
            closes_legacy=route.losing_side == "close",
            invoice_owners=tuple(
                InvoiceOwner(each.legal_entity, each.cut_over) for each in route.invoices.owners
            ),
            invoice_desk=route.invoices.desk,
            writes_supplier=route.targets.supplier in route.write,
            legacy_form="canonical"
            if writes_for(legacy, route) or takes_documents(legacy)
            else "as_received",
            from_cloud=route.originates and self.gives_erp_orders(route),
            suppresses=frozenset(
                side
                for side, endpoint in (
                    (Side.LEGACY, legacy),
                    (Side.CLOUD, self._endpoint(route.targets.cloud)),
                )
                if endpoint is not None and getattr(endpoint.settings, "suppresses_transmission", False)
            ),
            shadow_target=route.shadow.to,
        )

    def gives_erp_orders(self, route: Route) -> bool:
        """Tell whether a route's documents come from the cloud ERP itself."""
        endpoint = self._endpoint(route.source.endpoint)
        kind = adapters().get(endpoint.kind) if endpoint is not None else None
        return kind is not None and kind.gives_erp_orders

    def _endpoint(self, name: str | None) -> Endpoint | None:
        return self.endpoints.get(name or "")

    @property
    def calendar(self) -> BusinessCalendar:
        """Give the business days and freezes."""
        declared = self.gateway.calendar
        return BusinessCalendar(
            self.gateway.zone,
            frozenset(declared.workdays),
            frozenset(declared.holidays),
            earlier_first(Freeze(each.first, each.last, each.why) for each in declared.freezes),
        )

    def shadow_endpoints(self) -> dict[str, Shadow]:
        """Give the endpoints that only shadows may reach, with the rule of the route that uses each."""
        found: dict[str, Shadow] = {}
        for route in self.routes.values():
            if route.shadow.to is not None:
                found.setdefault(route.shadow.to, route.shadow)
        return found


def writes_for(endpoint: Endpoint | None, route: Route) -> bool:
    """Tell whether an endpoint gets a route's documents in another form than they came in.

    So it is where the endpoint writes documents by itself, and the route's format is not its own.
    """
    kind = adapters().get(endpoint.kind) if endpoint is not None else None
    if endpoint is None or endpoint.settings is None or kind is None or kind.writes_documents is None:
        return False
    return route.source.format != kind.name and kind.writes_documents(endpoint.settings)


def takes_documents(endpoint: Endpoint | None) -> bool:
    """Tell whether an endpoint gets documents and no bytes as they came, whatever the route's format."""
    return endpoint is not None and bool(getattr(endpoint.settings, "takes_documents", False))


def library_of(mappings: Mapping[str, MappingFile], layouts: Mapping[str, MappingFile]) -> Library:
    """Give mappings and layouts as formats take them."""
    return Library(
        {name: SourceText(each.file, each.text) for name, each in mappings.items()},
        {name: SourceText(each.file, each.text) for name, each in layouts.items()},
    )


def _shown(path: tuple[str | int, ...]) -> str:
    """Write a path whole: a rule may speak of a key that is missing together with what is around it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def acknowledging_side(rule: Acknowledge | None, stage: Stage | None) -> str | None:
    """Tell which side acknowledges a route's messages in a stage: 'legacy', 'gateway', or None for nobody.

    ``stage`` None: a route that follows another one.
    """
    if rule is None or rule.type == "none":
        return None
    if rule.by != "auto":
        return rule.by
    return "legacy" if stage in (Stage.LEGACY, Stage.SHADOW) else "gateway"
