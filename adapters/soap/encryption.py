"""Decrypting what was encrypted for us in a SOAP message, and encrypting a body for its receiver.

AES-GCM for content and RSA-OAEP for its key, nothing else: CBC and RSA 1.5 can be decrypted by asking
often enough (Jager and Somorovsky, 2011; Bleichenbacher, 1998). Pure but for the chance that a cipher
needs: the library (xmlsec) draws content keys and initialization vectors itself.

Sources: XML Encryption 1.1 (W3C), sections 3 and 5; WS-Security 1.1, section 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import xmlsec
from lxml import etree

from adapters.base.findings import DecodeError
from adapters.soap.wsse_header import Parts, elements, refuse
from adapters.soap.wsse_keys import CertificateText
from adapters.soap.wsse_names import (
    DSIG,
    ENCRYPTED_DATA,
    ENCRYPTED_KEY,
    REFERENCE_LIST,
    SHA256,
    TOKEN_REFERENCE,
    WSSE,
    XENC,
    XENC11,
)
from adapters.xml import DEFAULT_BOUNDS, Keep, XmlBounds, parse_xml

AES_256_GCM = f"{XENC11}aes256-gcm"
CONTENT_KEY_BYTES = {f"{XENC11}aes128-gcm": 16, f"{XENC11}aes192-gcm": 24, AES_256_GCM: 32}
OAEP = frozenset({f"{XENC}rsa-oaep-mgf1p", f"{XENC11}rsa-oaep"})
CONTENT = f"{XENC}Content"
ELEMENT = f"{XENC}Element"
REFERENCES_MAX = 8

_METHOD = f"{{{XENC}}}EncryptionMethod"
_DATA_REFERENCE = f"{{{XENC}}}DataReference"


def decrypt(parts: Parts, key: xmlsec.Key, bounds: XmlBounds = DEFAULT_BOUNDS) -> list[etree._Element]:
    """Decrypt, in place, what the message's one EncryptedKey refers to; give the parents of what came out.

    What comes out passes the same hardened parser as any message. Why a decryption failed is never told:
    the difference is what attackers ask for.
    Errors: SecurityRefusalError InvalidSecurity (WSSE-ENCRYPTION), UnsupportedAlgorithm (WSSE-ALGORITHM),
    FailedCheck (WSSE-DECRYPT).
    """
    wrapped = parts.one(ENCRYPTED_KEY)
    if wrapped is None:
        text = "the security header has no xenc:EncryptedKey; this service asks for an encrypted body"
        refuse("InvalidSecurity", "WSSE-ENCRYPTION", parts.security, parts.source, text)
    _method(wrapped, OAEP, parts)
    encrypted = _encrypted_parts(wrapped, parts)
    content_key = _content_key(wrapped, key)
    return [_decrypt_part(each, content_key, parts, bounds) for each in encrypted]


def _encrypted_parts(wrapped: etree._Element, parts: Parts) -> list[etree._Element]:
    lists = [child for child in (*wrapped, *parts.security) if child.tag == REFERENCE_LIST]
    names = [each.get("URI") or "" for found in lists for each in found if each.tag == _DATA_REFERENCE]
    if not 1 <= len(names) <= REFERENCES_MAX or len(set(names)) != len(names):
        text = f"it names {len(names)} encrypted parts; expected 1 to {REFERENCES_MAX}, each once"
        refuse("InvalidSecurity", "WSSE-ENCRYPTION", wrapped, parts.source, text)
    by_id: dict[str, list[etree._Element]] = {}
    for element in parts.envelope.iter(ENCRYPTED_DATA):
        by_id.setdefault(f"#{element.get('Id') or ''}", []).append(element)
    found = [by_id.get(name, []) for name in names]
    if any(len(each) != 1 for each in found):
        text = "a reference of the encrypted key names no encrypted part, or several"
        refuse("InvalidSecurity", "WSSE-ENCRYPTION", wrapped, parts.source, text)
    return [each[0] for each in found]


def _content_key(wrapped: etree._Element, key: xmlsec.Key) -> bytes:
    context = xmlsec.EncryptionContext()
    context.key = key
    try:
        # The library rewrites what it decrypts; a copy keeps a later signature check honest.
        content_key: object = context.decrypt(_copy(wrapped))  # an element where it is one, or bytes
    except xmlsec.Error:
        return b""
    return content_key if isinstance(content_key, bytes) else b""


def _decrypt_part(
    encrypted: etree._Element, content_key: bytes, parts: Parts, bounds: XmlBounds
) -> etree._Element:
    method = _method(encrypted, frozenset(CONTENT_KEY_BYTES), parts)
    kind = encrypted.get("Type")
    if kind not in (CONTENT, ELEMENT):
        text = "an encrypted part must be of Type #Content or #Element"
        refuse("InvalidSecurity", "WSSE-ENCRYPTION", encrypted, parts.source, text)
    plain = _plain(encrypted, content_key) if len(content_key) == CONTENT_KEY_BYTES[method] else None
    parent = encrypted.getparent()
    if plain is None or parent is None:
        text = "an encrypted part cannot be decrypted with our key"
        refuse("FailedCheck", "WSSE-DECRYPT", encrypted, parts.source, text)
    _replace(parent, encrypted, _parsed(plain, parent, parts, bounds))
    return parent


def _plain(encrypted: etree._Element, content_key: bytes) -> bytes | None:
    bare = _copy(encrypted)
    del bare.attrib["Type"]  # so that bytes come out: the library would parse them by its own rules
    for info in bare.findall(f"{{{DSIG}}}KeyInfo"):
        bare.remove(info)
    context = xmlsec.EncryptionContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, content_key)
    try:
        plain: object = context.decrypt(bare)
    except xmlsec.Error:
        return None
    return plain if isinstance(plain, bytes) else None


def _parsed(plain: bytes, parent: etree._Element, parts: Parts, bounds: XmlBounds) -> etree._Element:
    """Parse decrypted content under the names that hold in its place; give an element around it."""
    around = etree.Element("plain", nsmap=cast("dict[str, str]", parent.nsmap))
    around.text = " "
    start, end = etree.tostring(around).split(b" </", 1)
    try:
        return parse_xml(start + plain + b"</" + end, parts.source, bounds, Keep.EVERYTHING)
    except DecodeError:
        text = "an encrypted part is no well-formed XML, or larger than allowed"
        refuse("FailedCheck", "WSSE-DECRYPT", parent, parts.source, text)


def _replace(parent: etree._Element, encrypted: etree._Element, content: etree._Element) -> None:
    at = parent.index(encrypted)
    before = content.text or ""
    children = list(content)
    tail = encrypted.tail or ""
    encrypted.tail = None
    parent.remove(encrypted)
    parent[at:at] = children
    _add_text(parent, at, before)
    _add_text(parent, at + len(children), tail)


def _add_text(parent: etree._Element, at: int, text: str) -> None:
    if at == 0:
        parent.text = (parent.text or "") + text
    else:
        parent[at - 1].tail = (parent[at - 1].tail or "") + text


def _method(element: etree._Element, allowed: frozenset[str], parts: Parts) -> str:
    method = next((child for child in elements(element) if child.tag == _METHOD), None)
    algorithm = (method.get("Algorithm") or "") if method is not None else ""
    if algorithm not in allowed:
        shown = algorithm.rpartition("#")[2][:40] or "none"
        wanted = ", ".join(sorted(each.rpartition("#")[2] for each in allowed))
        text = f"the cipher '{shown}' is not taken; expected {wanted}"
        refuse("UnsupportedAlgorithm", "WSSE-ALGORITHM", element, parts.source, text)
    return algorithm


def _copy(element: etree._Element) -> etree._Element:
    return etree.fromstring(etree.tostring(element, with_tail=False))


# --- encrypting ---------------------------------------------------------------------------------------


def encrypt_body(
    security: etree._Element, body: etree._Element, receiver: CertificateText, ids: Sequence[str]
) -> None:
    """Encrypt a body's content for its receiver; the wrapped key becomes the security header's first part.

    `ids`: of the encrypted part and of the wrapped key. AES-256-GCM; RSA-OAEP with SHA-256 digest.
    """
    data_id, key_id = ids
    plain = (body.text or "").encode() + b"".join(etree.tostring(child) for child in body)
    for child in list(body):
        body.remove(child)
    body.text = None
    data = etree.SubElement(body, ENCRYPTED_DATA, {"Id": data_id, "Type": CONTENT}, nsmap={"xenc": XENC})
    etree.SubElement(data, _METHOD, Algorithm=AES_256_GCM)
    info = etree.SubElement(data, f"{{{DSIG}}}KeyInfo", nsmap={"ds": DSIG})
    _cipher_place(data)
    wrapped = etree.SubElement(info, ENCRYPTED_KEY, Id=key_id)
    method = etree.SubElement(wrapped, _METHOD, Algorithm=f"{XENC}rsa-oaep-mgf1p")
    etree.SubElement(method, f"{{{DSIG}}}DigestMethod", Algorithm=SHA256)
    named = etree.SubElement(wrapped, f"{{{DSIG}}}KeyInfo")
    etree.SubElement(named, f"{{{DSIG}}}KeyName").text = f"sha256:{receiver.fingerprint}"
    _cipher_place(wrapped)
    keys = xmlsec.KeysManager()
    keys.add_key(receiver.key)
    context = xmlsec.EncryptionContext(keys)
    context.key = xmlsec.Key.generate(xmlsec.constants.KeyDataAes, 256, xmlsec.constants.KeyDataTypeSession)
    context.encrypt_binary(data, plain)
    references = etree.SubElement(wrapped, REFERENCE_LIST)
    etree.SubElement(references, _DATA_REFERENCE, URI=f"#{data_id}")
    security.insert(0, wrapped)
    token = etree.SubElement(info, TOKEN_REFERENCE, nsmap={"wsse": WSSE})
    etree.SubElement(token, f"{{{WSSE}}}Reference", URI=f"#{key_id}")


def _cipher_place(element: etree._Element) -> None:
    data = etree.SubElement(element, f"{{{XENC}}}CipherData")
    etree.SubElement(data, f"{{{XENC}}}CipherValue")
