"""Reading certificates and keys for WS-Security, once, with findings that say which one is bad. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from adapters.base.findings import Finding, Position

RSA_BITS_MIN = 2048


class KeyMaterialError(Exception):
    """A certificate or key of the configuration cannot be used; the finding says which and why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True, slots=True)
class CertificateText:
    """A certificate: as xmlsec's public key, as Base64 of its DER form, and its fingerprint."""

    key: xmlsec.Key
    base64_der: str
    fingerprint: str  # SHA-256 of the DER form, hex


def read_certificate(pem: str, place: str) -> CertificateText:
    """Read the first certificate of a PEM text. Errors: KeyMaterialError WSSE-KEY."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        public = certificate.public_key()
    except ValueError as error:
        raise _error(place, "there is no PEM certificate in it") from error
    if isinstance(public, RSAPublicKey):
        _judge_size(public.key_size, place)
    elif not isinstance(public, EllipticCurvePublicKey):
        raise _error(place, "its key is neither RSA nor ECDSA")
    der = certificate.public_bytes(Encoding.DER)
    text = certificate.public_bytes(Encoding.PEM)
    key = xmlsec.Key.from_memory(text, xmlsec.constants.KeyDataFormatCertPem)
    return CertificateText(key, base64.b64encode(der).decode(), hashlib.sha256(der).hexdigest())


def read_private_key(pem: str, place: str) -> xmlsec.Key:
    """Read an RSA private key without a password. Errors: KeyMaterialError WSSE-KEY; the key is not shown."""
    try:
        private = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError) as error:
        raise _error(place, "there is no PEM private key without a password in it") from error
    if not isinstance(private, RSAPrivateKey):
        raise _error(place, "it is no RSA key")
    _judge_size(private.key_size, place)
    return xmlsec.Key.from_memory(pem.encode(), xmlsec.constants.KeyDataFormatPem)


def belong_together(certificate: str, key: str) -> bool:
    """Tell whether a private key is the one of a certificate (both PEM, both readable)."""
    public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    private = load_pem_private_key(key.encode(), None)
    return isinstance(private, RSAPrivateKey) and private.public_key() == public


def _judge_size(bits: int, place: str) -> None:
    if bits < RSA_BITS_MIN:
        raise _error(place, f"its RSA key has {bits} bits; at least {RSA_BITS_MIN} are taken")


def _error(place: str, text: str) -> KeyMaterialError:
    return KeyMaterialError(Finding("WSSE-KEY", Position(place), f"{place}: {text}"))
