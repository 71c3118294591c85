"""One ignore put into a file that people wrote, with everything around it as it was."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from adapters.base.yaml import load_yaml
from gateway.config.editing import EditError, with_ignore

RULE = {
    "path": "lines[].quantity.unit",
    "until": "2027-01-31",
    "why": 'legacy says "CS": fine',
    "legacy": "CA",
}
ENTRY = (
    '{path: "lines[].quantity.unit", until: "2027-01-31", why: "legacy says \\"CS\\": fine", legacy: "CA"}'
)

HEAD = """\
# How orders move.
version: 1
routes:
  - id: other       # first
    compare: {with: x}
  # the one
  - id: po
    stage: shadow
"""
TAIL = """\

    # and its gates
    gates: {to_canary: {clean: 299}}   # three hundred
"""


def added(compare: str, route: str = "po") -> list[str]:
    text = HEAD + compare + TAIL
    edited = with_ignore(text, route, RULE)
    changes = difflib.ndiff(text.splitlines(), edited.splitlines())
    return [line for line in changes if line[0] in "+-"]


@pytest.mark.parametrize(
    "compare, changes",
    [
        (
            "    compare:\n      with: rows   # the trigger feed\n",
            ["+       ignore:", f"+         - {ENTRY}"],
        ),
        (
            "    compare:\n      with: rows\n      ignore:\n        - {path: a, until: b, why: c}  # old\n",
            [f"+         - {ENTRY}"],
        ),
        (
            "    compare:\n      ignore:\n      - path: a\n        until: b\n        why: c\n      with: x\n",
            [f"+       - {ENTRY}"],
        ),
        (
            "    compare: {with: rows}\n",
            ["-     compare: {with: rows}", f"+     compare: {{with: rows, ignore: [{ENTRY}]}}"],
        ),
        (
            "    compare:\n      with: rows\n      ignore: []   # none yet\n",
            ["-       ignore: []   # none yet", f"+       ignore: [{ENTRY}]   # none yet"],
        ),
    ],
)
def test_an_ignore_is_added_and_nothing_else_changes(compare: str, changes: list[str]) -> None:
    assert [line for line in added(compare) if not line.startswith("?")] == changes


def test_entries_follow_each_other_and_stay_readable() -> None:
    text = HEAD + "    compare: {with: rows, ignore: [{path: a, until: b, why: c}]}\n" + TAIL
    for _ in range(2):
        text = with_ignore(text, "po", RULE)

    read: Any = load_yaml(text, "x").plain()
    paths = [each["path"] for each in read["routes"][1]["compare"]["ignore"]]
    assert paths == ["a", RULE["path"], RULE["path"]]


@pytest.mark.parametrize("compare", ["", "    compare: rows\n"])
def test_what_cannot_be_edited_safely_says_what_to_add_by_hand(compare: str) -> None:
    with pytest.raises(EditError, match=r"add it by hand, below compare\.ignore of route 'po'"):
        with_ignore(HEAD + compare + TAIL, "po", RULE)


def test_a_part_that_two_routes_share_is_never_edited_for_one_of_them() -> None:
    text = HEAD.replace("compare: {with: x}", "compare: &shared {with: x}") + "    compare: *shared\n" + TAIL

    with pytest.raises(EditError, match="cannot be edited safely"):
        with_ignore(text, "po", RULE)
