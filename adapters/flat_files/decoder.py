"""Decoding a flat file: records, documents, canonical documents. Streaming; a bad one costs itself only."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping

from adapters.base import (
    DecodeContext,
    Decoded,
    Finding,
    Interchange,
    Level,
    Position,
    Summary,
    Unit,
    UnitKind,
)
from adapters.flat_files.prepared import Prepared
from adapters.layouts import Grouped, Grouper, Layout, Reader, Row
from adapters.layouts.places import locator
from adapters.mapping import MappingContext
from canonical.document import CanonicalDocument

FILE = Unit(UnitKind.FILE, "0")
ENVIRONMENTS = {"test": "T", "production": "P"}  # what a field with fill: environment holds


class FlatDecoder:
    """Decodes one file."""

    def __init__(
        self, context: DecodeContext, made: Prepared | tuple[Finding, ...], resume: bytes | None
    ) -> None:
        self._context = context
        self._made = made
        self._index = 0
        self._size_bytes = 0
        if isinstance(made, Prepared):
            self._reader = Reader(made.layout, context.source)
            self._grouper = Grouper(
                made.layout, context.source,
                leaves_out=made.bad_records == "leave_out", bytes_max=context.bounds.set_bytes_max,
            )  # fmt: skip
            if resume:
                # Our own bytes, from the journal of this gateway.
                self._index, self._size_bytes, read, grouped = pickle.loads(resume)  # noqa: S301
                self._reader.resume(read)
                self._grouper.resume(grouped)

    def feed(self, chunk: bytes) -> Iterator[Decoded]:
        """Take the next bytes and give the documents that they complete."""
        if isinstance(self._made, tuple):
            return
        self._size_bytes += len(chunk)
        if self._size_bytes > self._context.bounds.size_bytes_max:
            return
        yield from self._documents(self._made, self._grouper.feed(self._reader.feed(chunk)))

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Give the last document, and what only the whole file tells."""
        if isinstance(self._made, tuple):
            return [], Summary(0, self._made, frozenset(), is_readable=False)
        last = list(self._documents(self._made, self._grouper.feed(self._reader.finish())))
        last += self._documents(self._made, self._grouper.finish())
        findings = [*self._reader.findings, *self._grouper.findings, *self._environment(self._made.layout)]
        if self._size_bytes > self._context.bounds.size_bytes_max:
            text = f"more than {self._context.bounds.size_bytes_max} bytes; send smaller files"
            findings.append(Finding("FLAT-SIZE", Position(self._context.source), text))
        condemned = any(finding.level is Level.REJECTED for finding in findings)
        is_readable = self._reader.is_readable and (self._index > 0 or not condemned)
        if self._index == 0 and not findings:
            text = "the file holds no document"
            findings.append(Finding("FLAT-EMPTY", Position(self._context.source), text, Level.NOTE))
        whole = Interchange(
            None, None, "", is_acknowledgment=False, facts={"heads": _facts(self._grouper.heads)}
        )
        rejected = frozenset({FILE}) if condemned else frozenset[Unit]()
        return last, Summary(self._index, tuple(findings), rejected, (whole,), is_readable)

    def state(self) -> bytes:
        """Give what ``decoder(context, resume=...)`` needs to go on after the bytes fed so far."""
        if isinstance(self._made, tuple):
            return b""
        return pickle.dumps((self._index, self._size_bytes, self._reader.state(), self._grouper.state()))

    def _documents(self, made: Prepared, documents: Iterable[Grouped]) -> Iterator[Decoded]:
        for grouped in documents:
            yield self._decoded(made, grouped)

    def _decoded(self, made: Prepared, grouped: Grouped) -> Decoded:
        index, self._index = self._index, self._index + 1
        findings = list(grouped.findings)
        if not self._reader.is_readable:
            findings += [each for each in self._reader.findings if each.level is Level.REJECTED]
        document: CanonicalDocument | None = None
        raw = grouped.raw
        if not any(finding.level is Level.REJECTED for finding in findings):
            document, found = made.mapping.read_document(
                grouped.values, self._mapping_context(made.layout, grouped)
            )
            findings += found
        bounded = _bounded(findings, self._context.bounds.findings_max)
        units = (Unit(UnitKind.SET, str(index)), FILE)
        return Decoded(index, made.layout.name, document, bounded, raw, units)

    def _mapping_context(self, layout: Layout, grouped: Grouped) -> MappingContext:
        context = self._context
        return MappingContext(
            source=context.source,
            zone=context.zone,
            at=context.library.at,
            crosswalk=context.library.crosswalk,
            locate=locator(layout, grouped.places, context.source),
            findings_max=context.bounds.findings_max,
        )

    def _environment(self, layout: Layout) -> Iterator[Finding]:
        """Hold the wall between test and production where the file says which it is."""
        expected = ENVIRONMENTS[self._context.environment]
        for row in self._grouper.heads:
            for item in layout.records[row.name].items:
                if getattr(item, "fill", None) == "environment":
                    said = row.values.get(getattr(item, "name", ""))
                    if said in ENVIRONMENTS.values() and said != expected:
                        at = Position(self._context.source, row.number, path=row.name, offset=row.offset)
                        text = f"the file says '{said}'; in {self._context.environment} '{expected}' is right"
                        yield Finding("FLAT-ENV", at, text)


def _facts(heads: Iterable[Row]) -> list[Mapping[str, object]]:
    return [{"name": row.name, "values": row.values} for row in heads]


def _bounded(findings: list[Finding], most: int) -> tuple[Finding, ...]:
    if len(findings) <= most:
        return tuple(findings)
    text = f"{len(findings) - most} further findings are not shown"
    rejected = sorted(findings, key=lambda each: each.level is not Level.REJECTED)[:most]
    return (*rejected, Finding("FLAT-MORE", rejected[0].at, text, Level.NOTE))
