"""Whose name it is: as people type it, with spaces and letters of either case."""

from __future__ import annotations

import pytest

from gateway.four_eyes import is_same_person, name_of


@pytest.mark.parametrize(
    "typed", ["ann", "ann ", "\tann", "Ann", "ANN", "ann\u00a0", "\uff41nn", "an\u200bn"]
)
def test_a_name_typed_in_another_way_is_no_other_person(typed: str) -> None:
    assert is_same_person("ann", typed)


@pytest.mark.parametrize("other", ["bob", "anna", "a nn", ""])
def test_another_name_is_another_person(other: str) -> None:
    assert not is_same_person("ann", other)


@pytest.mark.parametrize("nobody", ["", " ", "\n\t", "\u200b"])
def test_a_name_of_nothing_that_is_seen_names_nobody(nobody: str) -> None:
    assert name_of(nobody) == ""
