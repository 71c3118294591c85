"""Both sides of TLS over real sockets: who gets in, and what changed files change."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from adapters.base import Level
from gateway.security.certificates import Validity, issue_client, issue_server, make_ca
from gateway.security.partners import ClientCertificate, client_certificate
from gateway.security.secrets import SecretStore
from gateway.security.settings import TlsSettings
from gateway.security.tls import ClientTls, ServerTls, TlsError, certificate_findings
from tests.gateway.support import Certificates, FakeClock, RealClock

SECRET = SecretStore(Path(), {})


@pytest.fixture
def own(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def listener(certificates: Certificates, name: str = "server", *, require_client: bool = True) -> ServerTls:
    values = {"certificate": f"file:{certificates.pem(name)}", "key": f"file:{certificates.key(name)}"}
    settings = TlsSettings.model_validate(values | {"ca": f"file:{certificates.pem('ca')}"})
    return ServerTls(settings, SECRET, require_client=require_client)


def client(certificates: Certificates, name: str | None = "client") -> ssl.SSLContext:
    settings = TlsSettings.model_validate(certificates.settings(name))
    return ClientTls(settings, SECRET, RealClock()).context()


@asynccontextmanager
async def serving(tls: ServerTls) -> AsyncIterator[int]:
    """Echo the common name of each client's certificate."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        names = client_certificate(der).names if der else ("nobody",)
        writer.write(names[0].encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def call(port: int, context: ssl.SSLContext, name: str = "localhost") -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    try:
        return (await asyncio.wait_for(reader.read(), 2)).decode()
    finally:
        writer.close()


REFUSED = (ssl.SSLError, ConnectionError)


async def test_a_client_with_a_certificate_of_our_ca_gets_in_and_is_known(certificates) -> None:
    async with serving(listener(certificates)) as port:
        assert await call(port, client(certificates)) == "cn:acme"


@pytest.mark.parametrize("name", [None, "stranger", "expired"])
async def test_any_other_client_does_not(certificates, monkeypatch, name: str | None) -> None:
    monkeypatch.setattr("gateway.security.tls._expires_at", lambda settings, material: None)
    async with serving(listener(certificates)) as port:
        with suppress(*REFUSED):
            assert await call(port, client(certificates, name)) == ""
        assert await call(port, client(certificates)) == "cn:acme"


async def test_a_listener_may_do_without_client_certificates(certificates) -> None:
    async with serving(listener(certificates, require_client=False)) as port:
        assert await call(port, client(certificates, None)) == "nobody"


async def test_tls_1_1_is_refused_by_both_sides(certificates) -> None:
    tls = listener(certificates)
    assert tls.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert client(certificates).minimum_version is ssl.TLSVersion.TLSv1_2
    assert tls.context.verify_mode is ssl.CERT_REQUIRED


async def test_a_new_server_certificate_and_client_ca_hold_from_the_next_handshake_on(
    own: Certificates,
) -> None:
    tls = listener(own)
    async with serving(tls) as port:
        assert await call(port, client(own)) == "cn:acme"
        old_client = client(own)
        good = Validity.of(datetime.now(UTC))
        new_ca = make_ca("new CA", good)
        own.write("ca", new_ca)
        own.write("server", issue_server(new_ca, ("localhost",), good))
        own.write("client", issue_client(new_ca, "acme-2", good))

        assert await call(port, client(own)) == "cn:acme-2"
        old_client.load_verify_locations(own.pem("ca"))  # it would trust the new server
        with suppress(*REFUSED):
            assert await call(port, old_client) == ""
        assert tls.problem is None


async def test_a_client_without_sni_is_judged_by_the_new_files_too(own: Certificates) -> None:
    async with serving(listener(own)) as port:
        own.write("server", issue_server(own.ca, ("127.0.0.1",), Validity.of(datetime.now(UTC))))
        assert await call(port, client(own), "127.0.0.1") == "cn:acme"


async def test_files_that_went_bad_leave_the_last_good_ones_in_force_and_show(own: Certificates) -> None:
    tls = listener(own)
    async with serving(tls) as port:
        good = own.pem("server").read_bytes()
        own.pem("server").write_text("half a certif")
        assert await call(port, client(own)) == "cn:acme"
        assert tls.problem is not None
        assert tls.problem.code == "TLS-UNREADABLE"
        own.pem("server").write_bytes(good)
        assert await call(port, client(own)) == "cn:acme"
        assert tls.problem is None


async def test_no_session_outlives_its_certificate_by_being_resumed(certificates) -> None:
    async with serving(listener(certificates)) as port:
        context = client(certificates)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="localhost"
        )
        await reader.read()
        session = writer.get_extra_info("ssl_object").session
        writer.close()
    assert session is None or not session.has_ticket


def test_a_listener_without_certificate_or_ca_does_not_start(certificates) -> None:
    with pytest.raises(TlsError, match="a listener needs a certificate"):
        ServerTls(TlsSettings(), SECRET)
    settings = TlsSettings(
        certificate=f"file:{certificates.pem('server')}", key=f"file:{certificates.key('server')}"
    )
    with pytest.raises(TlsError, match="a listener needs the CA of its clients"):
        ServerTls(settings, SECRET)


def test_our_own_certificate_is_refused_once_it_ended_and_taken_up_again_when_renewed(
    own: Certificates,
) -> None:
    clock = FakeClock(datetime.now(UTC))
    tls = ClientTls(TlsSettings.model_validate(own.settings()), SECRET, clock)
    first = tls.context()
    assert tls.context() is first
    clock.elapsed_s += timedelta(days=91).total_seconds()
    with pytest.raises(TlsError, match="our certificate ended at"):
        tls.context()
    own.write("client", issue_client(own.ca, "acme", Validity.of(clock.now())))
    assert tls.context() is not first


@pytest.mark.parametrize(
    "break_it, code",
    [
        (lambda own: own.pem("client").unlink(), "SECRET-MISSING"),
        (lambda own: own.key("client").write_text("no key"), "TLS-UNREADABLE"),
        (lambda own: own.pem("ca").write_text("no ca"), "TLS-UNREADABLE"),
        (lambda own: own.key("client").write_bytes(own.key("server").read_bytes()), "TLS-KEY-MISMATCH"),
        (lambda own: own.write("client", issue_client(own.ca, "a", past(own))), "TLS-EXPIRED"),
        (lambda own: own.write("client", issue_client(own.ca, "a", future(own))), "TLS-NOT-YET"),
        (lambda own: own.write("client", issue_client(own.ca, "a", soon(own))), "TLS-EXPIRES-SOON"),
    ],
)
def test_everything_wrong_with_certificates_has_a_finding(own: Certificates, break_it, code: str) -> None:
    settings = TlsSettings.model_validate(own.settings())
    assert certificate_findings(settings, SECRET, own.now) == []
    break_it(own)

    [finding] = certificate_findings(settings, SECRET, own.now)

    assert finding.code == code
    assert (finding.level is Level.NOTE) == (code == "TLS-EXPIRES-SOON")
    assert "PRIVATE" not in str(finding)


def past(own: Certificates) -> Validity:
    return Validity(own.now - timedelta(days=2), own.now - timedelta(days=1))


def future(own: Certificates) -> Validity:
    return Validity(own.now + timedelta(days=1), own.now + timedelta(days=90))


def soon(own: Certificates) -> Validity:
    return Validity.of(own.now, timedelta(days=3))


def test_certificates_may_come_from_the_environment(own: Certificates) -> None:
    environ = {
        "PEM": own.pem("client").read_text() + own.key("client").read_text(),
        "CA": own.pem("ca").read_text(),
    }
    settings = TlsSettings(certificate="env:PEM", ca="env:CA")

    context = ClientTls(settings, SecretStore(Path(), environ), RealClock()).context()

    assert [ca["subject"][1][0][1] for ca in context.get_ca_certs()] == ["test CA"]


def test_an_encrypted_key_is_a_finding_and_never_a_question_on_the_terminal(own: Certificates) -> None:
    key = serialization.load_pem_private_key(own.key("client").read_bytes(), password=None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"hunter2"),
    )
    own.key("client").write_bytes(encrypted)
    [finding] = certificate_findings(TlsSettings.model_validate(own.settings()), SECRET, own.now)
    assert finding.code == "TLS-UNREADABLE"


def test_what_a_certificate_says_of_its_owner_is_read_whole(own: Certificates) -> None:
    issued = issue_client(own.ca, "acme", Validity.of(own.now), ("edi.acme.example", "192.0.2.7"))
    der = ssl.PEM_cert_to_DER_cert(issued.certificate.decode())

    assert client_certificate(der) == ClientCertificate(
        sha256=client_certificate(der).sha256,
        subject="CN=acme,O=legacy-bridge development",
        names=("cn:acme", "dns:edi.acme.example", "ip:192.0.2.7"),
    )
