"""A set's segments put at their places in the guide: fast where all is well, else slowly, with reasons.

Both ways give the same: for every segment of the body its path in the structure and its elements. One
fault gives one finding: a missing segment is named once, and misplaced ones that follow each other share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.edi_x12.explain import ELEMENTS_MAX, Explainer, Spot
from adapters.edi_x12.grammar import (
    HEAD_VALUES_MAX,
    Elements,
    Event,
    FastForm,
    Node,
    Slot,
    exceeds,
    fast_form,
    slots,
)
from adapters.edi_x12.guide import Guide
from adapters.edi_x12.lexer import SetText
from adapters.edi_x12.report import Report
from adapters.edi_x12.usual_lines import LineForm, UsualLines, line_form

UNPLACED = "?"  # path of a segment that the guide has no place for


@dataclass(slots=True)
class Walked:
    """The body of a set: every segment between ST and SE, in order.

    `unfinished` are body indexes whose segment holds more than its elements say.
    """

    events: list[Event] = field(default_factory=list)
    unfinished: set[int] = field(default_factory=set)


def walk_fast(read: SetText, body: Sequence[str], guide: Guide) -> Walked | None:
    """Accept the segments between ST and SE, or None where anything at all is unusual."""
    form = fast_form(guide, read.separators.element)
    node = form.start
    walked = Walked()
    add = walked.events.append
    for segment in body:
        step = node.known.get(segment)
        if step is None:
            step = _step(form, node, segment)
            if step is None:
                return None
        node, event = step
        add(event)
    if not node.may_end or exceeds(form, walked.events):
        return None
    return walked


def walk_usual(read: SetText, guide: Guide, joint: str) -> Walked | None:
    """Accept a whole set, its usual lines in one go each. ``joint`` stands between any two segments.

    As `walk_fast`, but that lines which are like most lines stand behind each other in one event.
    """
    form = fast_form(guide, read.separators.element)
    usual = line_form(guide, read.separators.element, joint, read.separators.terminator)
    if usual is None or _may_exceed(form, usual, len(read.segments)):
        return walk_fast(read, read.segments[1:-1], guide)
    node, walked = form.start, Walked()
    segments, head, width = read.segments, usual.head, len(joint)
    index, end, at = 1, len(segments) - 1, len(segments[0]) + width
    while index < end:
        segment = segments[index]
        if segment.startswith(head) and node.after.get(head[:3]) is usual.line:
            lines, count, at, last = usual.run(read.text, at)
            if lines:
                walked.events.append((usual.line.path, UsualLines(lines)))
                index, node = index + count, last
                continue
        step = node.known.get(segment) or _step(form, node, segment)
        if step is None:
            return None
        node, event = step
        walked.events.append(event)
        index, at = index + 1, at + len(segment) + width
    return walked if node.may_end and not exceeds(form, walked.events) else None


def _may_exceed(form: FastForm, usual: LineForm, segments: int) -> bool:
    """Tell whether there could be more lines than the guide has room for: a run of them counts as one."""
    bound = form.bounds.get(usual.line.path)
    return bound is not None and segments > bound.most


def _step(form: FastForm, node: Node, segment: str) -> tuple[Node, Event] | None:
    """Match one segment behind a node; kept where it may come again."""
    following = node.after.get(segment[:3])
    if following is None:
        return None
    if not following.is_remembered:
        row = _row_of_tail(form, following, segment) if following.has_tail else _row(following, segment)
        return None if row is None else (following, (following.path, row))
    step = node.known_before.get(segment)
    if step is None:
        row = _row(following, segment)
        if row is None:
            return None
        step = (following, (following.path, row))
        following.firsts_kept += 1
    else:
        following.came_again += 1
    node.known[segment] = step
    form.memory.take()
    return step


def _row(node: Node, segment: str) -> Elements | None:
    found = node.match(segment)
    if found is None:
        return None
    row = found.groups()
    return row if node.is_sound is None or node.is_sound(row) else None


def _row_of_tail(form: FastForm, node: Node, segment: str) -> Elements | None:
    """Match a segment, known by what stands behind its first two elements.

    A line's number and quantity change, its item, unit and price repeat. Where both elements are there,
    as they were before, nothing of the segment depends on what they say: notes ask for presence only.
    """
    parts = segment.split(form.separator, 3)
    if len(parts) < 4:
        return _row(node, segment)
    name, first, second, tail = parts
    known = node.tails.get(tail)
    if known is not None and second in node.seconds and first in node.firsts and name == node.segment:
        return (first, second, *known)
    row = _row(node, segment)
    if row is not None and first and second and tail:
        _remember_tail(form, node, row, tail)
    return row


def _remember_tail(form: FastForm, node: Node, row: Elements, tail: str) -> None:
    for values, value in ((node.firsts, row[0]), (node.seconds, row[1])):
        if len(values) >= HEAD_VALUES_MAX:
            values.clear()
        if value is not None:
            values.add(value)
    if tail not in node.tails:
        before = node.tails_before.get(tail)
        node.tails[tail] = row[2:] if before is None else before
        form.memory.take()


def walk_slowly(read: SetText, body: Sequence[str], guide: Guide, report: Report) -> Walked:
    """Place every segment, explaining everything that is wrong."""
    form = fast_form(guide, read.separators.element)
    walker = _Walker(guide, slots(guide), Explainer(guide, read.separators, report), form, report)
    for index, text in enumerate(body, 1):
        walker.step(index, text, text.split(read.separators.element, 1)[0])
    walker.end(len(body) + 1)
    return walker.walked


@dataclass(slots=True)
class _Walker:
    guide: Guide
    slots: Sequence[Slot]
    explainer: Explainer
    form: FastForm
    report: Report
    walked: Walked = field(default_factory=Walked)
    at: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    is_lost: bool = False  # the segment before was misplaced, and is reported

    def step(self, index: int, text: str, name: str) -> None:
        found = self._target(name)
        if found is None:
            self._unplaced(index, text, name)
            return
        target, skipped, is_over = found
        self.is_lost = False
        self._missing(skipped, index)
        self._enter(target)
        slot = self.slots[target]
        if is_over:
            self._over(slot, self._spot(index, name, slot))
        path = slot.place.path if slot.place else "ST"
        row = self._sound(name, text)
        if row is None:
            judged = self.explainer.judge(text, self.guide.shapes[name], self._spot(index, name, slot))
            if not judged.is_whole:
                self.walked.unfinished.add(len(self.walked.events))
            row = judged.elements
        self.walked.events.append((path, row))

    def end(self, index: int) -> None:
        self._missing(self.slots[self.at].end_missing, index)

    def _spot(self, index: int, name: str, slot: Slot) -> Spot:
        return Spot(index, name, self._label(slot), self._loop(slot))

    def _sound(self, name: str, text: str) -> Elements | None:
        """Give the elements of a segment of which nothing needs to be said: most of a set with a fault."""
        match, is_sound = self.form.sound[name]
        found = match(text)
        if found is None:
            return None
        row = found.groups()
        return row if is_sound is None or is_sound(row) else None

    def _target(self, name: str) -> tuple[int, tuple[str, ...], bool] | None:
        """Give the nearest place that still has room; else the nearest one, over its limit."""
        targets = self.slots[self.at].follow.get(name, ())
        for target, skipped in targets:
            place = self.slots[target].place
            if place and (place.repeats is None or self._next_count(target) <= place.repeats):
                return target, skipped, False
        for target, skipped in targets:
            return target, skipped, True
        place = self.slots[self.at].place
        if place and place.segment == name:  # one more of a segment that may stand here once
            return self.at, (), True
        return None

    def _next_count(self, target: int) -> int:
        """Count how often a place would be used, were it used now; a loop that is left starts afresh."""
        return self.counts.get(target, 0) + 1

    def _enter(self, target: int) -> None:
        self.counts[target] = self._next_count(target)
        place = self.slots[target].place
        if place and place.is_loop:
            slots = self.slots
            inner = [each for each in self.counts if target in slots[each].parents and each != target]
            for each in inner:
                del self.counts[each]
        self.at = target

    def _unplaced(self, index: int, text: str, name: str) -> None:
        values = text.split(self.explainer.separators.element, ELEMENTS_MAX)
        self.walked.events.append((UNPLACED, tuple(value or None for value in values)))
        is_known = name in self.guide.shapes
        if is_known and self.is_lost:
            return
        self.is_lost = is_known
        shown = name[:3]
        where = self._label(self.slots[self.at]) or "ST"
        facts = {
            "segment_id": shown,
            "segment_position": str(index + 1),
            "segment_error": "7" if is_known else "1",
        }
        if is_known:
            text = f"segment {shown} is out of place behind {where}; it is kept, but not understood"
            self.report.add(
                "X12-SEG-ORDER", text, index, shown, level=self.guide.level("X12-SEG-ORDER"), facts=facts
            )
        else:
            text = (
                f"segment '{shown}' is not known in a {self.guide.set_type}; it is kept, but not understood"
            )
            level = self.guide.level("X12-SEG-UNKNOWN")
            self.report.add("X12-SEG-UNKNOWN", text, index, shown, level=level, facts=facts)

    def _missing(self, paths: Sequence[str], index: int) -> None:
        for path in paths:
            name = path.rpartition("/")[2]
            facts = {"segment_id": name, "segment_position": str(index + 1), "segment_error": "3"}
            text = f"segment {name} is missing; it is mandatory at {path}"
            level = self.guide.level("X12-SEG-MISSING")
            self.report.add("X12-SEG-MISSING", text, index, path, level=level, facts=facts)

    def _over(self, slot: Slot, spot: Spot) -> None:
        place = slot.place
        assert place is not None  # noqa: S101 - ST is never over its limit
        code, error = ("X12-LOOP-MAX", "4") if place.is_loop else ("X12-SEG-MAX", "5")
        what = "loop" if place.is_loop else "segment"
        text = f"{what} {place.path} occurs {self.counts[slot.index]} times; expected at most {place.repeats}"
        facts = {"segment_id": spot.name, "segment_position": str(spot.segment + 1), "segment_error": error}
        self.report.add(code, text, spot.segment, spot.path, level=self.guide.level(code), facts=facts)

    def _label(self, slot: Slot) -> str:
        """Give a path with occurrences: `PO1[2]/N1[1]/N3`."""
        chain = [*slot.parents] if slot.place is None or slot.place.is_loop else [*slot.parents, slot.index]
        return "/".join(self._part(index) for index in chain)

    def _part(self, index: int) -> str:
        place = self.slots[index].place
        if place is None:
            return ""
        return place.segment if place.repeats == 1 else f"{place.segment}[{self.counts.get(index, 1)}]"

    def _loop(self, slot: Slot) -> str:
        """Give the loop's id for AK303 (element 447)."""
        around = self.slots[slot.parents[-1]].place if slot.parents else None
        return around.segment if around else ""
