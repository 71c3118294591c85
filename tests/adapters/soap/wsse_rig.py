"""Keys, messages and forgeries for the WS-Security tests. Everything is made up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

from adapters.soap.wsse import SecurityFault, Verified, verifier
from adapters.soap.wsse_names import DSIG, SOAP11, WSSE, WSU, XENC
from adapters.soap.wsse_settings import InboundSecurity, OutboundSecurity
from adapters.soap.wsse_write import seal, secure
from adapters.xml import Keep, parse_xml

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "soap"
NOW = datetime(2026, 11, 20, 14, 15, 0, tzinfo=UTC)
PURCHASING = "urn:mercy-health:mms:purchasing:v2"
NONCE = bytes(range(16))
NAMES = {
    "s": SOAP11,
    "wsse": WSSE,
    "wsu": WSU,
    "ds": DSIG,
    "xenc": XENC,
    "p": "urn:mercy-health:mms:purchasing:v2",
}

USERS: dict[str, Any] = {"users": ({"name": "mms", "password": "env:MMS_PASSWORD", "partner": "mms"},)}
SIGNED: dict[str, Any] = {"signers": ({"certificate": "env:MMS_CERT", "partner": "mms"},)}


@dataclass(frozen=True, slots=True)
class Pair:
    certificate: str
    key: str = field(repr=False)


@lru_cache(maxsize=4)
def pair(name: str) -> Pair:
    """Make a self-signed certificate; the same for the same name within one run."""
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Pair(self_signed(key, name), pem)


def self_signed(key: RSAPrivateKey | EllipticCurvePrivateKey, name: str = "mms") -> str:
    """Give a certificate (PEM) of a key."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=365))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def secret(reference: str) -> str:
    """Resolve the references that these tests use."""
    known = {
        "env:MMS_PASSWORD": lambda: "s3cret-Pässword",
        "env:MMS_CERT": lambda: pair("mms").certificate,
        "env:MMS_KEY": lambda: pair("mms").key,
        "env:OTHER_CERT": lambda: pair("other").certificate,
        "env:OTHER_KEY": lambda: pair("other").key,
        "env:OUR_CERT": lambda: pair("bridge").certificate,
        "env:OUR_KEY": lambda: pair("bridge").key,
    }
    return known[reference]()


def request(name: str = "SubmitPurchaseOrder.soap11.xml") -> etree._Element:
    return parse((FIXTURES / "requests" / name).read_bytes())


def parse(body: bytes) -> etree._Element:
    return parse_xml(body, "message.xml", keep=Keep.EVERYTHING)


def sealed(
    policy: Mapping[str, Any],
    name: str = "SubmitPurchaseOrder.soap11.xml",
    now: datetime = NOW,
    nonce: bytes = NONCE,
) -> etree._Element:
    """Give a request secured by a policy, read again from its bytes as a receiver would."""
    # wsu is declared at the top, so that lxml renames no prefix when a test moves a signed element.
    body = (FIXTURES / "requests" / name).read_bytes()
    envelope = parse(body.replace(b"Envelope xmlns", f'Envelope xmlns:wsu="{WSU}" xmlns'.encode(), 1))
    secure(envelope, seal(OutboundSecurity.model_validate(policy), secret), now, nonce)
    return parse(etree.tostring(envelope))


TOKEN: dict[str, Any] = {"token": {"user": "mms", "password": "env:MMS_PASSWORD"}}
SIGNATURE: dict[str, Any] = {"signature": {"certificate": "env:MMS_CERT", "key": "env:MMS_KEY"}}
CIPHER: dict[str, Any] = {"encrypt_for": "env:OUR_CERT"}


def judge(
    envelope: etree._Element, policy: Mapping[str, Any], now: datetime = NOW
) -> Verified | SecurityFault:
    """Judge what would arrive: the envelope's bytes, read anew."""
    body = etree.tostring(envelope)
    judge_ = verifier(InboundSecurity.model_validate(policy), secret)
    return judge_.verify(parse(body), "message.xml", now, hashlib.sha256(body).hexdigest())


def holds_for_the_library(envelope: etree._Element) -> bool:
    """Tell whether bare xmlsec, told to take every wsu:Id, calls the signature good: a naive reader."""
    envelope = parse(etree.tostring(envelope))
    context = xmlsec.SignatureContext()
    seen: set[str] = set()
    for element in envelope.iter("*"):
        found = element.get(f"{{{WSU}}}Id")
        if found is not None and found not in seen:
            seen.add(found)
            try:
                context.register_id(element, "Id", WSU)
            except xmlsec.Error:
                return False
    context.key = xmlsec.Key.from_memory(
        pair("mms").certificate.encode(), xmlsec.constants.KeyDataFormatCertPem
    )
    signature = next(envelope.iter(f"{{{DSIG}}}Signature"))
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def every(envelope: etree._Element, path: str) -> list[etree._Element]:
    return cast("list[etree._Element]", envelope.xpath(path, namespaces=NAMES))


def one(envelope: etree._Element, path: str) -> etree._Element:
    found = every(envelope, path)
    assert len(found) == 1, path
    return found[0]


def remove(element: etree._Element) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)
