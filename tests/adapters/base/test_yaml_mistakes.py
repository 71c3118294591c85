"""Texts that are no YAML: told where the mistake stands, not where the parser stopped, with what to do."""

import pytest

from adapters.base.yaml import YamlError, load_yaml

HEAD = "version: 1\ngateway:\n  environment: test\n"


def told(text: str) -> str:
    with pytest.raises(YamlError) as caught:
        load_yaml(text, "t.yaml")
    [finding] = caught.value.findings
    assert finding.code == "YAML-SYNTAX"
    assert str(finding).count("\n") == 0
    return f"{finding.at.line}:{finding.at.column} {finding.text}"


@pytest.mark.parametrize(
    "text, place, wanted",
    [
        (f"{HEAD}\tzone: UTC\n", "4:1", "found a tab where the line is indented: 'zone: UTC'"),
        (f"{HEAD}  \tzone: UTC\n", "4:3", "replace each tab by spaces"),
        ("a:\t1\n", "1:3", "found a tab: "),
        (f"{HEAD}  organisation mercy\n", "4:3", "found 'organisation mercy'; expected 'name: value'"),
        (f"{HEAD}  organisation mercy\n  zone: UTC\n", "4:3", "as in 'organisation: ...'?"),
        ("gateway:\n  environment test\n  zone: UTC\n", "2:3", "found 'environment test'"),
        ("version: 1\ngateway\n  environment: test\n", "2:1", "found 'gateway'"),
        ("gateway\n  environment: test\n", "1:1", "found 'gateway'"),
        ("gateway:\n  zone:UTC\n  a: 1\n", "2:3", "expected a space behind the colon: write 'zone: ...'"),
        (f"{HEAD}  zone:UTC\n  a: 1\n", "4:3", "expected a space behind the colon"),
        ("routes:\n  -id: a\n   stage: cloud\n", "2:3", "expected a space behind the dash"),
        ("routes:\n  - id: a\n  -id: b\n", "3:3", "expected a space behind the dash"),
        ("a: \"x\nb: 1\n", "1:4", "'a: \"x'; expected \" at the value's end"),
        ("a: 'x\nb: 1\nc: 'y'\n", "1:4", "found a quote that is not closed: 'a: 'x'"),
        ("a: {b: \"x, c: 1}\nd: 2\n", "1:8", "found a quote that is not closed"),
        ('a: "x" y\nb: 1\n', "1:8", "found more text behind a closing quote"),
        ('a: {b: "x" y}\n', "1:12", "found more text behind a closing quote"),
        ('a: "C:\\data"\n', "1:8", "found a backslash in double quotes"),
        ("a: {b: 1, c: 2\nd: 3\n", "1:4", "found '{' that is not closed: 'a: {b: 1, c: 2'; expected '}'"),
        ("a: [1, 2\nb: 3\n", "1:4", "found '[' that is not closed"),
        ("a: [", "1:4", "found '[' that is not closed"),
        ("a: {b: 1}}\nc: 1\n", "1:10", "found '}', and nothing that it could close"),
        ("a: [1, 2}\nb: 1\n", "1:9", "expected ']', which closes the '[' of line 1"),
        ("a: {b: 1 c: 2}\n", "1:11", "is a comma missing before 'c'?"),
        ("a: {\n  b: 1\n  c: 2\n}\n", "3:4", "is a comma missing before 'c'?"),
        ("a: [,1]\n", "1:5", "expected a value before it"),
        ("a:\n    b: 1\n  c: 2\n", "3:3", "where no line above it begins; expected column 1 or 5"),
        ("a:\n  b: 1\n    c: 2\n", "3:5", "expected it to begin in column 3, as line 2 does"),
        ("a:\n  - b: 1\n   c: 2\n", "3:4", "expected column 3 or 5"),
        ("a:\n  - b: 1\n      c: 2\n", "3:7", "expected it to begin in column 5, as line 2 does"),
        ("a:\n  - b: 1\n - c: 2\n", "3:2", "expected column 1 or 3"),
        ("a:\n  b: 1\n  - c: 2\n", "3:3", "an entry of a list, among lines that are 'name: value'"),
        ("a:\n  - b: 1\n  c: 2\n", "3:3", "where it belongs to the entry above, column 5"),
        ("a: b: c\n", "1:5", "found a second colon with a space behind it"),
        ("a: @x\n", "1:4", "found a value that begins with '@'"),
        ("a: *\n", "1:4", "found a value that begins with '*'"),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> x\n", "2:1", "a merge that was not finished"),
    ],
)  # fmt: skip
def test_a_frequent_mistake_is_told_by_its_line_with_what_to_do(text: str, place: str, wanted: str) -> None:
    said = told(text)

    assert said.startswith(f"{place} ")
    assert wanted in said
    assert "this is not YAML" not in said
    assert not any(word in said for word in ("while ", "block mapping", "flow", "scalar", "token"))


def test_comments_and_empty_lines_do_not_hide_the_line_that_lacks_its_colon() -> None:
    assert told("gateway:\n  environment test\n\n  # who we are\n  zone: UTC\n").startswith("2:3 ")


def test_what_is_not_known_is_told_in_the_words_of_the_parser_with_the_line() -> None:
    assert told("a: | x\n  y\n").startswith("1:6 this is not YAML: while scanning a block scalar")
    assert "'a: | x'" in told("a: | x\n  y\n")


@pytest.mark.parametrize(
    "line", ['password: "hunter2', "token: 'hunter2", "a: 1\napi_key hunter2", "auth: {secret: hunter2"]
)
def test_a_line_that_may_hold_a_secret_is_shown_without_it(line: str) -> None:
    said = told(f"{line}\n")

    assert "hunter2" not in said
    assert line.splitlines()[-1].split(maxsplit=1)[0] in said


def test_a_long_line_is_cut() -> None:
    assert len(told(f"a: '{'x' * 5_000}\n")) < 200
