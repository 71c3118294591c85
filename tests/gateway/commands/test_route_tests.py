"""``legacy-bridge test``: the tests in routes.yaml, each expectation met and missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import ROUTES

PROJECT = Path(__file__).resolve().parents[3]

ORDER = """\
  - id: po.tested
    from: {endpoint: drop, format: edi_x12, partner: mms, set: "850", identity: control_numbers}
    targets: {legacy: legacy, cloud: erp}
    stage: cloud
    canary: {select: {facility: ["04"]}}
    tests:
"""
FOLLOWS = """\
  - id: ack.tested
    follows: po.tested
    from: {endpoint: answers, format: edi_x12, partner: mms, set: "855"}
    targets: {legacy: legacy, cloud: erp}
    unknown_order: {to: legacy, after: 60s}
    tests:
"""
HEAD = ROUTES.partition("routes:\n")[0] + "routes:\n"


def write(tests: str, follows: str = "") -> None:
    """Write a configuration with these tests of an order's route, and of one that follows it."""
    text = HEAD + ORDER + tests
    Path("routes.yaml").write_text(text + (FOLLOWS + follows if follows else ""))


def case(given: str, expect: str, more: str = "") -> str:
    return f"      - {{given: {given}, {more}expect: {expect}}}\n"


@pytest.fixture(autouse=True)
def orders(folder: Path) -> None:
    Path("good.850").write_bytes(interchange(order_set("PO-1")))
    Path("other.850").write_bytes(interchange(order_set("PO-2", facility="05"), control="000000008"))
    Path("bad.850").write_bytes(interchange(order_set("PO-3", quantity="three"), control="000000009"))
    Path("split.850").write_bytes(interchange(order_set("PO-4"), order_set("PO-5", facility="05")))


@pytest.mark.parametrize(
    "test",
    [
        case("good.850", "{side: cloud, target: erp, deliveries: 1}"),
        case("good.850", "{side: legacy, target: legacy, deliveries: 1}", "stage: legacy, "),
        case("good.850", "{side: legacy, deliveries: 1}", "stage: shadow, "),
        case("good.850", "{side: cloud}", "stage: canary, "),
        case("other.850", "{side: legacy}", "stage: canary, "),
        case("split.850", "{deliveries: 2}", "stage: canary, "),
        case("[good.850, good.850]", "{deliveries: 1}"),
        case("[good.850, other.850]", "{deliveries: 2}"),
        case("bad.850", "{deliveries: 0, finding: X12-CHAR}"),
        case("good.850", "{deliveries: 0, finding: ROUTE-RETIRED}", "stage: retired, "),
    ],
)
def test_a_test_that_is_right_passes(bridge: Command, test: str) -> None:
    write(test)

    ended = bridge("test")

    assert ended.code == 0, ended.text
    assert ended.out.startswith("ok      po.tested 1: ")
    assert "1 of 1 test passed" in ended.out


@pytest.mark.parametrize(
    "test, told",
    [
        (case("good.850", "{side: legacy}"), "side: expected legacy, but set 1 goes to cloud (stage cloud)"),
        (case("good.850", "{target: legacy}"), "target: expected legacy, but live deliveries go to erp"),
        (case("good.850", "{deliveries: 2}"), "deliveries: expected 2, but there are 1: erp (done)"),
        (case("good.850", "{finding: X12-CHAR}"), "finding: expected X12-CHAR, but there is none"),
        (case("bad.850", "{side: cloud}"), "what was found: bad.850:1 ST 0001 / PO1[1]"),
        (case("good.850", "{acknowledgment: good.850}", "stage: legacy, "), "the gateway writes none"),
    ],
)
def test_a_test_that_is_wrong_fails_and_says_what_came_instead(bridge: Command, test: str, told: str) -> None:
    write(test)

    ended = bridge("test")

    assert ended.code == 1
    assert ended.out.startswith("FAILED  po.tested 1: ")
    assert told in " ".join(ended.out.split())
    assert "0 of 1 test passed" in ended.out


def test_a_document_is_compared_by_what_it_says(bridge: Command) -> None:
    expected = json.loads(bridge("translate", "good.850").out)
    Path("good.json").write_text(json.dumps(expected))
    expected["lines"][0]["quantity"]["value"] = "99"
    expected["department"] = "OR"
    Path("wrong.json").write_text(json.dumps(expected))
    write(case("good.850", "{document: good.json}") + case("good.850", "wrong.json"))

    ended = bridge("test")

    assert ended.code == 1
    assert "document: lines[0].quantity.value: expected '99', got '12'" in ended.out
    assert "document: department: expected 'OR', got nothing" in ended.out
    assert "1 of 2 tests passed" in ended.out


def test_an_acknowledgment_is_compared_segment_by_segment(bridge: Command) -> None:
    bridge(
        "translate",
        "bad.850",
        "--ack",
        "right.997",
        "--control-number",
        "700",
        "--at",
        "2026-01-02T03:04:05Z",
    )
    right = Path("right.997").read_text()
    Path("one_line.997").write_text(right.replace("\n", ""))
    Path("wrong.997").write_text(right.replace("AK5*R", "AK5*A"))
    write(case("bad.850", "{acknowledgment: one_line.997}") + case("bad.850", "{acknowledgment: wrong.997}"))

    ended = bridge("test")

    assert ended.code == 1
    assert "acknowledgment: -AK5*A" in ended.out
    assert "acknowledgment: +AK5*R" in ended.out
    assert "1 of 2 tests passed" in ended.out, ended.out


def test_an_answer_follows_the_order_that_is_given_before_it_and_goes_to_legacy_without_one(
    bridge: Command,
) -> None:
    answer = interchange(order_set("PO-1")).replace(b"ST*850*", b"ST*855*").replace(b"GS*PO*", b"GS*PR*")
    answer = answer.replace(b"BEG*00*SA*PO-1**20260102", b"BAK*00*AC*PO-1*20260103")
    Path("answer.855").write_bytes(answer)
    write(
        case("good.850", "{side: cloud}"),
        case("answer.855", "{side: legacy, target: legacy}")
        + case("[good.850, answer.855]", "{side: legacy}", "stage: legacy, "),
    )

    ended = bridge("test")

    assert ended.code == 0, ended.out


def test_only_the_tests_of_one_route_are_run_where_it_is_named(bridge: Command) -> None:
    write(case("good.850", "{side: cloud}"), case("good.850", "{side: legacy}"))

    assert bridge("test", "--route", "po.tested").out.count("good.850") == 1
    assert bridge("test", "--route", "po.nowhere").code == 2


def test_machines_get_the_results_as_json(bridge: Command) -> None:
    write(case("good.850", "{side: legacy}"))

    (result,) = json.loads(bridge("test", "--json").out)

    assert (result["route"], result["test"], result["given"]) == ("po.tested", 1, ["good.850"])
    assert len(result["differences"]) == 1


def test_a_file_that_is_not_there_fails_the_test_and_not_the_command(bridge: Command) -> None:
    write(case("missing.850", "{side: legacy}"))

    ended = bridge("test")

    assert ended.code == 1
    assert "missing.850: cannot be read (No such file or directory)" in " ".join(ended.out.split())


def test_a_configuration_without_tests_passes_and_says_which_routes_have_none(bridge: Command) -> None:
    Path("routes.yaml").write_text(ROUTES)

    ended = bridge("test")

    assert ended.code == 0
    assert "without a test: po.one, po.two, ack.one" in ended.out
    assert "0 of 0 tests passed" in ended.out


def test_the_tests_of_the_worked_example_pass(bridge: Command) -> None:
    ended = bridge("test", "-c", PROJECT / "routes.yaml")

    assert ended.code == 0, ended.out
    assert "FAILED" not in ended.out
