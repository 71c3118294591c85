"""Reading refusals: which field, what for; and JSON paths and numbers."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Effect, InDoubt, NoReply, Reply, Request, Transient, TransientKind
from canonical.registry import read_json
from gateway.erp.json_paths import MISSING, dig, text_at, write_json
from gateway.erp.replies import FINDINGS_MAX, TEXT_MAX, StatusRules, classify, problem_findings, retry_after_s

RULES = StatusRules("erp", frozenset({200}), frozenset({429, 503}))


def request(effect: Effect) -> Request:
    return Request("x", effect, "POST", "")


def refusal(body: object, status: int = 422) -> list[tuple[str, str]]:
    found = problem_findings(Reply(status, json.dumps(body).encode()), "erp")
    return [(finding.at.path, finding.text) for finding in found]


@pytest.mark.parametrize(
    "body, expected",
    [
        (
            {"errors": [{"field": "a", "message": "m"}, {"pointer": "#/b", "detail": "d"}]},
            [("a", "m"), ("#/b", "d")],
        ),
        ({"errors": {"a": ["m", "n"], "b": "o"}}, [("a", "m"), ("a", "n"), ("b", "o")]),
        ({"error": {"message": "t", "details": [{"target": "a", "message": "m"}]}}, [("a", "m")]),
        (
            {
                "error": {
                    "message": {"value": "t"},
                    "innererror": {"errordetails": [{"code": "ME/1", "message": "m"}]},
                }
            },
            [("", "m")],
        ),
        ({"error": {"message": {"value": "no such supplier"}}}, [("", "status 422: no such supplier")]),
        ({"title": "bad", "detail": "quantity is negative"}, [("", "status 422: quantity is negative")]),
        ({"error": "invalid"}, [("", "status 422: invalid")]),
        ({"title": "bad", "errors": ["plain"]}, [("", "plain")]),
        ({"title": "bad", "errors": [{}]}, [("", "bad")]),
        ([1, 2], [("", "status 422: [1, 2]")]),
    ],
)
def test_refusals_of_many_shapes_name_field_and_reason(body: object, expected: list[tuple[str, str]]) -> None:
    assert refusal(body) == expected


@pytest.mark.parametrize(
    "body, text",
    [
        (b"", "no reason given"),
        (b"<html><body>x", "a web page, not an answer of the ERP"),
        (b"ORA-\x00\x1b[31m20001\n" + b"x" * 9_999, "ORA- [31m20001 " + "x" * (TEXT_MAX - 16)),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_a_refusal_that_is_no_json_gives_its_first_words_without_control_characters(
    body: bytes, text: str
) -> None:
    [finding] = problem_findings(Reply(400, body), "erp")
    assert finding.text == f"status 400: {text}"


def test_thousands_of_problems_are_bounded() -> None:
    assert len(refusal({"errors": [{"field": str(n), "message": "m"} for n in range(5_000)]})) == FINDINGS_MAX


@pytest.mark.parametrize(
    "effect, expected",
    [
        (Effect.WRITE, InDoubt("gone")),
        (Effect.REPEATABLE, Transient("gone", TransientKind.OUTAGE)),
        (Effect.READ, Transient("gone", TransientKind.OUTAGE)),
    ],
)
def test_only_a_write_that_may_have_arrived_is_in_doubt(effect: Effect, expected: object) -> None:
    assert classify(request(effect), NoReply("maybe", "gone"), RULES) == expected
    assert classify(request(effect), NoReply("none", "gone"), RULES) == Transient(
        "gone", TransientKind.OUTAGE
    )


@given(st.integers(100, 599), st.binary(max_size=80), st.sampled_from(list(Effect)))
def test_every_status_and_body_has_a_meaning(status: int, body: bytes, effect: Effect) -> None:
    outcome = classify(request(effect), Reply(status, body), RULES)
    assert (outcome is None) <= (status == 200)
    if effect is not Effect.WRITE:
        assert not isinstance(outcome, InDoubt)


@pytest.mark.parametrize(
    "text, seconds", [("7", 7.0), (" 0 ", 0.0), ("-1", None), ("1e9", None), ("soon", None), ("٣", None)]
)
def test_retry_after_is_whole_seconds_or_nothing(text: str, seconds: float | None) -> None:
    assert retry_after_s(Reply(429, b"", (("retry-after", text),))) == seconds


def test_a_path_that_leads_nowhere_is_not_null() -> None:
    body = {"a": [{"b": None}], "n": 7, "d": Decimal("1.50"), "t": True}
    assert dig(body, "a.0.b") is None
    assert dig(body, "a.1.b") is MISSING
    assert dig(body, "a.b") is MISSING
    assert dig(body, "") is body
    assert [text_at(body, path) for path in ("n", "d", "t", "a", "x", "")] == ["7", "1.50", "", "", "", ""]


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_decimals_written_as_numbers_are_read_back_digit_for_digit(value: object) -> None:
    read = read_json(write_json(value))
    assert read == value
    assert str(read) == str(value)
