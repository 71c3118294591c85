"""Which stage each route is planned in, and what the reader must know of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from gateway.config import Configuration
from gateway.journal.types import StageState
from gateway.stage import Stage

Stages = Mapping[str, tuple[str, str]]  # route -> stage, share in percent


def declared(configuration: Configuration) -> dict[str, tuple[str, str]]:
    """Give the stage and share that a configuration declares for each route that opens orders."""
    return {
        name: (route.stage.value, str(configuration.share_percent(route)))
        for name, route in configuration.routes.items()
        if route.stage is not None
    }


def present_stages(configuration: Configuration, live: Iterable[StageState]) -> dict[str, tuple[str, str]]:
    """Give the stages of now: the live ones, and as declared where a route has none yet."""
    return declared(configuration) | {each.route: (each.stage, each.share_percent) for each in live}


def proposed_stages(
    present: Stages, before: Configuration, after: Configuration, asked: Stages
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Give the stages to plan in, and notes.

    A route keeps its live stage. It takes the declared one where the changed file declares another one
    than the file in force did, or where the route is new; ``asked`` (on the command line) wins over both.
    """
    was, will = declared(before), declared(after)
    stages, notes = dict(will), list[str]()
    for route, wanted in will.items():
        live = present.get(route)
        if route in asked or live is None:
            continue
        if was.get(route, wanted) == wanted:
            stages[route] = live
        elif not _is_same(live, wanted):
            notes.append(
                f"route {route} is planned in stage {_told(wanted)}, as the changed file declares; it is in "
                f"{_told(live)}, and loading the file does not move it: legacy-bridge routes set {route} does"
            )
    stages.update(asked)
    notes += [f"route {route} is planned in stage {_told(each)}, as asked" for route, each in asked.items()]
    return stages, notes


def asked_stages(words: Iterable[str], configuration: Configuration) -> dict[str, tuple[str, str]]:
    """Read ``ROUTE=STAGE`` and ``ROUTE=canary:SHARE``. Errors: ValueError, a sentence."""
    found = {}
    for word in words:
        name, _, wanted = word.partition("=")
        stage, _, share = wanted.partition(":")
        route = configuration.routes.get(name)
        if route is None or route.stage is None:
            raise ValueError(f"'{word}': there is no route '{name}' with a stage of its own")
        if stage not in set(Stage):
            raise ValueError(f"'{word}': there is no stage '{stage}'; expected {', '.join(Stage)}")
        percent = share.removesuffix("%") or str(configuration.share_percent(route))
        try:
            is_share = 0 <= Decimal(percent) <= 100
        except InvalidOperation:
            is_share = False
        if not is_share:
            raise ValueError(f"'{word}': '{share}' is no share; expected 0% to 100%")
        found[name] = (stage, percent)
    return found


def _is_same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    is_share_same = Decimal(one[1]) == Decimal(other[1]) or one[0] != Stage.CANARY.value
    return one[0] == other[0] and is_share_same


def _told(stage: tuple[str, str]) -> str:
    return f"{stage[0]} {Decimal(stage[1]).normalize():f}%" if stage[0] == Stage.CANARY.value else stage[0]
