"""What we show to a service that we call: certificates, tokens, signatures; what its answers must show."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from lxml import etree

from adapters.base import Accepted, InDoubt, Request, Transient, TransientKind
from adapters.soap.wsse import SecurityFault, Verified, verifier
from adapters.soap.wsse_settings import InboundSecurity, OutboundSecurity
from adapters.soap.wsse_write import seal, secure
from simulators.legacy_http import LegacyHttp, Received
from simulators.soap_mms import Settings, SoapMms, Tls
from tests.adapters.soap.client_rig import FIXTURES, Called
from tests.adapters.soap.wsse_rig import pair, parse, secret
from tests.gateway.support import Certificates, RealClock

WSDL = FIXTURES / "wsdl"
ANSWER = (FIXTURES / "replies" / "SubmitPurchaseOrder.soap11.xml").read_bytes()
PASSWORD = "correct horse"


@pytest.fixture
async def called(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Called]]:
    made: list[Called] = []
    for name in ("MMS_CERT", "MMS_KEY", "OUR_CERT", "OUR_KEY", "OTHER_CERT", "OTHER_KEY"):
        monkeypatch.setenv(name, secret(f"env:{name}"))
    monkeypatch.setenv("MMS_PASSWORD", PASSWORD)

    def make(mms: SoapMms | str, **settings: Any) -> Called:
        made.append(Called(mms, **settings))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.mark.parametrize("form", ["digest", "text"])
@pytest.mark.parametrize("port", ["Soap11", "Soap12"])
async def test_a_token_is_shown_anew_each_time_and_stands_in_no_journaled_request(
    called, form: str, port: str
) -> None:
    token = f"{{token: {{user: bridge, password: env:MMS_PASSWORD, form: {form}}}}}"
    async with SoapMms(Settings(wsdl=WSDL, user="bridge", password=PASSWORD)) as mms:
        endpoint = called(mms, security=token, port=port)
        first, second = endpoint.course(number="1"), endpoint.course(number="2")
        assert isinstance(await first.step(), Accepted)
        assert isinstance(await second.step(), Accepted)  # the system refuses a nonce that it has seen

        assert [each.number for each in mms.committed] == ["1", "2"]
        assert all(b"UsernameToken" in each.body for each in mms.requests)
    for course in (first, second):
        assert b"UsernameToken" not in course.done[0].request.body
        assert PASSWORD.encode() not in course.done[0].request.body


async def test_a_wrong_password_waits_as_a_credential_and_nothing_was_done(called, monkeypatch) -> None:
    monkeypatch.setenv("MMS_PASSWORD", "wrong")
    token = "{token: {user: bridge, password: env:MMS_PASSWORD}}"
    async with SoapMms(Settings(user="bridge", password=PASSWORD)) as mms:
        outcome = await called(mms, security=token).course().step()

        assert mms.committed == []
    assert isinstance(outcome, Transient)
    assert outcome.kind is TransientKind.CREDENTIAL


async def test_a_secret_that_is_not_there_sends_nothing_and_names_its_reference(called) -> None:
    token = "{token: {user: bridge, password: env:NOT_SET_ANYWHERE}}"
    async with SoapMms() as mms:
        outcome = await called(mms, security=token).course().step()

        assert list(mms.requests) == []
    assert isinstance(outcome, Transient)
    assert outcome.kind is TransientKind.CREDENTIAL
    assert "NOT_SET_ANYWHERE" in outcome.reason


# --- mutual TLS ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certs"))


def tls_of(certificates: Certificates, client: str | None) -> str:
    names = certificates.settings(client)
    return "{" + ", ".join(f"{key}: '{value}'" for key, value in names.items()) + "}"


async def test_a_service_that_asks_for_a_certificate_takes_ours_and_no_stranger_s(
    called, certificates: Certificates
) -> None:
    server = Tls(certificates.pem("server"), certificates.key("server"), certificates.pem("ca"))
    async with SoapMms(Settings(wsdl=WSDL), tls=server) as mms:
        ours = await called(mms, tls=tls_of(certificates, "client")).course().step()
        refused = [
            await called(mms, tls=tls_of(certificates, client)).course().step()
            for client in ("stranger", None)
        ]

        assert len(mms.committed) == 1
        assert len(mms.requests) == 1
    # That a bare reset is no proof, and an alert is one, is tested with the HTTP sink itself.
    assert isinstance(ours, Accepted)
    assert not any(isinstance(each, Accepted) for each in refused)


async def test_a_service_with_another_s_certificate_gets_nothing(called, certificates: Certificates) -> None:
    server = Tls(certificates.pem("misnamed_server"), certificates.key("misnamed_server"))
    async with SoapMms(tls=server) as mms:
        outcome = await called(mms, tls=tls_of(certificates, None)).course().step()

        assert list(mms.requests) == []
    assert isinstance(outcome, Transient)


# --- signatures and answers ---------------------------------------------------------------------------


class SecuredService:
    """A service that judges what it gets and answers as it is told to."""

    def __init__(self, policy: dict[str, Any], answer: dict[str, Any] | None) -> None:
        self.judged: list[Verified | SecurityFault] = []
        self._policy = InboundSecurity.model_validate(policy)
        self._answer = answer

    def reply(self, received: Received, body: bytes) -> web.Response:
        digest = hashlib.sha256(body).hexdigest()
        found = verifier(self._policy, secret).verify(parse(body), "there", datetime.now(UTC), digest)
        self.judged.append(found)
        answer = ANSWER
        if self._answer is not None:
            envelope = parse(ANSWER)
            nonce = hashlib.sha256(body).digest()[:16]
            secure(
                envelope,
                seal(OutboundSecurity.model_validate(self._answer), secret),
                datetime.now(UTC),
                nonce,
            )
            answer = etree.tostring(envelope)
        return web.Response(body=answer, content_type="text/xml")


SECURITY = """{signature: {certificate: env:OUR_CERT, key: env:OUR_KEY}, encrypt_for: env:MMS_CERT,
         answers: {signers: [{certificate: env:MMS_CERT}]}}"""
WANTS = {"signers": ({"certificate": "env:OUR_CERT"},), "decryption_key": "env:MMS_KEY"}
SIGNED_BY_MMS = {"signature": {"certificate": "env:MMS_CERT", "key": "env:MMS_KEY"}}
SIGNED_BY_OTHER = {"signature": {"certificate": "env:OTHER_CERT", "key": "env:OTHER_KEY"}}


async def test_a_signed_and_encrypted_request_is_readable_there_and_its_signed_answer_here(called) -> None:
    service = SecuredService(WANTS, SIGNED_BY_MMS)
    async with LegacyHttp(reply=service.reply) as legacy:
        course = called(f"{legacy.url.replace('localhost', '127.0.0.1')}/x", security=SECURITY).course()
        outcome = await course.step()
        sent = legacy.bodies[0]

    [judged] = service.judged
    assert isinstance(judged, Verified), judged
    assert judged.body.find(".//{*}PONumber") is not None
    assert b"PONumber" not in sent
    assert outcome == Accepted("0004500017", getattr(outcome, "aliases", ()))
    journaled = course.done[0].request
    assert isinstance(journaled, Request)
    assert b"PONumber" in journaled.body
    assert b"Security" not in journaled.body


@pytest.mark.parametrize("answer", [None, SIGNED_BY_OTHER])
async def test_an_answer_that_does_not_show_who_gave_it_is_no_answer(called, answer: Any) -> None:
    service = SecuredService(WANTS, answer)
    async with LegacyHttp(reply=service.reply) as legacy:
        course = called(f"{legacy.url.replace('localhost', '127.0.0.1')}/x", security=SECURITY).course()
        outcome = await course.step()

    assert isinstance(service.judged[0], Verified)
    assert isinstance(outcome, InDoubt)
    assert "security does not hold" in outcome.reason


async def test_an_encrypted_answer_is_read_and_kept_in_the_clear(called) -> None:
    service = SecuredService(WANTS, SIGNED_BY_MMS | {"encrypt_for": "env:OUR_CERT"})
    security = SECURITY.replace(
        "certificate: env:MMS_CERT}]}", "certificate: env:MMS_CERT}], decryption_key: env:OUR_KEY}"
    )
    async with LegacyHttp(reply=service.reply) as legacy:
        course = called(f"{legacy.url.replace('localhost', '127.0.0.1')}/x", security=security).course()
        outcome = await course.step()

    assert isinstance(outcome, Accepted)
    reply = course.done[0].reply
    assert b"EncryptedData" not in getattr(reply, "body", b"")


async def test_a_key_that_is_renewed_is_taken_up_without_a_restart(called, tmp_path: Path) -> None:
    """The certificate and key files are replaced while the endpoint is in use."""
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    certificate.write_text(pair("other").certificate)
    key.write_text(pair("other").key)
    security = f"{{signature: {{certificate: 'file:{certificate}', key: 'file:{key}'}}}}"
    service = SecuredService({"signers": ({"certificate": "env:OUR_CERT"},)}, None)
    async with LegacyHttp(reply=service.reply) as legacy:
        clock = RealClock()
        endpoint = called(f"{legacy.url.replace('localhost', '127.0.0.1')}/x", security=security, clock=clock)
        await endpoint.course().step()
        certificate.write_text(pair("bridge").certificate)
        key.write_text(pair("bridge").key)
        await clock.sleep(1.05)
        await endpoint.course().step()

    assert [type(each) for each in service.judged] == [SecurityFault, Verified]
