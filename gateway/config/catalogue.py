"""What routes.yaml may name: the endpoint kinds, formats and partner sections that are installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from adapters.base import Finding, Library
from adapters.base.registry import Adapter, adapters
from gateway.erp.kinds import ErpKind, erp_kinds


@dataclass(frozen=True, slots=True)
class EndpointKind:
    """What ``endpoints.<name>.kind`` may say, and what such an endpoint can be used for."""

    name: str
    summary: str
    settings: type[BaseModel] | None
    source_settings: type[BaseModel] | None
    identities: tuple[str, ...]
    can_receive: bool
    can_send: bool
    answers_queries: bool = False  # its target declares questions that change nothing
    gives_erp_orders: bool = False  # its documents come from the cloud ERP itself
    is_served: bool = False  # messages for it arrive on the gateway's own listeners, in its own form


@dataclass(frozen=True, slots=True)
class FormatKind:
    """What ``from.format`` of a route may say."""

    name: str
    summary: str
    settings: type[BaseModel] | None
    judge: Callable[[BaseModel, Library], list[Finding]] | None = None  # settings with what they name
    tells: frozenset[str] | None = None  # of an order, for selections and pins; None: anything
    is_enveloped: bool = False
    judge_writing: Callable[[BaseModel | None], list[Finding]] | None = None  # of whom it is written for
    needs: tuple[str, ...] = ()  # settings that a route must name, or its partner


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that can be named; ``partners`` are the models of ``partners.<name>.<adapter>``."""

    kinds: Mapping[str, EndpointKind]
    formats: Mapping[str, FormatKind]
    partners: Mapping[str, type[BaseModel]]


def installed() -> Catalogue:
    """Give what this installation has. Errors: AdapterError where an adapter cannot be loaded."""
    return catalogue_of(adapters(), erp_kinds())


def catalogue_of(adapters_: Mapping[str, Adapter], erps: Mapping[str, ErpKind]) -> Catalogue:
    """Give what these adapters and cloud ERPs offer."""
    found = adapters_.values()
    kinds = {each.name: _adapter_kind(each) for each in found if _is_endpoint(each)}
    kinds |= {
        name: EndpointKind(name, erp.summary, erp.settings, None, (), can_receive=False, can_send=True)
        for name, erp in erps.items()
    }
    formats = {
        each.name: FormatKind(
            each.name,
            each.summary,
            each.format_settings,
            each.judge,
            each.tells,
            each.is_enveloped,
            each.judge_writing,
            each.needs,
        )
        for each in found
        if each.format is not None
    }
    return Catalogue(kinds, formats, {each.name: each.partner for each in found if each.partner is not None})


def _is_endpoint(adapter: Adapter) -> bool:
    return any(
        part is not None
        for part in (adapter.endpoint, adapter.source, adapter.sink, adapter.target, adapter.facade)
    )


def _adapter_kind(adapter: Adapter) -> EndpointKind:
    return EndpointKind(
        adapter.name,
        adapter.summary,
        adapter.endpoint,
        adapter.source_settings,
        adapter.identities,
        can_receive=adapter.source is not None or adapter.facade is not None,
        can_send=adapter.sink is not None or adapter.target is not None,
        answers_queries=adapter.answers_queries,
        gives_erp_orders=adapter.gives_erp_orders,
        is_served=adapter.facade is not None,
    )
