"""The admin API on a real socket over a workbench gateway, with an issuer of our own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from gateway.api.admin import AdminApi
from gateway.api.contract import resource_of
from gateway.api.messages import mount_messages
from gateway.http_app import HttpApp
from gateway.journal.memory import MemoryJournal
from gateway.security.bearer import TokenRules
from gateway.security.issuers import Issuers, IssuerSetup
from gateway.security.roles import Grant, Role
from tests.gateway.http_rig import Answer, post
from tests.gateway.operations.bench import Bench
from tests.gateway.support import FakeClock

ISSUER = "https://id.mercy.example/realm"
OTHER = "https://login.other.example/"
AUDIENCE = "legacy-bridge"
GRANTS = (
    ("readers", Grant(Role.VIEWER)),
    ("desk", Grant(Role.OPERATOR)),
    ("movers", Grant(Role.MIGRATOR)),
    ("admins", Grant(Role.ADMIN)),
    ("one-desk", Grant(Role.OPERATOR, ("po.one", "ack.*"))),
    ("owners", Grant(Role.VIEWER, ("po.*",), ("supply-chain",))),
    ("two-movers", Grant(Role.MIGRATOR, ("po.two",))),
)


class Issuer:
    """An identity provider: a key, and tokens signed by it."""

    def __init__(self, folder: Path, issuer: str = ISSUER, algorithm: str = "ES256") -> None:
        self.issuer, self.algorithm, self.count = issuer, algorithm, 0
        self.file = folder / f"jwks-{len(list(folder.iterdir()))}.json"
        self.new_key()

    def new_key(self) -> None:
        self.count += 1
        options: Any = {"kid": f"key-{self.count}", "use": "sig"}
        made = ECKey if self.algorithm == "ES256" else RSAKey
        size: Any = "P-256" if self.algorithm == "ES256" else 2048
        self.key = made.generate_key(size, options)
        self.publish(self.key)

    def publish(self, *keys: Any) -> None:
        self.file.write_text(json.dumps(KeySet(list(keys)).as_dict(private=False)))

    def setup(self, **changes: Any) -> IssuerSetup:
        words = {"algorithms": (self.algorithm,), "roles_claim": "roles", "grants": GRANTS, **changes}
        return IssuerSetup(TokenRules(self.issuer, AUDIENCE, **words), file=self.file)

    def token(self, *roles: str, at: FakeClock | None = None, key: Any = None, **changes: Any) -> str:
        now = int((at or FakeClock()).now().timestamp())
        header = {"alg": self.algorithm, "kid": (key or self.key).kid, "typ": "at+jwt"}
        header |= changes.pop("header", {})
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ann", "exp": now + 300, "iat": now}
        claims |= {"roles": list(roles), **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(header, claims, key or self.key)


class AdminSite:
    """Bench, API and issuer; ``ask`` sends one request."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.journal = MemoryJournal(clock=self.clock)
        self.bench = Bench(self.journal, self.clock)
        self.issuer = Issuer(folder)
        self.other = Issuer(folder, OTHER, "RS256")
        self.app = HttpApp(self._healthy)
        self.issuers = Issuers([self.issuer.setup(), self.other.setup()], self.clock, str)
        self.api = AdminApi(self.app, self.bench.operations, self.issuers, "1.2.3")
        administrator = self.api.handler(resource_of("messages.show"))
        mount_messages(self.app, self.journal, lambda route: None, administrator)
        self.port = 0

    async def start(self) -> AdminSite:
        await self.bench.start()
        _, self.port = await self.app.start("127.0.0.1", 0)
        return self

    async def _healthy(self) -> bool:
        return True

    async def ask(
        self, method: str, path: str, *roles: str, body: Any = None, token: str | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token or self.issuer.token(*roles, at=self.clock)}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode() if body is not None else b""
        return await post(self.port, path, content, headers=headers, method=method)


@contextmanager
def in_a_thread(folder: Path) -> Iterator[AdminSite]:
    """Let the site run beside a test that is no coroutine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    async def begin() -> AdminSite:
        return await AdminSite(folder).start()

    site = do(begin())
    try:
        yield site
    finally:
        do(site.app.close(1.0))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
