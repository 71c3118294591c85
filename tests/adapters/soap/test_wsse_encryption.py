"""Encryption: what is read, what is refused, in which order, and that nothing is told about why."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import xmlsec
from lxml import etree

from adapters.soap.wsse import SecurityFault, Verified
from adapters.soap.wsse_names import XENC
from tests.adapters.soap.wsse_rig import (
    CIPHER,
    SIGNATURE,
    SIGNED,
    TOKEN,
    USERS,
    every,
    judge,
    one,
    pair,
    remove,
    request,
    sealed,
)

OURS = {"decryption_key": "env:OUR_KEY"}
POLICY = SIGNED | OURS
BOTH = SIGNATURE | CIPHER


def codes(found: Verified | SecurityFault) -> tuple[str, str]:
    assert isinstance(found, SecurityFault), "it was taken"
    return found.code, found.finding.code


@pytest.mark.parametrize("version", ["soap11", "soap12"])
def test_what_we_sign_and_encrypt_comes_back_as_it_was(version: str) -> None:
    name = f"SubmitPurchaseOrder.{version}.xml"
    envelope = sealed(BOTH, name)
    assert b"VendorId" not in etree.tostring(envelope)

    verified = judge(envelope, POLICY)

    assert isinstance(verified, Verified)
    original = request(name).find("{*}Body")
    assert original is not None
    assert etree.tostring(verified.body[0], method="c14n", exclusive=True, with_tail=False) == etree.tostring(
        original[0], method="c14n", exclusive=True, with_tail=False
    )


def test_a_token_and_an_encrypted_body_go_together() -> None:
    assert isinstance(judge(sealed(TOKEN | CIPHER), USERS | OURS), Verified)


def test_a_message_that_was_encrypted_before_it_was_signed_is_read_too() -> None:
    envelope = sealed(BOTH)
    # Sign what is encrypted, as such senders do: the wrapped key goes behind the new signature.
    from adapters.soap.signature import sign
    from adapters.soap.wsse_names import WSU_ID

    security = one(envelope, "//wsse:Security")
    remove(one(envelope, "//ds:Signature"))
    wrapped = one(envelope, "//xenc:EncryptedKey")
    targets = [one(envelope, "/s:Envelope/s:Body"), one(envelope, "//wsu:Timestamp")]
    assert all(each.get(WSU_ID) for each in targets)
    key = xmlsec.Key.from_memory(pair("mms").key.encode(), xmlsec.constants.KeyDataFormatPem)
    sign(security, targets, "X509-x", key)
    security.append(wrapped)

    verified = judge(envelope, POLICY)

    assert isinstance(verified, Verified)
    assert verified.body.find(".//{*}VendorId") is not None


def test_a_body_in_the_clear_is_refused_where_encryption_is_asked_for() -> None:
    assert codes(judge(sealed(SIGNATURE), POLICY)) == ("InvalidSecurity", "WSSE-ENCRYPTION")


def test_an_encrypted_header_does_not_stand_for_an_encrypted_body() -> None:
    envelope = sealed(BOTH)
    data = every(envelope, "//xenc:EncryptedData")[0]
    remove(data)
    etree.SubElement(one(envelope, "//s:Header"), "Elsewhere").append(data)

    assert codes(judge(envelope, POLICY)) == ("InvalidSecurity", "WSSE-ENCRYPTION")


@pytest.mark.parametrize(
    ("path", "algorithm"),
    [
        ("//xenc:EncryptedData/xenc:EncryptionMethod", f"{XENC}aes256-cbc"),
        ("//xenc:EncryptedData/xenc:EncryptionMethod", f"{XENC}tripledes-cbc"),
        ("//xenc:EncryptedKey/xenc:EncryptionMethod", f"{XENC}rsa-1_5"),
    ],
)
def test_ciphers_that_can_be_decrypted_by_asking_are_refused(path: str, algorithm: str) -> None:
    envelope = sealed(BOTH)
    every(envelope, path)[0].set("Algorithm", algorithm)

    assert codes(judge(envelope, POLICY)) == ("UnsupportedAlgorithm", "WSSE-ALGORITHM")


def _damaged(text: str | None) -> str:
    found = bytearray(base64.b64decode(text or ""))
    found[20] ^= 1
    return base64.b64encode(bytes(found)).decode()


def test_a_wrong_key_and_a_changed_cipher_are_told_alike() -> None:
    key_changed, text_changed = sealed(BOTH), sealed(BOTH)
    wrapped = every(key_changed, "//xenc:EncryptedKey//xenc:CipherValue")[0]
    wrapped.text = _damaged(wrapped.text)
    content = every(text_changed, "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue")[0]
    content.text = _damaged(content.text)
    for_another = sealed(SIGNATURE | {"encrypt_for": "env:OTHER_CERT"})

    found = [judge(each, POLICY) for each in (key_changed, text_changed, for_another)]

    assert {codes(each) for each in found} == {("FailedCheck", "WSSE-DECRYPT")}
    assert len({each.finding.text for each in found if isinstance(each, SecurityFault)}) == 1


def encrypted(plain: bytes) -> etree._Element:
    """Give a message whose body is any bytes, encrypted for us, with a token."""
    envelope = sealed(TOKEN | CIPHER)
    content = every(envelope, "//xenc:EncryptedData")[0]
    wrapped = every(envelope, "//xenc:EncryptedKey")[0]
    context = xmlsec.EncryptionContext()
    context.key = xmlsec.Key.from_memory(pair("bridge").key.encode(), xmlsec.constants.KeyDataFormatPem)
    key: Any = context.decrypt(etree.fromstring(etree.tostring(wrapped, with_tail=False)))
    one(content, "xenc:CipherData/xenc:CipherValue").text = None
    again = xmlsec.EncryptionContext()
    again.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, key)
    again.encrypt_binary(content, plain)
    return envelope


@pytest.mark.parametrize(
    "plain",
    [
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        b"<a>&e;</a>",
        b"<a>",
        b"</plain><plain>",
        b"<a>" * 400 + b"</a>" * 400,
        b"\xff\xfe\x00",
    ],
)
def test_what_comes_out_of_a_cipher_passes_the_same_hardened_parser(plain: bytes) -> None:
    good = judge(encrypted(b"<a/>"), USERS | OURS)
    assert isinstance(good, Verified)
    assert [each.tag for each in good.body] == ["a"]

    found = judge(encrypted(plain), USERS | OURS)

    assert codes(found) == ("FailedCheck", "WSSE-DECRYPT")


def test_a_security_header_cannot_be_smuggled_in_by_the_cipher() -> None:
    plain = etree.tostring(one(sealed(TOKEN), "//wsse:Security"))

    assert codes(judge(encrypted(plain), USERS | OURS)) == ("InvalidSecurity", "WSSE-HEADER")
