"""The simulated Dynamics 365, which must misbehave as the real one is said to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.dynamics365 import Dynamics365, Tenant
from simulators.cloud_erp.dynamics365.erp import TOKEN_PATH
from simulators.ledger import read_lines

HEADER = {
    "dataAreaId": "usmf",
    "PurchaseOrderNumber": "HB-1",
    "OrderVendorAccountNumber": "V-1",
    "CurrencyCode": "USD",
}
LINE = {
    "dataAreaId": "usmf",
    "PurchaseOrderNumber": "HB-1",
    "LineNumber": 1,
    "ItemNumber": "1000",
    "OrderedPurchaseQuantity": 10,
    "PurchaseUnitSymbol": "ea",
    "PurchasePrice": 13.5,
}


def made(erp: Dynamics365, method: str, path: str, body: Any = None, **options: str) -> tuple[int, Any]:
    named = {
        name.replace("_", "-") if name == "cross_company" else f"${name}": text
        for name, text in options.items()
    }
    answer = erp.do(method, path, named, "", json.dumps(body).encode() if body is not None else b"")
    return answer.status, json.loads(answer.text) if answer.text else None


def infolog_of(answer: tuple[int, Any]) -> str:
    return str(answer[1]["error"]["innererror"]["message"])


@pytest.fixture
def erp() -> Dynamics365:
    return Dynamics365()


def test_a_header_stands_though_its_line_is_refused(erp: Dynamics365) -> None:
    erp.tenant.blocked_items = frozenset({"1000"})
    assert made(erp, "POST", "PurchaseOrderHeadersV2", HEADER)[0] == 201
    refused = made(erp, "POST", "PurchaseOrderLinesV2", LINE)

    assert refused[0] == 400
    assert "Infolog: Warning: Item '1000' is blocked" in infolog_of(refused)
    assert erp.order("HB-1") is not None


@pytest.mark.parametrize(
    "change, told",
    [
        ({"NoSuchField": 1}, "does not exist"),
        ({"CurrencyCode": 5}, "Cannot convert"),
        ({"CurrencyCode": "USDX"}, "more than 3 characters"),
        ({"IsChangeManagementActive": "Maybe"}, "Cannot convert"),
        ({"PurchaseOrderStatus": "Backorder"}, "cannot be edited"),
        ({"OrderVendorAccountNumber": ""}, "must be filled in"),
        ({"dataAreaId": "none"}, "does not exist"),
    ],
)
def test_unknown_fields_wrong_types_long_texts_and_missing_ones_are_refused(
    erp: Dynamics365, change: dict[str, Any], told: str
) -> None:
    status, body = made(erp, "POST", "PurchaseOrderHeadersV2", HEADER | change)

    assert status == 400
    assert told in json.dumps(body)
    assert erp.documents.count() == 0


def test_a_key_that_is_there_is_refused_and_a_number_sequence_takes_no_manual_number(
    erp: Dynamics365,
) -> None:
    made(erp, "POST", "PurchaseOrderHeadersV2", HEADER)
    assert "already exists" in infolog_of(made(erp, "POST", "PurchaseOrderHeadersV2", HEADER))

    erp.tenant.numbers_itself = True
    assert "Manual numbers" in infolog_of(made(erp, "POST", "PurchaseOrderHeadersV2", HEADER))
    without = {name: text for name, text in HEADER.items() if name != "PurchaseOrderNumber"}
    status, body = made(erp, "POST", "PurchaseOrderHeadersV2", without)
    assert (status, body["PurchaseOrderNumber"]) == (201, "PO00000002")


def test_another_company_is_an_empty_list_with_200_unless_it_is_asked_for(erp: Dynamics365) -> None:
    made(erp, "POST", "PurchaseOrderHeadersV2", HEADER | {"dataAreaId": "dat"})

    assert made(erp, "GET", "PurchaseOrderHeadersV2") == (
        200,
        {"@odata.context": f"{erp.url}/data/$metadata#PurchaseOrderHeadersV2", "value": []},
    )
    assert len(made(erp, "GET", "PurchaseOrderHeadersV2", cross_company="true")[1]["value"]) == 1


@pytest.mark.parametrize(
    "text, count",
    [
        ("PurchaseOrderNumber eq 'hb-1'", 1),
        ("PurchaseOrderNumber eq 'HB-*'", 1),
        ("(PurchaseOrderNumber eq 'X' or CurrencyCode eq 'USD') and dataAreaId eq 'usmf'", 1),
        ("PurchaseOrderStatus eq Microsoft.Dynamics.DataEntities.PurchStatus'Backorder'", 1),
        ("PurchaseOrderStatus eq Microsoft.Dynamics.DataEntities.PurchStatus'Received'", 0),
        ("PurchaseOrderStatus eq 'Backorder'", None),
        ("PurchaseOrderNumber in ('HB-1')", None),
        ("NoSuchField eq 'x'", None),
        ("PurchaseOrderNumber eq 5", None),
        ("PurchaseOrderNumber eq 'open", None),
    ],
)
def test_filters_know_what_dynamics_knows(erp: Dynamics365, text: str, count: int | None) -> None:
    made(erp, "POST", "PurchaseOrderHeadersV2", HEADER)
    status, body = made(erp, "GET", "PurchaseOrderHeadersV2", filter=text)

    assert status == (400 if count is None else 200)
    if count is not None:
        assert len(body["value"]) == count


def test_keys_must_all_be_named(erp: Dynamics365) -> None:
    made(erp, "POST", "PurchaseOrderHeadersV2", HEADER)

    assert made(erp, "GET", "PurchaseOrderHeadersV2(PurchaseOrderNumber='HB-1')")[0] == 400
    assert made(erp, "GET", "PurchaseOrderHeadersV2(dataAreaId='usmf',PurchaseOrderNumber='HB-1')")[0] == 200


def test_an_order_in_workflow_is_locked(erp: Dynamics365) -> None:
    made(erp, "POST", "PurchaseOrderHeadersV2", HEADER)
    erp.tenant.approvals["HB-1"] = "InReview"
    key = "PurchaseOrderHeadersV2(dataAreaId='usmf',PurchaseOrderNumber='HB-1')"

    for method, body in (("PATCH", {"CurrencyCode": "EUR"}), ("DELETE", None)):
        assert "InReview" in infolog_of(made(erp, method, key, body))
    assert "InReview" in infolog_of(made(erp, "POST", "PurchaseOrderLinesV2", LINE))


def test_pages_end_with_a_link_to_the_next(erp: Dynamics365) -> None:
    erp.tenant.page_size = 2
    for at in range(3):
        made(erp, "POST", "PurchaseOrderHeadersV2", HEADER | {"PurchaseOrderNumber": f"HB-{at}"})
    _, body = made(erp, "GET", "PurchaseOrderHeadersV2")

    assert len(body["value"]) == 2
    assert body["@odata.nextLink"].endswith("$skip=2")


def batch(*operations: tuple[str, str, dict[str, Any]], changeset: bool = True) -> bytes:
    parts = []
    for at, (method, path, body) in enumerate(operations, start=1):
        text = json.dumps(body)
        parts.append(
            "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: {at}\r\n\r\n{method} /data/{path} HTTP/1.1\r\n"
            f"Content-Type: application/json\r\n\r\n{text}"
        )
    if not changeset:
        return "".join(f"--b\r\n{each}\r\n" for each in parts).encode() + b"--b--\r\n"
    inner = "".join(f"--c\r\n{each}\r\n" for each in parts) + "--c--\r\n"
    return f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{inner}\r\n--b--\r\n".encode()


async def posted(erp: Dynamics365, body: bytes) -> tuple[int, str]:
    headers = {"Content-Type": "multipart/mixed; boundary=b"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{erp.url}/data/$batch", data=body, headers=headers) as reply,
    ):
        return reply.status, await reply.text()


async def test_a_changeset_is_done_whole_or_not_at_all() -> None:
    good = ("POST", "PurchaseOrderHeadersV2", HEADER)
    bad = ("POST", "PurchaseOrderLinesV2", LINE | {"OrderedPurchaseQuantity": 0})
    erp = Dynamics365()
    async with erp:
        failed = await posted(erp, batch(good, bad))
        nothing = erp.order("HB-1")
        done = await posted(erp, batch(good, ("POST", "PurchaseOrderLinesV2", LINE)))

    assert (failed[0], "HTTP/1.1 400" in failed[1], nothing) == (200, True, None)
    assert done[1].count("HTTP/1.1 201") == 2
    assert len(erp.order_lines("HB-1")) == 1


async def test_a_batch_of_5001_operations_is_refused() -> None:
    one: tuple[str, str, dict[str, Any]] = ("GET", "VendorsV2", {})
    async with Dynamics365() as erp:
        assert isinstance(erp, Dynamics365)
        full = await posted(erp, batch(*[one] * 5_000, changeset=False))
        over = await posted(erp, batch(*[one] * 5_001, changeset=False))

    assert full[0] == 200
    assert over[0] == 400
    assert "5000" in over[1]


async def test_tokens_are_given_end_and_are_asked_for() -> None:
    access = AccessRules(clients={"bridge": "s3cret"})
    erp = Dynamics365(Behaviour(access=access, token_path=TOKEN_PATH))
    async with erp, aiohttp.ClientSession() as session:
        async with session.get(f"{erp.url}/data/VendorsV2") as reply:
            refused = reply.status, reply.headers["WWW-Authenticate"]
        form = {"grant_type": "client_credentials", "client_id": "bridge", "client_secret": "s3cret"}
        async with session.post(erp.url + TOKEN_PATH, data=form) as reply:
            token = (await reply.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"{erp.url}/data/VendorsV2", headers=headers) as reply:
            good = reply.status
        erp.access.expire_tokens()
        async with session.get(f"{erp.url}/data/VendorsV2", headers=headers) as reply:
            ended = reply.status, reply.headers["WWW-Authenticate"]

    assert refused == (401, "Bearer")
    assert good == 200
    assert ended == (401, 'Bearer error="invalid_token"')


async def test_metadata_tells_the_fields_that_are_judged() -> None:
    async with (
        Dynamics365() as erp,
        aiohttp.ClientSession() as session,
        session.get(f"{erp.url}/data/$metadata") as reply,
    ):
        text = await reply.text()

    assert '<Property Name="PurchaseOrderNumber" Type="Edm.String" Nullable="false" MaxLength="20"/>' in text
    assert '<EnumType Name="NoYes">' in text


def test_the_ledger_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    first = Dynamics365(Behaviour(ledger=path))
    made(first, "POST", "PurchaseOrderHeadersV2", HEADER)
    first.documents.close()
    second = Dynamics365(Behaviour(ledger=path), tenant=Tenant())

    assert second.order("HB-1") is not None
    assert len(read_lines(path)[0]) == 1
    second.documents.close()
