"""What a connector keeps of a delivery, and what it must not keep."""

from __future__ import annotations

from dataclasses import replace

from adapters.base import Request
from canonical.registry import to_json
from gateway.erp.oracle_fusion import OracleFusion
from gateway.erp.oracle_fusion.settings import OracleFusionSettings
from gateway.rehearsal import rehearsed
from gateway.shadowing import without_free_text
from tests.gateway.erp.paper import order
from tests.gateway.support import FakeClock, delivery

SETTINGS = {"base": "https://pod.example", "defaults": {"procurement_bu": "H BU"}}


def body_of(told) -> bytes:
    target = OracleFusion("erp", OracleFusionSettings.model_validate(SETTINGS))
    request = rehearsed(target, told, FakeClock().now())
    assert isinstance(request, Request), request
    return request.body


def test_what_was_rendered_of_a_delivery_is_not_taken_for_another_version_of_it() -> None:
    notes = [{"text": "For Mrs Smith, ward 4", "kind": "delivery"}]
    told = delivery(canonical=to_json(order(notes=notes)), role="shadow")
    assert b"Mrs Smith" in body_of(told)

    assert b"Mrs Smith" not in body_of(without_free_text(told))
    assert replace(told).worked_out == {}
