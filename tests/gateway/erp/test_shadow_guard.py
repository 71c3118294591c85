"""The wall in front of a shadow's tenant: what is not listed never leaves, whatever asks for it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import Effect, NoReply, Reply, Request
from gateway.erp.http import HttpSink
from gateway.erp.settings import HttpSettings
from gateway.erp.shadow_guard import Allowed, ShadowGuard
from gateway.security.scopes import granted_scopes, writing_scopes
from gateway.security.secrets import SecretStore
from gateway.shadow_rights import probed_rights
from tests.gateway.support import RealClock, SeededRng
from tests.scale import scaled

READS = ShadowGuard(
    "validate", (Allowed("127.0.0.1", frozenset({"GET", "OPTIONS"})),), ("*write*", "*.default")
)
WRITES = ("POST", "PUT", "PATCH", "DELETE", "MERGE", "post", "CONNECT", "LOCK", "PROPPATCH", "QUERY")


def request(method: str, address: str = "orders", **headers: str) -> Request:
    pairs = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Request("x", Effect.WRITE, method, address, b"{}", pairs, timeout_s=2.0)


def blocked(guard: ShadowGuard, sent: Request, host: str = "127.0.0.1", path: str = "/api/orders") -> bool:
    return bool(guard.blocks(sent, host, path, ""))


@pytest.mark.parametrize(
    "sent, host, path, is_blocked",
    [
        (request("GET"), "127.0.0.1", "/api/orders", False),
        (request("get"), "127.0.0.1", "/api/orders", False),
        (request("POST"), "127.0.0.1", "/api/orders", True),
        (request("GET"), "erp.example.com", "/api/orders", True),
        (request("GET", X_HTTP_Method_Override="DELETE"), "127.0.0.1", "/api/orders", True),
        (request("GET", x_http_method="MERGE"), "127.0.0.1", "/api/orders", True),
        (request("GET"), "127.0.0.1", "/api/$batch", True),
        (request("GET"), "127.0.0.1", "/api/%24batch", True),
        (request("GET"), "127.0.0.1", "/api/%2524batch", True),
        (request("GET"), "127.0.0.1", "/api/../admin", True),
        (request("GET"), "127.0.0.1", "/api/%2e%2e/admin", True),
    ],
)
def test_what_is_not_on_the_list_is_blocked(sent: Request, host: str, path: str, is_blocked: bool) -> None:
    assert blocked(READS, sent, host, path) is is_blocked


def test_a_method_in_the_query_is_a_method() -> None:
    assert READS.blocks(request("GET"), "127.0.0.1", "/api", "_method=DELETE")
    assert READS.blocks(request("GET"), "127.0.0.1", "/api", "a=1&%5fmethod=PUT")


def test_a_path_on_the_list_means_what_stands_below_it_and_nothing_beside() -> None:
    guard = ShadowGuard("validate", (Allowed("*.example.com", frozenset({"POST"}), "/api/validate"),))

    assert not blocked(guard, request("POST"), "dev.example.com", "/api/validate/orders")
    assert blocked(guard, request("POST"), "dev.example.com", "/api/validated")
    assert blocked(guard, request("POST"), "dev.example.com", "/api")
    assert blocked(guard, request("POST"), "example.com.evil.test", "/api/validate")


class Witness:
    """A tenant that notes every request that reaches it."""

    def __init__(self, scope: str | None = None) -> None:
        self.seen: list[str] = []
        self.scope = scope

    async def __aenter__(self) -> Witness:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.split(b"\r\n")[0].decode()
        body = b"{}"
        if "/token" in line:
            fields = {"access_token": "t", "expires_in": 60} | ({"scope": self.scope} if self.scope else {})
            body = json.dumps(fields).encode()
        else:
            self.seen.append(line)
        allow = b"Allow: GET, HEAD, OPTIONS\r\n" if line.startswith("OPTIONS") else b""
        writer.write(
            b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (allow, len(body), body)
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def witness() -> AsyncIterator[Witness]:
    async with Witness() as made:
        yield made


def sink_to(base: str, guard: ShadowGuard | None, **values: object) -> HttpSink:
    made = HttpSettings.model_validate({"base": base, "plaintext": True, "timeout_s": 2.0, **values})
    secret = SecretStore(Path(), {"S": "secret"})
    return HttpSink("tenant", made, clock=RealClock(), rng=SeededRng(), secret=secret, guard=guard)


def oauth(base: str) -> dict[str, object]:
    return {"token_url": f"{base}/token", "client_id": "x", "client_secret": "env:S", "plaintext": True}


async def test_every_attempt_to_write_through_a_shadow_is_blocked_before_it_leaves(witness: Witness) -> None:
    sink = sink_to(witness.url, READS)
    tried = [request(method) for method in WRITES]
    tried += [request("GET", X_HTTP_Method_Override=method) for method in WRITES]
    tried += [request("GET", f"orders?_method={method}") for method in WRITES]
    replies = [await sink.send(each) for each in tried]
    allowed = await sink.send(request("GET"))
    await sink.close()

    assert all(isinstance(reply, NoReply) and reply.written == "none" for reply in replies)
    assert isinstance(allowed, Reply)
    assert witness.seen == ["GET /orders HTTP/1.1"]


async def test_without_the_guard_the_same_attempts_reach_the_tenant(witness: Witness) -> None:
    sink = sink_to(witness.url, None)
    await sink.send(request("POST"))
    await sink.close()

    assert witness.seen == ["POST /orders HTTP/1.1"]


async def test_a_header_that_the_endpoint_adds_is_judged_like_one_of_the_request(witness: Witness) -> None:
    sink = sink_to(witness.url, READS, headers={"X-HTTP-Method-Override": "DELETE"})
    reply = await sink.send(request("GET"))
    await sink.close()

    assert isinstance(reply, NoReply)
    assert witness.seen == []


@settings(max_examples=scaled(100, most=5_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.one_of(st.sampled_from(WRITES), st.from_regex(r"[A-Za-z]{1,10}", fullmatch=True)),
    path=st.from_regex(r"/[a-z%0-9.$/]{0,20}", fullmatch=True),
    query=st.from_regex(r"[a-z_=&%0-9A-Z]{0,20}", fullmatch=True),
)
def test_whatever_is_not_a_listed_method_is_blocked(method: str, path: str, query: str) -> None:
    is_listed = method.upper() in ("GET", "OPTIONS")

    assert is_listed or READS.blocks(replace(request("GET"), method=method), "127.0.0.1", path, query)


@pytest.mark.parametrize("scope, may", [("orders.read", "only_read"), ("orders.read orders.WRITE", "write")])
async def test_a_token_that_may_write_closes_a_leg_that_validates(scope: str, may: str) -> None:
    async with Witness(scope) as tenant:
        sink = sink_to(tenant.url, READS, oauth2=oauth(tenant.url))
        reply = await sink.send(request("GET"))
        rights = await probed_rights(sink, READS)
        await sink.close()

    assert rights.may == may
    assert isinstance(reply, NoReply) is (may == "write")
    assert bool(tenant.seen) is (may == "only_read")


async def test_a_sandbox_may_hold_a_token_that_writes() -> None:
    guard = ShadowGuard("sandbox", (Allowed("127.0.0.1", frozenset({"POST"})),), ("*write*",))
    async with Witness("orders.write") as tenant:
        sink = sink_to(tenant.url, guard, oauth2=oauth(tenant.url))
        assert isinstance(await sink.send(request("POST")), Reply)
        await sink.close()


async def test_without_a_token_the_tenants_own_list_of_methods_is_read(witness: Witness) -> None:
    sink = sink_to(witness.url, READS)
    rights = await probed_rights(sink, READS)
    await sink.close()

    assert (rights.may, rights.text) == ("only_read", "the tenant allows GET, HEAD, OPTIONS alone")
    assert witness.seen == ["OPTIONS / HTTP/1.1"]


def test_scopes_are_read_from_the_reply_from_the_token_itself_and_else_as_asked_for() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"scp": "a.read", "roles": ["PO.ReadWrite.All"]}).encode())
    jwt = f"h.{claims.decode().rstrip('=')}.s"

    assert granted_scopes({"scope": "x y"}, "opaque", "z") == frozenset({"x", "y"})
    assert granted_scopes({}, jwt, "z") == frozenset({"a.read", "PO.ReadWrite.All"})
    assert granted_scopes({}, "opaque", "z") == frozenset({"z"})
    assert granted_scopes({}, "a.b.c", "") is None
    assert writing_scopes({"a.read", "PO.ReadWrite.All"}, ["*write*"]) == ["PO.ReadWrite.All"]
