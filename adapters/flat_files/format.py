"""The format ``flat_files``: bytes <-> canonical documents by a layout and a mapping. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from adapters.base import (
    DecodeContext,
    EncodeError,
    Envelope,
    Finding,
    Interchange,
    Level,
    Library,
    Position,
    Verdict,
)
from adapters.flat_files.decoder import ENVIRONMENTS, FlatDecoder
from adapters.flat_files.prepared import Prepared, prepared
from adapters.layouts import Layout, Reader, Row, Writer, rows_of
from adapters.layouts.model import Values, put_at
from adapters.layouts.reader import HEADER
from adapters.layouts.totals import Tally, totals_within
from adapters.mapping import MappingContext
from canonical.document import CanonicalDocument

NAME = "flat_files"


class FlatFormat:
    """Flat files by layouts."""

    name = NAME

    def decoder(self, context: DecodeContext, resume: bytes | None = None) -> FlatDecoder:
        """Make a decoder for one file."""
        made = prepared(context.settings, context.partner_settings, context.library)
        return FlatDecoder(context, made, resume)

    def encode(self, documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
        """Write documents as one file, with its header and trailer. Errors: EncodeError with all findings."""
        made = _usable(envelope)
        findings: list[Finding] = []
        trees = [_tree(made, document, envelope, findings) for document in documents]
        if findings:
            raise EncodeError(findings)
        return _written(made.layout, rows_of(made.layout, trees, fills=_fills(envelope)))

    def acknowledge(
        self, interchange: Interchange, verdicts: Mapping[int, Verdict], envelope: Envelope
    ) -> bytes | None:
        """Give none: flat files know no acknowledgment of receipt."""
        return None

    def wrap(self, sets: Sequence[bytes], interchange: Interchange, envelope: Envelope) -> bytes:
        """Put documents, bytes unchanged, between the file's own header and trailer, totals made anew."""
        layout = _usable(envelope).layout
        heads = [Row(each["name"], each["values"]) for each in interchange.facts.get("heads", ())]  # type: ignore[attr-defined]
        body = b"".join(sets)
        tallies = [Tally(total) for total in totals_within(layout, None)]
        reader = Reader(layout, HEADER)
        reader.skip_heading()
        for row, _ in (*reader.feed(body), *reader.finish(), *((head, ()) for head in heads)):
            for tally in tallies:
                tally.add(row.name, row.values)
        for tally in tallies:
            for head in heads:
                if head.name == tally.total.record:
                    put_at(head.values, tally.total.path, f"{tally.value:f}")
        before = [row for row in heads if not layout.records[row.name].is_last]
        after = [row for row in heads if layout.records[row.name].is_last]
        return _written(layout, before) + body + _written(layout, after, is_begun=True)

    def is_urgent(self, head: bytes) -> bool:
        """Tell nothing: only a layout knows where a file says so."""
        return False

    def identity(self, head: bytes) -> str | None:
        """Give none: flat files have no control numbers that all of them share."""
        return None

    def recognises(self, head: bytes) -> bool:
        """Tell nothing: records are recognised by a layout (``recognises_by``)."""
        return False

    def recognises_by(self, head: bytes, partner: BaseModel | None, library: Library) -> bool:
        """Tell whether the first bytes read by the partner's layout without a mistake."""
        made = prepared(None, partner, library)
        if isinstance(made, tuple) or not head:
            return False
        reader = Reader(made.layout, "head")
        rows = list(reader.feed(head))
        if not rows:  # one record that is not ended
            rows = list(reader.finish())
        bad = [finding for _, found in rows for finding in found if finding.level is Level.REJECTED]
        return bool(rows) and not bad and reader.is_readable


def _usable(envelope: Envelope) -> Prepared:
    made = prepared(envelope.settings, envelope.partner_settings, envelope.library)
    if isinstance(made, tuple):
        raise EncodeError(made)
    return made


def _tree(made: Prepared, document: CanonicalDocument, envelope: Envelope, findings: list[Finding]) -> Values:
    if made.mapping.document_type != document.document_type:
        text = (
            f"mapping {made.mapping.name} writes {made.mapping.document_type}, not {document.document_type}"
        )
        findings.append(Finding("FLAT-DOCUMENT", Position(made.layout.name), text))
        return {}
    context = MappingContext(
        source=made.layout.name,
        zone=envelope.zone,
        at=envelope.library.at,
        crosswalk=envelope.library.crosswalk,
    )
    record, found = made.mapping.write(document, context)
    findings += [each for each in found if each.level is Level.REJECTED]
    return record


def _fills(envelope: Envelope) -> dict[str, str]:
    local = envelope.at.astimezone(ZoneInfo(envelope.zone))
    return {
        "control_number": str(envelope.control_number),
        "date": f"{local:%Y-%m-%d}",
        "time": f"{local:%H%M%S}",
        "environment": ENVIRONMENTS[envelope.environment],
    }


def _written(layout: Layout, rows: Sequence[Row], *, is_begun: bool = False) -> bytes:
    writer = Writer(layout)
    body = writer.write(rows, is_begun=is_begun)
    if writer.findings:
        raise EncodeError(writer.findings)
    return body
