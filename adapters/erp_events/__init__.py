"""Events of cloud ERPs: a notice comes in, the document is read from the ERP's API, and goes on as ours."""

from __future__ import annotations

from adapters.base.facade import Facade
from adapters.base.registry import Adapter, FacadeSetup, SourceSetup
from adapters.base.transport import Source


def adapter() -> Adapter:
    """Give the adapter's entry for the registry."""
    from adapters.erp_events.config import ErpEventsEndpoint, ErpEventsRoute
    from adapters.erp_events.format import ErpEventsFormat

    return Adapter(
        name="erp_events",
        summary="events of Oracle Fusion, SAP S/4HANA and Dynamics 365: verified, then the document is read",
        endpoint=ErpEventsEndpoint,
        format_settings=ErpEventsRoute,
        format=ErpEventsFormat,
        holds=b"{",
        facade=_facade,
        source=_source,
        identities=("event_id",),
        content_types=("application/json", "application/cloudevents+json"),
        gives_erp_orders=True,
    )


def _source(setup: SourceSetup) -> Source | None:
    from adapters.erp_events.source import FeedSource

    return FeedSource.of(setup)


def _facade(setup: FacadeSetup) -> Facade:
    from adapters.erp_events.facade import ErpEventsFacade

    return ErpEventsFacade(setup)
