"""The card, the gates before a stage change, approvals, and changes planned for a time."""

from __future__ import annotations

from typing import Literal

import pytest

from gateway.config import Configuration, load_text
from gateway.journal.comparisons import ComparisonState, Difference
from gateway.journal.memory import MemoryJournal
from gateway.operations import OperationError
from tests.gateway.operations.bench import Bench
from tests.gateway.operations.coexistence import LOST, PRICE, UNIT, compare, gated
from tests.gateway.support import FakeClock

MOVE = {"route": "po.one", "stage": "canary", "who": "ann", "why": "clean"}


@pytest.fixture
async def bench() -> Bench:
    clock = FakeClock()
    made = Bench(MemoryJournal(clock=clock), clock)
    made.configuration = gated()
    await made.start()
    return made


async def approve(bench: Bench, who: str = "bob") -> None:
    parts = {"route": "po.one", "stage": "canary", "role": "supply-chain", "why": "seen"}
    await bench.ask("routes.approve", who=who, **parts)


async def test_a_card_says_what_was_compared_what_it_proves_and_what_was_never_seen(bench: Bench) -> None:
    await compare(bench, count=4)
    await compare(bench, UNIT)
    await compare(bench, state=ComparisonState.ALONE, facets=(("unit", "BX"),))

    card = await bench.ask("readiness", route="po.one")

    assert (card["compared"], card["mismatches"], card["clean_in_a_row"], card["without_evidence"]) == (
        5,
        1,
        0,
        1,
    )
    assert card["upper_bound_95"] == "65.74%"
    assert card["coverage"]["unit"] == {"CA": {"compared": 5, "mismatches": 1}}
    assert card["not_yet_seen"] == {"unit": ["BX"]}
    assert card["next_stage"] == "canary"
    assert [(each["gate"], each["open"]) for each in card["gates"]] == [
        ("to_canary.clean", False),
        ("to_canary.mismatch_upper95", True),
        ("to_canary.approve", False),
        ("to_canary.four_eyes", False),
    ]


async def test_a_shut_gate_refuses_a_move_by_name_and_changes_nothing(bench: Bench) -> None:
    await compare(bench, count=2)

    with pytest.raises(OperationError) as refused:
        await bench.ask("routes.set", **MOVE)

    assert "gate to_canary.clean holds route 'po.one' back from stage canary" in str(refused.value)
    assert "2 documents in a row without a mismatch; expected 3" in str(refused.value)
    assert [each["at"]["path"] for each in refused.value.findings] == [
        "to_canary.clean",
        "to_canary.mismatch_upper95",
        "to_canary.approve",
        "to_canary.four_eyes",
    ]
    assert (await bench.journal.stages())["po.one"].stage == "shadow"


async def test_where_nothing_was_compared_the_refusal_says_that_there_is_no_legacy_evidence(
    bench: Bench,
) -> None:
    with pytest.raises(OperationError, match="no legacy evidence"):
        await bench.ask("routes.set", **MOVE)


async def test_open_gates_let_a_move_through_and_it_gives_the_card(bench: Bench) -> None:
    await compare(bench, count=4)
    await approve(bench)

    moved = await bench.ask("routes.set", **MOVE)

    assert (moved["to"]["stage"], moved["forced"], moved["card"]["may_move"]) == ("canary", [], True)


async def test_four_eyes_refuse_who_approved_alone(bench: Bench) -> None:
    await compare(bench, count=4)
    await approve(bench, "ann")

    with pytest.raises(
        OperationError, match=r"gate to_canary\.four_eyes .* somebody other than ann must approve"
    ):
        await bench.ask("routes.set", **MOVE)


async def test_force_passes_shut_gates_and_the_audit_log_names_them(bench: Bench) -> None:
    moved = await bench.ask("routes.set", **MOVE, force=True)

    (forced,) = [each for each in await bench.journal.audit() if each.action == "routes.force"]
    assert next(each["gate"] for each in moved["forced"]) == "to_canary.clean"
    assert forced.detail["passed"].startswith("to_canary.clean, to_canary.mismatch_upper95")
    assert (forced.who, forced.why) == ("ann", "clean")


async def test_the_way_back_is_never_held(bench: Bench) -> None:
    await bench.ask("routes.set", **MOVE, force=True)

    back = await bench.ask("routes.set", **MOVE | {"stage": "legacy"})

    assert (back["to"]["stage"], back["forced"]) == ("legacy", [])


async def test_in_a_freeze_nothing_moves_forward_and_everything_moves_back(bench: Bench) -> None:
    await compare(bench, count=4)
    await approve(bench)
    bench.clock.elapsed_s += 31 * 86_400  # 2026-02-02

    with pytest.raises(OperationError, match=r"gate freeze .*year-end count"):
        await bench.ask("routes.set", **MOVE)
    assert (await bench.ask("routes.set", **MOVE | {"stage": "legacy"}))["to"]["stage"] == "legacy"


async def test_an_approval_in_a_role_that_no_gate_asks_for_is_refused(bench: Bench) -> None:
    parts = {"route": "po.one", "stage": "canary", "role": "buyers", "who": "bob", "why": "x"}
    with pytest.raises(OperationError, match="asks for role 'buyers'; expected supply-chain"):
        await bench.ask("routes.approve", **parts)


async def test_an_ignore_and_noise_excuse_differences_and_an_ended_ignore_does_not(bench: Bench) -> None:
    await compare(bench, UNIT, count=3)
    text = bench.configuration.text
    rule = '{path: "lines[].quantity.unit", until: "2026-01-10", why: same unit, legacy: CA, cloud: CS}'
    ignoring = text.replace("untold: ignored", f"untold: ignored\n      ignore: [{rule}]")
    bench.configuration = bench_configuration(ignoring)

    excused = await bench.ask("readiness", route="po.one")
    bench.clock.elapsed_s += 9 * 86_400
    ended = await bench.ask("readiness", route="po.one")

    assert (excused["mismatches"], excused["clean_in_a_row"]) == (0, 3)
    assert excused["differences"][0]["excuse"] == "ignored until 2026-01-10: same unit"
    assert ended["mismatches"] == 3


def bench_configuration(text: str) -> Configuration:
    loaded = load_text(text)
    assert isinstance(loaded, Configuration), [str(each) for each in loaded]
    return loaded


PLAN = {"route": "po.one", "stage": "canary", "who": "ann", "why": "cut-over"}


async def test_a_plan_is_kept_in_utc_and_shows_which_gates_are_not_open_yet(bench: Bench) -> None:
    planned = await bench.ask("routes.schedule", **PLAN, at="2026-01-15T06:00", share_percent="5%")

    assert (planned["at"], planned["share_percent"], planned["expected"]) == (
        "2026-01-15T06:00:00+00:00",
        "5",
        "shadow",
    )
    assert not planned["card"]["may_move"]
    assert [each["route"] for each in await bench.ask("routes.scheduled")] == ["po.one"]
    await bench.ask("routes.unschedule", route="po.one", who="ann", why="not yet")
    with pytest.raises(OperationError, match="nothing is planned"):
        await bench.ask("routes.unschedule", route="po.one", who="ann", why="not yet")


async def test_a_second_plan_says_which_one_it_replaces(bench: Bench) -> None:
    first = await bench.ask("routes.schedule", **PLAN, at="2026-01-15T06:00", share_percent="5%")
    second = await bench.ask("routes.schedule", **PLAN, at="2026-01-16T06:00", share_percent="10%")

    assert first["replaced"] is None
    assert (second["replaced"]["at"], second["replaced"]["share_percent"]) == (first["at"], "5")


async def test_a_card_says_which_approvals_count_no_more(bench: Bench) -> None:
    await approve(bench)
    assert [each["counts"] for each in (await bench.ask("readiness", route="po.one"))["approvals"]] == [True]

    bench.clock.elapsed_s += 60
    await bench.ask("routes.set", **MOVE, force=True)

    assert [each["counts"] for each in (await bench.ask("readiness", route="po.one"))["approvals"]] == [False]


@pytest.mark.parametrize(
    "parts, told",
    [
        ({"at": "2026-01-01T06:00"}, "does not lie ahead"),
        ({"at": "2036-01-01T06:00"}, "does not lie ahead"),
        ({"at": "tomorrow"}, "is no date and time"),
        (
            {"at": "2026-02-03T06:00"},
            r"lies in a freeze .* the first time after it is 2026-02-08T00:00:00\+00:00",
        ),
        ({"at": "2026-01-15T06:00", "stage": "shadow"}, "is in stage shadow already"),
        ({"at": "2026-01-15T06:00", "stage": "moon"}, "there is no stage"),
        ({"at": "2026-01-15T06:00", "share_percent": "200%"}, "is no share"),
        ({"at": "2026-01-15T06:00", "share_percent": "NaN"}, "is no share"),
        ({"at": "2026-01-15T06:00", "route": "ack.one"}, "it follows 'po.one'"),
        ({"at": "2026-01-15T06:00", "route": "po.two"}, "does not allow stage canary"),
    ],
)
async def test_a_plan_that_cannot_come_true_is_refused(
    bench: Bench, parts: dict[str, str], told: str
) -> None:
    with pytest.raises(OperationError, match=told):
        await bench.ask("routes.schedule", **PLAN | parts)
    assert await bench.journal.planned_stages() == []


async def test_groups_are_listed_by_frequency_with_a_sentence_each(bench: Bench) -> None:
    await compare(bench, PRICE)
    await compare(bench, UNIT, count=37)

    texts = [each["text"] for each in await bench.ask("diffs.list", route="po.one")]

    assert texts == [
        "37 documents differ in lines[].quantity.unit CA/CS",
        "1 document differs in lines[].price.amount",
    ]


async def test_a_group_is_shown_with_both_sides_and_its_place_and_prices_only_where_it_is_audited(
    bench: Bench,
) -> None:
    await compare(bench, PRICE, UNIT)
    price, unit = sorted(await bench.ask("diffs.list"), key=lambda each: each["path"])

    (shown,) = (await bench.ask("diffs.show", group=unit["group"]))["examples"]
    (hidden,) = (await bench.ask("diffs.show", group=price["group"]))["examples"]
    asked = {"group": price["group"], "who": "ann", "why": "dispute"}
    (told,) = (await bench.ask("diffs.values", **asked))["examples"]

    assert (shown["path"], shown["legacy"], shown["cloud"]) == ("lines[2].quantity.unit", "CA", "CS")
    assert (hidden["legacy"], hidden["cloud"], hidden["apart"]) == ("[hidden]", "[hidden]", "+0.8%")
    assert (told["legacy"], told["cloud"]) == ("12.50", "12.60")
    assert [each.action for each in await bench.journal.audit()][-1] == "diffs.values"


async def test_accepting_gives_the_ignore_with_reason_and_last_day_and_is_audited(bench: Bench) -> None:
    await compare(bench, UNIT, count=2)
    (unit,) = await bench.ask("diffs.list")

    parts = {"group": unit["group"], "until": "2026-12-31", "who": "ann", "why": "same unit"}
    accepted = await bench.ask("diffs.accept", **parts)

    assert accepted["ignore"] == {
        "path": "lines[].quantity.unit",
        "until": "2026-12-31",
        "why": "same unit",
        "legacy": "CA",
        "cloud": "CS",
    }
    assert [each.action for each in await bench.journal.audit()][-1] == "diffs.accept"
    assert (await bench.ask("readiness", route="po.one"))["mismatches"] == 2


@pytest.mark.parametrize(
    ("place", "legacy", "cloud", "told"),
    [
        ("lines[].price.amount", "18.40", "19.40", "compare.tolerate"),
        ("lines[].quantity.value", "1", "2", "compare.tolerate"),
        ("lines[].quantity.unit", "", "CS", "mend the mapping$"),
        ("lines[].requested", "2026-12-01", "2026-12-02", "mend the mapping$"),
    ],
)
async def test_a_difference_of_prices_quantities_or_dates_is_not_accepted_as_every_later_one_would_be_excused(
    bench: Bench, place: str, legacy: str, cloud: str, told: str
) -> None:
    kind: Literal["unit", "value"] = "unit" if place.endswith("unit") else "value"
    await compare(bench, Difference("document", kind, place, place, legacy, cloud))
    (group,) = await bench.ask("diffs.list")
    parts = {"group": group["group"], "until": "2026-12-31", "who": "ann", "why": "19 is known"}

    with pytest.raises(OperationError, match=told) as refused:
        await bench.ask("diffs.accept", **parts)

    assert refused.value.code == "refused"
    assert "diffs.accept" not in [each.action for each in await bench.journal.audit()]


@pytest.mark.parametrize("place", ["lines[]", "lines[].price", "totals"])
async def test_a_price_or_a_line_that_one_side_lacks_is_not_accepted_as_later_values_would_be_excused(
    bench: Bench, place: str
) -> None:
    await compare(bench, Difference("document", "missing", place, place, "12.50", ""))
    (group,) = await bench.ask("diffs.list")

    with pytest.raises(OperationError, match="would excuse every later difference there"):
        await bench.ask("diffs.accept", group=group["group"], until="2026-12-31", who="ann", why="known")


async def test_a_last_day_in_the_past_or_for_ever_a_short_reason_and_a_lost_document_are_refused(
    bench: Bench,
) -> None:
    await compare(bench, UNIT, LOST)
    groups = {each["kind"]: each["group"] for each in await bench.ask("diffs.list")}
    parts = {"until": "2026-12-31", "who": "ann", "why": "same unit"}

    for changed, told in (
        ({"group": groups["unit"], "until": "2025-12-31"}, "no last day"),
        ({"group": groups["unit"], "until": "2126-12-31"}, "no last day"),
        ({"group": groups["unit"], "until": "soon"}, "is no day"),
        ({"group": groups["unit"], "why": "t"}, "needs one of at least 3 characters"),
        ({"group": groups["untranslated"]}, "cannot be accepted"),
        ({"group": "0000000000"}, "there is no group"),
    ):
        with pytest.raises(OperationError, match=told):
            await bench.ask("diffs.accept", **parts | changed)
