"""The admin API of a whole gateway: from its section in routes.yaml, over its listener, until a reload."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Configuration, load_text
from gateway.serving import Served, reload, serving
from gateway.system import SystemClock
from tests.gateway.api.admin_rig import AUDIENCE, ISSUER, Issuer
from tests.gateway.forecast.corpus import CHANGED, IN_FORCE, corpus, write_site
from tests.gateway.http_rig import Answer, post

ADMIN = """\
  admin:
    issuers:
      - issuer: {issuer}
        audience: {audience}
        jwks_file: jwks.json
        algorithms: [ES256]
        grants:
          - {{holds: readers, role: viewer}}
          - {{holds: movers, role: migrator, routes: ["po*", portal]}}
endpoints:
"""


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "keys").mkdir()
        self.issuer = Issuer(folder / "keys")
        (folder / "jwks.json").write_text(self.issuer.file.read_text())
        self.path = write_site(folder, "routes.yaml", "http://127.0.0.1:1", IN_FORCE)
        self.write()

    def write(self, *, admin: bool = True, **words: str) -> None:
        write_site(self.folder, "routes.yaml", "http://127.0.0.1:1", {**IN_FORCE, **words})
        section = ADMIN.format(issuer=ISSUER, audience=AUDIENCE) if admin else "endpoints:\n"
        self.path.write_text(self.path.read_text().replace("endpoints:\n", section, 1))

    async def ask(self, served: Served, method: str, path: str, role: str, body: Any = None) -> Answer:
        token = self.issuer.token(role, at=SystemClock())  # type: ignore[arg-type]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content = json.dumps(body).encode() if body is not None else b""
        port = int(served.addresses[0].rpartition(":")[2])
        return await post(port, path, content, headers=headers, method=method)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield Site(tmp_path)
    os.chdir(before)


@contextlib.asynccontextmanager
async def with_traffic(site: Site, size: int) -> AsyncIterator[Served]:
    async with serving(site.path) as served:
        port = int(served.addresses[0].rpartition(":")[2])
        for each in corpus(size):
            headers = {"Content-Type": each.content_type, "Idempotency-Key": each.key}
            await post(port, each.path, each.body, headers=headers)
        yield served


async def test_a_plan_is_made_beside_a_running_gateway(site: Site, tmp_path: Path) -> None:
    async with with_traffic(site, 12) as served:
        write_site(site.folder, "changed.yaml", "http://127.0.0.1:1", CHANGED)
        from gateway.config import load

        changed = load(site.folder / "changed.yaml")
        assert isinstance(changed, Configuration)

        both = await asyncio.gather(
            *(site.ask(served, "POST", "/v1/plan", "readers", {"configuration": changed.text}) for _ in "ab")
        )
        plan, second = sorted(both, key=lambda each: each.status)
        staged = await site.ask(served, "POST", "/v1/plan", "readers", {"stages": ["portal=cloud"]})
        wrong = await site.ask(served, "POST", "/v1/plan", "readers", {"configuration": "version: 1"})

        assert (plan.status, plan.json["messages"]) == (200, 12)
        assert plan.json["changed"] > 0
        assert (second.status, second.json["code"]) == (409, "ADMIN-REFUSED")  # one at a time
        assert staged.json["by_kind"]["canonical"] == 0
        assert (wrong.status, wrong.json["code"]) == (400, "ADMIN-BAD-REQUEST")
        assert wrong.json["findings"]


async def test_a_reload_takes_grants_away_at_once(site: Site) -> None:
    async with serving(site.path) as served:
        assert (await site.ask(served, "GET", "/v1/routes/po", "movers")).status == 200
        assert (await site.ask(served, "GET", "/v1/routes/ack", "movers")).status == 404

        site.write(admin=False)
        assert await reload(site.path, served.gateway, "test")

        assert (await site.ask(served, "GET", "/v1/routes/po", "movers")).status == 404


@pytest.mark.parametrize(
    "found, wanted, code",
    [
        ("        jwks_file: jwks.json\n", "", "CONFIG-ADMIN"),
        ("jwks_file: jwks.json", "jwks: http://id.example/keys", "CONFIG-VALUE"),
        ("algorithms: [ES256]", "algorithms: [HS256]", "CONFIG-VALUE"),
        ("algorithms: [ES256]", "algorithms: [none]", "CONFIG-VALUE"),
        ("role: viewer", "role: root", "CONFIG-VALUE"),
        ("  listen: {http: 127.0.0.1:0}\n", "", "CONFIG-LISTEN"),
    ],
)
def test_an_admin_section_that_could_let_anybody_in_is_no_configuration(
    site: Site, found: str, wanted: str, code: str
) -> None:
    text = site.path.read_text()
    assert found in text

    loaded = load_text(text.replace(found, wanted), folder=None)

    assert isinstance(loaded, list)
    assert code in {each.code for each in loaded}
