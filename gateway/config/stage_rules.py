"""What a stage needs of its route: targets, a transmitter, a canary's selection, the environment wall.

Pure, and asked twice: of the stage that routes.yaml declares, and of the one that ``routes set`` is
about to make live.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from adapters.base import Finding, Level
from canonical.lines import Stock
from canonical.purchase_order import OrderType
from gateway.config.configuration import acknowledging_side
from gateway.config.draft import Draft
from gateway.config.endpoints import Endpoint
from gateway.config.ownership_rules import ownership_findings
from gateway.config.problems import suggestion
from gateway.config.routes import Route
from gateway.journal.types import Transmitter
from gateway.stage import Stage

_LEGACY_LIVE = frozenset({Stage.LEGACY, Stage.SHADOW, Stage.CANARY})
_CLOUD_LIVE = frozenset({Stage.CANARY, Stage.CLOUD})
_NEEDS = {
    Stage.LEGACY: ("legacy",),
    Stage.SHADOW: ("legacy", "cloud"),
    Stage.CANARY: ("legacy", "cloud"),
    Stage.CLOUD: ("cloud",),
    Stage.RETIRED: (),
}


def stage_findings(draft: Draft, route: Route, stage: Stage | None) -> Iterator[Finding]:
    """Give what keeps a route from being in a stage; ``None`` is the stage of a route that follows."""
    if route.originates and stage is None:
        text = "a route that opens orders needs a stage: legacy to begin with; or say what it follows"
        yield draft.finding("CONFIG-STAGE", ("routes", route.id, "stage"), text)
        return
    yield from _environments(draft, route, stage)
    if not route.originates or stage is None:
        return
    yield from _targets(draft, route, stage)
    yield from _transmitters(draft, route, stage)
    yield from _canary(draft, route, stage)
    yield from _acknowledging(draft, route, stage)
    yield from _numbering(draft, route, stage)
    yield from ownership_findings(draft, route, stage)
    if (
        route.reply.mode == "pass_through"
        and stage not in (Stage.LEGACY, Stage.SHADOW)
        and not is_served(
            draft, route
        )  # a facade answers in the caller's own form, whoever has done the work
    ):
        text = f"in stage {stage.value} no legacy answer can be passed through; expected accepted or wait"
        yield draft.finding("CONFIG-REPLY", ("routes", route.id, "reply"), text)


def is_served(draft: Draft, route: Route) -> bool:
    """Tell whether a route's messages arrive at a facade."""
    endpoint = draft.endpoints.get(route.source.endpoint or "")
    kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
    return kind is not None and kind.is_served


def _gives_erp_orders(draft: Draft, route: Route) -> bool:
    endpoint = draft.endpoints.get(route.source.endpoint or "")
    kind = draft.catalogue.kinds.get(endpoint.kind) if endpoint is not None else None
    return kind is not None and kind.gives_erp_orders


def _from_erp(route: Route, stage: Stage, draft: Draft) -> Iterator[Finding]:
    """What the ERP has is the cloud's from the beginning, and goes on to a supplier or to legacy."""
    here = ("routes", route.id)
    if stage not in (Stage.CLOUD, Stage.RETIRED):
        text = f"orders that the ERP itself tells of are the cloud's: expected stage cloud, not {stage.value}"
        yield draft.finding("CONFIG-STAGE", (*here, "stage"), text)
    if route.targets.cloud is not None:
        text = "the ERP has these orders already; remove this, and name targets.supplier or targets.legacy"
        yield draft.finding("CONFIG-STAGE", (*here, "targets", "cloud"), text)
    is_sent = route.targets.supplier is not None and route.transmitter.cloud is Transmitter.GATEWAY
    if not is_sent and route.losing_side != "copy_not_transmitted":
        text = (
            "nobody gets these orders: expected targets.supplier with transmitter: {cloud: gateway}, or "
            "targets.legacy with losing_side: copy_not_transmitted"
        )
        yield draft.finding("CONFIG-STAGE", (*here, "targets"), text)


def _targets(draft: Draft, route: Route, stage: Stage) -> Iterator[Finding]:
    if _gives_erp_orders(draft, route):
        yield from _from_erp(route, stage, draft)
    for side in _NEEDS[stage]:
        if getattr(route.targets, side) is None and not (side == "cloud" and _gives_erp_orders(draft, route)):
            text = f"stage {stage.value} needs targets.{side}"
            yield draft.finding("CONFIG-STAGE", ("routes", route.id, "targets", side), text)
    if route.losing_side == "copy_not_transmitted" and route.targets.legacy is None:
        text = "a copy for legacy needs targets.legacy"
        yield draft.finding("CONFIG-STAGE", ("routes", route.id, "losing_side"), text)
    legacy = draft.endpoints.get(route.targets.legacy or "")
    if route.losing_side == "copy_not_transmitted" and not takes_copies(legacy):
        text = (
            f"'{route.targets.legacy}' cannot tell a copy from an order of its own, and would send it to the "
            "supplier again; expected losing_side: nothing, or an endpoint that tells copies apart: a folder "
            'by its name with {role} in it, as name: "{stem}.{role}{suffix}"; others by their copies key'
        )
        yield draft.finding("CONFIG-STAGE", ("routes", route.id, "losing_side"), text)


def takes_copies(endpoint: Endpoint | None) -> bool:
    """Tell whether copies do no harm at an endpoint, by its settings; most declare nothing about it."""
    return endpoint is None or bool(getattr(endpoint.settings, "takes_copies", True))


def _transmitters(draft: Draft, route: Route, stage: Stage) -> Iterator[Finding]:
    here = ("routes", route.id, "transmitter")
    for side, never in (("legacy", Transmitter.ERP), ("cloud", Transmitter.LEGACY)):
        word = getattr(route.transmitter, side)
        if word is never:
            text = f"an order that {side} owns is never sent by {word.value}: it does not know the order"
            yield draft.finding("CONFIG-TRANSMITTER", (*here, side), text)
        is_live = stage in (_LEGACY_LIVE if side == "legacy" else _CLOUD_LIVE)
        if word is Transmitter.GATEWAY and is_live and route.targets.supplier is None:
            text = "the gateway sends orders to the supplier, and targets.supplier does not say where"
            yield draft.finding("CONFIG-TRANSMITTER", (*here, side), text)
    yield from _erp_output(draft, route)


def _erp_output(draft: Draft, route: Route) -> Iterator[Finding]:
    """An ERP sends an order to the supplier exactly where the ledger says so; others say nothing about it."""
    endpoint = draft.endpoints.get(route.targets.cloud or "")
    if endpoint is None:
        return
    declared = getattr(endpoint.settings, "supplier_output", None)
    silent: tuple[str, ...] = getattr(endpoint.settings, "silent_outputs", ("off",))
    word = route.transmitter.cloud
    if declared == "undeclared" and word is not Transmitter.ERP:
        sender = "nobody (none)" if word is Transmitter.NONE else word.value
        text = (
            f"orders are sent to the supplier by {sender}, and '{route.targets.cloud}' does not say that its "
            f"own output is off; expected supplier_output: {' or '.join(silent)} there, as the ERP is set up"
        )
    elif declared == "off" and word is Transmitter.ERP:
        sends = "supplier_output: per_order" if "per_order" in silent else "no supplier_output"
        text = (
            f"the ERP is to send orders to the supplier, and the output of '{route.targets.cloud}' is off: "
            f"nobody would; expected {sends} there, or another transmitter"
        )
    else:
        return
    yield draft.finding("CONFIG-TRANSMITTER", ("routes", route.id, "transmitter", "cloud"), text)


def _canary(draft: Draft, route: Route, stage: Stage) -> Iterator[Finding]:
    here = ("routes", route.id, "canary")
    selects = route.canary is not None and bool(route.canary.select.words())
    if stage is Stage.CANARY and not selects:
        text = "stage canary selects nothing; name facilities, suppliers or categories in canary.select"
        yield draft.finding("CONFIG-CANARY", (*here, "select"), text)
    elif route.canary is not None and "share" in route.canary.model_fields_set and not selects:
        text = "a share is taken inside a selection only; add canary.select"
        yield draft.finding("CONFIG-CANARY", (*here, "share"), text)
    if route.canary is None:
        return
    yield from _untold(draft, route)
    for key, known in (("order_type", get_args(OrderType)), ("stock", get_args(Stock))):
        for index, word in enumerate(getattr(route.canary.pin_legacy, key)):
            if word not in known:
                text = f"there is no {key} '{word}'; {suggestion(word, known)}"
                yield draft.finding("CONFIG-CANARY", (*here, "pin_legacy", key, index), text)


def _untold(draft: Draft, route: Route) -> Iterator[Finding]:
    """A selection by what a format never says selects nothing; a pin by it would pin nothing, unnoticed."""
    kind = draft.catalogue.formats.get(route.source.format or "")
    if kind is None or kind.tells is None or route.canary is None:
        return
    for part in ("select", "pin_legacy"):
        for dimension in getattr(route.canary, part).words():
            if dimension not in kind.tells:
                text = (
                    f"{kind.name} tells no {dimension} of an order, so this never matches; it tells "
                    f"{', '.join(sorted(kind.tells))}"
                )
                where = ("routes", route.id, "canary", part, dimension)
                yield draft.finding("CONFIG-CANARY", where, text)


def _numbering(draft: Draft, route: Route, stage: Stage) -> Iterator[Finding]:
    """Each emitter has its own range: the gateway's envelopes in a partner's name must not meet its own."""
    kind = draft.catalogue.formats.get(route.source.format or "")
    name = route.source.partner or ""
    partner, gateway = draft.partners.get(name), draft.gateway
    if kind is None or not kind.is_enveloped or partner is None or partner.control_numbers is not None:
        return
    splits = stage is Stage.CANARY or (stage is Stage.CLOUD and route.losing_side == "copy_not_transmitted")
    rule = route.acknowledge or partner.acknowledge
    if not splits and acknowledging_side(rule, stage) != "gateway":
        return
    text = (
        f"in stage {stage.value} the gateway writes envelopes for '{name}', and no range of control numbers "
        "is declared: they begin at 1 and meet those of its own system; add "
        "control_numbers: {lowest: 900000000, highest: 999999999}, or another range that it never uses"
    )
    is_live = gateway is not None and gateway.environment == "production"
    level = Level.REJECTED if is_live else Level.NOTE
    yield draft.finding("CONFIG-CONTROL-NUMBERS", ("partners", name), text, level)


def _acknowledging(draft: Draft, route: Route, stage: Stage) -> Iterator[Finding]:
    """Exactly one side acknowledges: legacy can only where it gets every interchange untouched."""
    rule, where = route.acknowledge, ("routes", route.id, "acknowledge")
    partner = draft.partners.get(route.source.partner or "")
    if rule is None and partner is not None:
        rule, where = partner.acknowledge, ("routes", route.id, "from")
    if acknowledging_side(rule, stage) != "legacy":
        return
    if stage not in (Stage.LEGACY, Stage.SHADOW):
        text = f"in stage {stage.value} legacy does not get every interchange; use by: auto"
        yield draft.finding("CONFIG-ACKNOWLEDGE", where, text)


def _environments(draft: Draft, route: Route, stage: Stage | None) -> Iterator[Finding]:
    """Test and production never touch. A shadow's cloud side is never live: it may be a test tenant."""
    gateway = draft.gateway
    if gateway is None:
        return
    here = ("routes", route.id)
    names = [(route.source.endpoint, (*here, "from", "endpoint"))]
    names += [
        (getattr(route.targets, side), (*here, "targets", side)) for side in ("legacy", "cloud", "supplier")
    ]
    if route.acknowledge is not None:
        names.append((route.acknowledge.to, (*here, "acknowledge", "to")))
    for name, where in names:
        endpoint = draft.endpoints.get(name or "")
        is_rehearsed = where[-1] == "cloud" and stage in (Stage.LEGACY, Stage.SHADOW)
        if endpoint is None or endpoint.environment == gateway.environment:
            continue
        if is_rehearsed and endpoint.environment == "test":
            continue
        text = (
            f"'{name}' is a {endpoint.environment} endpoint, and this is a {gateway.environment} gateway; "
            "test and production never touch"
        )
        yield draft.finding("CONFIG-ENVIRONMENT", where, text)
