"""The sink over real sockets: what it says about requests that got no reply, and what it never does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.base import Clock, Effect, NoReply, Reply, Request
from gateway.erp.http import HttpSink
from gateway.erp.settings import HttpSettings
from gateway.security.certificates import Validity, issue_client
from gateway.security.secrets import SecretStore
from simulators.cloud_erp import CloudErp
from simulators.faults import FaultScript
from simulators.legacy_http import LegacyHttp
from simulators.serving import Tls
from tests.gateway.support import Certificates, FakeClock, RealClock, SeededRng

MakeSink = Callable[..., HttpSink]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


@pytest.fixture
async def make_sink() -> AsyncIterator[MakeSink]:
    made: list[HttpSink] = []

    def make(
        base: str, environ: dict[str, str] | None = None, clock: Clock | None = None, **settings
    ) -> HttpSink:
        values = {"base": base, "plaintext": True, "timeout_s": 2.0, **settings}
        secret = SecretStore(Path(), environ or {})
        sink = HttpSink(
            "erp",
            HttpSettings.model_validate(values),
            clock=clock or RealClock(),
            rng=SeededRng(),
            secret=secret,
        )
        made.append(sink)
        return sink

    yield make
    for sink in made:
        await sink.close()


def post(address: str = "orders", body: bytes = b"{}", **changes) -> Request:
    values = {"step": "create", "effect": Effect.WRITE, "method": "POST", "timeout_s": 2.0, **changes}
    return Request(address=address, body=body, **values)


async def free_port() -> int:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


class RawServer:
    """A server of bytes: `talk` gets each connection's reader and writer."""

    def __init__(self, talk) -> None:
        self.talk = talk
        self.heads: list[bytes] = []

    async def __aenter__(self) -> RawServer:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.talk(self, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        return head


# --- whether anything was written ---------------------------------------------------------------------


async def test_a_refused_connection_has_written_nothing(make_sink) -> None:
    reply = await make_sink(f"http://127.0.0.1:{await free_port()}").send(post())

    assert isinstance(reply, NoReply)
    assert (reply.written, reply.kind) == ("none", "outage")


async def test_an_unknown_host_has_written_nothing(make_sink) -> None:
    reply = await make_sink("http://no-such-host.invalid").send(post())

    assert isinstance(reply, NoReply)
    assert (reply.written, reply.kind) == ("none", "outage")


async def test_a_silent_server_may_have_got_it(make_sink) -> None:
    async with LegacyHttp(faults=FaultScript.from_json('[{"action": "hang_before_commit"}]')) as legacy:
        reply = await make_sink(legacy.url, timeout_s=0.2).send(post())

    assert reply == NoReply("maybe", "no reply in time")


async def test_waiting_for_a_free_connection_writes_nothing(make_sink) -> None:
    async with LegacyHttp(faults=FaultScript.from_json('[{"action": "hang_before_commit"}]')) as legacy:
        sink = make_sink(legacy.url, connections=1)
        holding = asyncio.create_task(sink.send(post(timeout_s=2.0)))
        while not legacy.arrivals:
            await asyncio.sleep(0.01)
        second = await sink.send(post(timeout_s=0.1))
        assert legacy.arrivals == 1
        holding.cancel()

    assert isinstance(second, NoReply)
    assert second.written == "none"


async def test_a_claim_that_was_lost_stops_the_request_before_its_first_byte(make_sink) -> None:
    async def lost() -> bool:
        return False

    async def held() -> bool:
        return True

    async with LegacyHttp() as legacy:
        sink = make_sink(legacy.url)
        reply = await sink.send(post(), still_mine=lost)
        assert isinstance(reply, NoReply)
        assert (reply.written, reply.kind) == ("none", "stale_claim")
        assert legacy.arrivals == 0
        assert isinstance(await sink.send(post(), still_mine=held), Reply)
        assert legacy.arrivals == 1


async def test_the_claim_is_asked_on_the_open_connection_after_any_wait_for_one(make_sink) -> None:
    order: list[str] = []

    async def talk(server: RawServer, reader, writer) -> None:
        order.append("connected")
        await server.head(reader)
        writer.write(ANSWER)
        await writer.drain()

    async def asked() -> bool:
        await asyncio.sleep(0.05)
        order.append("asked")
        return True

    async with RawServer(talk) as server:
        await make_sink(server.url).send(post(body=b""), still_mine=asked)

    assert order == ["connected", "asked"]


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_a_kept_connection_that_breaks_is_not_tried_again_behind_our_back(
    make_sink, method: str
) -> None:
    async def talk(server: RawServer, reader, writer) -> None:
        await server.head(reader)
        writer.write(ANSWER)
        await writer.drain()
        await server.head(reader)  # the second request arrives, and then the server dies

    async with RawServer(talk) as server:
        sink = make_sink(server.url)
        assert isinstance(await sink.send(post(method=method, body=b"")), Reply)
        second = await sink.send(post(method=method, body=b""))

    assert isinstance(second, NoReply)
    assert second.written == "maybe"
    assert len(server.heads) == 2


# --- what comes back ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer, expected",
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            "status 200, but the reply broke off after 4 bytes",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            "status 200, but the reply broke off",
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "no reply"),
        (b"HTTP/1.1 200", "no reply"),
        (b"", "no reply"),
    ],
)
async def test_half_replies_and_garbage_leave_the_outcome_open(
    make_sink, answer: bytes, expected: str
) -> None:
    async def talk(server: RawServer, reader, writer) -> None:
        await server.head(reader)
        writer.write(answer)
        await writer.drain()

    async with RawServer(talk) as server:
        reply = await make_sink(server.url).send(post(body=b""))

    assert isinstance(reply, NoReply)
    assert reply.written == "maybe"
    assert reply.reason.startswith(expected)


async def test_a_refusal_counts_by_its_status_even_where_its_body_breaks_off(make_sink) -> None:
    async def talk(server: RawServer, reader, writer) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 4\r\nContent-Length: 900\r\n\r\n<html>")
        await writer.drain()

    async with RawServer(talk) as server:
        reply = await make_sink(server.url).send(post(body=b""))

    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, reply.header("retry-after")) == (503, b"<html>", "4")


async def test_a_reply_of_single_bytes_comes_together(make_sink) -> None:
    async def talk(server: RawServer, reader, writer) -> None:
        await server.head(reader)
        for byte in ANSWER:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)

    async with RawServer(talk) as server:
        reply = await make_sink(server.url).send(post(body=b""))

    assert isinstance(reply, Reply)
    assert reply.body == b"OK"


async def test_a_reply_beyond_the_bound_is_cut_and_its_connection_dropped(make_sink) -> None:
    faults = FaultScript.from_json('[{"action": "oversized", "size_bytes": 3000000, "nth": 1}]')
    async with LegacyHttp(faults=faults) as legacy:
        sink = make_sink(legacy.url, reply_bytes_max=2048)
        first = await sink.send(post())
        second = await sink.send(post())

    assert first == NoReply("maybe", "status 200, but the reply is larger than 2048 bytes")
    assert isinstance(second, Reply)
    assert second.body == b"OK"


async def test_a_reply_that_announces_more_than_the_bound_is_not_read(make_sink) -> None:
    async def talk(server: RawServer, reader, writer) -> None:
        await server.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2049\r\n\r\n")  # and none of it ever comes
        assert await reader.read() == b""

    async with RawServer(talk) as server:
        async with asyncio.timeout(10):
            reply = await make_sink(server.url, reply_bytes_max=2048, timeout_s=30).send(
                post(body=b"", timeout_s=30)
            )

    assert reply == NoReply("maybe", "status 200, but the reply is larger than 2048 bytes")


async def test_a_redirect_comes_back_as_it_is(make_sink) -> None:
    faults = FaultScript.from_json('[{"action": "redirect", "location": "/elsewhere"}]')
    async with LegacyHttp(faults=faults) as legacy:
        reply = await make_sink(legacy.url).send(post())
        assert legacy.arrivals == 1

    assert isinstance(reply, Reply)
    assert (reply.status, reply.header("Location")) == (302, "/elsewhere")


async def test_cookies_are_neither_kept_nor_sent_again(make_sink) -> None:
    async def talk(server: RawServer, reader, writer) -> None:
        for _ in range(2):
            await server.head(reader)
            writer.write(ANSWER.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=secret\r\n\r\n"))
            await writer.drain()

    async with RawServer(talk) as server:
        sink = make_sink(server.url)
        reply = await sink.send(post(body=b""))
        await sink.send(post(body=b""))

    assert isinstance(reply, Reply)
    assert reply.header("Set-Cookie") is None
    assert all(b"ookie" not in head for head in server.heads)


# --- what goes out ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 600_000, 3_000_000])
async def test_bodies_of_any_size_arrive_as_they_are_with_their_length(make_sink, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    async with LegacyHttp() as legacy:
        reply = await make_sink(legacy.url, timeout_s=10.0).send(post(body=body[:size], timeout_s=10.0))
        assert legacy.bodies == [body[:size]]

    assert isinstance(reply, Reply)


async def test_secrets_travel_in_headers_but_stand_in_no_request(make_sink) -> None:
    async def talk(server: RawServer, reader, writer) -> None:
        await server.head(reader)
        writer.write(ANSWER)
        await writer.drain()

    async with RawServer(talk) as server:
        sink = make_sink(
            server.url,
            {"KEY": "k-123", "PASSWORD": "p:w"},
            headers={"X-Tenant": "t1"},
            secret_headers={"X-Api-Key": "env:KEY"},
            basic={"user": "svc", "password": "env:PASSWORD"},
        )
        await sink.send(post(body=b""))

    [head] = server.heads
    assert b"X-Api-Key: k-123\r\n" in head
    assert b"X-Tenant: t1\r\n" in head
    assert b"Authorization: Basic c3ZjOnA6dw==\r\n" in head


async def test_a_missing_secret_writes_nothing_and_waits_for_it(make_sink) -> None:
    async with LegacyHttp() as legacy:
        reply = await make_sink(legacy.url, secret_headers={"X-Api-Key": "env:KEY"}).send(post())
        assert legacy.arrivals == 0

    assert reply == NoReply("none", "env:KEY: the environment variable is not set", "credential")


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/",
        "//evil.example/x",
        "/absolute",
        "a/../../admin",
        "a/%2e%2e/admin",
        "..",
        "\\evil",
        "javascript:x",
        "a b",
        "a\r\nX: y",
        "ünïcode",
    ],
)
async def test_an_address_that_leaves_the_base_is_refused(make_sink, address: str) -> None:
    sink = make_sink("http://127.0.0.1:9/api")

    with pytest.raises(ValueError, match="address must"):
        await sink.send(post(address))


async def test_addresses_stand_below_a_base_with_a_path(make_sink) -> None:
    async with LegacyHttp() as legacy:
        await make_sink(f"{legacy.url}/api/v1/").send(post("orders?x=a%2Fb"))
        assert legacy.received[0].path == "/api/v1/orders?x=a%2Fb"


async def test_the_base_may_be_a_reference_and_must_still_be_safe(make_sink) -> None:
    async with LegacyHttp() as legacy:
        reply = await make_sink("env:ERP_URL", {"ERP_URL": legacy.url}).send(post())
    assert isinstance(reply, Reply)
    with pytest.raises(ValueError, match="ERP_URL: base begins with http://"):
        make_sink("env:ERP_URL", {"ERP_URL": legacy.url}, plaintext=False)


# --- TLS ----------------------------------------------------------------------------------------------


def server_tls(certificates: Certificates, name: str = "server", client_ca: str | None = "ca") -> Tls:
    return Tls(
        certificates.pem(name), certificates.key(name), certificates.pem(client_ca) if client_ca else None
    )


async def test_with_a_good_client_certificate_the_order_arrives(make_sink, certificates) -> None:
    async with CloudErp(tls=server_tls(certificates)) as erp:
        reply = await make_sink(erp.url, tls=certificates.settings()).send(
            post("documents/purchase_order", b'{"reference": "R", "document": {"number": "1"}}')
        )
        assert len(erp.committed) == 1

    assert isinstance(reply, Reply)
    assert reply.status == 201


class OpenSslServer:
    """A server that handshakes as nginx and its kin do: its alert is sent, and the client can read it.

    asyncio's own server drops the connection without it.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.arrivals = 0

    def __enter__(self) -> OpenSslServer:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join(5)
        self.listener.close()

    def _serve(self) -> None:
        plain, _ = self.listener.accept()
        plain.settimeout(1.0)
        with self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as connection:
            try:
                connection.do_handshake()
                self.arrivals += bool(connection.recv(1))
                return
            except ssl.SSLError:
                end = socket.socket(fileno=connection.detach())
        # Closing with unread bytes would send RST, and take the alert away from the client.
        with end, contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_WR)
            while end.recv(4096):
                pass


@pytest.mark.parametrize("client", [None, "stranger", "expired_in_the_eyes_of_the_server"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("claim_s", [None, 0.05])
async def test_a_client_certificate_that_is_refused_has_written_nothing(
    make_sink, certificates, monkeypatch, client: str | None, version: ssl.TLSVersion, claim_s: float | None
) -> None:
    async def still_mine() -> (
        bool
    ):  # meanwhile the server may judge what a TLS 1.3 client believes to be done
        await asyncio.sleep(claim_s or 0.0)
        return True

    if client == "expired_in_the_eyes_of_the_server":
        client = "expired"
        monkeypatch.setattr("gateway.security.tls._expires_at", lambda settings, material: None)
    context = server_tls(certificates).context()
    context.minimum_version = context.maximum_version = version
    with OpenSslServer(context) as server:
        sink = make_sink(server.url, tls=certificates.settings(client))
        reply = await sink.send(post(), still_mine=None if claim_s is None else still_mine)
        assert server.arrivals == 0

    assert isinstance(reply, NoReply)
    assert (reply.written, reply.kind) == ("none", "credential")


@pytest.mark.parametrize("client", [None, "stranger"])
async def test_a_bare_reset_instead_of_an_alert_is_no_proof_and_nothing_arrives(
    make_sink, certificates, client: str | None
) -> None:
    async with LegacyHttp(tls=server_tls(certificates)) as legacy:
        reply = await make_sink(legacy.url, tls=certificates.settings(client)).send(post())
        assert legacy.arrivals == 0

    assert isinstance(reply, NoReply)


async def test_our_own_expired_certificate_is_named_before_anything_is_sent(make_sink, certificates) -> None:
    async with LegacyHttp(tls=server_tls(certificates)) as legacy:
        reply = await make_sink(legacy.url, tls=certificates.settings("expired")).send(post())
        assert legacy.arrivals == 0

    assert isinstance(reply, NoReply)
    assert (reply.written, reply.kind) == ("none", "credential")
    assert "our certificate ended at" in reply.reason


@pytest.mark.parametrize(
    "server, ca", [("server", "other_ca"), ("expired_server", "ca"), ("misnamed_server", "ca")]
)
async def test_a_server_that_cannot_prove_itself_gets_nothing(make_sink, certificates, server, ca) -> None:
    async with LegacyHttp(tls=server_tls(certificates, server)) as legacy:
        reply = await make_sink(legacy.url, tls=certificates.settings(ca=ca)).send(post())
        assert legacy.arrivals == 0

    assert isinstance(reply, NoReply)
    assert (reply.written, reply.kind) == ("none", "credential")


async def test_a_certificate_that_ends_in_service_is_replaced_without_a_restart(
    make_sink, tmp_path: Path
) -> None:
    own = Certificates(tmp_path)
    clock = FakeClock(own.now)
    async with LegacyHttp(tls=server_tls(own)) as legacy:
        sink = make_sink(legacy.url, tls=own.settings(), clock=clock)
        assert isinstance(await sink.send(post()), Reply)
        clock.elapsed_s += timedelta(days=91).total_seconds()
        ended = await sink.send(post())
        own.write("client", issue_client(own.ca, "acme", Validity(own.now, clock.now() + timedelta(days=90))))
        renewed = await sink.send(post())

    assert isinstance(ended, NoReply)
    assert (ended.written, ended.kind) == ("none", "credential")
    assert isinstance(renewed, Reply)


async def test_plain_http_behind_https_writes_nothing(make_sink, certificates) -> None:
    async with LegacyHttp() as legacy:
        sink = make_sink(legacy.url.replace("http://", "https://"), tls=certificates.settings())
        reply = await sink.send(post())
        assert legacy.arrivals == 0

    assert isinstance(reply, NoReply)
    assert reply.written == "none"


# --- settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base, problem",
    [
        ("http://erp.example", "begins with http://"),
        ("ftp://erp.example", "must be https://"),
        ("https://", "must be https://"),
        ("https://user:pw@erp.example", "no query, fragment, user or password"),
        ("https://erp.example?x=1", "no query"),
        ("https://erp.example:99999", "is no address"),
    ],
)
def test_a_base_that_is_unsafe_or_no_address_is_refused(base: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        HttpSettings.model_validate({"base": base})
    assert "pw" not in str(refused.value)


def test_settings_take_text_as_routes_yaml_gives_it_and_refuse_unknown_words() -> None:
    settings = HttpSettings.model_validate(
        {"base": "https://erp.example", "timeout_s": "7.5", "limits": {"rate_per_s": "8", "concurrent": "4"}}
    )
    assert (settings.timeout_s, settings.limits.rate_per_s, settings.limits.concurrent) == (7.5, 8.0, 4)
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        HttpSettings.model_validate({"base": "https://erp.example", "time_out": "7"})


@pytest.mark.parametrize("header", [{"X-A\r\nX-B": "1"}, {"X-A": "1\r\nX-B: 2"}, {"X A": "1"}, {"": "1"}])
def test_a_header_that_would_break_the_request_is_refused(header: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not a header"):
        HttpSettings.model_validate({"base": "https://erp.example", "headers": header})
