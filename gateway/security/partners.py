"""Which partner a client certificate stands for: by its fingerprint, common name or alternative name. Pure.

The TLS listener has verified the certificate by then; this only says whose it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from adapters.base import Finding, Position

CERTIFICATES_KEPT = 1_000

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_KINDS = ("sha256", "cn", "dns", "ip", "email", "uri")


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What identifies a client. `names` holds `cn:...`, `dns:...`, `ip:...`, `email:...`, `uri:...`."""

    sha256: str  # of the DER form, lower-case hex
    subject: str  # RFC 4514
    names: tuple[str, ...]


def client_certificate(der: bytes) -> ClientCertificate:
    """Read a certificate as `getpeercert(binary_form=True)` gives it. Errors: ValueError."""
    certificate = x509.load_der_x509_certificate(der)
    return ClientCertificate(
        sha256=hashlib.sha256(der).hexdigest(),
        subject=certificate.subject.rfc4514_string(),
        names=tuple(_names(certificate)),
    )


class PartnerCertificates:
    """Finds partners by what routes.yaml lists for each: `sha256:...`, `cn:...`, `dns:...` and so on.

    A fingerprint, being the most exact, wins over names. Errors: PartnerError with all findings, where
    an entry cannot be read or two partners list the same one.
    """

    def __init__(self, listed: Mapping[str, Sequence[str]]) -> None:
        self._owners: dict[str, str] = {}
        findings = [
            finding
            for partner, entries in listed.items()
            for entry in entries
            if (finding := self._add(partner, entry)) is not None
        ]
        if findings:
            raise PartnerError(findings)
        self._kept: dict[bytes, tuple[str | None, ClientCertificate]] = {}

    def identify(self, der: bytes) -> tuple[str | None, ClientCertificate]:
        """Give the partner of a certificate (None where none, or more than one, fits) and what it says."""
        known = self._kept.get(der)
        if known is None:
            certificate = client_certificate(der)
            known = (self.partner(certificate), certificate)
            if len(self._kept) >= CERTIFICATES_KEPT:
                self._kept.clear()
            self._kept[der] = known
        return known

    def partner(self, certificate: ClientCertificate) -> str | None:
        """Give the partner, None where no partner or more than one fits."""
        pinned = self._owners.get(f"sha256:{certificate.sha256}")
        if pinned is not None:
            return pinned
        found = {self._owners[name] for name in map(_folded, certificate.names) if name in self._owners}
        return found.pop() if len(found) == 1 else None

    def _add(self, partner: str, entry: str) -> Finding | None:
        kind, _, name = entry.strip().partition(":")
        at = Position("partners", path=f"{partner}.certificates")
        if kind not in _KINDS or not name:
            expected = ", ".join(f"{each}:..." for each in _KINDS)
            text = f"'{entry}' names no certificate; expected one of {expected}"
            return Finding("PARTNER-CERTIFICATE", at, text)
        key = _folded(f"{kind}:{name}")
        if kind == "sha256" and not _FINGERPRINT.fullmatch(key.removeprefix("sha256:")):
            return Finding("PARTNER-CERTIFICATE", at, f"'{entry}' is no fingerprint; expected 64 hex digits")
        owner = self._owners.setdefault(key, partner)
        if owner != partner:
            return Finding(
                "PARTNER-CERTIFICATE", at, f"'{entry}' stands for '{owner}' already; one partner each"
            )
        return None


class PartnerError(Exception):
    """The listed certificates cannot tell partners apart; ``findings`` says where."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


def _names(certificate: x509.Certificate) -> Iterator[str]:
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        yield f"cn:{_text(attribute.value)}"
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    yield from (f"dns:{each}" for each in names.get_values_for_type(x509.DNSName))
    yield from (f"ip:{each}" for each in names.get_values_for_type(x509.IPAddress))
    yield from (f"email:{each}" for each in names.get_values_for_type(x509.RFC822Name))
    yield from (f"uri:{each}" for each in names.get_values_for_type(x509.UniformResourceIdentifier))


def _folded(name: str) -> str:
    """Give the form in which names are compared: host names without case, fingerprints without colons."""
    kind, _, text = name.partition(":")
    match kind:
        case "sha256":
            return f"sha256:{text.replace(':', '').lower()}"
        case "dns" | "email":
            return f"{kind}:{text.lower()}"
        case _:
            return f"{kind}:{text}"


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
