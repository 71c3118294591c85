"""One transaction set: from its bytes to a document or findings. Pure; knows no other set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sys import intern
from types import MappingProxyType
from typing import Any, NamedTuple

from adapters.base.findings import Level
from adapters.base.formats import Bounds, ControlKey, DecodeContext, Decoded, Receipt, Unit
from adapters.edi_x12.accept import Accepted, accepted
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.explain import Explainer, Spot
from adapters.edi_x12.grammar import fast_form
from adapters.edi_x12.guide import VERSIONS, Guide, guide_for
from adapters.edi_x12.guide_loader import guide_names
from adapters.edi_x12.lexer import Places, SetText, read_set
from adapters.edi_x12.read_in import READINGS, read_document
from adapters.edi_x12.receipts import receipts_of
from adapters.edi_x12.report import Report
from adapters.edi_x12.walk import Walked, walk_fast, walk_slowly
from canonical.document import CanonicalDocument

TOLD_MAX = 80  # characters of a number from an envelope that are kept: none of X12's is longer than 35
ACKNOWLEDGMENTS = frozenset({"997", "999", "TA1"})

ORDER_NUMBERS: Mapping[str, int] = MappingProxyType(
    {"BEG": 3, "BCH": 3, "BAK": 3, "BCA": 3, "BIG": 4, "PRF": 1}
)
"""Segments that name the order a set speaks of, and the element with its number (element 324)."""

_ORDER_NUMBERS_MAX = 10_000


class SetFrame(NamedTuple):
    """What the envelope around a set says about it."""

    index: int  # type: ignore[assignment]  # of the set in its input; no frame is looked through
    interchange: int
    units: tuple[Unit, ...]
    delimiters: Delimiters
    offset: int
    line: int
    version: str
    control_numbers: Mapping[str, str]
    condemned: tuple[tuple[str, str], ...] = ()  # (code, text): what the envelope says against every set
    is_repeated: bool = False  # ST02 was used before in this group
    gs: tuple[str, ...] = ()
    control_keys: tuple[ControlKey, ...] = ()


class Told(NamedTuple):
    """A judged set, with what an acknowledgment of it needs."""

    decoded: Decoded
    facts: dict[str, Any]
    worst: Level


def judge(raw: bytes, frame: SetFrame, context: DecodeContext, partner: X12Partner) -> Told:
    """Judge a set's bytes, ST to its last terminator."""
    if not frame.condemned and not frame.is_repeated:
        good = accepted(raw, frame.delimiters, frame.version, partner, context.bounds.segments_max)
        if good is not None:
            return _mapped(raw, frame, context, partner, good)
    return _judge_with_care(raw, frame, context, partner)


def _mapped(raw: bytes, frame: SetFrame, context: DecodeContext, partner: X12Partner, good: Accepted) -> Told:
    """Map a set of which nothing needs to be said so far."""
    places = Places(raw, frame.delimiters, frame.offset, frame.line)
    report = Report(context.source, good.control, partner, places, context.bounds.findings_max)
    if good.set_type not in READINGS:
        receipts = _receipts(good.set_type, good.walked, frame)
        return _told(raw, frame, good.set_type, None, report, is_passed_through=True, receipts=receipts)
    document = read_document(
        good.walked, context, partner, report, frame.control_numbers, good.guide, _component(frame)
    )
    if document is None:
        return _judge_with_care(raw, frame, context, partner)
    return _told(raw, frame, good.set_type, document, report)


def _judge_with_care(raw: bytes, frame: SetFrame, context: DecodeContext, partner: X12Partner) -> Told:
    read = read_set(raw, frame.delimiters, partner.encoding)
    places = Places(raw, frame.delimiters, frame.offset, frame.line)
    separator = read.separators.element
    st = [part.strip() for part in read.segments[0].split(separator)]
    set_type, control = (part[:TOLD_MAX] for part in [*st, "", ""][1:3])
    report = Report(context.source, control, partner, places, context.bounds.findings_max)
    for tolerance in read.tolerances:
        report.tolerate(tolerance.code, tolerance.text, tolerance.segment, tolerance.count)
    if separator + read.separators.terminator in read.text:
        report.tolerate("X12-TRAILING", "segments end in empty elements", 0)
    if frame.condemned or frame.is_repeated:
        _condemn(frame, control, report)
    body = _trailer(read, control, report)
    if _is_oversized(read, context.bounds, report):
        return _told(raw, frame, set_type, None, report, order_numbers=_order_numbers(read))
    guide = guide_for(set_type, frame.version, partner)
    if guide is None:
        return _without_guide(raw, frame, read, set_type, control, report, partner)
    walked = walk_fast(read, body, guide)
    if walked is None:
        walked = walk_slowly(read, body, guide, report)
    _frame_segments(read, guide, report)
    if set_type not in READINGS:
        passed = report.worst is not Level.REJECTED
        receipts = _receipts(set_type, walked, frame) if passed else ()
        return _told(raw, frame, set_type, None, report, is_passed_through=passed, receipts=receipts)
    document = read_document(
        walked, context, partner, report, frame.control_numbers, guide, read.separators.component
    )
    # What cannot be translated still names its order: legacy's from then on, where its bytes go there.
    is_refused = document is None or report.worst is Level.REJECTED
    numbers = _order_numbers(read) if is_refused else ()
    return _told(raw, frame, set_type, document, report, order_numbers=numbers)


def _component(frame: SetFrame) -> str:
    return frame.delimiters.component.decode("latin-1")


def _is_oversized(read: SetText, bounds: Bounds, report: Report) -> bool:
    """Report a set, or a segment of it, that is larger than one may be."""
    if len(read.segments) > bounds.segments_max:
        text = f"the set has {len(read.segments)} segments; the limit is {bounds.segments_max}"
        report.add("X12-SIZE", text, 0, level=Level.REJECTED, facts={"set_error": "5"})
        return True
    most, separator = bounds.segment_bytes_max, read.separators.element
    for index, segment in enumerate(read.segments):
        if len(segment) > most and segment[:4] not in (f"BIN{separator}", f"BDS{separator}"):
            text = f"the segment is {len(segment)} characters long; the limit is {most}"
            report.add("X12-SIZE", text, index, level=Level.REJECTED, facts={"set_error": "5"})
            return True
    return False


def _receipts(set_type: str, walked: Walked, frame: SetFrame) -> tuple[Receipt, ...]:
    return receipts_of(walked, frame.gs, set_type) if set_type in ACKNOWLEDGMENTS else ()


def _condemn(frame: SetFrame, control: str, report: Report) -> None:
    for code, text in frame.condemned:
        report.add(code, text, 0, level=Level.REJECTED, facts={"set_error": "5"})
    if frame.is_repeated:
        level = Level.REJECTED if report.partner.duplicates == "reject" else Level.ERROR
        text = f"ST02 {control} was used before in this functional group; each set needs its own"
        report.add("X12-DUP-ST02", text, 0, "ST02", level=level, facts={"set_error": "23"})


def _trailer(read: SetText, control: str, report: Report) -> Sequence[str]:
    """Check SE and give the segments between ST and SE. Source: X12 SE01 (element 96), SE02 (329)."""
    separator = read.separators.element
    last = len(read.segments) - 1
    name, *parts = (part.strip() for part in read.segments[last].split(separator))
    if name != "SE" or last == 0:
        text = "the transaction set has no SE; it may be cut off"
        report.add("X12-NO-SE", text, last, "SE", facts={"set_error": "2"})
        return read.segments[1:]
    level = Level.REJECTED if report.partner.se_count == "reject" else Level.ERROR
    count, trailer_control = [*parts, "", ""][:2]
    if not count.isdecimal() or len(count) > 10 or int(count) != last + 1:
        text = f"SE01 says {count[:20] or 'nothing'}, but the set has {last + 1} segments from ST to SE"
        report.add("X12-SE01", text, last, "SE01", level=level, value=count[:20], facts={"set_error": "4"})
    if trailer_control[:TOLD_MAX] != control:
        text = f"SE02 says {trailer_control[:20] or 'nothing'}; expected ST02's {control}"
        report.add(
            "X12-SE02", text, last, "SE02", level=level, value=trailer_control[:20], facts={"set_error": "3"}
        )
    return read.segments[1:-1]


def _frame_segments(read: SetText, guide: Guide, report: Report) -> None:
    """Judge ST itself; SE's numbers are compared, not measured."""
    if fast_form(guide, read.separators.element).start.match(read.segments[0]) is None:
        explainer = Explainer(guide, read.separators, report)
        explainer.judge(read.segments[0], guide.shapes["ST"], Spot(0, "ST", "", ""))


def _without_guide(
    raw: bytes,
    frame: SetFrame,
    read: SetText,
    set_type: str,
    control: str,
    report: Report,
    partner: X12Partner,
) -> Told:
    what = f"there is no guide for set '{set_type[:10]}' in {frame.version or 'no version'}"
    hint = _nearest_guide(set_type, frame.version)
    is_declared = set_type in partner.pass_through
    is_refused = partner.unknown_sets == "reject" and not is_declared
    if is_refused:
        text = f"{what}, and this partner's unknown_sets is 'reject'{hint}"
        report.add("X12-NO-GUIDE", text, 0, "ST01", level=Level.REJECTED, facts={"set_error": "1"})
    elif set_type not in ACKNOWLEDGMENTS and not is_declared:
        report.add(
            "X12-NO-GUIDE", f"{what}; the set is passed through as it is{hint}", 0, "ST01", level=Level.NOTE
        )
    passed = report.worst is not Level.REJECTED
    numbers = _order_numbers(read)
    return _told(raw, frame, set_type, None, report, is_passed_through=passed, order_numbers=numbers)


def _nearest_guide(set_type: str, version: str) -> str:
    """Say what to do about a version that no real file has tested: a person knows if another fits."""
    if set_type not in guide_names():
        return ""
    nearest = max((each for each in VERSIONS if each <= version), default=VERSIONS[0])
    setting = "version" if not version else f"read_version_as: {{{version}: {nearest}}}"
    return (
        f"; guides are for {' and '.join(VERSIONS)}: where the partner's own guide asks for no more than "
        f"{nearest} has, translate it by that one with partners.<partner>.edi_x12.{setting}"
    )


def _order_numbers(read: SetText) -> tuple[str, ...]:
    """Give the numbers of the orders that a set names: translated or not."""
    separator = read.separators.element
    found: dict[str, None] = {}
    for segment in read.segments:
        position = ORDER_NUMBERS.get(segment[:3])
        if position is None or segment[3:4] != separator:
            continue
        parts = segment.split(separator)
        if position < len(parts) and parts[position].strip() and len(found) < _ORDER_NUMBERS_MAX:
            found[parts[position].strip()] = None
    return tuple(found)


def _told(
    raw: bytes,
    frame: SetFrame,
    set_type: str,
    document: CanonicalDocument | None,
    report: Report,
    *,
    is_passed_through: bool = False,
    order_numbers: tuple[str, ...] = (),
    receipts: tuple[Receipt, ...] = (),
) -> Told:
    worst, findings = report.worst, report.findings
    decoded = Decoded(
        frame.index,
        set_type,
        None if worst is Level.REJECTED else document,
        tuple(findings),
        raw,
        frame.units,
        frame.interchange,
        is_passed_through,
        order_numbers,
        frame.control_keys,
        receipts,
        is_passed_through and set_type in report.partner.pass_through,
    )
    # Kept of every set until the input ends, so with no texts of its own.
    control = frame.control_numbers.get("ST02", "")
    if control != report.control_number:
        control = report.control_number
    facts: dict[str, Any] = {"index": frame.index, "type": intern(set_type), "control": control}
    if findings:
        errors = [dict(each.facts) for each in findings if each.facts and each.level is not Level.NOTE]
        if errors:
            facts["errors"] = errors
        if worst is not Level.NOTE:
            facts["verdict"] = worst.value
    return Told(decoded, facts, worst)
