"""The readiness card, approvals, and stage changes that are planned for a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from adapters.base import Level
from gateway.config import Route, stage_findings_of
from gateway.config.catalogue import installed
from gateway.facets import DIMENSIONS
from gateway.journal.comparisons import Approval, PlannedStage
from gateway.journal.types import StageState
from gateway.operations.base import JsonObject, OperationsBase, Person, Text
from gateway.operations.errors import OperationError
from gateway.operations.views import instant, stage_view
from gateway.readiness import (
    Attempts,
    Card,
    JudgedGroup,
    Judgment,
    broken_limits,
    failing,
    is_forward,
    judge,
    passed_gates,
    percent,
    spelled,
)
from gateway.readiness_facts import card_of
from gateway.stage import Stage

PLANNED_AHEAD_MAX = timedelta(days=730)
NEXT = {Stage.LEGACY: Stage.CANARY, Stage.SHADOW: Stage.CANARY, Stage.CANARY: Stage.CLOUD,
        Stage.CLOUD: Stage.RETIRED, Stage.RETIRED: Stage.RETIRED}  # fmt: skip


class ReadinessOperations(OperationsBase):
    """Operations on what a route has shown so far."""

    async def readiness(self, route: Text, stage: str | None = None, who: str = "") -> JsonObject:
        """Show a route's card, and what each gate before a stage says; by default the next stage's."""
        found, state = await self._staged(route)
        wanted = _stage_named(stage) if stage is not None else NEXT[Stage(state.stage)]
        return await self._card(found, state, wanted, state.share_percent, who)

    async def routes_approve(
        self, route: Text, stage: Text, role: Text, who: Person, why: Text
    ) -> JsonObject:
        """Write down that somebody, in a role, approves of a route's going to a stage."""
        found, state = await self._staged(route)
        wanted = _stage_named(stage)
        gates = (found.gates.to_canary, found.gates.to_cloud, found.gates.to_retired)
        asked = {role for gate in gates if gate is not None for role in gate.approve}
        if asked and role not in asked:
            text = f"no gate of route '{route}' asks for role '{role}'; expected {', '.join(sorted(asked))}"
            raise OperationError("bad_request", text)
        await self._journal.approve(Approval(route, wanted.value, role, who, why, self._clock.now()))
        return await self._card(found, state, wanted, state.share_percent, who)

    async def routes_scheduled(self) -> list[JsonObject]:
        """Show the stage changes that are planned."""
        return [_planned_view(each) for each in await self._journal.planned_stages()]

    async def routes_schedule(
        self,
        route: Text,
        stage: Text,
        at: Text,
        who: Person,
        why: Text,
        share_percent: str | None = None,
        force: bool = False,
    ) -> JsonObject:
        """Plan a stage change for a time. Gates are judged then; a freeze or a wrong configuration now, too.

        ``at`` without an offset is in the gateway's zone. A route has one plan: ``replaced`` is the former
        one. Errors: OperationError.
        """
        found, state = await self._staged(route)
        wanted, now = _stage_named(stage), self._clock.now()
        when = self._instant(at)
        if not now < when <= now + PLANNED_AHEAD_MAX:
            raise OperationError("bad_request", f"{instant(when)} does not lie ahead (within two years)")
        share = _share_text(share_percent, wanted)
        is_same_share = share is None or Decimal(share) == Decimal(state.share_percent)
        if wanted.value == state.stage and is_same_share:
            raise OperationError("refused", f"route '{route}' is in stage {state.stage} already")
        self._forbidden(route, wanted)
        frozen = self._configuration().calendar.frozen(when)
        if frozen is not None and is_forward(Stage(state.stage), wanted, not is_same_share) and not force:
            opens = self._configuration().calendar.opens_at(when)
            text = (
                f"{instant(when)} lies in a freeze until the end of {frozen.last} ({frozen.why}); the first "
                f"time after it is {instant(opens)}"
            )
            raise OperationError("refused", text)
        planned = PlannedStage(route, wanted.value, share, when, who, why, state.stage)
        former = [each for each in await self._journal.planned_stages() if each.route == route]
        await self._journal.plan_stage(planned, now)
        return _planned_view(planned) | {
            "replaced": _planned_view(former[0]) if former else None,
            "card": await self._card(found, state, wanted, share or state.share_percent, who),
        }

    async def routes_unschedule(self, route: Text, who: Person, why: Text) -> JsonObject:
        """Take a planned stage change back. Errors: OperationError where none is planned."""
        if not await self._journal.unplan_stage(route, who, why, self._clock.now()):
            raise OperationError("unknown", f"nothing is planned for route '{route}'")
        return {"route": route}

    async def _held(
        self, route: Route, state: StageState, wanted: Stage, share: str, who: str
    ) -> tuple[JsonObject, list[Judgment]]:
        """Give a route's card before a move, and what holds it back: shut gates, and a freeze."""
        card = await card_of(self._journal, self._configuration(), route, state, self._clock.now())
        judged = _judged(route, card, wanted, share, who)
        return _card_view(route, card, judged, wanted), failing(judged)

    def _refusal(self, route: str, wanted: Stage, held: list[Judgment]) -> OperationError:
        """Word why a route stays where it is: the first shut gate by name, all of them as findings."""
        first, more = held[0], len(held) - 1
        others = f" (and {more} more)" if more else ""
        return OperationError(
            "refused",
            f"gate {first.name} holds route '{route}' back from stage {wanted.value}: {first.text}{others}; "
            "nothing was changed. With --force it is passed, and the audit log says so",
            tuple(
                {"code": "GATE-SHUT", "level": "rejected", "at": {"path": each.name}, "text": each.text}
                for each in held
            ),
        )

    async def _card(self, route: Route, state: StageState, wanted: Stage, share: str, who: str) -> JsonObject:
        return (await self._held(route, state, wanted, share, who))[0]

    async def _staged(self, name: str) -> tuple[Route, StageState]:
        routes = self._configuration().routes
        if name not in routes:
            raise OperationError("unknown", f"there is no route '{name}'; there are: {', '.join(routes)}")
        route, state = routes[name], (await self._journal.stages()).get(name)
        if route.follows is not None or state is None:
            text = f"route '{name}' has no stage of its own: it follows '{route.follows}'; ask for that one"
            raise OperationError("refused", text)
        return route, state

    def _forbidden(self, route: str, wanted: Stage) -> None:
        findings = stage_findings_of(self._configuration(), route, wanted, installed())
        wrong = [each for each in findings if each.level is not Level.NOTE]
        if wrong:
            text = (
                f"the configuration does not allow stage {wanted.value} for route '{route}': {wrong[0].text}"
            )
            raise OperationError("refused", text)

    def _instant(self, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            told = f"'{text}' is no date and time; expected 2026-12-01T06:00, with an offset or without"
            raise OperationError("bad_request", told) from None
        zone = ZoneInfo(self._configuration().gateway.zone)
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(ZoneInfo("UTC"))


def _judged(route: Route, card: Card, wanted: Stage, share: str, who: str) -> list[Judgment]:
    current = Stage(card.state.stage)
    raises = wanted is Stage.CANARY and Decimal(share) > Decimal(card.state.share_percent)
    gates = passed_gates(route.gates, current, wanted, raises)
    judged = [one for name, gate in gates for one in judge(name, gate, card, wanted.value, who)]
    if card.frozen is not None and is_forward(current, wanted, raises):
        text = f"nothing is moved until the end of {card.frozen.last}: {card.frozen.why}"
        judged.append(Judgment("freeze", False, text))
    return judged


def _card_view(route: Route, card: Card, judged: list[Judgment], wanted: Stage) -> JsonObject:
    counts = card.counts
    return {
        "route": card.route,
        "live": stage_view(card.state),
        "at": instant(card.at),
        "evidence": card.evidence,
        "has_evidence": card.has_evidence,
        "since": instant(card.since),
        "compared": counts.compared,
        "mismatches": counts.mismatches,
        "upper_bound_95": percent(card.bound),
        "clean_in_a_row": counts.clean_in_a_row,
        "without_evidence": counts.alone,
        "waiting": counts.waiting,
        "shadow": dict(counts.shadow),
        "coverage": {
            dimension: {
                word: {"compared": compared, "mismatches": mismatches}
                for (kind, word), (compared, mismatches) in sorted(counts.facets.items())
                if kind == dimension and compared
            }
            for dimension in DIMENSIONS
        },
        "not_yet_seen": {dimension: list(words) for dimension, words in card.unseen.items() if words},
        "differences": [group_view(each) for each in card.groups],
        "noise": sorted(card.noise),
        "open_exceptions": card.open_exceptions,
        "open_orders": dict(card.open_orders),
        "budget": _budget(card),
        "limits_broken": broken_limits(route.gates.roll_back, card) if route.gates.roll_back else [],
        "approvals": [
            {"stage": each.stage, "role": each.role, "who": each.who, "why": each.why,
             "given_at": instant(each.given_at), "counts": each.given_at >= card.state.changed_at}
            for each in card.approvals
        ],
        "frozen": f"until the end of {card.frozen.last}: {card.frozen.why}" if card.frozen else None,
        "planned": _planned_view(card.planned) if card.planned is not None else None,
        "next_stage": wanted.value,
        "gates": [judgment_view(each) for each in judged],
        "may_move": not failing(judged),
    }  # fmt: skip


def _budget(card: Card) -> list[JsonObject]:
    return [
        {
            "over": spelled(span),
            "cloud": _attempts_view(card.cloud[span]),
            "legacy": _attempts_view(card.legacy.get(span, Attempts())),
        }
        for span in sorted(card.cloud)
    ]


def _attempts_view(attempts: Attempts) -> JsonObject:
    rate = attempts.error_rate
    return {
        "attempts": attempts.count,
        "error_rate": percent(rate) if rate is not None else None,
        "p50_s": attempts.percentile_s(0.5),
        "p95_s": attempts.percentile_s(0.95),
    }


def judgment_view(judgment: Judgment) -> JsonObject:
    """Show what a gate says."""
    return {"gate": judgment.name, "open": judgment.is_open, "text": judgment.text}


def group_view(judged: JudgedGroup) -> JsonObject:
    """Show a group of differences; its values are left to ``diffs show``, which hides prices."""
    group = judged.group
    return {
        "group": group.group_id,
        "route": group.route,
        "surface": group.surface,
        "kind": group.kind,
        "path": group.pattern,
        "documents": group.documents,
        "first_at": instant(group.first_at),
        "last_at": instant(group.last_at),
        "excuse": judged.excuse,
    }


def _planned_view(planned: PlannedStage) -> JsonObject:
    return {
        "route": planned.route,
        "stage": planned.stage,
        "share_percent": planned.share_percent,
        "at": instant(planned.at),
        "who": planned.who,
        "why": planned.why,
        "expected": planned.expected,
        "held": planned.held,
    }


def _stage_named(word: str) -> Stage:
    try:
        return Stage(word)
    except ValueError:
        raise OperationError(
            "bad_request", f"there is no stage '{word}'; expected {', '.join(Stage)}"
        ) from None


def _share_text(given: str | None, wanted: Stage) -> str | None:
    if given is None:
        return None
    if wanted is not Stage.CANARY:
        raise OperationError("bad_request", f"a share belongs to stage canary, not to {wanted.value}")
    try:
        share = Decimal(given.removesuffix("%"))
    except InvalidOperation:
        share = Decimal(-1)
    if not share.is_finite() or not 0 <= share <= 100:
        raise OperationError("bad_request", f"'{given}' is no share; expected 0% to 100%")
    return f"{share.normalize():f}"
