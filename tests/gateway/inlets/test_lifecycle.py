"""A contract that is going to end says so in every answer, in the forms of RFC 9745 and RFC 8594."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import pytest

from gateway.config import Configuration, load_text
from gateway.http_routes import http_inlets
from gateway.inlets.lifecycle import lifecycle_headers
from tests.gateway.api.admin_rig import AdminSite
from tests.gateway.http_rig import Gateway, post

ROUTES = """\
version: 1
gateway: {environment: test, organisation: mercy, journal: "memory:", listen: {http: "127.0.0.1:0"}}
endpoints:
  legacy: {kind: sftp_files, environment: test, folder: var/legacy}
routes:
  - id: portal
    from: {http: true, document: purchase_order}
    targets: {legacy: legacy}
    stage: legacy
    contract: {canonical: purchase_order@1, CONTRACT}
"""


def test_the_dates_are_written_as_the_standards_say() -> None:
    """RFC 9745, section 2.1, has @1688169599 for the last second of June 30, 2023; this is the next one."""
    headers = dict(lifecycle_headers(date(2023, 7, 1), date(2027, 3, 31), "https://a/v2", "https://a/why"))

    assert headers["Deprecation"] == "@1688169600"
    assert headers["Sunset"] == "Wed, 31 Mar 2027 00:00:00 GMT"
    assert '<https://a/v2>; rel="successor-version"' in headers["Link"]
    assert '<https://a/why>; rel="deprecation"' in headers["Link"]


def test_a_contract_that_stays_says_nothing() -> None:
    assert lifecycle_headers(None, None, "https://a/v2", "https://a/why") == ()


async def test_a_routes_senders_are_told_with_every_answer() -> None:
    words = 'deprecated: "2026-09-01", sunset: "2027-03-31", successor: "https://bridge.mercy.example/v2"'
    loaded = load_text(ROUTES.replace("CONTRACT", words))
    assert isinstance(loaded, Configuration), loaded
    gateway = await Gateway(*http_inlets(loaded)).start()
    try:
        for body in (b'{"document_type":"purchase_order","number":"1"}', b"no document"):
            answer = await post(
                gateway.port, "/v1/documents/purchase_order", body,
                headers={"Content-Type": "application/json"},
            )  # fmt: skip

            assert answer.headers["sunset"] == "Wed, 31 Mar 2027 00:00:00 GMT"
            assert answer.headers["deprecation"].startswith("@")
            assert "successor-version" in answer.headers["link"]
    finally:
        await gateway.app.close(1.0)


def test_an_end_before_its_announcement_is_refused() -> None:
    found = load_text(ROUTES.replace("CONTRACT", 'deprecated: "2027-04-01", sunset: "2027-03-31"'))

    assert isinstance(found, list)
    assert [each.code for each in found] == ["CONFIG-VALUE"]


@pytest.mark.parametrize("path", ["/v1/routes", "/v1/routes/nowhere"])
def test_the_admin_api_tells_of_its_own_end_in_the_same_way(tmp_path: Path, path: str) -> None:
    async def ask() -> dict[str, str]:
        site = await AdminSite(tmp_path).start()
        site.api._lifecycle = lifecycle_headers(date(2027, 1, 1), None)
        try:
            return (await site.ask("GET", path, "readers")).headers
        finally:
            await site.app.close(1.0)

    assert asyncio.run(ask())["deprecation"] == "@1798761600"
