"""Whose name it is: as people type it, with spaces and letters of either case."""

from __future__ import annotations

import pytest

from gateway.four_eyes import is_same_person, name_of, one_role_each, unfilled


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


ROLES = ("supply-chain", "integration")


@pytest.mark.parametrize("again", ["ann", "Ann "])
def test_one_person_does_not_stand_for_two_roles(again: str) -> None:
    given = [("supply-chain", "ann"), ("integration", again)]

    assert one_role_each(ROLES, given) == {"supply-chain": "ann"}
    told = unfilled(ROLES, given)
    assert told.startswith(f"not approved by integration; {again} approved as integration, too")
    assert "another one must" in told


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_who_approved_in_two_roles_stands_for_the_one_that_nobody_else_fills(order: tuple[int, ...]) -> None:
    every = [("supply-chain", "ann"), ("integration", "ann"), ("supply-chain", "bob")]
    given = [every[at] for at in order]

    assert one_role_each(ROLES, given) == {"supply-chain": "bob", "integration": "ann"}
    assert unfilled(ROLES, given) == ""


def test_a_chain_of_people_with_two_roles_each_is_sorted_out() -> None:
    wanted = ("a", "b", "c")
    given = [("a", "ann"), ("b", "ann"), ("a", "bob"), ("b", "bob"), ("c", "bob"), ("b", "cid")]

    assert len(one_role_each(wanted, given)) == 3
    assert unfilled(wanted, given[:-1]) != ""


def test_a_role_that_nobody_approved_in_is_told_alone() -> None:
    assert unfilled(ROLES, [("supply-chain", "ann")]) == "not approved by integration"
