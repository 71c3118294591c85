"""Signed and encrypted calls through a whole gateway: what is taken, passed on, refused and remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.soap.wsse_names import WSU
from adapters.soap.wsse_settings import OutboundSecurity
from adapters.soap.wsse_write import seal, secure
from simulators.soap_mms import LegacyClient
from simulators.soap_mms.client import purchase_order
from simulators.soap_mms.envelope import SOAP11
from tests.adapters.soap.facade_rig import PATH, fault_of
from tests.adapters.soap.site import Site, site
from tests.adapters.soap.test_wsse_signature import wrapped_in_the_header
from tests.adapters.soap.wsse_rig import parse, secret

SIGN: dict[str, Any] = {"signature": {"certificate": "env:MMS_CERT", "key": "env:MMS_KEY"}}
OTHER: dict[str, Any] = {"signature": {"certificate": "env:OTHER_CERT", "key": "env:OTHER_KEY"}}
CIPHER: dict[str, Any] = {"encrypt_for": "env:OUR_CERT"}
SERVE = f"""
      path: {PATH}
      message_id: "soap:Header.RequestHeader.MessageId"
      security: {{signers: [{{certificate: env:MMS_CERT, partner: mms}}]{{more}}}}"""
SIGNED = SERVE.replace("{more}", "").replace("{{", "{").replace("}}", "}")
SEALED = SERVE.replace("{more}", ", decryption_key: env:OUR_KEY").replace("{{", "{").replace("}}", "}")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MMS_CERT", "MMS_KEY", "OUR_KEY", "OTHER_CERT", "OTHER_KEY"):
        monkeypatch.setenv(name, secret(f"env:{name}"))


def message(message_id: str, number: str, policy: dict[str, Any], *, late: timedelta = timedelta(0)) -> bytes:
    """Give a secured request, made `late` ago."""
    now = datetime.now(UTC)
    body = LegacyClient("").envelope(message_id, purchase_order(number), now)
    envelope = parse(body.replace(b"<env:Envelope ", f'<env:Envelope xmlns:wsu="{WSU}" '.encode(), 1))
    nonce = f"{message_id}{number}".encode().ljust(16, b"-")[:16]
    secure(envelope, seal(OutboundSecurity.model_validate(policy), secret), now - late, nonce)
    return etree.tostring(envelope)


async def posted(running: Site, body: bytes) -> tuple[int, bytes]:
    status, answer, _ = await running.post(body, SOAP11, SOAPAction='""')
    return status, answer


@pytest.mark.parametrize(("serve", "policy"), [(SIGNED, SIGN), (SEALED, SIGN | CIPHER)])
async def test_a_signed_order_reaches_the_cloud_and_its_sender_is_known(
    tmp_path: Path, serve: str, policy: dict[str, Any]
) -> None:
    async with site(tmp_path, serve=serve, stage="cloud") as running:
        status, answer = await posted(running, message("m-1", "91001", policy))
        [kept] = await running.served.gateway.journal.messages()

        assert status == 200, answer
        assert b"SubmitPurchaseOrderResponse" in answer
        assert [each.order_key.rpartition("|")[2] for each in running.erp.committed] == ["91001"]
        assert kept.partner == "mms"
        assert kept.origin.identity.startswith("x509:")


async def test_forgeries_late_messages_and_strangers_are_refused_and_their_findings_kept(
    tmp_path: Path,
) -> None:
    forged = parse(message("m-3", "92003", SIGN))
    wrapped_in_the_header(forged)
    refused = {
        "WSSE-COVERAGE": etree.tostring(forged),
        "WSSE-EXPIRED": message("m-4", "92004", SIGN, late=timedelta(minutes=10)),
        "WSSE-SIGNATURE": message("m-5", "92005", OTHER),
        "WSSE-HEADER": LegacyClient("").envelope("m-6", purchase_order("92006")),
    }
    async with site(tmp_path, serve=SIGNED, stage="cloud") as running:
        for code, body in refused.items():
            status, answer = await posted(running, body)
            name, reason = fault_of(answer)

            assert status == 500
            assert name.rpartition(":")[2] in ("FailedCheck", "MessageExpired", "InvalidSecurity"), code
            assert code not in reason  # why is for us, not for whoever tries
        kept = await running.served.gateway.journal.messages()

        assert running.erp.committed == []
        assert sorted(each.findings[0].code for each in kept) == sorted(refused)


async def test_a_signed_message_is_a_repeat_as_it_was_and_a_replay_with_anything_changed(
    tmp_path: Path,
) -> None:
    body = message("m-7", "93007", SIGN)
    unsigned_part = body.replace(b"MMS-CENTRAL", b"MMS-ANOTHER")  # a header that the signature does not cover
    assert unsigned_part != body
    journal = f'"sqlite:{tmp_path}/journal.db"'
    async with site(tmp_path, serve=SIGNED, stage="cloud", journal=journal) as running:
        first = await posted(running, body)
        number = [each.order_key.rpartition("|")[2] for each in running.erp.committed]
    async with site(tmp_path, serve=SIGNED, stage="cloud", journal=journal) as running:
        again = await posted(running, body)
        replay = await posted(running, unsigned_part)

        assert running.erp.committed == []
    assert number == ["93007"]
    assert again == first
    assert fault_of(replay[1])[0].endswith("FailedAuthentication")


async def test_in_stage_legacy_a_sealed_message_goes_on_as_it_came(tmp_path: Path) -> None:
    body = message("m-8", "94008", SIGN)
    async with site(
        tmp_path, serve=SIGNED, stage="legacy", reply="{mode: pass_through, within: 5s}"
    ) as running:
        status, answer = await posted(running, body)

        assert status == 200, answer
        assert [each.body for each in running.mms.requests] == [body]
