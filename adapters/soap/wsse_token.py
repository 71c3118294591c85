"""The UsernameToken: judged when it comes in, written when we call. Pure.

A digest is SHA-1 over nonce, time and password (UsernameToken Profile 1.1, section 3.1). SHA-1 is what
the profile says; it is safe here because finding a second password is another problem than a collision.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from lxml import etree

from adapters.soap.wsse_header import Parts, judge_age, read_moment, refuse, text_of
from adapters.soap.wsse_names import (
    BASE64_BINARY,
    CREATED,
    PASSWORD_DIGEST,
    PASSWORD_TEXT,
    USERNAME_TOKEN,
    WSSE,
    WSU,
    WSU_ID,
)

NONCE_BYTES_MIN = 8
NONCE_BYTES_MAX = 128

_NAME = f"{{{WSSE}}}Username"
_PASSWORD = f"{{{WSSE}}}Password"
_NONCE = f"{{{WSSE}}}Nonce"


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A user with its password resolved. `repr` shows no password."""

    name: str
    password: str
    partner: str | None

    def __repr__(self) -> str:
        return f"<user {self.name}>"


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How tokens are judged."""

    users: Mapping[str, KnownUser]
    form: Literal["digest", "text", "any"]
    window: timedelta
    skew: timedelta


@dataclass(frozen=True, slots=True)
class JudgedToken:
    """A token whose password is right."""

    element: etree._Element
    user: KnownUser
    nonce: bytes | None
    forgotten_at: datetime | None  # from then on its age alone refuses it


def judge_token(parts: Parts, rules: TokenRules, now: datetime) -> JudgedToken:
    """Judge the message's UsernameToken.

    An unknown user and a wrong password give the same answer, after the same comparison.
    Errors: SecurityRefusalError FailedAuthentication (WSSE-PASSWORD), MessageExpired, InvalidSecurity,
    UnsupportedAlgorithm (WSSE-TOKEN).
    """
    token = parts.one(USERNAME_TOKEN)
    if token is None:
        text = "the security header has no wsse:UsernameToken; this service asks for one"
        refuse("InvalidSecurity", "WSSE-TOKEN", parts.security, parts.source, text)
    name = _text(_single(token, _NAME, parts), parts)
    password = _single(token, _PASSWORD, parts)
    form = _form(password, rules, parts)
    nonce, created = _nonce(token, parts), _optional(token, CREATED, parts)
    if form == "digest" and (nonce is None or created is None):
        text = "a password digest needs wsse:Nonce and wsu:Created in the token"
        refuse("InvalidSecurity", "WSSE-TOKEN", token, parts.source, text)
    user = rules.users.get(name)
    expected = user.password if user is not None else "\0"
    if form == "digest":
        created_text = text_of(created) if created is not None else ""
        expected = password_digest(nonce or b"", created_text, expected)
    is_right = hmac.compare_digest(_text(password, parts).encode(), expected.encode())
    if user is None or not is_right:
        text = "the user is unknown or the password is wrong"
        refuse("FailedAuthentication", "WSSE-PASSWORD", token, parts.source, text)
    forgotten_at = None
    if created is not None:
        created_at = read_moment(created, parts.source, "wsu:Created")
        judge_age(created_at, token, parts.source, now, rules.window, rules.skew)
        forgotten_at = created_at + rules.window + rules.skew
    return JudgedToken(token, user, nonce, forgotten_at)


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Give Base64(SHA-1(nonce + created + password)). Source: UsernameToken Profile 1.1, section 3.1."""
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def write_token(
    user: str, password: str, form: Literal["digest", "text"], created: str, nonce: bytes, token_id: str
) -> etree._Element:
    """Write a UsernameToken with nonce and time, so that its receiver can tell a replay."""
    token = etree.Element(USERNAME_TOKEN, {WSU_ID: token_id}, nsmap={"wsse": WSSE, "wsu": WSU})
    etree.SubElement(token, _NAME).text = user
    is_digest = form == "digest"
    shown = etree.SubElement(token, _PASSWORD, Type=PASSWORD_DIGEST if is_digest else PASSWORD_TEXT)
    shown.text = password_digest(nonce, created, password) if is_digest else password
    etree.SubElement(token, _NONCE, EncodingType=BASE64_BINARY).text = base64.b64encode(nonce).decode()
    etree.SubElement(token, CREATED).text = created
    return token


def _form(password: etree._Element, rules: TokenRules, parts: Parts) -> Literal["digest", "text"]:
    found = password.get("Type") or PASSWORD_TEXT  # absent: text (profile 1.1, section 3.1)
    form: Literal["digest", "text"]
    match found:
        case _ if found == PASSWORD_DIGEST:
            form = "digest"
        case _ if found == PASSWORD_TEXT:
            form = "text"
        case _:
            text = "the password's Type is none that is known; expected PasswordDigest or PasswordText"
            refuse("UnsupportedAlgorithm", "WSSE-TOKEN", password, parts.source, text)
    if rules.form not in ("any", form):
        text = f"the password is sent as {form}; this service takes it as {rules.form} only"
        refuse("InvalidSecurity", "WSSE-TOKEN", password, parts.source, text)
    return form


def _nonce(token: etree._Element, parts: Parts) -> bytes | None:
    element = _optional(token, _NONCE, parts)
    if element is None:
        return None
    try:
        nonce = base64.b64decode(text_of(element).strip(), validate=True)
    except (binascii.Error, ValueError):
        nonce = b""
    if not NONCE_BYTES_MIN <= len(nonce) <= NONCE_BYTES_MAX:
        text = f"wsse:Nonce must be {NONCE_BYTES_MIN} to {NONCE_BYTES_MAX} bytes in Base64"
        refuse("InvalidSecurity", "WSSE-TOKEN", element, parts.source, text)
    return nonce


def _single(token: etree._Element, tag: str, parts: Parts) -> etree._Element:
    element = _optional(token, tag, parts)
    if element is None:
        text = f"the token has no {etree.QName(tag).localname}"
        refuse("InvalidSecurity", "WSSE-TOKEN", token, parts.source, text)
    return element


def _optional(token: etree._Element, tag: str, parts: Parts) -> etree._Element | None:
    found = [child for child in token if child.tag == tag]
    if len(found) > 1:
        text = f"the token has {len(found)} {etree.QName(tag).localname} elements; expected one"
        refuse("InvalidSecurity", "WSSE-TOKEN", token, parts.source, text)
    return found[0] if found else None


def _text(element: etree._Element, parts: Parts) -> str:
    if any(True for _ in element.iterchildren("*")):
        refuse("InvalidSecurity", "WSSE-TOKEN", element, parts.source, "it holds elements; expected text")
    return text_of(element)
