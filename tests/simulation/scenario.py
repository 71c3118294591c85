"""What one history is about, drawn from its seed: systems, stages, weather, crashes, reloads. Values only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adapters.base import DecodeContext, UnitKind
from canonical.keys import KeyRules
from gateway.journal.types import Side, Transmitter
from gateway.outcome import RetryPolicy
from gateway.program import Program, Programs, ReplyMode, UnknownOrder
from gateway.stage import RouteRule
from tests.simulation.http_peers import Weather
from tests.simulation.world import Chance, World

RULES = KeyRules(organisation="HB")
ORDERS, PORTAL, ANSWERS = "po", "portal", "ack"  # routes: files, calls, and what follows both
STAGES = ("legacy", "shadow", "canary", "canary", "canary", "cloud", "cloud")
BUSY_S = 90.0  # while senders send
LEASE_S = 20.0

LegacyKind = Literal["folder", "http_safe", "http_never"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that people or fate do at a time."""

    at_s: float
    what: Literal["stage", "reload", "crash", "pause", "wall", "replay", "tidy"]
    facts: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that is fixed before a history begins."""

    legacy: LegacyKind
    knobs: Mapping[str, Any]
    stages: Mapping[str, tuple[str, str]]
    changes: tuple[Change, ...]
    crash_commits: frozenset[int]
    cloud: Weather
    old: Weather
    supplier: Weather
    lag_s: float
    submissions: int
    calm_at_s: float


def scenario_of(world: World) -> Scenario:
    """Draw a scenario."""
    chance = world.chance("scenario")
    outage_begins = chance.between(5, 60)
    long_s = 600.0 if chance.happens(0.1) else chance.between(20, 120)
    outages = ((outage_begins, outage_begins + long_s),) if chance.happens(0.35) else ()
    harsh = chance.one_of((0.0, 0.1, 0.25, 0.45))
    calm_at_s = max(BUSY_S + 30.0, *(ends for _, ends in outages), 0.0)
    legacy: LegacyKind = chance.one_of(("folder", "http_safe", "http_never"))
    crashes = chance.count(0, 4)
    return Scenario(
        legacy=legacy,
        knobs=_knobs(chance, legacy),
        stages={route: _stage(chance) for route in (ORDERS, PORTAL)},
        changes=tuple(sorted(_changes(chance), key=lambda each: each.at_s)),
        crash_commits=frozenset(chance.count(1, 400) for _ in range(crashes)),
        cloud=Weather(harsh, outages),
        old=Weather(
            chance.one_of((0.0, 0.1, 0.3)), () if chance.happens(0.7) else outages, _legacy_faults(legacy)
        ),
        supplier=Weather(chance.one_of((0.0, 0.2)), (), _legacy_faults("http_safe")),
        lag_s=chance.one_of((0.0, 0.0, 2.0, 8.0)),
        submissions=chance.count(5, 30),
        calm_at_s=calm_at_s,
    )


def compile_text(text: str, revision: int) -> Programs:
    """Compile a configuration text of this simulation, as `gateway/compiling.py` does a routes.yaml."""
    knobs = json.loads(text)
    routes = (
        _program(ORDERS, knobs),
        _program(PORTAL, knobs, reply=knobs["reply"]),
        _program(ANSWERS, knobs, follows=ORDERS),
    )
    retry = RetryPolicy(attempts_max=knobs["attempts_max"], backoff_highest_s=60.0, budget_s=3_600.0)
    retries = dict.fromkeys(("mms", "erp", "supplier"), retry)
    return Programs(revision, {each.route: each for each in routes}, retries=retries, lease_s=LEASE_S)


def text_of(knobs: Mapping[str, Any]) -> str:
    """Write a configuration."""
    return json.dumps(knobs, sort_keys=True)


def _program(
    route: str, knobs: Mapping[str, Any], *, follows: str | None = None, reply: ReplyMode = "accepted"
) -> Program:
    by_gateway = knobs["transmitter"] == "gateway"
    rule = RouteRule(
        route=route,
        legacy_target="mms",
        cloud_target="erp",
        supplier_target="supplier" if by_gateway else None,
        cloud_transmitter=Transmitter.GATEWAY if by_gateway else Transmitter.ERP,
        select={"facility": frozenset({"04"})},
        salt="s",
        copies_to_legacy=knobs["copies"],
    )
    side = None if knobs["unknown_side"] is None else Side(knobs["unknown_side"])
    return Program(
        route,
        "canonical",
        DecodeContext("simulation", "test"),
        rule,
        RULES,
        follows=follows,
        partner="acme",
        unknown=UnknownOrder(side, knobs["unknown_after_s"]),
        accept_by=UnitKind(knobs["accept_by"]),
        resend=knobs["resend"],
        reply=reply,
        reply_within_s=20.0,
    )


def _knobs(chance: Chance, legacy: LegacyKind) -> dict[str, Any]:
    """A folder cannot answer a call: nothing is passed through to it."""
    replies = ("accepted", "wait") if legacy == "folder" else ("accepted", "wait", "pass_through")
    return {
        "reply": chance.one_of(replies),
        "attempts_max": chance.count(3, 8),
        "transmitter": chance.one_of(("erp", "erp", "gateway")),
        "copies": chance.happens(0.3),
        "unknown_side": chance.one_of(("legacy", "legacy", None)),
        "unknown_after_s": chance.one_of((0.0, 5.0, 30.0)),
        "accept_by": chance.one_of(("set", "set", "file")),
        "resend": chance.one_of(("acknowledge", "ignore", "park")),
    }


def _stage(chance: Chance) -> tuple[str, str]:
    return chance.one_of(STAGES), str(chance.one_of((0, 25, 50, 100)))


def _changes(chance: Chance) -> list[Change]:
    made = [
        Change(chance.between(1, BUSY_S), "stage", (chance.one_of((ORDERS, PORTAL)), *_stage(chance)))
        for _ in range(chance.count(0, 4))
    ]
    if chance.happens(0.05):
        made.append(Change(chance.between(40, BUSY_S), "stage", (ORDERS, "retired", "0")))
    for _ in range(chance.count(0, 2)):
        changed: dict[str, Any] = {"unknown_after_s": chance.one_of((5.0, 30.0))}
        changed["attempts_max"] = chance.count(3, 8)
        changed["resend"] = chance.one_of(("acknowledge", "ignore", "park"))
        changed["accept_by"] = chance.one_of(("set", "file"))
        made.append(Change(chance.between(1, BUSY_S), "reload", (changed,)))
    made += [Change(chance.between(1, BUSY_S), "crash") for _ in range(chance.count(0, 2))]
    if chance.happens(0.3):
        made.append(Change(chance.between(2, BUSY_S), "pause", (chance.between(LEASE_S + 1, 120),)))
    if chance.happens(0.25):
        made.append(Change(chance.between(2, BUSY_S), "wall", (chance.one_of((3_600.0, -3_600.0)),)))
    if chance.happens(0.3):
        made.append(Change(chance.between(10, BUSY_S), "replay"))
    if chance.happens(0.4):
        made.append(Change(chance.between(20, BUSY_S), "tidy"))
    return made


def _legacy_faults(kind: LegacyKind) -> tuple[str, ...]:
    """A folder fails otherwise than an endpoint; a legacy endpoint shows no log-in page as an answer."""
    if kind == "folder":
        return ("outage", "lost_answer", "late", "denied", "slow")
    return (
        "reset_before", "reset_after", "hang_before", "hang_after", "late", "half_reply",
        "unavailable", "throttle", "error", "error_after", "refused", "slow",
    )  # fmt: skip
