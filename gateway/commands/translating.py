"""One input through a format, offline: recognise, decode as a stream, judge, acknowledge, encode."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from adapters.base import (
    DecodeContext,
    Decoded,
    Decoder,
    Envelope,
    Environment,
    Finding,
    Format,
    Level,
    Library,
    Lossy,
    Position,
    Summary,
    Unit,
    UnitKind,
    Verdict,
)
from adapters.base.registry import adapters
from canonical.document import CanonicalDocument
from canonical.registry import to_json
from gateway.canonical_json import NAME as CANONICAL
from gateway.canonical_json import CanonicalJson
from gateway.commands.errors import CommandError

if TYPE_CHECKING:
    from gateway.config import Configuration

FORMATS_HELP = "canonical, edi_x12 ..."
HEAD_BYTES = 4096  # what ``Format.recognises`` is given
PROBE_BYTES = 256 * 1024
CHUNK_BYTES = 256 * 1024
ENVIRONMENTS: tuple[Environment, Environment] = ("production", "test")


@dataclass(frozen=True, slots=True)
class Profile:
    """By whose rules inputs are read and envelopes written."""

    environment: Environment | None  # None: whichever the input says it is
    partner: str | None = None
    settings: dict[str, BaseModel] = field(default_factory=dict)  # the partner's, by format
    zone: str = "UTC"
    accept_by: UnitKind = UnitKind.SET
    acknowledgment: Literal["997", "999"] = "997"
    library: Library = field(default_factory=Library)  # mappings and layouts; code tables are in a journal

    def in_zone(self, at: datetime) -> datetime:
        """Give a time that names no zone the partner's."""
        return at.replace(tzinfo=ZoneInfo(self.zone))


class Readable(Protocol):
    """What an input is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Give the next bytes."""
        ...


@dataclass(slots=True)
class Input:
    """One input, and whether anything could be recognised in it."""

    source: str
    file: Readable
    format_name: str | None
    is_readable: bool = True


@dataclass(slots=True)
class Written:
    """What goes out besides canonical JSON: documents to encode at the end, acknowledgments."""

    to_format: str
    control_number: int
    at: datetime
    profile: Profile
    environment: Environment = "production"
    documents: list[CanonicalDocument] = field(default_factory=list)
    acknowledgments: list[bytes] = field(default_factory=list)

    def envelope(self, format_name: str) -> Envelope:
        """Give the envelope of the next thing written, with the next control number."""
        envelope = Envelope(
            control_number=self.control_number,
            at=self.at,
            environment=self.profile.environment or self.environment,
            zone=self.profile.zone,
            partner_settings=self.profile.settings.get(format_name),
            acknowledgment=self.profile.acknowledgment,
            library=self.profile.library,
        )
        self.control_number += 1
        return envelope

    def encoded(self) -> bytes:
        """Give all documents in the format wanted. Errors: EncodeError."""
        if self.to_format == CANONICAL or not self.documents:
            return b""
        return format_named(self.to_format).encode(self.documents, self.envelope(self.to_format))

    def left_out(self) -> list[Finding]:
        """Give notes about what the bytes do not say of the documents."""
        if self.to_format == CANONICAL:
            return []
        made = format_named(self.to_format)
        return (
            [note for each in self.documents for note in made.left_out(each)]
            if isinstance(made, Lossy)
            else []
        )


def without_profile() -> Profile:
    """Give the rules that hold without a configuration."""
    return Profile(None)


def profile_of(configuration: Configuration, partner: str) -> Profile:
    """Give a partner's rules. Errors: CommandError where the configuration has no such partner."""
    found = configuration.partners.get(partner)
    if found is None:
        names = ", ".join(sorted(configuration.partners)) or "none"
        raise CommandError(f"there is no partner '{partner}' in this configuration; it declares: {names}")
    return Profile(
        configuration.gateway.environment,
        partner,
        dict(found.adapters),
        configuration.zone(partner),
        found.accept_by,
        "999" if found.acknowledge is not None and found.acknowledge.type == "999" else "997",
        configuration.library,
    )


def format_named(name: str) -> Format:
    """Give a format by its name. Errors: CommandError, listing the names there are."""
    makers = _makers()
    if name not in makers:
        raise CommandError(f"there is no format '{name}'; there are: {', '.join(sorted(makers))}")
    return makers[name]()


def translated(
    given: Input, written: Written, *, tells_source: bool
) -> Iterator[tuple[bytes, list[Finding]]]:
    """Give, set by set, the line to print and what was found; last what only the end could tell."""
    body, head = _begun(given.file)
    format_ = _recognised(given, head, written.profile)
    if isinstance(format_, Finding):
        given.is_readable = False
        yield b"", [format_]
        return
    context = _context(given.source, format_, written.profile, body)
    written.environment = context.environment
    reading = _Reading(format_.decoder(context))
    for decoded in reading.sets(body, given.file):
        line = b""
        if decoded.document is not None:
            if written.to_format == CANONICAL:
                line = _line(decoded.document, given.source if tells_source else None)
            else:
                written.documents.append(decoded.document)
        yield line, [*decoded.findings, *_unsupported(decoded, given.source)]
    summary = reading.summary
    given.is_readable = summary.is_readable
    _acknowledge(format_, reading, summary, written)
    yield b"", [*summary.findings, *_nothing(summary, given.source)]


class _Reading:
    """One decoding, and what of it the acknowledgment will need."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.summary = Summary(0, (), frozenset())
        self.verdicts: dict[int, Verdict] = {}
        self.units: dict[int, tuple[Unit, ...]] = {}
        self.interchanges: dict[int, int] = {}

    def sets(self, begun: bytes, file: Readable) -> Iterator[Decoded]:
        """Give the sets, one by one; afterwards there is a summary."""
        piece = begun
        while piece:
            yield from map(self._seen, self._decoder.feed(piece))
            piece = file.read(CHUNK_BYTES)
        rest, self.summary = self._decoder.finish()
        yield from map(self._seen, rest)

    def _seen(self, decoded: Decoded) -> Decoded:
        self.verdicts[decoded.index] = _verdict(decoded.findings)
        self.units[decoded.index] = decoded.units
        self.interchanges[decoded.index] = decoded.interchange
        return decoded


def _acknowledge(format_: Format, reading: _Reading, summary: Summary, written: Written) -> None:
    rejected = _refused(reading, summary, written.profile.accept_by)
    for position, interchange in enumerate(summary.interchanges):
        if interchange.is_acknowledgment:
            continue
        own = {
            index: Verdict.REJECTED if rejected.intersection(reading.units[index]) else verdict
            for index, verdict in reading.verdicts.items()
            if reading.interchanges[index] == position
        }
        body = format_.acknowledge(interchange, own, written.envelope(format_.name))
        if body is not None:
            written.acknowledgments.append(body)


def _refused(reading: _Reading, summary: Summary, accept_by: UnitKind) -> frozenset[Unit]:
    """Give the units that the partner's policy refuses as a whole, by the pipeline's own rule."""
    from canonical.keys import KeyRules
    from gateway.going_on import refused_units
    from gateway.program import Program
    from gateway.stage import RouteRule

    program = Program(
        "translate", CANONICAL, DecodeContext("", "test"), RouteRule("translate"),
        KeyRules(organisation="translate"), accept_by=accept_by,
    )  # fmt: skip
    return refused_units(program, summary, reading.verdicts, reading.units)


def _makers() -> dict[str, Callable[[], Format]]:
    made = {name: each.format for name, each in adapters().items() if each.format is not None}
    return {CANONICAL: CanonicalJson, **made}


def _formats(head: bytes) -> dict[str, Format]:
    """Give the formats that an input can be of; others are not loaded: one of them needs a second for it."""
    known = adapters()
    return {
        name: make() for name, make in _makers().items() if name == CANONICAL or known[name].holds in head
    }


def _begun(file: Readable) -> tuple[bytes, bytes]:
    """Give the beginning of an input, and of that the head that formats look at."""
    body = b""
    while len(body) < PROBE_BYTES and (piece := file.read(PROBE_BYTES - len(body))):
        body += piece
    return body, body[:HEAD_BYTES]


def _recognised(given: Input, head: bytes, profile: Profile) -> Format | Finding:
    if given.format_name is not None:
        return format_named(given.format_name)
    formats = _formats(head)
    found = [each for each in formats.values() if each.recognises(head)]
    if not found:  # some can be told only by what the partner's settings say: a layout
        found = [each for each in formats.values() if _is_the_partners(each, head, profile)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(each.name for each in found) or sorted(_makers()))
    if not head.strip():
        text = "the input is empty; expected a document"
    elif found:
        text = f"the content may be one of {names}; say which with --from"
    else:
        text = f"the content is of no format that is known here ({names}); if it is one, say so with --from"
    return Finding("INPUT-UNKNOWN", Position(given.source), text)


def _is_the_partners(format_: Format, head: bytes, profile: Profile) -> bool:
    settings = profile.settings.get(format_.name)
    recognises_by = getattr(format_, "recognises_by", None)
    return (
        settings is not None and recognises_by is not None and recognises_by(head, settings, profile.library)
    )


def _context(source: str, format_: Format, profile: Profile, begun: bytes) -> DecodeContext:
    def context(environment: Environment) -> DecodeContext:
        settings = profile.settings.get(format_.name)
        return DecodeContext(
            source, environment, profile.partner, settings, zone=profile.zone, library=profile.library
        )

    if profile.environment is not None:
        return context(profile.environment)
    # Without a configuration there is no wall between test and production to hold: read the input as
    # what it says it is. Formats call a breach of the wall <FORMAT>-ENV.
    return min(map(context, ENVIRONMENTS), key=lambda each: _breaches(format_.decoder(each), begun))


def _breaches(decoder: Decoder, begun: bytes) -> int:
    sets = list(decoder.feed(begun))
    rest, summary = decoder.finish()
    findings = [*summary.findings, *(finding for each in (*sets, *rest) for finding in each.findings)]
    return sum(1 for finding in findings if finding.code.endswith("-ENV"))


def _unsupported(decoded: Decoded, source: str) -> list[Finding]:
    """Say of a set without a guide that it was not translated, where the decoder has not."""
    if not decoded.is_passed_through or decoded.document is not None:
        return []
    text = (
        f"a {decoded.set_type} cannot be translated, there is no guide for it; a gateway passes its bytes on "
        "as they are"
    )
    at = decoded.findings[0].at if decoded.findings else Position(source, path=f"set {decoded.index + 1}")
    return [Finding("SET-UNSUPPORTED", at, text, level=Level.ERROR)]


def _nothing(summary: Summary, source: str) -> list[Finding]:
    """Say of an input without a set (a TA1 alone) that there is nothing to translate."""
    if summary.sets or not summary.is_readable:
        return []
    text = "the input holds no document, only envelopes; nothing was translated"
    return [Finding("INPUT-NO-SETS", Position(source), text, level=Level.NOTE)]


def _verdict(findings: Sequence[Finding]) -> Verdict:
    from gateway.ruling import verdict_of

    return verdict_of(findings)


def _line(document: CanonicalDocument, source: str | None) -> bytes:
    body = to_json(document)
    if source is None:
        return body + b"\n"
    return b'{"source":' + json.dumps(source).encode() + b"," + body[1:] + b"\n"
