"""Certificates for development and tests: a CA of one's own, a server, clients. Never for production.

`legacy-bridge certs` writes a folder of them. Time comes in, so that a test can have one that ends
in a few seconds, or ended yesterday.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DEFAULT_VALIDITY = timedelta(days=90)
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
ORGANIZATION = "legacy-bridge development"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate holds; both aware."""

    begins_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, now: datetime, duration: timedelta = DEFAULT_VALIDITY) -> Validity:
        """Give a validity from a minute ago (clocks differ) until `duration` from now."""
        return cls(now - timedelta(minutes=1), now + duration)


def make_ca(name: str, validity: Validity) -> Issued:
    """Make a certification authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = (
        _builder(subject, subject, key.public_key(), validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_ca=True), critical=True)
    )
    return _pem(builder.sign(key, hashes.SHA256()), key)


def issue_server(ca: Issued, names: Sequence[str], validity: Validity) -> Issued:
    """Issue a server certificate for host names and addresses; the first is also its common name."""
    return _issue(ca, names[0], names, ExtendedKeyUsageOID.SERVER_AUTH, validity)


def issue_client(ca: Issued, name: str, validity: Validity, alternatives: Sequence[str] = ()) -> Issued:
    """Issue a client certificate; `name` is its common name, by which partners are told apart."""
    return _issue(ca, name, alternatives, ExtendedKeyUsageOID.CLIENT_AUTH, validity)


def write_issued(folder: Path, name: str, issued: Issued) -> tuple[Path, Path]:
    """Write `name.pem` and `name.key`; the key is for its owner only. Existing files are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        _write(folder / f"{name}.pem", issued.certificate, 0o644),
        _write(folder / f"{name}.key", issued.key, 0o600),
    )


def write_development_certificates(
    folder: Path,
    now: datetime,
    *,
    clients: Sequence[str] = ("client",),
    server_names: Sequence[str] = LOCAL_NAMES,
    duration: timedelta = DEFAULT_VALIDITY,
) -> list[Path]:
    """Write a CA (`ca`), a server (`gateway`) and clients by name; give the files.

    A CA that is there already is kept, so that what trusts it goes on doing so.
    """
    validity = Validity.of(now, duration)
    ca = _existing_ca(folder, now)
    written: list[Path] = []
    if ca is None:
        ca = make_ca(f"{ORGANIZATION} CA", Validity.of(now, max(duration, 10 * DEFAULT_VALIDITY)))
        written.extend(write_issued(folder, "ca", ca))
    written.extend(write_issued(folder, "gateway", issue_server(ca, server_names, validity)))
    for name in clients:
        written.extend(write_issued(folder, name, issue_client(ca, name, validity)))
    return written


def _existing_ca(folder: Path, now: datetime) -> Issued | None:
    certificate, key = folder / "ca.pem", folder / "ca.key"
    if not (certificate.is_file() and key.is_file()):
        return None
    ca = Issued(certificate.read_bytes(), key.read_bytes())
    ends_at = x509.load_pem_x509_certificate(ca.certificate).not_valid_after_utc
    return ca if ends_at > now + DEFAULT_VALIDITY else None


def _issue(
    ca: Issued, name: str, alternatives: Sequence[str], purpose: x509.ObjectIdentifier, validity: Validity
) -> Issued:
    ca_certificate = x509.load_pem_x509_certificate(ca.certificate)
    ca_key = serialization.load_pem_private_key(ca.key, password=None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"the CA's key is {type(ca_key).__name__}; expected an elliptic-curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = (
        _builder(_name(name), ca_certificate.subject, key.public_key(), validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(authority, critical=False)
    )
    if alternatives:
        names = x509.SubjectAlternativeName([_alternative(each) for each in alternatives])
        builder = builder.add_extension(names, critical=False)
    return _pem(builder.sign(ca_key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.begins_at)
        .not_valid_after(validity.ends_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    return Issued(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _write(path: Path, content: bytes, mode: int) -> Path:
    """Write beside and rename: readers see the old file or the new one, never a key with open rights."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    beside.replace(path)
    return path
