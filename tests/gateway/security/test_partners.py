"""Whose certificate it is."""

from __future__ import annotations

import ssl

import pytest

from gateway.security.partners import ClientCertificate, PartnerCertificates, PartnerError

PRINT = "ab" * 32
ACME = ClientCertificate(PRINT, "CN=acme", ("cn:acme", "dns:EDI.acme.example", "ip:192.0.2.7"))


@pytest.mark.parametrize(
    "entry",
    ["cn:acme", "dns:edi.ACME.example", "ip:192.0.2.7", f"sha256:{PRINT}", f"sha256:{':'.join(['AB'] * 32)}"],
)
def test_a_partner_is_known_by_any_listed_name_or_fingerprint(entry: str) -> None:
    assert PartnerCertificates({"other": ["cn:other"], "acme": [entry]}).partner(ACME) == "acme"


@pytest.mark.parametrize("entry", ["cn:ACME", "cn:acm", "dns:acme.example", f"sha256:{'cd' * 32}"])
def test_nobody_is_taken_for_another(entry: str) -> None:
    assert PartnerCertificates({"acme": [entry]}).partner(ACME) is None


def test_names_of_two_partners_in_one_certificate_identify_nobody_unless_it_is_pinned() -> None:
    listed = {"acme": ["cn:acme"], "edi": ["dns:edi.acme.example"]}
    assert PartnerCertificates(listed).partner(ACME) is None
    assert (
        PartnerCertificates(listed | {"edi": ["dns:edi.acme.example", f"sha256:{PRINT}"]}).partner(ACME)
        == "edi"
    )


def test_all_bad_entries_show_at_once() -> None:
    listed = {"a": ["cn:x", "sha256:12", "acme"], "b": ["cn:x", "cn:"]}

    with pytest.raises(PartnerError) as error:
        PartnerCertificates(listed)

    assert [(finding.at.path, finding.text.partition(";")[0]) for finding in error.value.findings] == [
        ("a.certificates", "'sha256:12' is no fingerprint"),
        ("a.certificates", "'acme' names no certificate"),
        ("b.certificates", "'cn:x' stands for 'a' already"),
        ("b.certificates", "'cn:' names no certificate"),
    ]


def test_a_certificate_is_read_once_and_bytes_that_are_none_are_an_error(certificates) -> None:
    partners = PartnerCertificates({"acme": ["cn:acme"]})
    der = ssl.PEM_cert_to_DER_cert(certificates.pem("client").read_text())

    partner, certificate = partners.identify(der)

    assert partner == "acme"
    assert partners.identify(der)[1] is certificate
    with pytest.raises(ValueError, match=r"."):
        partners.identify(b"junk")
