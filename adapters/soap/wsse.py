"""Judging the WS-Security header of a message: who sent it, and which Body that vouches for. Pure.

A `Verifier` is built once per endpoint, with secrets and certificates resolved. What it returns is the
element to go on with; whoever looks for the Body again in the message may find another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import xmlsec
from lxml import etree

from adapters.base.findings import Finding
from adapters.soap.encryption import decrypt
from adapters.soap.signature import JudgedSignature, PinnedKey, judge_signature
from adapters.soap.wsse_header import (
    Parts,
    SecurityRefusalError,
    Validity,
    elements,
    judge_timestamp,
    parts_of,
    refuse,
)
from adapters.soap.wsse_keys import read_certificate, read_private_key
from adapters.soap.wsse_names import (
    ENCRYPTED_DATA,
    ENCRYPTED_KEY,
    SIGNATURE,
    WSA,
    WSA_2004,
)
from adapters.soap.wsse_once import Once, once
from adapters.soap.wsse_settings import InboundSecurity, SignedPart
from adapters.soap.wsse_token import JudgedToken, KnownUser, TokenRules, judge_token

REPLAY = "WSSE-REPLAY"  # the finding's code where `Once` was known with another content


@dataclass(frozen=True, slots=True)
class Verified:
    """A message that showed all that its endpoint asks for."""

    envelope: etree._Element  # decrypted in place; comments and processing instructions are gone
    body: etree._Element  # soap:Body, the one that was judged
    identity: str  # "user:NAME" or "x509:SHA-256 of the pinned certificate"
    partner: str | None  # where the settings name one
    once: tuple[Once, ...]  # to be remembered before the message is taken


@dataclass(frozen=True, slots=True)
class SecurityFault:
    """Why a message is refused. `code` is a local name of WS-Security 1.1, section 12."""

    code: str
    finding: Finding


def verifier(policy: InboundSecurity, secret: Callable[[str], str]) -> Verifier:
    """Give a verifier; `secret` resolves references. Errors: KeyMaterialError, and those of `secret`."""
    users = {user.name: KnownUser(user.name, secret(user.password), user.partner) for user in policy.users}
    signers = []
    for signer in policy.signers:
        found = read_certificate(secret(signer.certificate), str(signer.certificate))
        signers.append(PinnedKey(found.key, found.fingerprint, signer.partner))
    key = policy.decryption_key
    private = read_private_key(secret(key), str(key)) if key is not None else None
    rules = TokenRules(users, policy.password, policy.window, policy.skew)
    return Verifier(policy, rules, tuple(signers), private)


class Verifier:
    """The rules of one endpoint, ready to judge."""

    def __init__(
        self,
        policy: InboundSecurity,
        token_rules: TokenRules,
        signers: tuple[PinnedKey, ...],
        private_key: xmlsec.Key | None,
    ) -> None:
        self._policy = policy
        self._token_rules = token_rules
        self._signers = signers
        self._private_key = private_key

    @property
    def decrypts(self) -> bool:
        """Tell whether messages come encrypted: what is read then is not what came."""
        return self._private_key is not None

    def verify(
        self, envelope: etree._Element, source: str, now: datetime, content_hash: str
    ) -> Verified | SecurityFault:
        """Judge an envelope, parsed with `Keep.EVERYTHING` where the policy needs every byte.

        `content_hash` is that of the bytes as they arrived. The envelope is changed: decrypted, and without
        comments and processing instructions, which no signature covers and which can cut a text in two.
        """
        try:
            return self._verified(parts_of(envelope, source), now, content_hash)
        except SecurityRefusalError as refusal:
            return SecurityFault(refusal.code, refusal.finding)

    def _verified(self, parts: Parts, now: datetime, content_hash: str) -> Verified:
        policy = self._policy
        is_first = self._private_key is not None and _decryption_comes_first(parts)
        if self._private_key is not None and is_first:
            parts = _decrypted(parts, self._private_key)
        validity = judge_timestamp(parts, now, policy.window, policy.skew, bool(policy.signers))
        token = judge_token(parts, self._token_rules, now) if policy.users else None
        signature = judge_signature(parts, self._signers) if policy.signers else None
        if signature is not None:
            for element, name in _required(parts, policy.signed, token, validity):
                _must_be_covered(element, name, signature, parts)
        if self._private_key is not None and not is_first:
            parts = _decrypted(parts, self._private_key)
        etree.strip_tags(parts.envelope, etree.Comment, etree.ProcessingInstruction)
        identity, partner = _identity(token, signature)
        marks = _marks(token, signature, validity, content_hash, identity)
        return Verified(parts.envelope, parts.body, identity, partner, marks)


def _decryption_comes_first(parts: Parts) -> bool:
    """Tell which came last at the sender: it stands first. Source: WS-Security 1.1, section 5."""
    for child in parts.security:
        if child.tag in (ENCRYPTED_KEY, ENCRYPTED_DATA):
            return True
        if child.tag == SIGNATURE:
            return False
    return True


def _decrypted(parts: Parts, key: xmlsec.Key) -> Parts:
    """Decrypt, and find the parts again: what came out may be no second header or body."""
    if not any(parent is parts.body for parent in decrypt(parts, key)):
        text = "the body's content is not encrypted; this service asks for an encrypted body"
        refuse("InvalidSecurity", "WSSE-ENCRYPTION", parts.body, parts.source, text)
    return parts_of(parts.envelope, parts.source)


def _required(
    parts: Parts, signed: tuple[SignedPart, ...], token: JudgedToken | None, validity: Validity | None
) -> list[tuple[etree._Element, str]]:
    required: list[tuple[etree._Element, str]] = []
    for part in signed:
        match part:
            case "body":
                required.append((parts.body, "the envelope's own Body"))
            case "timestamp" if validity is not None:
                required.append((validity.element, "the Timestamp"))
            case "token" if token is not None:
                required.append((token.element, "the UsernameToken"))
            case "addressing":
                required += [
                    (block, f"the header {etree.QName(block).localname}")
                    for block in elements(parts.header)
                    if etree.QName(block).namespace in (WSA, WSA_2004)
                ]
            case _:
                raise AssertionError(part)
    return required


def _must_be_covered(element: etree._Element, name: str, signature: JudgedSignature, parts: Parts) -> None:
    if not signature.covers(element):
        text = f"the signature does not cover {name}"
        refuse("FailedCheck", "WSSE-COVERAGE", element, parts.source, text)


def _identity(token: JudgedToken | None, signature: JudgedSignature | None) -> tuple[str, str | None]:
    """Say who it was: the user where there is one, for a signature may be an office's for many users."""
    if token is not None:
        partner = token.user.partner or (signature.signer.partner if signature is not None else None)
        return f"user:{token.user.name}", partner
    if signature is None:
        raise AssertionError("settings ask for users or signers")
    return f"x509:{signature.signer.fingerprint}", signature.signer.partner


def _marks(
    token: JudgedToken | None,
    signature: JudgedSignature | None,
    validity: Validity | None,
    content_hash: str,
    identity: str,
) -> tuple[Once, ...]:
    marks: list[Once] = []
    if token is not None and token.nonce is not None and token.forgotten_at is not None:
        marks.append(once("nonce", token.nonce, content_hash, identity, token.forgotten_at))
    if signature is not None and validity is not None:
        marks.append(once("signature", signature.said, content_hash, identity, validity.forgotten_at))
    return tuple(marks)
