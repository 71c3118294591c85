"""The YAML that people write for us: read as text, with positions, refused with all mistakes at once."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.yaml import MappingNode, ScalarNode, SequenceNode, YamlError, load_yaml, position_of

EXAMPLE = """\
gateway:
  environment: test
routes:
  - name: orders_in
    tries: 01
    on: no
  - {name: "x: y", empty: , quoted: ""}
"""


def test_every_scalar_stays_the_text_that_was_written() -> None:
    root = load_yaml("a: 01\nb: no\nc: 1e3\nd: 2026-12-01\ne: null\nf: 0o17\ng: ~\nh:\n", "t.yaml")

    assert root.plain() == {
        "a": "01",
        "b": "no",
        "c": "1e3",
        "d": "2026-12-01",
        "e": "null",
        "f": "0o17",
        "g": "~",
        "h": "",
    }


def test_nodes_know_line_column_and_path() -> None:
    root = load_yaml(EXAMPLE, "routes.yaml")

    assert str(position_of(root, ["routes", 0, "tries"])) == "routes.yaml:5:5 routes[0].tries"
    assert isinstance(root, MappingNode)
    routes = root.get("routes")
    assert isinstance(routes, SequenceNode)
    first = routes.entries[0]
    assert isinstance(first, MappingNode)
    tries = first.get("tries")
    assert isinstance(tries, ScalarNode)
    assert (tries.at.line, tries.at.column, tries.at.path) == (5, 12, "routes[0].tries")


def test_a_missing_key_is_placed_where_it_should_have_been() -> None:
    root = load_yaml(EXAMPLE, "routes.yaml")

    assert str(position_of(root, ["routes", 0, "kind"])) == "routes.yaml:4:5 routes[0].kind"
    assert str(position_of(root, ["partners"])) == "routes.yaml:1:1 partners"


def test_the_tag_of_a_union_is_passed_over() -> None:
    root = load_yaml(EXAMPLE, "routes.yaml")

    assert (
        str(position_of(root, ["gateway", "sqlite", "environment"])) == "routes.yaml:2:3 gateway.environment"
    )


def test_a_value_left_out_differs_from_an_empty_text() -> None:
    route = load_yaml(EXAMPLE, "routes.yaml").plain()["routes"][1]  # type: ignore[call-overload,index]
    assert route == {"name": "x: y", "empty": "", "quoted": ""}

    root = load_yaml('empty:\nquoted: ""\n', "t.yaml")
    assert isinstance(root, MappingNode)
    quoted = [value.is_quoted for _, value in root.entries if isinstance(value, ScalarNode)]
    assert quoted == [False, True]


def test_all_repeated_keys_are_told_at_once_with_the_first_use() -> None:
    assert findings_of("a: 1\nb: {c: 1, c: 2}\na: 2\n'a': 3\n") == [
        "t.yaml:2:11 b.c: 'c' is repeated; its first use is in line 2; keep one of them [YAML-REPEATED-KEY]",
        "t.yaml:3:1 a: 'a' is repeated; its first use is in line 1; keep one of them [YAML-REPEATED-KEY]",
        "t.yaml:4:1 a: 'a' is repeated; its first use is in line 1; keep one of them [YAML-REPEATED-KEY]",
    ]


@pytest.mark.parametrize(
    "text, code, place",
    [
        ("a: [1,\nb: 2", "YAML-SYNTAX", "1:4"),
        ("a: 1\n\tb: 2", "YAML-SYNTAX", "2:1"),
        ("a: 1\nb: \x01", "YAML-SYNTAX", "2:4"),
        (b"a: 1\nb: \xe4\n", "YAML-SYNTAX", "2"),
        ("a: !!int 5", "YAML-TAG", "1:4"),
        ("a: !secret x", "YAML-TAG", "1:4"),
        ("x: &x {a: 1}\nb:\n  <<: *x\n", "YAML-KEY", "3:3"),
        ("? [a, b]\n: 1\n", "YAML-KEY", "1:3"),
        ("a: *nowhere", "YAML-ALIAS", "1:4"),
        ("a: &a [1, *a]", "YAML-ALIAS", "1:11"),
        ("%YAML 1.1\n---\na: 1\n", "YAML-VERSION", "2:1"),
        ("a: 1\n---\nb: 2\n", "YAML-DOCUMENTS", "2:1"),
        ("[" * 5000, "YAML-NESTING", "1:34"),
        ("a: b\n" * 1_000_000, "YAML-SIZE", "1:1"),
    ],
)
def test_what_is_not_our_yaml_is_a_finding_with_its_place(text: str | bytes, code: str, place: str) -> None:
    told = findings_of(text)

    assert len(told) == 1
    assert told[0].startswith(f"t.yaml:{place}")
    assert told[0].endswith(f"[{code}]")


def test_an_alias_gives_the_anchored_value_again() -> None:
    assert load_yaml("a: &x {b: 1}\nc: *x\nd: [*x]\n", "t.yaml").plain() == {
        "a": {"b": "1"},
        "c": {"b": "1"},
        "d": [{"b": "1"}],
    }


def test_an_alias_bomb_is_refused_before_it_is_expanded() -> None:
    levels = [f"a{n}: &a{n} [{', '.join(['*a' + str(n - 1)] * 10)}]" for n in range(1, 30)]

    told = findings_of("\n".join(["a0: &a0 [x]", *levels]))

    assert [line.rsplit(" ", 1)[1] for line in told] == ["[YAML-SIZE]"]


def test_an_empty_file_is_an_empty_mapping() -> None:
    for text in ("", "# only a comment\n", b"\xef\xbb\xbf"):
        assert load_yaml(text, "t.yaml").plain() == {}


@given(st.text(st.sampled_from("ab:-?[]{}&*!|>'\"%#, \n\t<~\ud800\x00"), max_size=40))
def test_any_text_gives_nodes_or_findings_with_a_place(text: str) -> None:
    told: Sequence[str]
    try:
        load_yaml(text, "t.yaml").plain()
        told = ["t.yaml:1:1"]
    except YamlError as error:
        told = [str(finding) for finding in error.findings]

    assert told
    assert all(re.match(r"t\.yaml(:\d+(:\d+)?)? ?", line) for line in told)


def findings_of(text: str | bytes) -> list[str]:
    with pytest.raises(YamlError) as caught:
        load_yaml(text, "t.yaml")
    return [str(finding) for finding in caught.value.findings]
