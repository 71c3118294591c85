"""The strangler table: how far each route has moved, and moving it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from adapters.base import Finding, Level
from gateway.config import Configuration, Route, diff, stage_findings_of
from gateway.config.catalogue import installed
from gateway.journal.base import StaleStageError
from gateway.journal.moves import MOVING, Recalled
from gateway.journal.types import Message, MessageState, Side, StageState
from gateway.operations.base import JsonObject, Person, Text
from gateway.operations.errors import OperationError
from gateway.operations.readiness import ReadinessOperations, judgment_view
from gateway.operations.views import finding_view, instant, stage_view
from gateway.stage import Stage

PAGE = 500  # messages at a time
REMAINING_LOOKED_AT = 10_000
REMAINING_SHOWN = 20
SETS_MAX = 1_000_000

CLOUDWARDS = frozenset({Stage.CLOUD, Stage.RETIRED})


class RouteOperations(ReadinessOperations):
    """Operations on routes."""

    async def routes_list(self) -> list[JsonObject]:
        """Show every route, in the order of the file."""
        stages = await self._journal.stages()
        return [
            await self._route(route, stages.get(route.id)) for route in self._configuration().routes.values()
        ]

    async def routes_show(self, route: Text) -> JsonObject:
        """Show one route. Errors: OperationError where there is none."""
        found = self._route_named(route)
        state = (await self._journal.stages()).get(route)
        return await self._route(found, state) | {
            "stragglers": await self._stragglers(found, state),
            "targets": {
                side: name
                for side in ("legacy", "cloud", "supplier")
                if (name := getattr(found.targets, side)) is not None
            },
            "source": found.source.endpoint or "http",
            "format": found.source.format or "canonical",
            "partner": found.source.partner,
            "owner": found.owner.model_dump(exclude_none=True),
        }

    async def _stragglers(self, route: Route, state: StageState | None) -> dict[str, int]:
        """Count the new orders that a retired route has refused since it was, by who sent them."""
        if not route.originates or state is None or state.stage != Stage.RETIRED.value:
            return {}
        counted = Counter[str]()
        before: int | None = None
        while page := await self._journal.messages(route=route.id, before_sequence=before, limit=PAGE):
            for message in page:
                if message.accepted_at < state.changed_at:
                    return dict(counted.most_common())
                found = await self._refused_of(message)
                refused = sum(int(each.facts.get("orders", "1")) for each in found)
                if refused:
                    named = message.partner or message.origin.identity or route.source.partner
                    counted[named or message.origin.peer or "unknown"] += refused
            before = page[-1].sequence
        return dict(counted.most_common())

    async def _refused_of(self, message: Message) -> list[Finding]:
        """Give a finding for each new order of a message that came too late."""
        findings = list(message.findings)
        if message.state is not MessageState.REFUSED:
            views = await self._journal.documents(message_id=message.message_id, limit=SETS_MAX)
            current = (view.plan for view in views if view.generation == message.generation)
            findings = [finding for plan in current for finding in plan.findings]
        return [finding for finding in findings if finding.code == "ROUTE-RETIRED"]

    async def routes_diff(self) -> list[JsonObject]:
        """Show where the running table differs from what routes.yaml declares."""
        live = (await self._journal.stages()).values()
        return [
            {
                "route": each.route,
                "what": each.what,
                "declared": each.declared,
                "live": each.live,
                "changed_at": instant(each.changed_at),
                "changed_by": each.changed_by,
                "why": each.why,
                "text": str(each),
            }
            for each in diff(self._configuration(), live)
        ]

    async def routes_set(
        self,
        route: Text,
        stage: Text,
        who: Person,
        why: Text,
        share_percent: str | None = None,
        expected: str | None = None,
        recall: bool = False,
        force: bool = False,
    ) -> JsonObject:
        """Move a route, for new orders only; tell what it was, and how many orders stay where they are.

        ``recall``: orders of the other side of which nothing was attempted yet are decided anew.
        Errors: OperationError where nothing would change, the configuration forbids it, the stage is not
        ``expected`` any more, or a gate or a freeze holds it. ``force`` passes these, and is audited.
        """
        found, wanted = self._route_named(route), _stage(stage)
        state = (await self._journal.stages()).get(route)
        if found.follows is not None or state is None:
            text = f"route '{route}' has no stage of its own: it follows '{found.follows}'; set that one"
            raise OperationError("refused", text)
        share = _share(share_percent, wanted, state, self._configuration(), found)
        self._judge_move(state, wanted, share, expected)
        card, held = await self._held(found, state, wanted, share, who)
        if held and not force:
            raise self._refusal(route, wanted, held)
        if held:
            detail = {"stage": wanted.value, "passed": ", ".join(each.name for each in held)}
            await self._journal.append_audit(who, "routes.force", route, detail, why, self._clock.now())
        try:
            moved = await self._journal.set_stage(
                route, state.stage, wanted.value, share, who, why, self._clock.now()
            )
        except StaleStageError as error:
            raise OperationError("stale", f"{error}; look at it again, then decide again") from error
        self._hooks.stage_changed(route)
        recalled = await self._recalled(route, wanted, who, why) if recall else None
        open_orders = await self._journal.open_orders(route)
        return {
            "route": route,
            "from": {"stage": state.stage, "share_percent": state.share_percent},
            "to": {"stage": moved.stage, "share_percent": moved.share_percent},
            "revision": moved.revision,
            "changed_at": instant(moved.changed_at),
            "open_orders": {side.value: open_orders.get(side.value, 0) for side in Side},
            "moving": open_orders.get(MOVING, 0),
            "recalled": len(recalled.orders) if recalled is not None else None,
            "remaining": {side.value: await self._remaining(route, side) for side in Side},
            "other_side": _other_side(wanted).value,
            "forced": [judgment_view(each) for each in held],
            "card": card,
        }

    async def _recalled(self, route: str, wanted: Stage, who: str, why: str) -> Recalled:
        """Take back what the other side has not been asked for yet; a canary may recall to either side."""
        sides = list(Side) if wanted is Stage.CANARY else [_other_side(wanted)]
        orders: list[str] = []
        messages: list[str] = []
        for side in sides:
            found = await self._journal.recall(route, side.value, who, why, self._clock.now())
            orders += found.orders
            messages += found.messages
        self._wake()
        return Recalled(tuple(orders), tuple(messages))

    async def _remaining(self, route: str, side: Side) -> list[JsonObject]:
        """List the newest open orders of a route on one side, with how long they have been there."""
        entries = await self._journal.orders(side=side.value, route=route, limit=REMAINING_LOOKED_AT)
        still = [each for each in entries if each.closed_at is None and each.moving_to is None]
        return [
            {"order_key": each.order_key, "opened_at": instant(each.opened_at), "stage": each.stage}
            for each in still[:REMAINING_SHOWN]
        ]

    def _judge_move(self, state: StageState, wanted: Stage, share: str, expected: str | None) -> None:
        if expected is not None and expected != state.stage:
            raise OperationError(
                "stale",
                f"route '{state.route}' is in stage {state.stage}, not {expected}: "
                f"{state.changed_by} changed it ({state.why})",
            )
        is_same_share = Decimal(share) == Decimal(state.share_percent) or wanted is not Stage.CANARY
        if wanted.value == state.stage and is_same_share:
            told = f", share {state.share_percent}%" if wanted is Stage.CANARY else ""
            raise OperationError(
                "refused",
                f"route '{state.route}' is in stage {state.stage}{told} already; nothing was changed",
            )
        findings = [
            each
            for each in stage_findings_of(self._configuration(), state.route, wanted, installed())
            if each.level is not Level.NOTE
        ]
        if findings:
            raise OperationError(
                "refused",
                f"the configuration does not allow stage {wanted.value} for route '{state.route}'; "
                "nothing was changed",
                tuple(finding_view(each) for each in findings),
            )

    def _route_named(self, name: str) -> Route:
        routes = self._configuration().routes
        if name not in routes:
            raise OperationError("unknown", f"there is no route '{name}'; there are: {', '.join(routes)}")
        return routes[name]

    async def _route(self, route: Route, state: StageState | None) -> JsonObject:
        open_orders = await self._journal.open_orders(route.id) if route.originates else {}
        share = self._configuration().share_percent(route)
        return {
            "route": route.id,
            "follows": route.follows,
            "declared": route.stage.value if route.stage is not None else None,
            "declared_share_percent": f"{share.normalize():f}",
            "live": stage_view(state) if state is not None and route.originates else None,
            "open_orders": dict(open_orders),
        }


def _stage(word: str) -> Stage:
    try:
        return Stage(word)
    except ValueError:
        words = ", ".join(Stage)
        raise OperationError("bad_request", f"there is no stage '{word}'; expected {words}") from None


def _share(
    given: str | None, wanted: Stage, state: StageState, configuration: Configuration, route: Route
) -> str:
    """Give the share that a stage begins with: as asked, else as it is, else as declared."""
    if wanted is not Stage.CANARY:
        if given is not None:
            raise OperationError("bad_request", f"a share belongs to stage canary, not to {wanted.value}")
        return state.share_percent
    if given is None:
        is_canary = state.stage == Stage.CANARY.value
        return state.share_percent if is_canary else f"{configuration.share_percent(route).normalize():f}"
    number = given.removesuffix("%")
    is_number = number.isascii() and number.replace(".", "", 1).isdigit() and len(number) <= 12
    if not is_number or not 0 <= Decimal(number) <= 100:
        raise OperationError("bad_request", f"'{given}' is no share; expected 0% to 100%")
    return f"{Decimal(number).normalize():f}"


def _other_side(stage: Stage) -> Side:
    return Side.LEGACY if stage in CLOUDWARDS else Side.CLOUD
