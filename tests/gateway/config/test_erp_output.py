"""What `check` says about an ERP that might send orders to suppliers itself: what it says can be declared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.base import Finding
from gateway.config import Configuration, load_text

ROUTES = """\
version: 1
gateway: {{environment: test, organisation: mercy, listen: {{http: "127.0.0.1:8080"}}}}
endpoints:
  erp: {{kind: {kind}, environment: test, base: "https://erp.example"{output}, {more}}}
routes:
  - id: po
    from: {{http: true, document: purchase_order, identity: idempotency_key}}
    targets: {{cloud: erp}}
    stage: cloud
    transmitter: {{cloud: {transmitter}}}
"""
MORE = {
    "dynamics365": "defaults: {company: usmf}",
    "sap_s4hana": "defaults: {silent_order_type: ZNBX}",
    "oracle_fusion": "defaults: {procurement_bu: H BU}",
}


def findings(kind: str, output: str, transmitter: str) -> list[Finding]:
    declared = f", supplier_output: {output}" if output else ""
    text = ROUTES.format(kind=kind, output=declared, more=MORE[kind], transmitter=transmitter)
    loaded = load_text(text, folder=Path())
    return [] if isinstance(loaded, Configuration) else list(loaded)


@pytest.mark.parametrize("kind", MORE)
@pytest.mark.parametrize(("output", "transmitter"), [("", "none"), ("off", "erp")])
def test_what_the_check_expects_of_an_erp_s_output_is_taken_by_that_erp(
    kind: str, output: str, transmitter: str
) -> None:
    (found,) = findings(kind, output, transmitter)
    assert found.code == "CONFIG-TRANSMITTER"

    expected = found.text.partition("expected ")[2]
    words = re.findall(r"off|per_order|no supplier_output", expected)
    assert words, found.text
    for word in words:
        assert findings(kind, "" if word.startswith("no ") else word, transmitter) == [], word


def test_per_order_is_none_of_dynamics_and_the_refusal_says_what_to_do_there() -> None:
    found = findings("dynamics365", "per_order", "none")[0]

    assert found.at.path == "endpoints.erp.supplier_output"
    assert "no field of an order at Dynamics" in found.text
    assert "expected off" in found.text


def test_only_the_erps_that_take_it_are_told_of_per_order() -> None:
    (dynamics,) = findings("dynamics365", "", "none")
    (oracle,) = findings("oracle_fusion", "", "none")

    assert ("per_order" in dynamics.text, "per_order" in oracle.text) == (False, True)
