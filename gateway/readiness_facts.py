"""What a readiness card is made of, read from the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from gateway.compare import excused, learned
from gateway.compiling import feeding_route, ignored, shared_sets
from gateway.config import Configuration, Route
from gateway.journal.base import Journal
from gateway.journal.comparisons import AttemptCount, ComparisonCounts
from gateway.journal.types import StageState
from gateway.readiness import Attempts, Card, JudgedGroup, spans_of
from gateway.stage import Stage

WINDOW = timedelta(days=90)
LEGACY_ROLES = ("live", "pass_through")


async def card_of(
    journal: Journal, configuration: Configuration, route: Route, state: StageState, now: datetime
) -> Card:
    """Give the card of a route as things are now."""
    since = now - (route.compare.window if route.compare is not None else WINDOW)
    noise = learned(await journal.readings(route.id))
    rules = tuple(ignored(each) for each in route.compare.ignore) if route.compare is not None else ()
    calendar = configuration.calendar
    today = calendar.day_of(now)
    groups = tuple(
        JudgedGroup(each, excused(each, rules, noise, today))
        for each in await journal.difference_groups(route.id, since)
    )
    excuses = {each.group.group_id for each in groups if each.excuse}
    feeding = feeding_route(configuration.routes, route)
    newest = await journal.messages(route=feeding, limit=1)
    planned = [each for each in await journal.planned_stages() if each.route == route.id]
    cloud, legacy = await _attempts(journal, configuration, route, state, now)
    return Card(
        route=route.id,
        state=state,
        at=now,
        calendar=calendar,
        evidence=route.compare.evidence if route.compare is not None else None,
        since=since,
        counts=await journal.count_comparisons(route.id, since, excuses),
        groups=groups,
        noise=noise,
        open_exceptions=await _open_exceptions(journal, configuration, route),
        open_orders=await journal.open_orders(route.id),
        cloud=cloud,
        legacy=legacy,
        approvals=tuple(await journal.approvals(route.id)),
        last_message_at=newest[0].accepted_at if newest else None,
        planned=planned[0] if planned else None,
    )


async def limits_card(
    journal: Journal, configuration: Configuration, route: Route, state: StageState, now: datetime
) -> Card:
    """Give as much of a card as the limits of a running canary need: it is asked for every few seconds."""
    cloud, legacy = await _attempts(journal, configuration, route, state, now)
    return Card(
        route=route.id,
        state=state,
        at=now,
        calendar=configuration.calendar,
        evidence=None,
        since=now,
        counts=ComparisonCounts(0, 0, 0, 0, 0, {}, {}),
        open_exceptions=await _open_exceptions(journal, configuration, route),
        cloud=cloud,
        legacy=legacy,
    )


async def _open_exceptions(journal: Journal, configuration: Configuration, route: Route) -> int:
    """Count the exceptions of the route's own sets, whoever else shares its mailbox.

    An input of which no set could be read may hold orders of each of them, so it counts for all.
    """
    owners, count = shared_sets(configuration.routes), 0
    for name in {feeding_route(configuration.routes, route), route.id}:  # its moves are its own
        for sets, exceptions in (await journal.exception_counts(name)).items():
            if not sets or route.id in owners_of(name, sets, owners):
                count += exceptions
    return count


async def _attempts(
    journal: Journal, configuration: Configuration, route: Route, state: StageState, now: datetime
) -> tuple[dict[timedelta, Attempts], dict[timedelta, Attempts]]:
    """Count both systems' answers to the route's own messages: the ERP's to live ones, else to shadows."""
    owners = shared_sets(configuration.routes)

    async def counted(target: str | None, roles: Iterable[str], since: datetime) -> Attempts:
        found = await journal.attempt_counts(target, since) if target is not None else []
        own = [each for each in found if route.id in owners_of(each.route, each.set_types, owners)]
        return _summed([each for each in own if each.role in roles])

    is_rehearsed = state.stage in (Stage.LEGACY, Stage.SHADOW)
    target = (route.shadow.to if is_rehearsed else None) or route.targets.cloud
    roles = ("shadow",) if is_rehearsed else ("live",)
    cloud, legacy = {}, {}
    for span in spans_of(route.gates):
        since = max(now - span, state.changed_at)  # what was before this stage is no fault of it
        cloud[span] = await counted(target, roles, since)
        legacy[span] = await counted(route.targets.legacy, LEGACY_ROLES, now - span)
    return cloud, legacy


def _summed(found: Iterable[AttemptCount]) -> Attempts:
    every = list(found)
    return Attempts(
        sum(each.accepted for each in every),
        sum(each.failed for each in every),
        tuple(duration for each in every for duration in each.durations_s),
    )


def owners_of(route: str, set_types: Iterable[str], owners: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Give whose the sets of a message are that came by a route: a whole interchange may be of several."""
    of_sets = owners.get(route, {})
    return {of_sets.get(each, route) for each in set_types} or {route}
