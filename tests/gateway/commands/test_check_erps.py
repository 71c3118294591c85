"""``check --live`` of cloud ERPs: reached is only what lets us read with our credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands.erp import _checked
from gateway.commands.reachability import unreachable
from gateway.config import Configuration, load_text
from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.dynamics365 import Dynamics365
from simulators.serving import Tls
from tests.gateway.support import Certificates

ROUTES = """\
version: 1
gateway: {{environment: test, organisation: mercy}}
endpoints:
  erp: {{kind: dynamics365, environment: test, base: "{base}", defaults: {{company: usmf}}, {more}}}
"""
TOKENS = (
    'plaintext: true, oauth2: {token_url: "{base}{path}", client_id: bridge, '
    "client_secret: env:ERP_SECRET, plaintext: true}"
)
LOGIN = "plaintext: true, basic: {user: bridge, password: env:ERP_SECRET}"
USERS = AccessRules(users={"bridge": "good"}, clients={"bridge": "good"})


async def told(folder: Path, erp: Dynamics365, more: str) -> list[str]:
    async with erp:
        text = ROUTES.format(base=erp.url, more=more.replace("{base}", erp.url))
        loaded = load_text(text, folder=folder)
        assert isinstance(loaded, Configuration), loaded
        return [each.text.replace(erp.url, "ERP") for each in await unreachable(loaded)]


def tokens(path: str) -> str:
    return TOKENS.replace("{path}", path)


@pytest.mark.parametrize(
    "more, secret, expected",
    [
        (LOGIN, "good", ""),
        (LOGIN, "bad", "endpoint 'erp' refuses our credentials (status 401)"),
        (tokens("/oauth2/v1/token"), "good", ""),
        (tokens("/oauth2/v1/token"), "bad", "refuses our credentials"),
        (tokens("/tenant/token"), "good", "token endpoint ERP/tenant/token gives no token: status 404"),
    ],
)
async def test_live_counts_an_erp_as_reached_only_where_it_lets_us_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, secret: str, expected: str
) -> None:
    monkeypatch.setenv("ERP_SECRET", secret)

    found = await told(tmp_path, Dynamics365(Behaviour(access=USERS)), more)

    assert (len(found), expected in "".join(found)) == (bool(expected), True), found


@pytest.mark.parametrize("server, is_good", [("server", True), ("expired_server", False)])
async def test_live_refuses_an_erp_whose_certificate_has_ended(
    tmp_path: Path, server: str, is_good: bool
) -> None:
    made = Certificates(tmp_path)
    erp = Dynamics365(tls=Tls(tmp_path / f"{server}.pem", tmp_path / f"{server}.key"))

    found = await told(made.folder, erp, "tls: {ca: file:ca.pem}")

    assert (found == [], "expired" in "".join(found)) == (is_good, not is_good), found


SHARED = """\
version: 1
gateway: {environment: test, organisation: mercy}
endpoints:
  orders:
    kind: dynamics365
    environment: test
    base: "BASE"
    plaintext: true
    basic: {user: bridge, password: env:ERP_SECRET}
    defaults: {company: usmf}
"""


async def test_a_refused_password_that_endpoints_share_is_sent_once_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_SECRET", "bad")
    async with Dynamics365(Behaviour(access=USERS)) as erp:
        one = SHARED.replace("BASE", erp.url)
        endpoint = one[one.index("    kind") :]
        loaded = load_text(f"{one}  invoices:\n{endpoint}", folder=tmp_path)
        assert isinstance(loaded, Configuration), loaded
        found = [each.text for each in await unreachable(loaded)]
        sent = erp.access.refusals

    assert sent == 1
    assert any("each run of this command sends them once" in each for each in found), found
    assert any("was refused already, and not sent again" in each for each in found), found


async def test_erp_check_asks_nothing_more_once_its_credentials_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_SECRET", "bad")
    async with Dynamics365(Behaviour(access=USERS)) as erp:
        loaded = load_text(SHARED.replace("BASE", erp.url), folder=tmp_path)
        assert isinstance(loaded, Configuration), loaded
        report = await _checked(loaded, "orders", loaded.endpoints["orders"], None)
        sent = len(erp.requests)

    assert (sent, [each.code for each in report.findings]) == (1, ["ERP-CREDENTIALS"])
    assert "each run of this command sends them once" in report.findings[0].text
