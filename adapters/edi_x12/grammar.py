"""A guide turned into tables: which segment may follow which, and one regular expression per segment.

Two forms of the same rules. The fast form accepts a set without looking at single elements; it may be
stricter than the rules, never laxer. Whatever it does not accept is judged by `walk.py`, which is slow
and explains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from adapters.edi_x12.guide import Guide
from adapters.edi_x12.notation import Element, Note, Place, Shape, Use

Elements = tuple[str | None, ...]
Event = tuple[str, Elements]  # a segment of the body: its path in the structure, its elements
Matcher = Callable[[str], re.Match[str] | None]
Check = Callable[[Elements], bool]
REMEMBERED_MAX = 16_384  # accepted segments of one guide: parties, terms, dates and items repeat
REMEMBERED_ELEMENTS_MAX = 16  # longer ones (PO1, SDQ, SLN) are hardly ever the same twice
HARDLY_EVER = 20  # of so many segments of one place not one comes again: they are remembered no more
HEAD_VALUES_MAX = 4_096  # values of one element in front of a remembered tail: line numbers, quantities
FEW_BOUNDS = 6  # limits that are looked at one by one
UNROLLED_MAX = 12  # up to here, "at most n" is n states; above, a set with more of them goes the slow way

# 29 February is left to the slow way.
_DATE = (
    r"(?:19|20)\d\d(?:(?:0[13578]|1[02])(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[469]|11)(?:0[1-9]|[12]\d|30)|02(?:0[1-9]|1\d|2[0-8]))"
)
_TIME = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{1,2})?)?"


@dataclass(eq=False, slots=True)
class Slot:
    """One place of the structure, with all that may come behind it in the order of preference."""

    index: int
    place: Place | None  # None: behind ST
    parents: tuple[int, ...]  # the loops it stands in, outermost first, itself last where it opens one
    follow: dict[str, list[tuple[int, tuple[str, ...]]]] = field(default_factory=dict)
    end_missing: tuple[str, ...] = ()  # mandatory paths still open if the set ends here


@dataclass(eq=False, slots=True)
class Node:
    """One state of the fast form: what to match, and where to go from here."""

    segment: str
    path: str
    match: Callable[[str], re.Match[str] | None]
    is_sound: Callable[[Elements], bool] | None
    is_remembered: (
        bool  # such segments repeat as a whole; of others only what follows their first two elements
    )
    has_tail: bool = False
    after: dict[str, Node] = field(default_factory=dict)
    may_end: bool = False
    known: dict[str, tuple[Node, Event]] = field(default_factory=dict)  # segments accepted from here before
    known_before: dict[str, tuple[Node, Event]] = field(default_factory=dict)
    tails: dict[str, Elements] = field(default_factory=dict)  # what stood behind two elements of this one
    tails_before: dict[str, Elements] = field(default_factory=dict)
    firsts: set[str] = field(default_factory=set)  # what those two elements were
    seconds: set[str] = field(default_factory=set)
    firsts_kept: int = 0  # segments remembered for the first time, and those that came again, since the
    came_again: int = 0  # memory was filled last


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit too high for states of its own."""

    most: int
    path: str
    parent: str


@dataclass(eq=False, slots=True)
class Memory:
    """How much more may be remembered. What is full becomes the memory before; what was used of it stays."""

    nodes: Sequence[Node]
    room: int = REMEMBERED_MAX
    filled: int = 0  # how often; the first time there was nothing yet that could come again

    def take(self) -> None:
        """Count one thing remembered."""
        self.room -= 1
        if self.room > 0:
            return
        self.room = REMEMBERED_MAX
        for node in self.nodes:
            node.known_before, node.known = node.known, {}
            node.tails_before, node.tails = node.tails, {}
            if self.filled and node.firsts_kept > HARDLY_EVER * (node.came_again + 10):
                node.is_remembered = False  # numbers of all sorts (REF): they would drive out the rest
            node.firsts_kept = node.came_again = 0
        self.filled += 1


@dataclass(frozen=True, eq=False, slots=True)
class FastForm:
    """The fast tables for one guide and one element separator."""

    start: Node
    separator: str
    memory: Memory
    bounds: Mapping[str, Bound]  # by path
    ascending: Sequence[Bound]  # the same, the lowest limit first
    bound_least: int
    sound: Mapping[str, tuple[Matcher, Check | None]]  # by segment: what accepts it, wherever it stands


@lru_cache(maxsize=256)
def slots(guide: Guide) -> tuple[Slot, ...]:
    """Give the places of a guide; the first one stands for ST."""
    flat: list[Slot] = [Slot(0, None, ())]
    _number(guide.structure, (), flat)
    children = {
        index: tuple(s.index for s in flat if _parent(s) == index and s.place) for index in range(len(flat))
    }
    for slot in flat:
        missing: list[str] = []
        for target, skipped in _reachable(slot, flat, children, missing):
            place = flat[target].place
            if place is not None:
                slot.follow.setdefault(place.segment, []).append((target, skipped))
        slot.end_missing = tuple(missing)
    return tuple(flat)


@lru_cache(maxsize=256)
def fast_form(guide: Guide, separator: str) -> FastForm:
    """Compile the fast tables."""
    flat = slots(guide)
    matchers = {name: _pattern(shape, separator) for name, shape in guide.shapes.items()}
    checks = {name: _check(shape.notes) for name, shape in guide.shapes.items()}
    nodes: dict[tuple[int, int], Node] = {}
    for slot in flat:
        name = slot.place.segment if slot.place else "ST"
        for count in range(1, _unrolled(slot.place) + 1):
            path = slot.place.path if slot.place else "ST"
            is_short = len(guide.shapes[name].uses) <= REMEMBERED_ELEMENTS_MAX
            nodes[slot.index, count] = Node(
                name, path, matchers[name], checks[name], is_short, not is_short,
                may_end=not slot.end_missing,
            )  # fmt: skip
    for (index, count), node in nodes.items():
        for segment, targets in flat[index].follow.items():
            target = _next_node(index, count, targets, flat)
            if target is not None:
                node.after[f"{segment}{separator}"[:3]] = nodes[target]
    bounds = {bound.path: bound for bound in _bounds(flat)}
    sound = {name: (matchers[name], checks[name]) for name in matchers}
    ascending = sorted(bounds.values(), key=lambda bound: bound.most)
    least = ascending[0].most if ascending else 1 << 62
    return FastForm(nodes[0, 1], separator, Memory(tuple(nodes.values())), bounds, ascending, least, sound)


def exceeds(form: FastForm, events: Sequence[Event]) -> bool:
    """Tell whether a counted place was used too often.

    A cheap count over the whole set first; only where that is too high, the exact count per loop.
    """
    if len(events) <= form.bound_least:
        return False
    paths = [path for path, _ in events]
    if len(paths) - len(set(paths)) < form.bound_least:  # so many do not come again
        return False
    low = [bound for bound in form.ascending[:FEW_BOUNDS] if bound.most < len(paths)]
    if len(low) < FEW_BOUNDS:  # mostly there are as many events as one or two limits: no need to count all
        return any(paths.count(bound.path) > bound.most and _is_exceeded(bound, paths) for bound in low)
    return any(
        count > bound.most and _is_exceeded(bound, paths)
        for path, count in Counter(paths).items()
        if (bound := form.bounds.get(path)) is not None
    )


def _is_exceeded(bound: Bound, paths: Sequence[str]) -> bool:
    count = 0
    for path in paths:
        if path == bound.path:
            count += 1
            if count > bound.most:
                return True
        elif path == bound.parent:
            count = 0
    return False


def _bounds(flat: Sequence[Slot]) -> Iterator[Bound]:
    for slot in flat:
        place = slot.place
        if place is not None and place.repeats is not None and place.repeats > 1 and _is_counted(place):
            yield Bound(place.repeats, place.path, place.path.rpartition("/")[0])


def _next_node(
    index: int, count: int, targets: Sequence[tuple[int, tuple[str, ...]]], flat: Sequence[Slot]
) -> tuple[int, int] | None:
    for target, skipped in targets:
        place = flat[target].place
        if place is not None and place.is_loop and place.repeats == 1 and target in flat[index].parents:
            return None
        if target == index and place is not None and not place.is_loop:
            if place.repeats is None or _is_counted(place):
                return target, 1
            if count < place.repeats:
                return target, count + 1
            continue
        return None if skipped else (target, 1)
    return None


def _unrolled(place: Place | None) -> int:
    if place is None or place.is_loop or place.repeats is None or place.repeats > UNROLLED_MAX:
        return 1
    return place.repeats


def _is_counted(place: Place) -> bool:
    return place.repeats is not None and (place.is_loop or place.repeats > UNROLLED_MAX)


def _number(tree: Sequence[Place], parents: tuple[int, ...], flat: list[Slot]) -> None:
    for place in tree:
        index = len(flat)
        own = (*parents, index) if place.is_loop else parents
        flat.append(Slot(index, place, own))
        _number(place.children, own, flat)


def _parent(slot: Slot) -> int:
    """Give the loop around a place; the first segment of a loop stands in the loop around that."""
    around = slot.parents[:-1] if slot.place and slot.place.is_loop else slot.parents
    return around[-1] if around else 0


def _reachable(
    slot: Slot, flat: Sequence[Slot], children: dict[int, tuple[int, ...]], missing: list[str]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield what may follow, nearest first, with the mandatory places that it would skip."""
    if slot.place is None or slot.place.is_loop:
        yield from _forward(children[slot.index], flat, missing)
    here = slot
    while here.place is not None:
        if here.place.repeats != 1 or here.place.is_loop:
            yield here.index, tuple(missing)
        parent = _parent(here)
        siblings = children[parent]
        yield from _forward(siblings[siblings.index(here.index) + 1 :], flat, missing)
        here = flat[parent]


def _forward(
    siblings: Sequence[int], flat: Sequence[Slot], missing: list[str]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    for index in siblings:
        place = flat[index].place
        yield index, tuple(missing)
        if place is not None and place.is_mandatory:
            missing.append(place.path)


def _pattern(shape: Shape, separator: str) -> Callable[[str], re.Match[str] | None]:
    """Compile a segment's pattern: one group per element, absent or empty ones give None."""
    mark = re.escape(separator)
    text, is_needed = "", False
    for use in reversed(shape.uses):
        is_needed = is_needed or use.is_mandatory
        text = f"{mark}({value_pattern(use, mark)})" + ("" if use.is_mandatory else "?") + text
        text = text if is_needed else f"(?:{text})?"
    return re.compile(shape.segment + text + "((?!))?" * shape.missing).fullmatch


def value_pattern(use: Use, mark: str) -> str:
    """Give the pattern of an element's values; ``mark`` is the escaped separator."""
    if use.element is not None:
        return _element_value(use.element, mark)
    first = use.components[0].element
    # Only composites of their first component are taken fast; longer ones go the slow way.
    if any(each.is_mandatory for each in use.components[1:]):
        return "(?!)"
    return f"[A-Z0-9]{{{first.least},{first.most}}}" if first else "[A-Z0-9]+"


def _element_value(element: Element, mark: str) -> str:
    least, most = element.least, element.most
    match element.kind:
        case "ID" | "AN" if element.codes:
            return "|".join(re.escape(code) for code in sorted(element.codes, key=len, reverse=True))
        case "ID":
            return f"[A-Z0-9]{{{least},{most}}}"
        case "N0" | "N2":
            return rf"-?[0-9]{{{least},{most}}}"
        case "R":
            dotted = rf"(?=[0-9.]{{{least + 1},{most + 1}}}(?![0-9.]))(?:[0-9]+\.[0-9]*|\.[0-9]+)"
            return rf"-?(?:[0-9]{{{least},{most}}}(?!\.)|{dotted})"
        case "DT":
            return _DATE.replace(r"\d", "[0-9]")
        case "TM":
            return _TIME.replace(r"\d", "[0-9]")
        case _:
            # A blank in front is legal, yet a value of blanks alone is none: the slow way tells.
            return rf"(?! )[^{mark}\x00-\x1f]{{{least},{most}}}"


def _check(notes: Sequence[Note]) -> Callable[[Elements], bool] | None:
    """Compile syntax notes into one expression over an element tuple.

    Generated code, since it runs for most segments: a loop over notes took five times as long.
    It is built of numbers that `Note` has parsed, never of text from outside.
    """
    if not notes:
        return None
    expression = " and ".join(f"({_condition(note)})" for note in notes)
    made: Callable[[Elements], bool] = eval(f"lambda e: {expression}", {"__builtins__": {}})  # noqa: S307
    return made


def _condition(note: Note) -> str:
    there = [f"e[{position - 1}] is not None" for position in note.positions]
    absent = [f"e[{position - 1}] is None" for position in note.positions]
    match note.kind:
        case "P" if len(there) == 2:
            return f"({there[0]}) == ({there[1]})"
        case "P":
            return f"({' and '.join(there)}) or ({' and '.join(absent)})"
        case "R":
            return " or ".join(there)
        case "E":
            return " + ".join(f"({each})" for each in there) + " <= 1"
        case "C":
            return f"{absent[0]} or ({' and '.join(there[1:])})"
        case _:
            return f"{absent[0]} or {' or '.join(there[1:])}"
