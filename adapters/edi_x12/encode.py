"""Canonical documents -> one interchange of transaction sets, judged by the partner's guide before it leaves.

Control number and time come with the Envelope, so the same document gives the same bytes. A document that
the partner's guide does not allow is refused with all that is wrong, and nothing of it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.base.findings import Finding, Level, Position
from adapters.base.formats import EncodeError, Envelope, Interchange
from adapters.edi_x12.config import InterchangeId, X12Partner, partner_of
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.documents_out import WRITERS
from adapters.edi_x12.functional_groups import GROUP_OF_SET
from adapters.edi_x12.guide import Guide, guide_for
from adapters.edi_x12.kept import Row, with_kept
from adapters.edi_x12.lexer import Places, SetText, separators_of
from adapters.edi_x12.outbound import Group, write_interchange
from adapters.edi_x12.page import Page, Problem
from adapters.edi_x12.parties import parties_missing
from adapters.edi_x12.parts_out import trimmed
from adapters.edi_x12.read_in import PLAIN_COMPONENT, with_component
from adapters.edi_x12.report import Report
from adapters.edi_x12.walk import walk_slowly, walk_usual
from canonical.document import CanonicalDocument

ISA_VERSIONS = {"004010": "00401", "005010": "00501"}
_LINE_BREAKS = {"none": b"", "lf": b"\n", "crlf": b"\r\n"}
_TEXT_ELEMENTS = frozenset({"93", "166", "19", "352", "369", "387", "933", "1551", "364"})  # may be cut
FINDINGS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class WrittenSet:
    """One set: its type, its bytes."""

    set_type: str
    body: bytes


def encode(documents: Sequence[CanonicalDocument], envelope: Envelope) -> bytes:
    """Give the interchange. Errors: EncodeError with every finding of every document."""
    partner = partner_of(envelope.partner_settings)
    delimiters = delimiters_of(partner)
    findings: list[Finding] = []
    sets: list[WrittenSet] = []
    for number, document in enumerate(documents, 1):
        written = write_set(document, f"{number:04}", partner, delimiters, envelope.zone)
        if isinstance(written, WrittenSet):
            sets.append(written)
        else:
            findings.extend(written)
    if not sets and not findings:
        findings.append(_finding("X12-ENCODE", "", "there is no document to write"))
    if findings:
        raise EncodeError(findings)
    return _interchange(sets, documents[0], partner, delimiters, envelope)


def delimiters_of(partner: X12Partner) -> Delimiters:
    """Give the delimiters that a partner wants. Errors: EncodeError where two are the same."""
    taste = partner.outbound
    repetition = taste.repetition_separator if isa_version(partner) >= "00402" else ""
    terminator = "\n" if taste.terminator == "newline" else taste.terminator
    marks = [taste.element_separator, taste.component_separator, terminator, *repetition]
    if len(set(marks)) != len(marks):
        text = "two of outbound.element_separator, component_separator, terminator are the same character"
        raise EncodeError([_finding("X12-DELIMITERS", "", text)])
    return Delimiters(
        taste.element_separator.encode(),
        taste.component_separator.encode(),
        terminator.encode(),
        repetition.encode(),
        _LINE_BREAKS[taste.line_break],
    )


def isa_version(partner: X12Partner) -> str:
    """Give ISA12 for the version that a partner takes (GS08)."""
    return ISA_VERSIONS.get(partner.version[:6], "00401")


def write_set(
    document: CanonicalDocument, control: str, partner: X12Partner, delimiters: Delimiters, zone: str = "UTC"
) -> WrittenSet | list[Finding]:
    """Give one set's bytes, ST to SE, or everything that keeps it from being written."""
    writer = WRITERS.get(document.document_type)
    if writer is None:
        return [
            _finding("X12-ENCODE", document.document_type, "cannot be written as X12: there is no set for it")
        ]
    set_type, write = writer
    guide = guide_for(set_type, partner.version, partner)
    if guide is None:
        text = f"there is no guide for set {set_type} in version {partner.version}; see `version`"
        return [_finding("X12-NO-GUIDE", "", text)]
    page = Page(guide, partner)
    write(page, document)
    if page.problems:
        return [_problem(each, control) for each in page.problems]
    rows = with_kept(page, partner, zone)
    component = delimiters.component.decode("latin-1")
    if component != PLAIN_COMPONENT:
        rows = [_separated(row, guide, component) for row in rows]
    return _judged(rows, guide, control, partner, delimiters)


def _separated(row: Row, guide: Guide, component: str) -> Row:
    """Give a row whose composites are separated as this partner wants it."""
    return [
        row[0],
        *(each or "" for each in with_component(tuple(row[1:]), row[0], guide, PLAIN_COMPONENT, component)),
    ]


def _judged(
    rows: list[Row], guide: Guide, control: str, partner: X12Partner, delimiters: Delimiters
) -> WrittenSet | list[Finding]:
    """Write the rows with the partner's delimiters and judge them as if they had come in."""
    encoding = partner.encoding or "utf-8"
    separators = separators_of(delimiters, encoding)
    mark, end = separators.element, separators.terminator
    rows = [row if row[-1] else trimmed(list(row)) for row in rows]
    body = [mark.join(row) for row in rows]
    st = f"ST{mark}{guide.set_type}{mark}{control}"
    whole = [st, *body, f"SE{mark}{len(body) + 2}{mark}{control}"]
    line_break = "" if separators.is_line_terminated else delimiters.line_break.decode()
    text = f"{end}{line_break}".join(whole) + end  # the envelope breaks the line behind the set
    if _holds_a_delimiter(text, rows, mark, end):
        return _cleaned(rows, guide, control, partner, delimiters)
    read = SetText(text, whole, separators)
    is_allowed = walk_usual(read, guide, f"{end}{line_break}") is not None
    # What the guide's patterns accept holds no control character.
    if not is_allowed and _holds_a_control(text, rows, end, line_break):
        return _cleaned(rows, guide, control, partner, delimiters)
    try:
        raw = text.encode(encoding)
    except UnicodeEncodeError as error:
        problem = f"holds a character that {encoding}, this partner's encoding, does not have"
        return [_finding("X12-OUT-ENCODING", f"ST {control}", f"{problem} (at {error.start})")]
    if is_allowed:
        return WrittenSet(guide.set_type, raw)
    report = Report("canonical", control, partner, Places(raw, delimiters, 0, 1), FINDINGS_MAX)
    walk_slowly(read, body, guide, report)
    bad = [each for each in report.findings if each.level is not Level.NOTE]
    if bad and partner.outbound.cut_texts and any(each.code == "X12-LONG" for each in bad):
        cut = _cut(rows, bad, guide)
        if cut is not None:
            return _judged(cut, guide, control, partner, delimiters)
    return bad or WrittenSet(guide.set_type, raw)


def _holds_a_delimiter(text: str, rows: list[Row], element: str, terminator: str) -> bool:
    """Tell whether a value holds a delimiter, by counting them in the whole."""
    marks = sum(map(len, rows)) - len(rows) + 4
    return text.count(element) != marks or text.count(terminator) != len(rows) + 2


def _holds_a_control(text: str, rows: list[Row], terminator: str, line_break: str) -> bool:
    """Tell whether a value holds a control character: there are more than the breaks between segments."""
    breaks = len(line_break) * (len(rows) + 1) + (len(rows) + 2 if terminator in "\r\n" else 0)
    return sum(text.count(each) for each in _CONTROLS if each in text) != breaks


_CONTROLS = "".join(map(chr, range(32)))


def _cleaned(
    rows: list[Row], guide: Guide, control: str, partner: X12Partner, delimiters: Delimiters
) -> WrittenSet | list[Finding]:
    """Replace delimiters inside of values, where the partner wants that; else say where they are."""
    separators = separators_of(delimiters, partner.encoding or "utf-8")
    marks = {separators.element, separators.terminator, *_CONTROLS}
    instead = partner.outbound.replace_delimiters
    if instead is not None and instead not in marks:
        clean = [["".join(instead if c in marks else c for c in value) for value in row] for row in rows]
        return _judged(clean, guide, control, partner, delimiters)
    found = []
    for number, row in enumerate(rows, 2):
        for at, value in enumerate(row[1:], 1):
            if any(each in marks for each in value):
                place = f"ST {control} / segment {number} / {row[0]}{at:02}"
                text = (
                    "holds a delimiter of this partner's or a control character; mend the document, or set "
                )
                found.append(_finding("X12-OUT-CHAR", place, f"{text}outbound.replace_delimiters"))
    return found


def _cut(rows: list[Row], findings: list[Finding], guide: Guide) -> list[Row] | None:
    """Cut the texts that are too long for their elements; None where something else is wrong with them."""
    cut, changed = [list(row) for row in rows], False
    for row in cut:
        shape = guide.shapes.get(row[0])
        for at, use in enumerate(shape.uses if shape else (), 1):
            element = use.element
            if element is None or at >= len(row) or element.number not in _TEXT_ELEMENTS:
                continue
            if len(row[at]) > element.most:
                row[at], changed = row[at][: element.most].rstrip(), True
    return cut if changed else None


def _interchange(
    sets: list[WrittenSet],
    first: CanonicalDocument,
    partner: X12Partner,
    delimiters: Delimiters,
    envelope: Envelope,
) -> bytes:
    us = partner.us or (
        InterchangeId.model_construct(qualifier=envelope.sender[0], id=envelope.sender[1])
        if envelope.sender
        else None  # as it was sent to us: whether it is a good one, the reading has told
    )
    them = partner.isa[0] if partner.isa else None
    sender = envelope.sender or ((us.qualifier, us.id) if us else None)
    receiver = envelope.receiver or ((them.qualifier, them.id) if them else None)
    groups: dict[str, list[bytes]] = {}
    for each in sets:
        groups.setdefault(each.set_type, []).append(each.body)
    if sender is None or receiver is None:
        text = parties_missing(partner, ours=sender is None, theirs=receiver is None)
        raise EncodeError([_finding("X12-PARTIES", "", text)])
    gs_sender = partner.us_gs or sender[1]
    gs_receiver = partner.gs[0] if partner.gs else receiver[1]
    made = [
        Group(GROUP_OF_SET[kind], gs_sender, gs_receiver, partner.version, bodies)
        for kind, bodies in groups.items()
    ]
    isa = [""] * 10 + ["U", isa_version(partner)]
    facts = {"delimiters": delimiters.to_json(), "isa": isa}
    about = Interchange(sender, receiver, "", is_acknowledgment=False, facts=facts)
    return write_interchange(made, about, envelope, is_reply=False)


def _problem(problem: Problem, control: str) -> Finding:
    return _finding(problem.code, f"ST {control} / {problem.path}", f"{problem.path} {problem.text}")


def _finding(code: str, path: str, text: str) -> Finding:
    return Finding(code, Position("canonical", path=path), text)
