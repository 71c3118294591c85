"""The one XML parser of this project: hardened, bounded, and every refusal a finding with its place.

Nothing else may call lxml's parsing functions on bytes from outside: their defaults expand an
internal entity that hides in UTF-16, read UTF-7, and take a million elements without a word
(measured, lxml 6.1 with libxml2 2.14). Schemas and WSDLs of our own are not read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NoReturn

from lxml import etree

from adapters.base.findings import DecodeError, Finding, Position

if etree.LXML_VERSION < (6, 1):  # pragma: no cover - CVE-2026-41066: earlier ones read local files by default
    raise ImportError(f"lxml {etree.__version__} is installed; 6.1 or later is needed (CVE-2026-41066)")

ENCODINGS = frozenset(
    {"utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii", "iso-8859-1", "windows-1252"}
)


@dataclass(frozen=True, slots=True)
class XmlBounds:
    """The limits of one XML document. libxml2 has its own too: 256 levels and 10 MB in one text."""

    size_bytes_max: int = 8 * 1024 * 1024
    nesting_max: int = 64
    elements_max: int = 200_000
    attributes_max: int = 200_000
    element_attributes_max: int = 256


class Keep(Enum):
    """What of a document is kept. Comments can split a text that a signature covers: know which you need."""

    CONTENT = "content"  # comments and processing instructions go, texts around them join
    EVERYTHING = "everything"  # for verifying signatures, which cover every byte


DEFAULT_BOUNDS = XmlBounds()
ATTRIBUTE_BYTES_MIN = len(' a=""')


def parse_xml(
    body: bytes,
    source: str,
    bounds: XmlBounds = DEFAULT_BOUNDS,
    keep: Keep = Keep.CONTENT,
    charset: str | None = None,
) -> etree._Element:
    """Give the root element of a document without document type and without entities.

    ``charset`` is the one that the transport declares; it outranks the XML declaration, a byte order
    mark outranks both (RFC 7303, section 3.2).
    Errors: DecodeError with XML-SIZE, XML-ENCODING, XML-DTD, XML-ELEMENTS, XML-ATTRS, XML-DEPTH or
    XML-SYNTAX.
    """
    encoding = _checked_encoding(body, source, bounds, charset)
    _check_prolog(body, source, encoding)
    # libxml2 holds about 100 bytes for each element and attribute, so a small body can fill the memory.
    # Each of them shows one of these characters, whose number is therefore a bound before anything is built.
    # An element takes four bytes at least, an attribute five: short documents need no counting.
    tags = body.count(b"<") if len(body) > 4 * bounds.elements_max else 0
    equals = body.count(b"=") if len(body) > ATTRIBUTE_BYTES_MIN * bounds.attributes_max else 0
    if tags > 2 * bounds.elements_max:
        _refuse(
            "XML-ELEMENTS",
            source,
            f"the document has {tags} tags; at most {2 * bounds.elements_max} are read",
        )
    if equals > 2 * bounds.attributes_max:
        text = f"the document has {equals} equals signs; up to {2 * bounds.attributes_max} it is read"
        _refuse("XML-ATTRS", source, text)
    root = _parsed(body, source, keep, encoding)
    _check_entities(body, root, source)
    _check_elements(root, source, bounds, tags)
    _check_attributes(
        root, source, bounds, equals, may_be_wide=_is_wide(encoding) or _has_long_tag(body, bounds)
    )
    return root


def element_path(element: etree._Element) -> str:
    """Give an element's place for a finding: ``/Envelope/Body/Order/Line[2]``, without namespaces."""
    steps = [_step(each) for each in (element, *element.iterancestors())]
    return "/" + "/".join(reversed(steps))


_PATH_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")


def element_at(root: etree._Element, path: str) -> etree._Element:
    """Give the element that a mapping's source path names, ``ItemOut[3].ItemID``, as far as it is there."""
    here = root
    for found in _PATH_STEP.finditer(path):
        name, number = found[1], int(found[2] or 1)
        children = [each for each in here if local_name(each.tag) == name]
        if len(children) < number:
            break
        here = children[number - 1]
    return here


def local_name(tag: object) -> str:
    """Give the local part of a name; "" where it is none: a comment's tag is a function."""
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def element_position(element: etree._Element, source: str) -> Position:
    """Give the place of an element: line and path."""
    line: object = element.sourceline  # None for an element that was not parsed
    return Position(source, line if isinstance(line, int) else None, path=element_path(element))


def _step(element: etree._Element) -> str:
    tag: object = element.tag
    if not isinstance(tag, str):  # a comment's tag is a function
        return "node()"
    name = etree.QName(element).localname
    earlier = sum(1 for _ in element.itersiblings(element.tag, preceding=True))
    is_only = earlier == 0 and next(element.itersiblings(element.tag), None) is None
    return name if is_only else f"{name}[{earlier + 1}]"


_DECLARED = re.compile(rb"""<\?xml\s[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']""")


def _checked_encoding(body: bytes, source: str, bounds: XmlBounds, charset: str | None) -> str | None:
    """Give the encoding to tell libxml2, None where its own detection is right.

    Only what people use is taken: UTF-7, EBCDIC and others let the same bytes mean two documents.
    Source: XML 1.0 (5th edition), appendix F.1, detection without external information.
    """
    if len(body) > bounds.size_bytes_max:
        text = f"the document has {len(body)} bytes; at most {bounds.size_bytes_max} are read"
        _refuse("XML-SIZE", source, text)
    head = body[:4]
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"\x00\x00\x00<", b"<\x00\x00\x00")):
        _refuse("XML-ENCODING", source, "the document is UTF-32; expected UTF-8")
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")):
        return "utf-16" if head[0] > 0x7F else "utf-16le" if head[1] == 0 else "utf-16be"
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    declared = _DECLARED.match(body)
    name = charset or (declared[1].decode("ascii") if declared else "utf-8")
    if name.lower() not in ENCODINGS:
        _refuse("XML-ENCODING", source, f"the document is declared as '{name}'; expected UTF-8 or ISO-8859-1")
    if name.lower().startswith("utf-16"):
        # The bytes begin with neither a byte order mark nor a wide '<': a bare encoding error of the sender.
        _refuse(
            "XML-ENCODING",
            source,
            f"the document is declared as '{name}' but its bytes are not; expected UTF-8",
        )
    return name if charset else None


# Atomic and possessive, so that a hostile prolog costs one pass. A UTF-8 mark is three letters of Latin-1.
_BEFORE_DOCTYPE = re.compile(
    r"(?:\s++|\ufeff|\xef\xbb\xbf|(?>(?s:<\?.*?\?>))|(?>(?s:<!--.*?-->)))*+(?=<!DOCTYPE)"
)


def _check_prolog(body: bytes, source: str, encoding: str | None) -> None:
    """Refuse a document type before libxml2 sees it: without one there are no entities to attack with."""
    text = body.decode(encoding, "replace") if encoding and _is_wide(encoding) else body.decode("latin-1")
    if found := _BEFORE_DOCTYPE.match(text):
        before = found[0]
        at = Position(source, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise DecodeError(Finding("XML-DTD", at, DTD_TEXT))


DTD_TEXT = "the document has a document type (<!DOCTYPE>); it can carry entities and is never read, remove it"


def _parsed(body: bytes, source: str, keep: Keep, encoding: str | None) -> etree._Element:
    parser = etree.XMLParser(  # a new one for each document: reuse gained nothing and shares state
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=keep is Keep.CONTENT,
        remove_pis=keep is Keep.CONTENT,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise DecodeError(_syntax_finding(error, source)) from error
    if (root.getroottree().docinfo.encoding or "utf-8").lower() not in ENCODINGS:
        # A declaration that libxml2 understands and we did not read must not pass either.
        _refuse("XML-ENCODING", source, "the document declares an encoding that is not read; expected UTF-8")
    return root


def _syntax_finding(error: etree.XMLSyntaxError, source: str) -> Finding:
    line, column = error.position
    told = (error.msg or "it cannot be read").split(", line ")[0].strip()
    code = "XML-SYNTAX"
    number = getattr(error, "code", None)  # libxml2's xmlParserErrors; the type stubs lack it
    if number == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        code = "XML-DEPTH" if "depth" in told.lower() else "XML-SIZE"
        told = told.partition(", ")[0]
    elif number in (etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING, etree.ErrorTypes.ERR_INVALID_ENCODING):
        code = "XML-ENCODING"
    return Finding(
        code, Position(source, line or None, column or None), f"this is not well-formed XML: {told}"
    )


_ATTRIBUTES_COUNT = etree.XPath("count(//@*)")
_ELEMENTS_COUNT = etree.XPath("count(//*)")


def _check_entities(body: bytes, root: etree._Element, source: str) -> None:
    document_type: object = root.getroottree().docinfo.internalDTD
    # The prolog was searched already: what libxml2 sees and we did not must not pass either. An entity's
    # reference begins with an ampersand, whose byte stands in every encoding of it.
    if document_type is not None or (b"&" in body and any(True for _ in root.iter(etree.Entity))):
        _refuse("XML-DTD", source, DTD_TEXT)


def _check_elements(root: etree._Element, source: str, bounds: XmlBounds, tags: int) -> None:
    """Hold the exact bounds; libxml2's own XPath counts a thousand elements in ten microseconds."""
    if tags > bounds.elements_max and (elements := _count(_ELEMENTS_COUNT, root)) > bounds.elements_max:
        _refuse(
            "XML-ELEMENTS",
            source,
            f"the document has {elements} elements; at most {bounds.elements_max} are read",
        )
    deep = _found_by(f"({'/*' * (bounds.nesting_max + 1)})[1]", root)
    if deep is not None:
        text = f"elements are nested more than {bounds.nesting_max} levels deep"
        raise DecodeError(Finding("XML-DEPTH", element_position(deep, source), text))


def _check_attributes(
    root: etree._Element, source: str, bounds: XmlBounds, equals: int, *, may_be_wide: bool
) -> None:
    # Each attribute shows an equals sign: as long as there are few of these, there is nothing to count.
    attributes = _count(_ATTRIBUTES_COUNT, root) if equals > bounds.attributes_max else 0
    if attributes > bounds.attributes_max:
        text = f"the document has {attributes} attributes; at most {bounds.attributes_max} are read"
        _refuse("XML-ATTRS", source, text)
    if not may_be_wide:
        return
    wide = _found_by(f"(//@*[{bounds.element_attributes_max + 1}]/..)[1]", root)
    if wide is not None:
        text = (
            f"the element has {len(wide.attrib)} attributes; at most {bounds.element_attributes_max} are read"
        )
        raise DecodeError(Finding("XML-ATTRS", element_position(wide, source), text))


def _has_long_tag(body: bytes, bounds: XmlBounds) -> bool:
    """Tell whether a tag is long enough to hold more attributes than an element may have.

    No '<' stands within a tag, for XML 1.0 (5th edition), 3.1, allows none in a value. So a tag of so many
    attributes is a stretch of bytes without one; a text may be such a stretch, too, and is then looked at.
    In UTF-16 the byte is part of other characters: that is for `_is_wide` to tell.
    """
    least = ATTRIBUTE_BYTES_MIN * (bounds.element_attributes_max + 1)
    find, end, place = body.rfind, len(body) - least, 0
    while place <= end:
        found = find(b"<", place, place + least)
        if found < 0:
            return True
        place = found + 1
    return False


def _is_wide(encoding: str | None) -> bool:
    return encoding is not None and encoding.lower().startswith("utf-16")


def _count(expression: etree.XPath, root: etree._Element) -> int:
    counted = expression(root)
    assert isinstance(counted, float)  # noqa: S101 - what count() gives
    return int(counted)


def _found_by(path: str, root: etree._Element) -> etree._Element | None:
    found = _compiled(path)(root)
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, etree._Element) else None


@lru_cache(maxsize=32)
def _compiled(path: str) -> etree.XPath:
    """Keep compiled expressions: there are as many as configured bounds."""
    return etree.XPath(path)


def _refuse(code: str, source: str, text: str) -> NoReturn:
    raise DecodeError(Finding(code, Position(source), text))
