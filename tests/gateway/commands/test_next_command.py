from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gateway.commands.next_command import next_command


def given(**options: Any) -> argparse.Namespace:
    return argparse.Namespace(**({"config": Path("routes.yaml"), "url": None, "socket": None} | options))


def test_where_nothing_was_given_a_command_is_as_short_as_it_can_be() -> None:
    assert next_command(given(), "exceptions list") == "legacy-bridge exceptions list"


def test_a_command_carries_the_configuration_that_was_given_fit_for_a_shell() -> None:
    told = next_command(
        given(config=Path("/srv/st mary/routes.yaml")), "orders agree b1 --why TEXT", "changes"
    )

    assert told == "legacy-bridge orders agree b1 --why TEXT -c '/srv/st mary/routes.yaml'"


def test_a_command_asks_the_gateway_elsewhere_or_behind_the_socket_that_was_asked() -> None:
    elsewhere = next_command(given(url="https://bridge.example"), "exceptions list")
    socket = next_command(given(socket=Path("var/journal.db.sock")), "messages replay m1", "changes")

    assert elsewhere == "legacy-bridge exceptions list --url https://bridge.example"
    assert socket == "legacy-bridge messages replay m1 --socket var/journal.db.sock"


def test_a_command_that_changes_something_is_not_told_to_read_a_journal() -> None:
    options = given(journal=Path("copy.db"))

    assert next_command(options, "exceptions list") == "legacy-bridge exceptions list --journal copy.db"
    assert next_command(options, "exceptions retry m1", "changes") == "legacy-bridge exceptions retry m1"


def test_a_command_that_asks_no_gateway_carries_the_configuration_only() -> None:
    options = given(config=Path("a.yaml"), url="https://bridge.example")

    assert next_command(options, "check --live", "checks") == "legacy-bridge check --live -c a.yaml"
