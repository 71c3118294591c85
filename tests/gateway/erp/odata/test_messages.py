"""Error bodies: the details say why, the outer code is often generic."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.erp.odata.messages import Message, Problem, Severity, problem_of


def test_a_v2_refusal_gives_its_error_details_and_what_the_support_desk_asks_for() -> None:
    body = {
        "error": {
            "code": "SY/530",
            "message": {"lang": "en", "value": "An exception was raised"},
            "innererror": {
                "application": {"component_id": "MM-PUR-REQ", "service_id": "API_PURCHASEREQ_PROCESS_SRV"},
                "transactionid": "5F3A",
                "timestamp": "20261201",
                "Error_Resolution": {"SAP_Note": "See note 1797736"},
                "errordetails": [
                    {"code": "06/017", "message": "Vendor is blocked", "propertyref": "Supplier",
                     "severity": "error", "target": ""},
                    {"code": "06/018", "message": "Price differs", "severity": "warning", "target": "Price"},
                    {"code": "/IWBEP/CX_MGW_BUSI_EXCEPTION", "message": "An exception was raised",
                     "severity": "error"},
                ],
            },
        }
    }  # fmt: skip

    problem = problem_of(json.dumps(body).encode())

    assert problem == Problem(
        "SY/530",
        "An exception was raised",
        details=(
            Message("06/017", "Vendor is blocked", "Supplier"),
            Message("06/018", "Price differs", "Price", Severity.WARNING),
        ),
        transaction_id="5F3A",
        component="MM-PUR-REQ",
        note="See note 1797736",
    )
    assert problem.errors == (Message("06/017", "Vendor is blocked", "Supplier"),)


def test_a_v4_refusal_gives_its_details() -> None:
    body = (
        b'{"error":{"code":"06/017","message":"Refused","target":"Supplier","details":[{"code":"06/017",'
        b'"message":"Vendor is blocked","target":"Supplier","@SAP__common.numericSeverity":4}]}}'
    )

    problem = problem_of(body)

    assert problem is not None
    assert problem.errors == (Message("06/017", "Vendor is blocked", "Supplier"),)


def test_a_dynamics_refusal_keeps_its_infolog_text() -> None:
    text = "Write failed for table row of type 'X'. Infolog: Warning: Item is blocked.;"
    body = {"error": {"code": "", "message": "An error has occurred.", "innererror": {"message": text}}}

    problem = problem_of(json.dumps(body).encode())

    assert problem is not None
    assert (problem.inner_text, problem.errors) == (text, (Message("", "An error has occurred."),))


def test_a_refusal_without_an_error_among_its_details_says_its_outer_message() -> None:
    body = (
        b'{"error":{"code":"1","message":"No","details":[{"code":"2","message":"w","severity":"warning"}]}}'
    )

    problem = problem_of(body)

    assert problem is not None
    assert problem.errors == (Message("1", "No"),)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"error":"x"}', b"[]", b'{"error":[1]}'])
def test_a_body_without_an_error_object_is_none(body: bytes) -> None:
    assert problem_of(body) is None


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["code", "message", "value", "innererror", "errordetails", "details", "application"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(error=ANY_JSON)
def test_whatever_stands_under_error_it_is_read_or_none(error) -> None:
    problem_of(json.dumps({"error": error}).encode())
