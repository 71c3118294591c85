"""Values as the text of XML, escaped where they must be; what cannot be written is told. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from adapters.base.findings import Finding, Position
from adapters.soap.types import TEXT_KEY

_SPECIAL = re.compile(r"[&<>\r]")
SPECIAL_IN_ATTRIBUTE = re.compile(r"[&<\"\t\n\r]")
# Source: XML 1.0 (5th edition), 2.2: what is no character of XML, and cannot be escaped either.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


class Out:
    """One writing: the pieces so far, and what could not be written."""

    __slots__ = ("add", "findings", "pieces", "source")

    def __init__(self, source: str) -> None:
        self.pieces: list[str] = []
        self.add = self.pieces.append
        self.findings: list[Finding] = []
        self.source = source

    def refuse(self, code: str, path: str, text: str) -> None:
        """Tell what cannot be written."""
        self.findings.append(Finding(code, Position(self.source, path=path), text))


Write = Callable[[Any, Out], None]


def write_text(value: Any, out: Out) -> None:
    """Write the content of an element that is one text."""
    if value.__class__ in (dict, list):
        out.refuse("SOAP-SHAPE", "", "a record stands where a text belongs")
        return
    text = lexical(value, "", out)
    out.add(text if _SPECIAL.search(text) is None else _SPECIAL.sub(_escape, text))


def write_record_text(value: Any, out: Out) -> None:
    """Write the content of an element that has attributes, too: a record holds both."""
    write_text((value.get(TEXT_KEY) or "") if value.__class__ is dict else value, out)


def lexical(value: Any, path: str, out: Out) -> str:
    """Give a value as XML Schema writes it."""
    if value.__class__ is not str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    text: str = value
    if _NO_XML.search(text) is not None:
        out.refuse("SOAP-CHARACTER", path, "the value has a control character, which XML cannot hold")
        return ""
    return text


def escaped_attribute(text: str) -> str:
    """Give a text as it stands in an attribute."""
    return SPECIAL_IN_ATTRIBUTE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES[found[0]]
