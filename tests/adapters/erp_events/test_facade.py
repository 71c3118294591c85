"""What an ERP's event must be to be believed, and what each sender's handshake is answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.base.facade import Admitted, Denied, FacadeAnswer, FacadeCall
from adapters.base.library import Library
from adapters.base.registry import EndpointSetup, FacadeRoute, FacadeSetup
from adapters.erp_events.config import ErpEventsEndpoint
from adapters.erp_events.facade import ErpEventsFacade, EventSetupError
from tests.gateway.support import RealClock, SeededRng

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SECRETS = {"env:KEY": "k" * 32, "env:BASIC": "Basic " + base64.b64encode(b"fusion:pw").decode()}
SIGNED = {"signature": {"header": "X-Signature", "secret": "env:KEY", "prefix": "sha256="}}
SAP_TYPE = "sap.s4.beh.purchaseorder.v1.PurchaseOrder.Created.v1"


def facade(erp: str = "sap_s4hana", partner: str | None = None, **changes) -> ErpEventsFacade:
    settings = {
        "erp": erp,
        "path": "/events/erp",
        "verify": SIGNED,
        "events": {
            SAP_TYPE: "created",
            "PurchaseOrderConfirmedBusinessEvent": "approved",
            "IMPLEMENTED": "implemented",
        },
    } | changes
    endpoint = EndpointSetup(
        "erp-events",
        "test",
        ErpEventsEndpoint.model_validate(settings),
        RealClock(),
        SeededRng(),
        SECRETS.__getitem__,
    )
    routes = tuple(
        FacadeRoute(route, kind, None, partner, "accepted", "event_id")
        for route, kind in (("events", "event"), ("po.out", "purchase_order"))
    )
    return ErpEventsFacade(FacadeSetup(endpoint, routes, Library(), 1 << 20))


def call(body: bytes, *, method: str = "POST", **headers: str) -> FacadeCall:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return FacadeCall(method, "/events/erp", "", named, body, "http://gateway", NOW)


def signed(body: bytes, **headers: str) -> FacadeCall:
    mark = "sha256=" + hmac.new(SECRETS["env:KEY"].encode(), body, hashlib.sha256).hexdigest()
    return call(body, X_Signature=mark, **headers)


def cloud_event(**changes) -> bytes:
    event = {
        "specversion": "1.0",
        "id": "a-1",
        "type": SAP_TYPE,
        "source": "/default/sap.s4.beh/1",
        "data": {"PurchaseOrder": "4500000001"},
    }
    return json.dumps(event | changes).encode()


def test_a_signed_cloud_event_is_taken_under_its_own_id() -> None:
    admitted = facade().admit(signed(cloud_event()))

    assert isinstance(admitted, Admitted)
    assert (admitted.route, admitted.arrival_key) == ("events", "sap_s4hana/a-1")
    assert admitted.facts["hand_over.purchase_order"] == "po.out"
    assert admitted.is_proven


def test_a_cloud_event_in_headers_is_kept_as_one_that_can_be_read_again() -> None:
    body = b'{"PurchaseOrder": "4500000001"}'
    headers = {"ce_specversion": "1.0", "ce_id": "a-2", "ce_type": SAP_TYPE, "ce_source": "/x"}
    admitted = facade().admit(signed(body, **headers))

    assert isinstance(admitted, Admitted)
    assert admitted.body is not None
    assert json.loads(admitted.body)["data"] == {"PurchaseOrder": "4500000001"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: call(good.body),
        lambda good: call(good.body, X_Signature="sha256=" + "0" * 64),
        lambda good: call(good.body + b" ", X_Signature=good.header("X-Signature") or ""),
        lambda good: call(good.body, X_Signature=(good.header("X-Signature") or "").removeprefix("sha256=")),
    ],
)
def test_a_missing_wrong_or_misplaced_signature_is_refused(spoil) -> None:
    denied = facade().admit(spoil(signed(cloud_event())))

    assert isinstance(denied, Denied)
    assert (denied.finding.code, denied.answer.status) == ("ERP-EVENT-UNPROVEN", 401)
    assert SECRETS["env:KEY"] not in str(denied)


def test_a_shared_secret_or_a_certificate_proves_too_and_all_that_is_declared_must_hold() -> None:
    basic = {"secret": {"header": "Authorization", "secret": "env:BASIC"}}
    both = basic | {"certificate": True}
    good = call(cloud_event(), Authorization=SECRETS["env:BASIC"])

    assert isinstance(facade(verify=basic).admit(good), Admitted)
    assert isinstance(facade(verify=basic).admit(call(cloud_event(), Authorization="Basic eA==")), Denied)
    made = facade(verify=both, partner="erp")
    assert isinstance(made.admit(good), Denied), "no certificate came"
    assert isinstance(made.admit(replace(good, identity="CN=other", partner="other")), Denied)
    assert isinstance(made.admit(replace(good, identity="CN=erp", partner="erp")), Admitted)
    with pytest.raises(EventSetupError, match="needs a partner"):
        facade(verify=both)


def test_an_endpoint_without_any_proof_is_no_endpoint() -> None:
    with pytest.raises(ValueError, match="unproven event is never believed"):
        facade(verify={})


@pytest.mark.parametrize(
    "body, code, status",
    [
        (b"no json", "ERP-EVENT-FORM", 400),
        (b"[]", "ERP-EVENT-FORM", 400),
        (cloud_event(data={}), "ERP-EVENT-FORM", 400),
        (cloud_event(id=""), "ERP-EVENT-FORM", 400),
        (cloud_event(type="sap.other"), "ERP-EVENT-TYPE", 422),
    ],
)
def test_what_is_no_event_or_means_nothing_here_is_refused_with_its_reason(
    body: bytes, code: str, status: int
) -> None:
    denied = facade().admit(signed(body))

    assert isinstance(denied, Denied)
    assert (denied.finding.code, denied.answer.status) == (code, status)


def test_an_event_that_is_declared_to_mean_nothing_is_answered_well_and_noted() -> None:
    denied = facade(ignore=["sap.other"]).admit(signed(cloud_event(type="sap.other", data={})))

    assert isinstance(denied, Denied)
    assert (denied.finding.code, denied.answer.status) == ("ERP-EVENT-IGNORED", 200)


def test_cloud_events_handshake_lets_the_asker_send() -> None:
    answer = facade().look(call(b"", method="OPTIONS", WebHook_Request_Origin="eventmesh.example"))

    assert isinstance(answer, FacadeAnswer)
    assert ("WebHook-Allowed-Origin", "eventmesh.example") in answer.headers


def test_event_grids_question_is_answered_once_it_is_proven() -> None:
    asked = [
        {
            "id": "1",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "subject": "",
            "data": {"validationCode": "C-1"},
        }
    ]
    body = json.dumps(asked).encode()
    answered, refused = facade("dynamics365").admit(signed(body)), facade("dynamics365").admit(call(body))

    assert isinstance(answered, Denied)
    assert json.loads(answered.answer.body) == {"validationResponse": "C-1"}
    assert isinstance(refused, Denied)
    assert refused.answer.status == 401


def test_dynamics_events_are_read_alone_and_in_event_grids_envelope() -> None:
    event = {
        "BusinessEventId": "PurchaseOrderConfirmedBusinessEvent",
        "EventId": "E-1",
        "LegalEntity": "usmf",
        "PurchaseOrderNumber": "PO-1",
    }
    grid = [{"id": "g", "eventType": "x", "subject": "s", "data": event}]
    keys = [facade("dynamics365").admit(signed(json.dumps(each).encode())) for each in (event, grid)]

    assert [each.arrival_key for each in keys if isinstance(each, Admitted)] == ["dynamics365/E-1"] * 2


def test_oracles_fields_stand_where_routes_yaml_says() -> None:
    body = b'{"meta": {"uid": "7"}, "what": "IMPLEMENTED", "po": {"no": "US-1"}}'
    fields = {"id": "meta.uid", "type": "what", "number": "po.no"}
    admitted = facade("oracle_fusion", fields=fields).admit(signed(body))

    assert isinstance(admitted, Admitted)
    assert admitted.arrival_key == "oracle_fusion/7"


def test_a_facade_without_a_route_for_what_its_events_tell_of_is_refused(tmp_path: Path) -> None:
    made = facade()
    setup = FacadeSetup(
        EndpointSetup("e", "test", made._settings, RealClock(), SeededRng(), SECRETS.__getitem__),
        (FacadeRoute("events", "event", None, None, "accepted", None),),
        Library(),
        1 << 20,
    )
    with pytest.raises(EventSetupError, match="set: purchase_order"):
        ErpEventsFacade(setup)
