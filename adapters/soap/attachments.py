"""Multipart messages: MTOM/XOP and SOAP with Attachments, taken apart within bounds. Pure.

Source: RFC 2046, 5.1 (multipart), RFC 2387 (related), XOP 1.0 sections 3 and 4, SOAP Messages with
Attachments.
The boundary is read off the body itself: a stored message is decoded again without its headers.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote

from lxml import etree

from adapters.soap.faults import FaultError, refused

XOP = "http://www.w3.org/2004/08/xop/include"
ATTACHMENTS_KEY = "soap:Attachments"  # in a record: the parts that no XOP include has taken
PARTS_MAX = 100
PART_HEAD_BYTES_MAX = 8 * 1024
_XML_TYPES = frozenset({"text/xml", "application/soap+xml", "application/xop+xml", "application/xml"})
_BOUNDARY = re.compile(rb"(?:\r?\n)*--([^\r\n]{1,70}?)[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One part, its transfer encoding taken off."""

    content_id: str
    content_type: str
    charset: str | None
    body: bytes

    def to_record(self) -> dict[str, str]:
        """Give the part as a mapping reads it."""
        content = base64.b64encode(self.body).decode()
        return {"id": self.content_id, "type": self.content_type, "content": content}


@dataclass(frozen=True, slots=True)
class Package:
    """A message and its attachments, by Content-ID."""

    root: Part
    attachments: Mapping[str, Part]


def is_multipart(body: bytes) -> bool:
    """Tell whether a body begins as a multipart message does."""
    return body.lstrip(b"\r\n")[:2] == b"--"


def unpacked(body: bytes, source: str, start: str = "") -> Package:
    """Take a multipart body apart. ``start``: the root's Content-ID, as the Content-Type says.

    Errors: FaultError SOAP-MIME.
    """
    found = _BOUNDARY.match(body)
    if found is None:
        raise refused("SOAP-MIME", source, "the multipart body begins with no boundary line")
    delimiter = b"\n--" + found[1]
    pieces = (b"\n" + body[found.start() :].lstrip(b"\r\n")).split(delimiter, PARTS_MAX + 2)
    closing = next((number for number, piece in enumerate(pieces[1:], 1) if piece.startswith(b"--")), None)
    if closing is None:
        text = f"the multipart body has no closing boundary within {PARTS_MAX} parts; part of it is missing"
        raise refused("SOAP-MIME", source, text)
    parts = [_part(piece, source) for piece in pieces[1:closing]]
    root = next((part for part in parts if part.content_type in _XML_TYPES), None)
    if root is None:
        raise refused(
            "SOAP-MIME", source, "no part of the multipart body is XML; expected the envelope first"
        )
    if start and root.content_id and _bare(start) != root.content_id:
        text = "the Content-Type's start names another part than the first XML one"
        raise refused("SOAP-MIME", source, text)
    attachments: dict[str, Part] = {}
    for number, part in enumerate(parts):
        if part is root:
            continue
        if attachments.setdefault(part.content_id or f"part{number}", part) is not part:
            raise refused("SOAP-MIME", source, "two parts have the same Content-ID")
    return Package(root, attachments)


def included(root: etree._Element, package: Package, source: str, bytes_max: int) -> frozenset[str]:
    """Put each XOP part in its place as base64; give the Content-IDs that were. Errors: FaultError SOAP-XOP.

    Source: XOP 1.0, section 3.2. One part may be named often, so what they amount to is bounded.
    """
    taken = set[str]()
    left = bytes_max
    for include in list(root.iter(f"{{{XOP}}}Include")):
        href = include.get("href") or ""
        key = unquote(href.removeprefix("cid:"))
        part = package.attachments.get(key) if href.startswith("cid:") else None
        holder = include.getparent()
        if part is None or holder is None:
            raise _xop(source, f"xop:Include names '{href[:80]}', and no part has this Content-ID")
        if len(holder) != 1 or (holder.text or "").strip():
            raise _xop(source, "an element with xop:Include must have nothing else in it")
        left -= len(part.body) * 4 // 3
        if left < 0:
            raise _xop(source, "the parts that xop:Include names amount to more than the message may hold")
        holder.remove(include)
        holder.text = base64.b64encode(part.body).decode()
        taken.add(key)
    return frozenset(taken)


def _xop(source: str, text: str) -> FaultError:
    return refused("SOAP-XOP", source, text)


def _part(piece: bytes, source: str) -> Part:
    text = piece.removesuffix(b"\r")
    text = text[text.index(b"\n") + 1 :] if b"\n" in text[:80] else text
    marks = [(text.find(mark), len(mark)) for mark in (b"\r\n\r\n", b"\n\n")]
    ends = [mark for mark in marks if 0 <= mark[0] <= PART_HEAD_BYTES_MAX]
    if text.startswith((b"\r\n", b"\n")):
        ends = [(0, 2 if text.startswith(b"\r\n") else 1)]
    if not ends:
        raise refused("SOAP-MIME", source, "a part of the multipart body has no end of its headers")
    end, size = min(ends)
    head = Message()
    for line in re.sub(rb"\r?\n[ \t]+", b" ", text[:end]).splitlines():
        name, _, value = line.decode("latin-1").partition(":")
        head[name.strip()] = value.strip()
    body = _undone(text[end + size :], (head["Content-Transfer-Encoding"] or "binary").lower(), source)
    charset = head.get_param("charset")
    return Part(
        _bare(head["Content-ID"] or ""),
        head.get_content_type(),
        charset if isinstance(charset, str) else None,
        body,
    )


def _undone(body: bytes, encoding: str, source: str) -> bytes:
    match encoding:
        case "binary" | "8bit" | "7bit":
            return body
        case "base64":
            try:
                return base64.b64decode(b"".join(body.split()), validate=True)
            except binascii.Error as error:
                raise refused("SOAP-MIME", source, "a part is said to be base64 and is not") from error
        case "quoted-printable":
            return quopri.decodestring(body)
    raise refused("SOAP-MIME", source, f"the transfer encoding '{encoding[:40]}' of a part is not known")


def _bare(content_id: str) -> str:
    return content_id.strip().removeprefix("<").removesuffix(">")
