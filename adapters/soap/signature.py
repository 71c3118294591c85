"""Verifying an XML signature in a SOAP message, strictly, and making one.

The library (xmlsec) answers one question: do these bytes carry a signature of this key? All others are
ours, and each of them is an attack that libraries let through: which element was signed, whether it is
the one that is read, whether two elements share its id, and with which algorithms. Pure.

Sources: XML Signature Syntax and Processing (W3C, 2nd edition); WS-Security 1.1, section 8; W3C XML
Signature Best Practices; McIntosh and Austel, XML Signature Element Wrapping Attacks (2005).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast

import xmlsec
from lxml import etree

from adapters.soap.wsse_header import Parts, elements, refuse
from adapters.soap.wsse_names import (
    DIGEST_METHODS,
    DSIG,
    EXC_C14N,
    RSA_SHA256,
    SHA256,
    SIGNATURE,
    SIGNATURE_METHODS,
    TOKEN_REFERENCE,
    WSSE,
    WSU,
    WSU_ID,
    X509_V3,
)

REFERENCES_MAX = 16

# Elements with an attribute that may be an id, found in C (a third of the time of a loop over all). The
# names are compared for real afterwards: this takes some more, such as an attribute `d`.
_PERHAPS_NAMED = etree.XPath("/descendant::*/@*[contains('Id ID id iD', local-name())]/..")


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """A certificate that may sign, read once. `fingerprint` is the SHA-256 of its DER form, in hex."""

    key: xmlsec.Key
    fingerprint: str
    partner: str | None


@dataclass(frozen=True, slots=True)
class JudgedSignature:
    """A signature that holds: by whom, over what."""

    signer: PinnedKey
    said: bytes  # what was signed, the same whichever of its signatures came
    covered: tuple[etree._Element, ...]

    def covers(self, element: etree._Element) -> bool:
        """Tell whether this very element, not one of its name, was signed."""
        return any(each is element for each in self.covered)


def judge_signature(parts: Parts, signers: Sequence[PinnedKey]) -> JudgedSignature:
    """Judge the message's signature against the pinned certificates; KeyInfo is not believed.

    Errors: SecurityRefusalError InvalidSecurity (WSSE-SIGNATURE), UnsupportedAlgorithm (WSSE-ALGORITHM),
    FailedCheck (WSSE-SIGNATURE where no key fits, WSSE-IDS where ids are not unique).
    """
    signature = parts.one(SIGNATURE)
    if signature is None:
        text = "the security header has no ds:Signature; this service asks for one"
        refuse("InvalidSecurity", "WSSE-SIGNATURE", parts.security, parts.source, text)
    targets = _targets(signature, parts)
    _register(targets, parts)
    signer = next((each for each in signers if _holds(signature, each)), None)
    if signer is None:
        text = "the signature is not by a known certificate over what the message now says"
        refuse("FailedCheck", "WSSE-SIGNATURE", signature, parts.source, text)
    return JudgedSignature(signer, _said(signature), tuple(targets))


def _register(targets: Iterable[etree._Element], parts: Parts) -> None:
    """Tell the library which ids there are: those of the targets, and no others."""
    context = xmlsec.SignatureContext()  # ids are kept by the document, not by the context
    for target in targets:
        try:
            context.register_id(target, "Id", WSU)
        except xmlsec.Error:  # it has the same id as an xml:id too
            _refuse_twice(target, parts)


def _holds(signature: etree._Element, signer: PinnedKey) -> bool:
    context = xmlsec.SignatureContext()  # one for each key: a context that has failed stays failed
    context.key = signer.key
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def _said(signature: etree._Element) -> bytes:
    """Give what was signed: each reference with its digest, all of it under the signature.

    An ECDSA signature has a twin that holds as well, so its own text tells no replay. SignedInfo in
    canonical form would say the same, and take a tenth of the whole verification to make.
    """
    references = next(elements(signature)).iter(Tag.REFERENCE)
    said = ((each.get("URI") or "", each.findtext(Tag.DIGEST_VALUE) or "") for each in references)
    return "\n".join(f"{uri} {''.join(digest.split())}" for uri, digest in said).encode()


# --- what may be signed, and how ----------------------------------------------------------------------


def _targets(signature: etree._Element, parts: Parts) -> list[etree._Element]:
    """Give the elements that the signature speaks of, each found by an id that no other has."""
    children = [etree.QName(child).localname for child in elements(signature)]
    if children not in (["SignedInfo", "SignatureValue"], ["SignedInfo", "SignatureValue", "KeyInfo"]):
        text = f"it holds {', '.join(children) or 'nothing'}; expected SignedInfo, SignatureValue, KeyInfo"
        refuse("InvalidSecurity", "WSSE-SIGNATURE", signature, parts.source, text)
    info = next(elements(signature))
    references: list[etree._Element] = []
    for child in elements(info):
        match child.tag:
            case Tag.CANONICALIZATION:
                _allow(child, frozenset({EXC_C14N}), parts)
            case Tag.SIGNATURE_METHOD:
                _allow(child, SIGNATURE_METHODS, parts)
            case Tag.REFERENCE:
                references.append(child)
            case _:
                refuse("InvalidSecurity", "WSSE-SIGNATURE", child, parts.source, "it does not belong here")
    if not 1 <= len(references) <= REFERENCES_MAX:
        text = f"it has {len(references)} references; expected 1 to {REFERENCES_MAX}"
        refuse("InvalidSecurity", "WSSE-SIGNATURE", info, parts.source, text)
    owners = _owners(parts)
    return [_target(reference, owners, parts) for reference in references]


class Tag:
    """The names inside a signature."""

    CANONICALIZATION = f"{{{DSIG}}}CanonicalizationMethod"
    SIGNATURE_METHOD = f"{{{DSIG}}}SignatureMethod"
    REFERENCE = f"{{{DSIG}}}Reference"
    TRANSFORMS = f"{{{DSIG}}}Transforms"
    TRANSFORM = f"{{{DSIG}}}Transform"
    DIGEST_METHOD = f"{{{DSIG}}}DigestMethod"
    DIGEST_VALUE = f"{{{DSIG}}}DigestValue"


def _target(reference: etree._Element, owners: Mapping[str, etree._Element], parts: Parts) -> etree._Element:
    _judge_reference_form(reference, parts)
    uri = reference.get("URI") or ""
    if not uri.startswith("#") or len(uri) < 2 or uri.startswith("#xpointer"):
        text = "a reference must name an element of this message by its wsu:Id, as #ID"
        refuse("InvalidSecurity", "WSSE-SIGNATURE", reference, parts.source, text)
    found = owners.get(uri[1:])
    if found is None or found.get(WSU_ID) != uri[1:]:
        text = "a reference names no element of this message that has such a wsu:Id"
        refuse("FailedCheck", "WSSE-IDS", reference, parts.source, text)
    return found


def _judge_reference_form(reference: etree._Element, parts: Parts) -> None:
    names = [child.tag for child in elements(reference)]
    if names != [Tag.TRANSFORMS, Tag.DIGEST_METHOD, Tag.DIGEST_VALUE]:
        text = "a reference must hold Transforms, DigestMethod and DigestValue, in this order"
        refuse("InvalidSecurity", "WSSE-SIGNATURE", reference, parts.source, text)
    transforms, method, _ = elements(reference)
    found = list(elements(transforms))
    if len(found) != 1 or found[0].tag != Tag.TRANSFORM:
        text = f"a reference has {len(found)} transforms; expected one, exclusive canonicalization"
        refuse("UnsupportedAlgorithm", "WSSE-ALGORITHM", reference, parts.source, text)
    _allow(found[0], frozenset({EXC_C14N}), parts)
    _allow(method, DIGEST_METHODS, parts)


def _allow(element: etree._Element, allowed: frozenset[str], parts: Parts) -> None:
    algorithm = element.get("Algorithm") or ""
    if algorithm not in allowed:
        shown = algorithm.rpartition("#")[2][:40] or "none"
        wanted = ", ".join(sorted(each.rpartition("#")[2] or "xml-exc-c14n" for each in allowed))
        text = f"the algorithm '{shown}' is not taken; expected {wanted}"
        refuse("UnsupportedAlgorithm", "WSSE-ALGORITHM", element, parts.source, text)


def _owners(parts: Parts) -> dict[str, etree._Element]:
    """Give which element has which wsu:Id, and that no other element has it in any attribute like an id.

    Two elements of one id let the signature speak of one of them and the reader read the other. Ids that
    only the content knows (``<Line id="1">``) may repeat: nothing refers to them.
    """
    owners: dict[str, etree._Element] = {}
    others: set[str] = set()
    for element in cast("list[etree._Element]", _PERHAPS_NAMED(parts.envelope)):
        for name, value in cast("list[tuple[str, str]]", element.items()):
            if name == WSU_ID:
                if value in owners:
                    _refuse_twice(element, parts)
                owners[value] = element
            elif name.rpartition("}")[2].lower() == "id":
                others.add(value)
    if clash := owners.keys() & others:
        _refuse_twice(owners[min(clash)], parts)
    return owners


def _refuse_twice(element: etree._Element, parts: Parts) -> NoReturn:
    refuse("FailedCheck", "WSSE-IDS", element, parts.source, "two elements of the message have the same id")


# --- signing ------------------------------------------------------------------------------------------


def sign(
    security: etree._Element,
    targets: Iterable[etree._Element],
    token_id: str,
    key: xmlsec.Key,
) -> etree._Element:
    """Add a signature over elements (each with a wsu:Id) to a security header; give it.

    RSA-SHA256, exclusive canonicalization, SHA-256; the key is named by the BinarySecurityToken of id
    `token_id` in the same header. Source: X.509 Token Profile 1.1, section 3.2.1.
    """
    signature = etree.SubElement(security, SIGNATURE, nsmap={"ds": DSIG})
    info = etree.SubElement(signature, f"{{{DSIG}}}SignedInfo")
    etree.SubElement(info, Tag.CANONICALIZATION, Algorithm=EXC_C14N)
    etree.SubElement(info, Tag.SIGNATURE_METHOD, Algorithm=RSA_SHA256)
    context = xmlsec.SignatureContext()
    for target in targets:
        reference = etree.SubElement(info, Tag.REFERENCE, URI=f"#{target.get(WSU_ID)}")
        transforms = etree.SubElement(reference, Tag.TRANSFORMS)
        etree.SubElement(transforms, Tag.TRANSFORM, Algorithm=EXC_C14N)
        etree.SubElement(reference, Tag.DIGEST_METHOD, Algorithm=SHA256)
        etree.SubElement(reference, Tag.DIGEST_VALUE)
        context.register_id(target, "Id", WSU)
    etree.SubElement(signature, f"{{{DSIG}}}SignatureValue")
    named = etree.SubElement(etree.SubElement(signature, f"{{{DSIG}}}KeyInfo"), TOKEN_REFERENCE)
    etree.SubElement(named, f"{{{WSSE}}}Reference", URI=f"#{token_id}", ValueType=X509_V3)
    context.key = key
    context.sign(signature)
    return signature
