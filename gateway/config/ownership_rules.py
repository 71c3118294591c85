"""What an order route must declare before its first canary. Pure.

It is asked of the stage canary alone: before it nothing of an order is in the cloud, and after it the answers
have long been lived with. That a route exists which it names is asked in every stage.
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base import Finding, Level
from gateway.config.draft import Draft
from gateway.config.ownership import NO_STOCK
from gateway.config.routes import Route
from gateway.stage import Stage

STORED = "revision "  # how a revision is called that the journal kept


def ownership_findings(draft: Draft, route: Route, stage: Stage | None) -> Iterator[Finding]:
    """Give what an order route leaves open about orders that the other side owns."""
    if stage is not Stage.CANARY or not route.originates:
        return
    if draft.places.source.startswith(STORED):
        return  # a running gateway took it before this was asked: what it accepted is still translated by it
    yield from _losing_side(draft, route)
    yield from _receiving(draft, route)
    yield from _stock(draft, route)
    yield from _entities(draft, route)


def back_syncs(draft: Draft, route: Route) -> Iterator[Finding]:
    """Give the routes that a route's ownership names and that there are not, whatever its stage."""
    receiving, on_order = route.ownership.receiving, route.ownership.on_order
    named = {
        "receiving": receiving.back_sync if receiving is not None else None,
        "on_order": on_order if on_order != NO_STOCK else None,
    }
    if draft.places.source.startswith(STORED):
        return  # as above
    for part, name in named.items():
        if name is not None:
            yield from draft.unknown("routes", name, ("routes", route.id, "ownership", part))


def _losing_side(draft: Draft, route: Route) -> Iterator[Finding]:
    here = ("routes", route.id, "losing_side")
    if "losing_side" not in route.model_fields_set:
        text = (
            "before a canary, say what legacy does with an order of the cloud ERP. losing_side: nothing "
            "(it never has it), copy_not_transmitted (a copy that it neither sends nor encumbers), or close "
            "(it closes its own)"
        )
        yield draft.finding("CONFIG-OWNERSHIP", here, text)
    if route.losing_side == "close" and route.targets.legacy is None:
        yield draft.finding(
            "CONFIG-OWNERSHIP", here, "legacy's own order is closed by targets.legacy; add it"
        )
    elif route.losing_side == "close" and not _closes_orders(draft, route.targets.legacy):
        text = (
            f"'{route.targets.legacy}' closes no orders by itself, so a person does it for each order of the "
            "cloud ERP (MOVE-CLOSE-BY-HAND); declare how it closes them, if it can: orders.close_path "
            "(generic_rest), call.orders.close (soap)"
        )
        yield draft.finding("CONFIG-OWNERSHIP", here, text, Level.NOTE)


def _closes_orders(draft: Draft, target: str | None) -> bool:
    endpoint = draft.endpoints.get(target or "")
    return bool(getattr(endpoint.settings, "closes_orders", False)) if endpoint is not None else True


def _receiving(draft: Draft, route: Route) -> Iterator[Finding]:
    here = ("routes", route.id, "ownership")
    receiving, matching = route.ownership.receiving, route.ownership.matching
    if receiving is None:
        text = "before a canary, say where goods are received: receiving: {at: owner}, legacy or cloud"
        yield draft.finding("CONFIG-OWNERSHIP", (*here, "receiving"), text)
    elif receiving.at != "owner" and receiving.back_sync is None:
        side, other = receiving.at, "the cloud ERP" if receiving.at == "legacy" else "legacy"
        text = (
            f"goods are received at {side}, and {other} owns some of the orders: name the route by which "
            "its receipts get there, as back_sync: ROUTE"
        )
        yield draft.finding("CONFIG-OWNERSHIP", (*here, "receiving", "back_sync"), text)
    elif receiving.back_sync is not None:
        yield from _carries(draft, route, receiving.back_sync, "receiving", "receipts")
    if matching is None:
        text = "before a canary, say where invoices are matched: matching: {at: owner}, legacy or cloud"
        yield draft.finding("CONFIG-OWNERSHIP", (*here, "matching"), text)


def _stock(draft: Draft, route: Route) -> Iterator[Finding]:
    """Legacy reorders what it does not see on order; a share below 100% never takes an order that says stock.

    A format that does not tell stock cannot say so.
    """
    canary, on_order = route.canary, route.ownership.on_order
    if on_order == NO_STOCK:
        return
    if on_order is not None:
        yield from _carries(draft, route, on_order, "on_order", "what is on order")
        return
    kind = draft.catalogue.formats.get(route.source.format or "")
    tells_stock = kind is None or kind.tells is None or "stock" in kind.tells
    if canary is None or (tells_stock and canary.share < 100):
        return
    if "stock" in canary.pin_legacy.stock and "replenishment" in canary.pin_legacy.order_type:
        return
    share = f"a share of {canary.share.normalize():f}%"
    which = share if tells_stock else f"{route.source.format} tells no stock: {share}"
    text = (
        f"{which} may take stock and par replenishment, and legacy reorders what it does not see on order: "
        "name the route that tells it, as on_order: ROUTE; or pin stock: [stock] and order_type: "
        "[replenishment] to legacy; or say on_order: none where no such order comes by this route"
    )
    yield draft.finding("CONFIG-OWNERSHIP", ("routes", route.id, "ownership", "on_order"), text)


def _carries(draft: Draft, route: Route, name: str, part: str, what: str) -> Iterator[Finding]:
    """A back-sync is a route that follows this one's orders, and so reaches whichever side owns them."""
    other = draft.routes.get(name)  # None: back_syncs says so
    if other is not None and other.follows != route.id:
        text = f"route '{name}' does not follow '{route.id}', so it cannot bring {what} to its orders' owner"
        yield draft.finding("CONFIG-OWNERSHIP", ("routes", route.id, "ownership", part), text)


def _entities(draft: Draft, route: Route) -> Iterator[Finding]:
    """Two masters of one thing undo each other; in production every entity has an owner first."""
    gateway = draft.gateway
    if gateway is None:
        return
    declared = gateway.owners.declared()
    missing = [name for name in ("suppliers", "budgets", "approvals", "order_status") if name not in declared]
    if missing:
        text = (
            f"route '{route.id}' is in stage canary, and nobody is declared to own {', '.join(missing)}: say "
            "for each who does, as owners: {suppliers: {legacy: legacy, cloud: cloud}}"
        )
        level = Level.REJECTED if gateway.environment == "production" else Level.NOTE
        yield draft.finding("CONFIG-OWNERSHIP", ("gateway", "", "owners"), text, level)
