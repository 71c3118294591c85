"""Putting the WS-Security header onto a message that we send. Pure: time and nonce come in.

The request that the journal keeps has none of this: like an Authorization header it is added on the way
out, so that no password and no time-bound proof is stored, and a retry after an hour is still fresh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import xmlsec
from lxml import etree

from adapters.base.findings import Finding, Position
from adapters.soap.encryption import encrypt_body
from adapters.soap.signature import sign
from adapters.soap.wsse_keys import (
    CertificateText,
    KeyMaterialError,
    belong_together,
    read_certificate,
    read_private_key,
)
from adapters.soap.wsse_names import (
    BASE64_BINARY,
    BINARY_TOKEN,
    CREATED,
    EXPIRES,
    SECURITY,
    SOAP11,
    SOAP12,
    TIMESTAMP,
    WSA,
    WSA_2004,
    WSSE,
    WSU,
    WSU_ID,
    X509_V3,
)
from adapters.soap.wsse_settings import OutboundSecurity, SignedPart
from adapters.soap.wsse_token import write_token

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Seal:
    """What we show, with secrets resolved. `repr` shows none of them."""

    policy: OutboundSecurity
    password: str | None
    certificate: CertificateText | None
    key: xmlsec.Key | None
    receiver: CertificateText | None

    def __repr__(self) -> str:
        return "<seal>"


def seal(policy: OutboundSecurity, secret: Callable[[str], str]) -> Seal:
    """Resolve what a policy refers to. Errors: KeyMaterialError WSSE-KEY, and those of `secret`."""
    certificate = key = receiver = None
    if policy.signature is not None:
        names = policy.signature
        certificate_pem, key_pem = secret(names.certificate), secret(names.key)
        certificate = read_certificate(certificate_pem, str(names.certificate))
        key = read_private_key(key_pem, str(names.key))
        if not belong_together(certificate_pem, key_pem):
            text = f"{names.key}: it is not the key of {names.certificate}"
            raise KeyMaterialError(Finding("WSSE-KEY", Position(str(names.key)), text))
    if policy.encrypt_for is not None:
        receiver = read_certificate(secret(policy.encrypt_for), str(policy.encrypt_for))
    password = secret(policy.token.password) if policy.token is not None else None
    return Seal(policy, password, certificate, key, receiver)


def secure(envelope: etree._Element, seal: Seal, now: datetime, nonce: bytes) -> None:
    """Add a Security header to an envelope: timestamp, token, signature; then encrypt its body. In place.

    `nonce`: 16 bytes that were never used before; ids are made from it too.
    Errors: ValueError for an envelope that has such a header already.
    """
    policy, mark = seal.policy, nonce.hex()
    header, body = _places(envelope)
    if header.find(SECURITY) is not None:
        raise ValueError("the envelope has a Security header already")
    security = etree.Element(SECURITY, nsmap={"wsse": WSSE, "wsu": WSU})
    header.insert(0, security)
    if policy.must_understand:
        namespace = etree.QName(envelope).namespace
        security.set(f"{{{namespace}}}mustUnderstand", "1" if namespace == SOAP11 else "true")
    timestamp = _timestamp(security, now, policy, f"timestamp-{mark}")
    token = None
    if policy.token is not None and seal.password is not None:
        created = timestamp.findtext(CREATED) or ""
        token = write_token(
            policy.token.user, seal.password, policy.token.form, created, nonce, f"token-{mark}"
        )
        security.append(token)
    if policy.signature is not None and seal.certificate is not None and seal.key is not None:
        binary = etree.SubElement(
            security,
            BINARY_TOKEN,
            {"EncodingType": BASE64_BINARY, "ValueType": X509_V3, WSU_ID: f"certificate-{mark}"},
        )
        binary.text = seal.certificate.base64_der
        body.set(WSU_ID, body.get(WSU_ID) or f"body-{mark}")
        targets = _signed(policy.signature.signed, header, body, timestamp, token, mark)
        sign(security, targets, f"certificate-{mark}", seal.key)
    if seal.receiver is not None:
        encrypt_body(security, body, seal.receiver, (f"data-{mark}", f"key-{mark}"))


def _places(envelope: etree._Element) -> tuple[etree._Element, etree._Element]:
    namespace = etree.QName(envelope).namespace
    body = envelope.find(f"{{{namespace}}}Body")
    if namespace not in (SOAP11, SOAP12) or body is None:
        raise ValueError("this is no SOAP envelope")
    header = envelope.find(f"{{{namespace}}}Header")
    if header is None:
        header = etree.Element(f"{{{namespace}}}Header")
        envelope.insert(0, header)
    return header, body


def _timestamp(
    security: etree._Element, now: datetime, policy: OutboundSecurity, timestamp_id: str
) -> etree._Element:
    timestamp = etree.SubElement(security, TIMESTAMP, {WSU_ID: timestamp_id})
    etree.SubElement(timestamp, CREATED).text = _moment(now)
    etree.SubElement(timestamp, EXPIRES).text = _moment(now + policy.lifetime)
    return timestamp


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _signed(
    wanted: tuple[SignedPart, ...],
    header: etree._Element,
    body: etree._Element,
    timestamp: etree._Element,
    token: etree._Element | None,
    mark: str,
) -> list[etree._Element]:
    targets: list[etree._Element] = []
    for part in wanted:
        match part:
            case "body":
                targets.append(body)
            case "timestamp":
                targets.append(timestamp)
            case "token" if token is not None:
                targets.append(token)
            case "addressing":
                blocks = [each for each in header if etree.QName(each).namespace in (WSA, WSA_2004)]
                for at, block in enumerate(blocks):
                    block.set(WSU_ID, f"addressing{at}-{mark}")
                targets += blocks
            case _:
                raise AssertionError(part)
    return targets
