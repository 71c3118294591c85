from __future__ import annotations

from gateway.compare import learned
from gateway.journal.comparisons import NoiseReading


def readings(*patterns: set[str]) -> list[NoiseReading]:
    return [NoiseReading("po", f"m{number}", 0, frozenset(each)) for number, each in enumerate(patterns)]


def test_what_differs_between_two_readings_of_one_record_is_noise() -> None:
    assert learned(readings({"dates[].at"}, set(), {"dates[].at", "department"})) == {
        "dates[].at",
        "department",
    }


def test_a_difference_in_few_of_many_readings_is_no_noise() -> None:
    assert learned(readings({"notes[].text"}, *[set[str]() for _ in range(9)])) == frozenset()


def test_two_readings_teach_nothing() -> None:
    assert learned(readings({"notes[].text"}, {"notes[].text"})) == frozenset()


def test_what_an_order_is_about_is_never_noise() -> None:
    busy = {
        "lines[].quantity.value",
        "lines[].price.amount",
        "lines[]",
        "ship_to.identifiers[].value",
        "contract",
    }

    assert learned(readings(*[busy] * 9)) == {"contract"}
