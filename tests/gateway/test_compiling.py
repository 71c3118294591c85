"""From a configuration to compiled routes: what decisions need, who shares a source, who retries how."""

from __future__ import annotations

from adapters.base import UnitKind
from gateway.compiling import compile_programs, feeding_route
from gateway.config import Configuration
from gateway.journal.types import Side
from gateway.outcome import RetryPolicy
from gateway.program import Program, Programs
from tests.gateway.config.sample import GOOD, changed, configured

MAILBOX = """\
  - id: ack.in
    follows: po
    from: {endpoint: in, format: x12, partner: acme, set: "855"}
    targets: {legacy: legacy, cloud: erp}
  - id: flat
    from: {endpoint: in, format: flat, set: "ORD"}
    targets: {legacy: legacy}
    stage: legacy
"""


def compiled(text: str = GOOD) -> Programs:
    return compile_programs(configured(text), 7)


def program(route: str, text: str = GOOD) -> Program:
    return compiled(text).routes[route]


def test_a_route_carries_everything_a_decision_needs() -> None:
    made = program(
        "po", GOOD.replace("environment: test\n    ack", "environment: test\n    accept_by: file\n    ack")
    )

    assert made.format_name == "x12"
    assert made.context.environment == "test"
    assert made.context.partner == "acme"
    assert made.context.partner_settings is not None
    assert made.accept_by is UnitKind.FILE
    assert made.acknowledge.kind == "997"
    assert made.acknowledge.to == "reply"
    assert made.rule.legacy_target == "legacy"
    assert made.rule.cloud_target == "erp"
    assert made.rule.select == {"facility": frozenset({"04"})}
    assert made.follows is None
    assert made.stage_route == "po"
    assert made.key_rules.organisation == "mercy"


def test_a_route_that_follows_is_decided_by_the_one_it_follows() -> None:
    made = program("ack")

    assert made.follows == "po"
    assert made.stage_route == "po"
    assert made.unknown.side is Side.LEGACY


def test_an_unknown_order_may_be_parked() -> None:
    text = GOOD.replace(
        "  - id: ack\n    follows: po\n", "  - id: ack\n    follows: po\n    unknown_order: {to: park}\n"
    )

    assert program("ack", text).unknown.side is None


def test_a_route_without_a_format_takes_canonical_json() -> None:
    assert program("json").format_name == "canonical"


def test_a_revision_numbers_its_programs() -> None:
    assert compiled().revision == 7


def test_routes_of_one_mailbox_are_fed_as_one_and_each_takes_its_own_sets() -> None:
    programs = compiled(GOOD + MAILBOX)

    assert programs.shared == {"po": {"850": "po", "855": "ack.in"}}
    assert feeds(GOOD + MAILBOX) == {"po": "po", "ack": "ack", "json": "json", "ack.in": "po", "flat": "flat"}
    of_set = {name: programs.of_set("po", name) for name in ("850", "855", "856")}
    assert {name: each.route for name, each in of_set.items() if each} == {
        "850": "po", "855": "ack.in", "856": "po",
    }  # fmt: skip


def feeds(text: str) -> dict[str, str]:
    configuration: Configuration = configured(text)
    return {name: feeding_route(configuration.routes, each) for name, each in configuration.routes.items()}


def test_a_route_alone_on_its_source_takes_whatever_comes() -> None:
    assert compiled().shared == {}


def test_routes_with_other_files_of_one_folder_have_sources_of_their_own() -> None:
    text = GOOD + MAILBOX.replace('set: "855"', 'set: "855", pattern: "*.855"')

    assert feeds(text)["ack.in"] == "ack.in"
    assert compiled(text).shared == {}


def test_each_target_is_retried_as_the_most_patient_of_its_routes_says() -> None:
    text = GOOD.replace("  - id: json\n", "  - id: json\n    retry: {attempts: 9}\n")
    retries = compiled(text).retries

    assert retries["erp"].attempts_max == 9
    assert retries["legacy"].attempts_max == 4
    assert retries["legacy"].backoff_lowest_s == 1


def test_where_acknowledgments_go_is_retried_by_the_routes_policy_too() -> None:
    text = changed("to: reply", "to: acks").replace(
        "partners:\n", "  acks: {kind: files, environment: test, folder: acks}\npartners:\n"
    )

    assert compiled(text).retries["acks"].attempts_max == 4
    assert "reply" not in compiled().retries
    assert RetryPolicy().attempts_max != 4
