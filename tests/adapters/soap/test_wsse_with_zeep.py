"""zeep as the other side of WS-Security: what it signs we take, what we sign it takes; its blind spots."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xmlsec
from lxml import etree
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse.signature import BinarySignature, MemorySignature
from zeep.wsse.utils import WSU as ZEEP_WSU
from zeep.wsse.utils import get_security_header

from adapters.soap.wsse import SecurityFault, Verified
from adapters.soap.wsse_names import DSIG
from tests.adapters.soap.test_wsse_signature import WRAPPINGS
from tests.adapters.soap.wsse_rig import SIGNATURE, SIGNED, judge, one, pair, request, sealed

SHA256 = {
    "signature_method": xmlsec.constants.TransformRsaSha256,
    "digest_method": xmlsec.constants.TransformSha256,
}


def with_timestamp(envelope: etree._Element, now: datetime) -> None:
    timestamp = ZEEP_WSU.Timestamp(
        ZEEP_WSU.Created(f"{now:%Y-%m-%dT%H:%M:%SZ}"), ZEEP_WSU.Expires(f"{now:%Y-%m-%d}T23:59:59Z")
    )
    get_security_header(envelope).append(timestamp)


def signed_by_zeep(tmp_path: Path, **methods: Any) -> etree._Element:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    key.write_text(pair("mms").key)
    certificate.write_text(pair("mms").certificate)
    envelope = request()
    with_timestamp(envelope, datetime(2026, 11, 20, 14, 15, tzinfo=UTC))
    BinarySignature(str(key), str(certificate), **methods).apply(envelope, {})
    return envelope


def test_what_zeep_signs_with_sha_256_is_taken(tmp_path: Path) -> None:
    assert isinstance(judge(signed_by_zeep(tmp_path, **SHA256), SIGNED), Verified)


def test_what_zeep_signs_by_its_defaults_is_refused_as_sha_1(tmp_path: Path) -> None:
    refused = judge(signed_by_zeep(tmp_path), SIGNED)

    assert isinstance(refused, SecurityFault)
    assert refused.finding.code == "WSSE-ALGORITHM"


def zeep_takes(envelope: etree._Element) -> bool:
    key = pair("mms")
    try:
        MemorySignature(key.key.encode(), key.certificate.encode()).verify(envelope)
    except SignatureVerificationFailed:
        return False
    return True


def test_what_we_sign_zeep_takes() -> None:
    envelope = sealed(SIGNATURE)
    assert zeep_takes(envelope)

    one(envelope, "//p:VendorId").text = "V-EVIL"
    assert not zeep_takes(envelope)


@pytest.mark.parametrize("name", ["in the header", "timestamp"])
def test_zeep_takes_forgeries_that_are_refused_here(name: str) -> None:
    """Why zeep's own verification is not used: the same messages, the two verdicts side by side."""
    change, _ = WRAPPINGS[name]
    envelope = sealed(SIGNATURE)
    change(envelope)

    assert isinstance(judge(envelope, SIGNED), SecurityFault)
    assert zeep_takes(envelope)
    assert envelope.find(f".//{{{DSIG}}}Signature") is not None
