"""The application on real sockets: bounds, readiness, certificates, a clean end."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from gateway.http_app import HttpLimits
from gateway.inlets.http_inlet import Caller, HttpInlet
from gateway.security.partners import PartnerCertificates
from gateway.security.settings import TlsSettings
from gateway.security.tls import ServerTls
from tests.gateway.http_rig import Gateway, post, raw, read_answer
from tests.gateway.support import Certificates


@pytest.fixture
async def start() -> AsyncIterator[Callable]:
    started: list[Gateway] = []

    async def make(*inlets: HttpInlet, tls: ssl.SSLContext | None = None, **settings) -> Gateway:
        gateway = Gateway(*inlets, **settings)
        started.append(gateway)
        return await gateway.start(tls)

    yield make
    for gateway in started:
        await gateway.app.close(1)


async def test_health_and_readiness_are_two_questions(start) -> None:
    gateway = await start()
    assert (await post(gateway.port, "/healthz", b"", method="GET")).json == {"alive": True}
    assert (await post(gateway.port, "/readyz", b"", method="GET")).status == 200

    gateway.is_healthy = False
    assert (await post(gateway.port, "/healthz", b"", method="GET")).status == 200
    assert (await post(gateway.port, "/readyz", b"", method="GET")).json == {"ready": False}


async def test_an_unknown_path_and_a_wrong_method_are_told_as_problems(start) -> None:
    gateway = await start(HttpInlet("orders"))
    unknown = await post(gateway.port, "/v2/orders")
    wrong = await post(gateway.port, "/v1/inbound/orders", method="PUT")

    assert (unknown.status, unknown.json["code"]) == (404, "HTTP-PATH")
    assert (wrong.status, wrong.json["code"], wrong.headers["allow"]) == (405, "HTTP-METHOD", "POST")
    assert unknown.headers["content-type"] == wrong.headers["content-type"] == "application/problem+json"


async def test_an_adapter_may_mount_a_path_of_its_own(start) -> None:
    gateway = Gateway()

    async def wsdl(request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"<wsdl name='{request.match_info['service']}'/>")

    async def defective(request: web.Request) -> web.StreamResponse:
        raise ZeroDivisionError

    gateway.app.mount("GET", "/soap/{service}", wsdl)
    gateway.app.mount("POST", "/soap/{service}", defective)
    await gateway.start()
    assert (await post(gateway.port, "/soap/mms", b"", method="GET")).body == b"<wsdl name='mms'/>"
    failed = await post(gateway.port, "/soap/mms")
    assert (failed.status, failed.json["code"]) == (500, "HTTP-INTERNAL")
    await gateway.app.close(1)


async def test_more_requests_than_allowed_are_told_to_come_back(start) -> None:
    gateway = await start(HttpInlet("orders"), limits=HttpLimits(requests_max=2, linger_s=0.1))
    release = asyncio.Event()

    async def hold() -> None:
        await release.wait()

    gateway.before_accept = hold
    held = [asyncio.create_task(post(gateway.port, "/v1/inbound/orders", b"%d" % n)) for n in range(2)]
    await asyncio.sleep(0.1)
    busy = await post(gateway.port, "/v1/inbound/orders")
    release.set()

    assert (busy.status, busy.headers["retry-after"]) == (503, "1")
    assert [answer.status for answer in await asyncio.gather(*held)] == [202, 202]


async def test_a_connection_too_many_is_closed_at_once(start) -> None:
    gateway = await start(limits=HttpLimits(connections_max=1))
    _, first = await asyncio.open_connection("127.0.0.1", gateway.port)
    await asyncio.sleep(0.05)
    reader, second = await asyncio.open_connection("127.0.0.1", gateway.port)

    assert await asyncio.wait_for(reader.read(), 2) == b""
    first.close()
    second.close()


async def test_a_head_that_never_ends_is_cut_off(start) -> None:  # slow loris
    gateway = await start(HttpInlet("orders"))
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/inbound/orders HTTP/1.1\r\nHost: x\r\n")

    async def dribble() -> None:
        while True:
            await asyncio.sleep(0.1)
            writer.write(b"X-A: b\r\n")

    dribbling = asyncio.create_task(dribble())
    try:
        received = await asyncio.wait_for(reader.read(), 3)
    except ConnectionError:
        received = b""
    dribbling.cancel()

    assert received == b""
    assert gateway.taken == []
    writer.close()


async def test_a_head_that_is_too_large_is_refused(start) -> None:
    gateway = await start(HttpInlet("orders"))
    answer = await raw(gateway.port, b"POST /v1/inbound/orders HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n")

    assert answer.status == 400


async def test_closing_finishes_what_is_under_way_and_takes_nothing_more(start) -> None:
    gateway = await start(HttpInlet("orders"))
    release = asyncio.Event()

    async def hold() -> None:
        await release.wait()

    gateway.before_accept = hold
    idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    held = asyncio.create_task(post(gateway.port, "/v1/inbound/orders"))
    await asyncio.sleep(0.1)
    closing = asyncio.create_task(gateway.app.close(5))
    await asyncio.sleep(0.05)
    idle_writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await read_answer(idle_reader)).status == 503
    with pytest.raises(ConnectionError):
        await post(gateway.port, "/v1/inbound/orders")
    release.set()

    assert (await held).status == 202
    await closing
    assert await gateway.bodies("orders") == [b"ISA*00~"]
    idle_writer.close()


async def test_closing_does_not_wait_for_ever(start) -> None:
    gateway = await start(HttpInlet("orders"))

    async def hold() -> None:
        await asyncio.sleep(60)

    gateway.before_accept = hold
    held = asyncio.create_task(post(gateway.port, "/v1/inbound/orders"))
    await asyncio.sleep(0.1)
    await asyncio.wait_for(gateway.app.close(0.1), 3)

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await held
    assert await gateway.bodies("orders") == []


# --- certificates -------------------------------------------------------------------------------------


def identified(*names: str) -> Callable[[bytes], Caller | None]:
    partners = PartnerCertificates({"acme": list(names)})

    def identify(der: bytes) -> Caller | None:
        partner, certificate = partners.identify(der)
        return None if partner is None else Caller(certificate.subject, certificate.sha256, partner)

    return identify


def server_tls(certificates: Certificates) -> ssl.SSLContext:
    settings = TlsSettings.model_validate(certificates.settings("server"))
    read = {f"file:{place}": place.read_text() for place in certificates.folder.iterdir()}
    return ServerTls(settings, read.__getitem__).context


def client_tls(certificates: Certificates, name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates.pem("ca")))
    if name is not None:
        context.load_cert_chain(certificates.pem(name), certificates.key(name))
    return context


async def test_a_known_client_certificate_tells_the_partner(start, certificates: Certificates) -> None:
    inlet = HttpInlet("orders", needs_certificate=True, identity="idempotency_key")
    gateway = await start(inlet, identify=identified("cn:acme"), tls=server_tls(certificates))
    answer = await post(
        gateway.port,
        "/v1/inbound/orders",
        headers={"Idempotency-Key": "k1"},
        tls=client_tls(certificates, "client"),
    )
    shown = await post(
        gateway.port, answer.headers["location"], b"", method="GET", tls=client_tls(certificates, "client")
    )

    assert answer.status == 202
    assert gateway.taken[0].partner == "acme"
    assert gateway.taken[0].arrival_key == "acme/k1"
    assert "acme" in gateway.taken[0].origin.identity
    assert shown.json["state"] == "accepted"


async def test_a_certificate_of_no_partner_is_refused_and_kept_as_a_finding(
    start, certificates: Certificates
) -> None:
    gateway = await start(HttpInlet("orders"), identify=identified("cn:globex"), tls=server_tls(certificates))
    answer = await post(gateway.port, "/v1/inbound/orders", tls=client_tls(certificates, "client"))

    assert (answer.status, answer.json["code"]) == (403, "HTTP-CERTIFICATE")
    assert [finding.code for _, _, finding in gateway.refusals] == ["HTTP-CERTIFICATE"]
    assert await gateway.bodies("orders") == []


@pytest.mark.parametrize("client", ["stranger", "expired", None])
async def test_the_handshake_itself_refuses_a_wrong_certificate_and_the_log_and_a_finding_say_so(
    start, certificates: Certificates, client: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await start(HttpInlet("orders"), identify=identified("cn:acme"), tls=server_tls(certificates))

    with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
        await post(gateway.port, "/v1/inbound/orders", tls=client_tls(certificates, client))
    async with asyncio.timeout(5):
        while not gateway.refusals:
            await asyncio.sleep(0.01)

    assert gateway.taken == []
    ((route, _, finding),) = gateway.refusals
    assert (route, finding.code) == ("https", "HTTP-CERTIFICATE")
    assert "TLS handshake failed" in finding.text
    assert caplog.text.count("http.handshake_failed") == 1


async def test_a_flood_of_failed_handshakes_fills_neither_the_journal_nor_the_log(
    start, certificates: Certificates, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.inbound.REFUSALS_PER_MINUTE_MAX", 3)
    gateway = await start(HttpInlet("orders"), identify=identified("cn:acme"), tls=server_tls(certificates))
    for _ in range(5):
        with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
            await post(gateway.port, "/v1/inbound/orders", tls=client_tls(certificates, "stranger"))
    await asyncio.sleep(0.1)

    assert len(gateway.refusals) == 3
    assert caplog.text.count("http.handshake_failed") == 3


async def test_what_is_no_tls_at_all_is_logged_and_blames_no_certificate(
    start, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await start(HttpInlet("orders"), identify=identified("cn:acme"), tls=server_tls(certificates))
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await post(gateway.port, "/v1/inbound/orders")
    await asyncio.sleep(0.1)

    assert "http.handshake_failed reason=http request" in caplog.text
    assert gateway.refusals == []
