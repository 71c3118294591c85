"""X.509 signatures: each known attack is refused, and each is shown to be one: bare xmlsec lets it pass."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
import xmlsec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pydantic import ValidationError

from adapters.base.findings import DecodeError
from adapters.soap.wsse import SecurityFault, Verified, verifier
from adapters.soap.wsse_names import DSIG, EXC_C14N, SOAP11, WSSE, WSU, WSU_ID
from adapters.soap.wsse_settings import InboundSecurity, OutboundSecurity
from adapters.soap.wsse_write import seal, secure
from tests.adapters.soap.wsse_rig import (
    NONCE,
    NOW,
    SIGNATURE,
    SIGNED,
    TOKEN,
    USERS,
    every,
    holds_for_the_library,
    judge,
    one,
    pair,
    parse,
    request,
    sealed,
    secret,
    self_signed,
)

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
Change = Callable[[etree._Element], None]


def codes(found: Verified | SecurityFault) -> tuple[str, str]:
    assert isinstance(found, SecurityFault), "the forgery was taken"
    return found.code, found.finding.code


def test_what_we_sign_is_taken_and_names_the_pinned_certificate() -> None:
    verified = judge(sealed(SIGNATURE), SIGNED)

    assert isinstance(verified, Verified)
    assert verified.identity.startswith("x509:")
    assert verified.partner == "mms"
    assert verified.body.tag == f"{{{SOAP11}}}Body"
    assert verified.body.getparent() is verified.envelope
    assert [each.key.partition("/")[0] for each in verified.once] == ["signature"]


def test_soap_1_2_is_signed_and_taken_alike() -> None:
    assert isinstance(judge(sealed(SIGNATURE, "SubmitPurchaseOrder.soap12.xml"), SIGNED), Verified)


def test_token_and_signature_are_both_asked_for_where_both_are_declared() -> None:
    policy = USERS | SIGNED | {"signed": ("body", "timestamp", "token")}
    both = {"signature": {**SIGNATURE["signature"], "signed": ("body", "timestamp", "token")}} | TOKEN

    assert isinstance(judge(sealed(both), policy), Verified)
    assert codes(judge(sealed(SIGNATURE), policy)) == ("InvalidSecurity", "WSSE-TOKEN")
    assert codes(judge(sealed(TOKEN), policy)) == ("InvalidSecurity", "WSSE-SIGNATURE")
    assert codes(judge(sealed(SIGNATURE | TOKEN), policy)) == ("FailedCheck", "WSSE-COVERAGE")


# --- forgeries ----------------------------------------------------------------------------------------


def forged_body(envelope: etree._Element) -> tuple[etree._Element, etree._Element]:
    """Give the signed body, taken out of the message, and an unsigned one in its place for another amount."""
    signed = one(envelope, "/s:Envelope/s:Body")
    forged = etree.fromstring(etree.tostring(signed))
    next(forged.iter("{urn:mercy-health:mms:purchasing:v2}VendorId")).text = "V-EVIL"
    del forged.attrib[WSU_ID]
    envelope.replace(signed, forged)
    return signed, forged


def wrapped_in_the_header(envelope: etree._Element) -> None:
    signed, _ = forged_body(envelope)
    etree.SubElement(one(envelope, "//s:Header"), "Wrapper").append(signed)


def wrapped_in_the_security_header(envelope: etree._Element) -> None:
    signed, _ = forged_body(envelope)
    etree.SubElement(one(envelope, "//wsse:Security"), "Wrapper").append(signed)


def wrapped_inside_the_forged_body(envelope: etree._Element) -> None:
    signed, forged = forged_body(envelope)
    etree.SubElement(forged, "Wrapper").append(signed)


def wrapped_behind_the_forged_body(envelope: etree._Element) -> None:
    signed, forged = forged_body(envelope)
    forged.addnext(signed)


def wrapped_before_the_forged_body(envelope: etree._Element) -> None:
    signed, forged = forged_body(envelope)
    forged.addprevious(signed)


def wrapped_with_the_same_id(envelope: etree._Element) -> None:
    signed, forged = forged_body(envelope)
    forged.set(WSU_ID, signed.get(WSU_ID) or "")
    etree.SubElement(one(envelope, "//s:Header"), "Wrapper").append(signed)


def _same_id_in(attribute: str) -> Change:
    def change(envelope: etree._Element) -> None:
        signed, forged = forged_body(envelope)
        forged.set(attribute, signed.get(WSU_ID) or "")
        etree.SubElement(one(envelope, "//s:Header"), "Wrapper").append(signed)

    return change


def wrapped_timestamp(envelope: etree._Element) -> None:
    """The signed timestamp is moved away, a fresh one takes its place: an old message lives for ever."""
    signed = one(envelope, "//wsu:Timestamp")
    fresh = etree.fromstring(etree.tostring(signed))
    fresh.set(WSU_ID, "TS-fresh")
    one(envelope, "//wsse:Security").replace(signed, fresh)
    etree.SubElement(one(envelope, "//s:Header"), "Wrapper").append(signed)


def two_timestamps(envelope: etree._Element) -> None:
    signed = one(envelope, "//wsu:Timestamp")
    fresh = etree.fromstring(etree.tostring(signed))
    fresh.set(WSU_ID, "TS-fresh")
    signed.addprevious(fresh)


def second_signature(envelope: etree._Element) -> None:
    signature = one(envelope, "//ds:Signature")
    signature.addnext(etree.fromstring(etree.tostring(signature)))


def security_for_another(envelope: etree._Element) -> None:
    """The signed header is another receiver's; ours would be an empty one."""
    security = one(envelope, "//wsse:Security")
    security.set(f"{{{SOAP11}}}actor", "urn:someone-else")
    security.addnext(etree.Element(f"{{{WSSE}}}Security"))


WRAPPINGS: dict[str, tuple[Change, tuple[str, str]]] = {
    "in the header": (wrapped_in_the_header, ("FailedCheck", "WSSE-COVERAGE")),
    "in the security header": (wrapped_in_the_security_header, ("FailedCheck", "WSSE-COVERAGE")),
    "inside the forged body": (wrapped_inside_the_forged_body, ("FailedCheck", "WSSE-COVERAGE")),
    "behind the forged body": (wrapped_behind_the_forged_body, ("InvalidSecurity", "WSSE-HEADER")),
    "before the forged body": (wrapped_before_the_forged_body, ("InvalidSecurity", "WSSE-HEADER")),
    "same wsu:Id": (wrapped_with_the_same_id, ("FailedCheck", "WSSE-IDS")),
    "same xml:id": (_same_id_in("{http://www.w3.org/XML/1998/namespace}id"), ("FailedCheck", "WSSE-IDS")),
    "same plain Id": (_same_id_in("Id"), ("FailedCheck", "WSSE-IDS")),
    "same ID": (_same_id_in("ID"), ("FailedCheck", "WSSE-IDS")),
    "timestamp": (wrapped_timestamp, ("FailedCheck", "WSSE-COVERAGE")),
    "two timestamps": (two_timestamps, ("InvalidSecurity", "WSSE-HEADER")),
    "two signatures": (second_signature, ("InvalidSecurity", "WSSE-HEADER")),
    "of another receiver": (security_for_another, ("InvalidSecurity", "WSSE-TIMESTAMP")),
}
BLIND = {
    "same wsu:Id",
    "same xml:id",
}  # xmlsec itself meets the forged body first


@pytest.mark.parametrize("name", WRAPPINGS)
def test_signature_wrapping_is_refused_where_the_library_alone_calls_it_good(name: str) -> None:
    change, expected = WRAPPINGS[name]
    envelope = sealed(SIGNATURE)
    assert isinstance(judge(envelope, SIGNED), Verified)
    change(envelope)

    assert holds_for_the_library(envelope) or name in BLIND
    assert codes(judge(envelope, SIGNED)) == expected


def resigned(change: Change) -> etree._Element:
    """Sign anew with the partner's own key, by its own (bad) rules: a sloppy or downgraded sender."""
    envelope = sealed(SIGNATURE)
    change(envelope)
    signature = one(envelope, "//ds:Signature")
    context = xmlsec.SignatureContext()
    for element in envelope.iter("*"):
        if element.get(WSU_ID):
            context.register_id(element, "Id", WSU)
    context.key = xmlsec.Key.from_memory(pair("mms").key.encode(), xmlsec.constants.KeyDataFormatPem)
    context.sign(signature)
    return envelope


def _references(keep: str) -> Change:
    def change(envelope: etree._Element) -> None:
        kept = one(envelope, keep).get(WSU_ID)
        info = one(envelope, "//ds:SignedInfo")
        for reference in info.findall(f"{{{DSIG}}}Reference"):
            if reference.get("URI") != f"#{kept}":
                info.remove(reference)

    return change


def _algorithm(path: str, algorithm: str) -> Change:
    def change(envelope: etree._Element) -> None:
        for element in every(envelope, path):
            element.set("Algorithm", algorithm)

    return change


def whole_document(envelope: etree._Element) -> None:
    """A reference to the document itself, enveloped: the signature moves with anything."""
    reference = envelope.find(f".//{{{DSIG}}}Reference")
    assert reference is not None
    reference.set("URI", "")
    transforms = reference[0]
    transforms.insert(0, etree.Element(transforms[0].tag, Algorithm=f"{DSIG}enveloped-signature"))


def filtered_by_xpath(envelope: etree._Element) -> None:
    """A transform that leaves the vendor out of what is signed."""
    transforms = every(envelope, "//ds:Transforms")[0]
    transform = etree.Element(transforms[0].tag, Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(transform, f"{{{DSIG}}}XPath").text = "not(ancestor-or-self::*[local-name()='VendorId'])"
    transforms.insert(0, transform)


SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
SLOPPY: dict[str, tuple[Change, tuple[str, str]]] = {
    "timestamp only": (_references("//wsu:Timestamp"), ("FailedCheck", "WSSE-COVERAGE")),
    "body only": (_references("//s:Body"), ("FailedCheck", "WSSE-COVERAGE")),
    "RSA-SHA1": (
        _algorithm("//ds:SignatureMethod", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        ("UnsupportedAlgorithm", "WSSE-ALGORITHM"),
    ),
    "SHA-1 digests": (_algorithm("//ds:DigestMethod", SHA1), ("UnsupportedAlgorithm", "WSSE-ALGORITHM")),
    "inclusive canonicalization": (
        _algorithm("//ds:CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        ("UnsupportedAlgorithm", "WSSE-ALGORITHM"),
    ),
    "canonicalization with comments": (
        _algorithm("//ds:Transform", f"{EXC_C14N}WithComments"),
        ("UnsupportedAlgorithm", "WSSE-ALGORITHM"),
    ),
    "whole document": (whole_document, ("UnsupportedAlgorithm", "WSSE-ALGORITHM")),
    "XPath filter": (filtered_by_xpath, ("UnsupportedAlgorithm", "WSSE-ALGORITHM")),
}


@pytest.mark.parametrize("name", SLOPPY)
def test_a_good_signature_over_too_little_or_by_weak_means_is_refused(name: str) -> None:
    change, expected = SLOPPY[name]
    envelope = resigned(change)

    assert holds_for_the_library(envelope)
    assert codes(judge(envelope, SIGNED)) == expected


# --- messages that were changed -----------------------------------------------------------------------


def test_an_unsigned_body_is_refused() -> None:
    assert codes(judge(request(), SIGNED)) == ("InvalidSecurity", "WSSE-HEADER")
    assert codes(judge(sealed(TOKEN), SIGNED)) == ("InvalidSecurity", "WSSE-SIGNATURE")


def test_a_key_that_is_not_pinned_is_refused_whatever_the_message_brings() -> None:
    other = {"signature": {"certificate": "env:OTHER_CERT", "key": "env:OTHER_KEY"}}

    assert codes(judge(sealed(other), SIGNED)) == ("FailedCheck", "WSSE-SIGNATURE")


def test_two_pinned_certificates_let_a_partner_change_its_key() -> None:
    both = {"signers": ({"certificate": "env:OTHER_CERT"}, {"certificate": "env:MMS_CERT", "partner": "mms"})}

    verified = judge(sealed(SIGNATURE), both)

    assert isinstance(verified, Verified)
    assert verified.partner == "mms"


def test_a_changed_body_is_refused() -> None:
    envelope = sealed(SIGNATURE)
    one(envelope, "//p:VendorId").text = "V-EVIL"

    assert not holds_for_the_library(envelope)
    assert codes(judge(envelope, SIGNED)) == ("FailedCheck", "WSSE-SIGNATURE")


def test_a_signed_message_that_is_too_old_is_refused() -> None:
    envelope = sealed(SIGNATURE)

    assert isinstance(judge(envelope, SIGNED, NOW + timedelta(minutes=5)), Verified)
    assert codes(judge(envelope, SIGNED, NOW + timedelta(minutes=7))) == ("MessageExpired", "WSSE-EXPIRED")


def test_a_comment_cannot_cut_a_signed_text_in_two() -> None:
    envelope = sealed(SIGNATURE)
    number = one(envelope, "//p:PONumber")
    number.text = "00045"
    comment = etree.Comment("no signature covers me")
    comment.tail = "00017"
    number.append(comment)
    assert holds_for_the_library(envelope)

    verified = judge(envelope, SIGNED)

    assert isinstance(verified, Verified)
    assert verified.body.findtext(".//{urn:mercy-health:mms:purchasing:v2}PONumber") == "0004500017"


def test_ids_of_the_content_may_repeat() -> None:
    envelope = request()
    for line in envelope.iter("{urn:mercy-health:mms:purchasing:v2}Line"):
        line.set("id", "1")
    secure(envelope, seal(OutboundSecurity.model_validate(SIGNATURE), secret), NOW, NONCE)

    assert isinstance(judge(parse(etree.tostring(envelope)), SIGNED), Verified)


def test_addressing_headers_are_covered_where_that_is_asked_for() -> None:
    wsa = "http://www.w3.org/2005/08/addressing"
    policy = SIGNED | {"signed": ("body", "timestamp", "addressing")}
    envelope = sealed(SIGNATURE)
    etree.SubElement(one(envelope, "//s:Header"), f"{{{wsa}}}MessageID").text = "urn:uuid:1"

    assert isinstance(judge(envelope, SIGNED), Verified)
    assert codes(judge(envelope, policy)) == ("FailedCheck", "WSSE-COVERAGE")


def test_the_twin_of_an_ecdsa_signature_is_no_new_message() -> None:
    """(r, s) and (r, n - s) both hold (ECDSA is malleable): a replay must not hide behind the other one."""
    key = generate_ec_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = self_signed(key)
    envelope = sealed(SIGNATURE)
    algorithm = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    one(envelope, "//ds:SignatureMethod").set("Algorithm", algorithm)
    context = xmlsec.SignatureContext()
    for element in every(envelope, "//*[@wsu:Id]"):
        context.register_id(element, "Id", WSU)
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
    context.sign(one(envelope, "//ds:Signature"))
    value = one(envelope, "//ds:SignatureValue")
    raw = base64.b64decode(value.text or "")
    twin = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:])).to_bytes(32)
    judges = verifier(InboundSecurity.model_validate(SIGNED), lambda _: certificate)
    found = []
    for signature in (raw, twin):
        value.text = base64.b64encode(signature).decode()
        found.append(judges.verify(parse(etree.tostring(envelope)), "m.xml", NOW, "hash"))

    assert raw != twin
    assert isinstance(found[0], Verified)
    assert isinstance(found[1], Verified)
    assert found[0].once == found[1].once


@pytest.mark.parametrize("signed", [("timestamp",), ("body",), ("body", "token"), ()])
def test_settings_that_would_let_a_body_live_for_ever_or_go_unsigned_are_refused(
    signed: tuple[str, ...],
) -> None:
    with pytest.raises(ValidationError, match="must cover body and timestamp"):
        InboundSecurity.model_validate(USERS | SIGNED | {"signed": signed})


SOUND = etree.tostring(sealed(SIGNATURE))


@given(at=st.integers(0, len(SOUND) - 1), byte=st.integers(0, 255))
def test_one_changed_byte_is_a_refusal_or_changes_nothing_that_was_signed(at: int, byte: int) -> None:
    """Whatever byte is changed: no other exception, and never another body under the same signature."""
    changed = SOUND[:at] + bytes([byte]) + SOUND[at + 1 :]
    try:
        envelope = parse(changed)
    except DecodeError:
        return
    found = judge(envelope, SIGNED)

    if isinstance(found, Verified):
        sound = judge(parse(SOUND), SIGNED)
        assert isinstance(sound, Verified)
        assert etree.tostring(found.body, method="c14n", exclusive=True) == etree.tostring(
            sound.body, method="c14n", exclusive=True
        )
