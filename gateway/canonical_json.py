"""Canonical JSON as a format: one document, in our own words. Pure.

What ``POST /v1/documents/{type}`` takes and what ``translate`` prints. It has no envelopes and no
acknowledgments: the HTTP reply is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from adapters.base import (
    Bounds,
    DecodeContext,
    Decoded,
    Envelope,
    Finding,
    Interchange,
    Position,
    Summary,
    Unit,
    UnitKind,
    Verdict,
)
from adapters.base.whole_body import WholeBody, unreadable
from canonical.document import CanonicalDocument
from canonical.registry import DocumentError, parse_document, read_json, to_json

NAME = "canonical"
_RUSH = re.compile(rb'"urgency"\s*:\s*"rush"')
# What `translate` writes in front of the documents of several files, so that it reads them back.
_TOLD_SOURCE = re.compile(rb'^(\s*\{)"source":"(?:[^"\\]|\\.)*",(?="document_type")')
_LOOKS_LIKE = re.compile(rb'^\s*\{\s*"[a-z_]+"\s*:')


class CanonicalJson:
    """The format ``canonical``: documents as JSON, one a line."""

    name = NAME

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> CanonicalDecoder:
        """Make a decoder for one input."""
        return CanonicalDecoder(context, resume)

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Write documents, one a line."""
        return b"".join(to_json(document) + b"\n" for document in documents)

    def acknowledge(
        self, interchange: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope
    ) -> bytes | None:
        """Give none: JSON comes over HTTP, whose reply is the acknowledgment."""
        return None

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Put documents one a line."""
        return b"".join(each.rstrip(b"\n") + b"\n" for each in sets)

    def is_urgent(self, head: bytes) -> bool:
        """Look for an urgent order."""
        return _RUSH.search(head) is not None

    def identity(self, head: bytes) -> str | None:
        """Give none: JSON has no control numbers."""
        return None

    def recognises(self, head: bytes) -> bool:
        """Look for an object whose first field reads like one of ours."""
        return _LOOKS_LIKE.match(head) is not None and b'"document_type"' in head


class CanonicalDecoder(WholeBody):
    """Decodes documents that stand one a line, or one alone over several lines, which only the end tells."""

    def __init__(self, context: DecodeContext, resume: bytes | None) -> None:
        super().__init__(context.bounds.set_bytes_max, resume)
        self._source = context.source
        self._bounds: Bounds = context.bounds

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Give the documents."""
        text = self.content
        if self.is_too_large:
            finding = self._finding(
                "JSON-SIZE", f"more than {self._bounds.set_bytes_max} bytes; send fewer documents"
            )
            return unreadable(finding)
        bodies = _bodies(text)
        decoded = [self._decode(index, line, body) for index, (line, body) in enumerate(bodies)]
        missing = (
            () if bodies else (self._finding("JSON-EMPTY", "no document found; expected a JSON object"),)
        )
        whole = (Interchange(None, None, "", is_acknowledgment=False, facts={}),)
        return decoded, Summary(len(decoded), missing, frozenset(), whole, is_readable=bool(bodies))

    def _decode(self, index: int, line: int, body: bytes) -> Decoded:
        units = (Unit(UnitKind.SET, str(index)), Unit(UnitKind.FILE, "0"))
        try:
            document = parse_document(_TOLD_SOURCE.sub(rb"\1", body, count=1))
        except DocumentError as error:
            findings = tuple(
                Finding(
                    code="JSON-DOCUMENT",
                    at=Position(self._source, line=line, path=path or "document"),
                    text=expected,
                )
                for path, expected in error.problems
            )
            return Decoded(index, "json", None, findings, body, units, order_numbers=_order_numbers(body))
        return Decoded(index, document.document_type, document, (), body, units)

    def _finding(self, code: str, text: str) -> Finding:
        return Finding(code=code, at=Position(self._source), text=text)


def _bodies(text: bytes) -> list[tuple[int, bytes]]:
    """Split into documents, each with its line: one a line where the lines begin objects, else the whole.

    One broken line costs its own document only, so the lines need not end well. In a document over several
    lines the second one begins no object.
    """
    lines = [(number, line) for number, line in enumerate(text.split(b"\n"), start=1) if line.strip()]
    if len(lines) > 1 and (_is_object(lines[0][1]) or all(_begins_object(line) for _, line in lines)):
        return lines
    return [(lines[0][0], text)] if lines else []


def _order_numbers(body: bytes) -> tuple[str, ...]:
    """Give the number of an order that cannot be translated, where it can be read."""
    try:
        fields = read_json(body)
    except DocumentError:
        return ()
    if not isinstance(fields, dict) or fields.get("document_type") != "purchase_order":
        return ()
    number = fields.get("number")
    return (number.strip(),) if isinstance(number, str) and number.strip() else ()


def _begins_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{")


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(read_json(line), dict)
    except DocumentError:
        return False
