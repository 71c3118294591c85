"""Lines that look like nearly all lines: the item, at most one description, one REF and one DTM.

One regular expression cuts such a line, all segments of it at once. What it cuts out is judged by the
guide's own patterns the first time it is seen and then known by its text: a line's number and quantity
change, its item, unit, price and description come again. Any other line goes segment by segment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from adapters.edi_x12 import codes, parts_in
from adapters.edi_x12.grammar import HEAD_VALUES_MAX, Elements, FastForm, Node, fast_form, value_pattern
from adapters.edi_x12.guide import Guide
from canonical.assembly import Assemble, assembler, part_text, quote
from canonical.scalars import DIGITS_MAX
from canonical.values import ItemIdentifier, Price, Quantity

LINES: Mapping[str, str] = MappingProxyType(
    {"850": "PO1", "855": "PO1", "810": "IT1"}
)  # set -> segment of a line
ITEMS_MAX = 6_144  # items with their unit and price that are known; as many from before
REFERENCES_READ_OTHERWISE = frozenset({"CT", "PO"})  # they say more of a line than that it has a reference
TEXT_MAX = 4_000  # of canonical texts; a partner's guide may allow more
_CLOSING = MappingProxyType({"850": "DTM", "855": "ACK"})  # what may stand last in a usual line
REQUESTED = "002"  # of DTM01 (element 374)
_BEHIND = ("CTT", "TDS", "SE")  # what ends the last line; anything else may belong to it


@dataclass(frozen=True, slots=True)
class Item:
    """What a line says of its item, and its price when it was first seen; with their JSON text."""

    item_ids: tuple[ItemIdentifier, ...]
    description: str | None
    amount: str
    price: Price
    price_rest: str  # its JSON text behind the amount
    reprice: Assemble  # makes such a price of another amount
    text: str  # item_ids, description, description_may_be_phi


_NO_QUANTITIES: Mapping[str, Quantity] = MappingProxyType({})
_NOTHING_KNOWN: tuple[Item | None, Mapping[str, Quantity]] = (None, _NO_QUANTITIES)
_UNDESCRIBED: Elements = (None,) * 5  # of a PID that is not there


@dataclass(eq=False, frozen=True, slots=True)
class AnswerForm:
    """What an ACK says beside its quantity (ACK02): its elements when it was first seen."""

    row: Elements

    def with_quantity(self, value: str) -> Elements:
        """Give the elements of such an ACK."""
        return (self.row[0], value, *self.row[2:])


UsualLine = tuple[str, str, Quantity, Item, Price, str | None, str, Any]
"""Line id, quantity as sent and as it is, item, price, REF01 and REF02, DTM02 or the answer of an ACK."""
UsualAnswer = tuple[AnswerForm, str]
"""An ACK: what it says, and of how many."""
Ends = tuple[Node | None, Node | None, Node | None, Node | None]
"""Where a line ends: at its PID or PO1, at a REF, at a DTM or ACK, at one behind a REF.

None where it must not, or where no other line may follow: a run of lines looks at each by itself.
"""


class UsualLines(tuple[Any, ...]):
    """Such lines (`UsualLine`) behind each other, in the place of an event's elements."""

    __slots__ = ()


@dataclass(eq=False, slots=True)
class LineForm:
    """The fast form of a guide's usual line, and what is known of such lines."""

    match: Callable[[str, int], re.Match[str] | None]
    head: str  # a line begins so
    mark: str
    joint: str
    line: Node
    text: Node
    is_amount: Callable[[str], re.Match[str] | None]
    after_text: Node | None  # REF
    is_answered: bool  # by an ACK
    ends: Ends  # where a line with a PID ends
    bare_ends: Ends  # where one without
    items: dict[tuple[str, str], Item] = field(default_factory=dict)  # by unit and what follows the price
    items_before: dict[tuple[str, str], Item] = field(default_factory=dict)
    quantities: dict[str, dict[str, Quantity]] = field(default_factory=dict)  # by unit and digits
    known: dict[str, tuple[Item, dict[str, Quantity]]] = field(default_factory=dict)
    """What a line says from its unit to its description, at the item's own price -> item, quantities."""
    numbers: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    is_reference: Callable[[str], re.Match[str] | None] = re.compile("(?!)").fullmatch  # of REF02
    qualifiers: set[str] = field(default_factory=set)  # of REFs that hold REF01 and REF02, as these all do
    is_answer: Callable[[str], re.Match[str] | None] = re.compile("(?!)").fullmatch  # of ACK02
    answers: dict[tuple[str, str], AnswerForm] = field(default_factory=dict)  # by what is around ACK02
    answered: set[str] = field(default_factory=set)  # values of ACK02

    def run(self, text: str, at: int) -> tuple[list[UsualLine], int, int, Node]:
        """Give the usual lines from an offset on, how many segments they are, where they end, at what."""
        match, numbers, dates = self.match, self.numbers, self.dates
        is_answered, known_of = self.is_answered, self.known.get
        found: list[UsualLine] = []
        add = found.append
        count, behind = 0, self.line
        while (cut := match(text, at)) is not None:
            number, value, offer, qualifier, reference, date = cut.groups()
            known = known_of(offer)
            item, quantities = known if known is not None and number in numbers else _NOTHING_KNOWN
            quantity = quantities.get(value)
            if item is not None and quantity is not None:
                price = item.price
            else:
                learned = self._learn(number, value, offer)
                if learned is None:
                    break
                quantity, item, price = learned
                known_of = self.known.get
            size, ends = (1, self.bare_ends) if item.description is None else (2, self.ends)
            if qualifier is None:
                node = ends[0] if date is None else ends[2]
            elif self.takes_reference(qualifier, reference):
                size, node = size + 1, ends[1] if date is None else ends[3]
            else:
                break
            if node is None:
                break
            last: Any = date
            if date is not None:
                size += 1
                if date not in dates:
                    last = self._answer(date, node) if is_answered else self.takes_date(date, node)
                    if last is None:
                        break
            add((number, value, quantity, item, price, qualifier, reference, last))
            count += size
            at, behind = cut.end(), node
        return found, count, at, behind

    def _learn(self, number: str, value: str, offer: str) -> tuple[Quantity, Item, Price] | None:
        """Judge a line of which not all is known; None where anything about it is not usual."""
        unit, amount, rest = offer.split(self.mark, 2)
        told = self.mark + rest
        item, quantity = self.items.get((unit, told)), self.quantities.get(unit, _NO_QUANTITIES).get(value)
        if item is not None and quantity is not None and number in self.numbers and item.amount != amount:
            price = self._price(item, amount)
            if price is not None:
                return quantity, item, price
        line, _, described = rest.partition(self.joint)
        row = _accepted(self.line, self.mark.join((self.line.segment, number, value, unit, amount, line)))
        if row is None or not _is_plain(number, value, unit, amount):
            return None
        if item is None:
            item = self.items_before.get((unit, told)) or self._item(row, described)
            if item is None:
                return None
            if len(self.items) >= ITEMS_MAX:
                self.items_before, self.items, self.known = self.items, {}, {}
            self.items[unit, told] = item
        quantities = self.quantities.setdefault(unit, {})  # of X12's own units, so there are only so many
        if len(self.numbers) >= HEAD_VALUES_MAX:
            self.numbers.clear()
        if len(quantities) >= HEAD_VALUES_MAX:
            quantities.clear()
        self.numbers.add(number)
        quantity = quantities[value] = parts_in.quantity(value, unit)
        part_text(quantity)  # written now, it is read only from then on
        if item.amount == amount:
            self.known[offer] = item, quantities
            return quantity, item, item.price
        return quantity, item, parts_in.price(amount, row[4])

    def _price(self, item: Item, amount: str) -> Price | None:
        """Give a known item's price of today: its own with another amount. Notes ask for presence only."""
        if self.is_amount(amount) is None or not _is_plain_number(amount):
            return None
        text = f'{{"amount":"{amount}"{item.price_rest}'
        price: Price = item.reprice({**item.price.__dict__, "amount": Decimal(amount)}, text)
        return price

    def _item(self, row: Elements, described: str) -> Item | None:
        text = _accepted(self.text, described) if described else _UNDESCRIBED
        try:
            return None if text is None else _item(row[3:], text[4])
        except ValidationError:
            return None

    def takes_reference(self, qualifier: str, number: str) -> bool:
        """Tell whether a REF is a plain one that the guide allows."""
        node = self.after_text
        if node is None or qualifier in REFERENCES_READ_OTHERWISE or len(number) > parts_in.CODE_MAX:
            return False
        if qualifier in self.qualifiers:
            return self.is_reference(number) is not None
        if _accepted(node, self.mark.join(("REF", qualifier, number))) is None:
            return False
        if len(self.qualifiers) < HEAD_VALUES_MAX:
            self.qualifiers.add(qualifier)
        return True

    def takes_date(self, date: str, node: Node) -> str | None:
        """Give a date back; None where the guide has no DTM of it."""
        if _accepted(node, self.mark.join(("DTM", REQUESTED, date))) is None:
            return None
        if len(self.dates) >= HEAD_VALUES_MAX:
            self.dates.clear()
        self.dates.add(date)
        return date

    def _answer(self, text: str, node: Node) -> UsualAnswer | None:
        """Give what an ACK says; None where it is short, none that the guide allows, or oddly written."""
        _, code, value, rest = text.split(self.mark, 3)
        form = self.answers.get((code, rest))
        if form is not None and value in self.answered:
            return form, value
        row = _accepted(node, text)
        if row is None or self.is_answer(value) is None or not _is_plain_number(value):
            return None
        if len(self.answered) >= HEAD_VALUES_MAX:
            self.answered.clear()
        if len(self.answers) >= HEAD_VALUES_MAX:
            self.answers.clear()
        self.answered.add(value)
        if form is None:
            form = self.answers[code, rest] = AnswerForm(row)
        return form, value


@lru_cache(maxsize=256)
def line_form(guide: Guide, separator: str, joint: str, terminator: str) -> LineForm | None:
    """Compile the usual line of a guide; None where the guide has none.

    Every place on the way is looked up in the guide's own tables, so that a partner's guide that wants
    another segment in between has no usual lines.
    """
    form = fast_form(guide, separator)
    name = LINES.get(guide.set_type)
    line = None if name is None else _line_node(form, name)
    if line is None or name is None or _may_stand_in(line, name, _BEHIND):
        return None
    text = line.after.get("PID")
    uses = guide.shapes[name].uses
    if text is None or text.path != f"{name}/PID" or len(uses) < 4:
        return None
    closing = _CLOSING.get(guide.set_type, "")
    ends, bare_ends, answered = _ends(line, text, closing), _ends(line, line, closing), closing == "ACK"
    reference = _inside(text, name, "REF")
    pattern = _line_pattern(name, separator, joint, terminator, answered)
    is_amount = re.compile(value_pattern(uses[3], re.escape(separator))).fullmatch
    made = LineForm(
        pattern.match, name + separator, separator, joint, line, text, is_amount, reference, answered, ends,
        bare_ends,
    )  # fmt: skip
    if reference is not None:
        made.is_reference = _second_value(guide, "REF", separator)
    if answered:
        made.is_answer = _second_value(guide, closing, separator)
    return made


def _second_value(guide: Guide, segment: str, separator: str) -> Callable[[str], re.Match[str] | None]:
    """Give the test of a segment's second element by itself."""
    uses = guide.shapes[segment].uses
    pattern = value_pattern(uses[1], re.escape(separator)) if len(uses) > 1 else "(?!)"
    return re.compile(pattern).fullmatch


def _line_pattern(name: str, separator: str, joint: str, terminator: str, answered: bool) -> re.Pattern[str]:
    mark, end, stop = re.escape(separator), re.escape(joint), re.escape(terminator)
    value = f"[^{mark}{stop}]+"
    answer, date = f"(ACK(?:{mark}{value}){{2}}{mark}[^{stop}]+)", f"DTM{mark}{REQUESTED}{mark}({value})"
    closing = answer if answered else date
    behind = "|".join(f"{each}{mark}" for each in (name, *_BEHIND))
    return re.compile(
        f"{name}{mark}({value}){mark}({value}){mark}"
        f"({value}{mark}{value}{mark}[^{stop}]+(?:{end}PID{mark}F{mark}{{4}}{value})?){end}"
        f"(?:REF{mark}({value}){mark}({value}){end})?"
        f"(?:{closing}{end})?"
        f"(?={behind})"
    )


def _line_node(form: FastForm, name: str) -> Node | None:
    found = [node for node in form.memory.nodes if node.path == name]
    return found[0] if len(found) == 1 else None


def _ends(line: Node, before: Node, closing: str) -> Ends:
    """Give where a line may end behind its PID, or behind its PO1 where it has none."""
    reference, last = (_inside(before, line.path, each) for each in ("REF", closing))
    both = None if reference is None else _inside(reference, line.path, closing)
    first, second, third, fourth = (
        end if end is not None and end.after.get(line.segment) is line else None
        for end in (before, reference, last, both)
    )
    return first, second, third, fourth


def _inside(node: Node, name: str, segment: str) -> Node | None:
    found = node.after.get(segment)
    return found if found is not None and found.path == f"{name}/{segment}" else None


def _may_stand_in(line: Node, name: str, segments: tuple[str, ...]) -> bool:
    """Tell whether one of those segments may belong to a line."""
    pending, seen = [line], {id(line)}
    while pending:
        for node in pending.pop().after.values():
            if id(node) in seen or not node.path.startswith(f"{name}/"):
                continue
            if node.segment in segments:
                return True
            seen.add(id(node))
            pending.append(node)
    return False


def _accepted(node: Node, segment: str) -> Elements | None:
    found = node.match(segment)
    if found is None:
        return None
    row = found.groups()
    return row if node.is_sound is None or node.is_sound(row) else None


def _is_plain(number: str, value: str, unit: str, amount: str) -> bool:
    """Tell whether canonical documents hold all of it as it is, whatever a partner's guide allows."""
    if value[0] in "0.-" or len(number) > parts_in.CODE_MAX or unit not in codes.UNITS:
        return False
    return _is_plain_number(value) and _is_plain_number(amount)


def _is_plain_number(value: str) -> bool:
    """Tell whether canonical documents hold a number as it is written."""
    return len(value) <= DIGITS_MAX and not parts_in.is_odd(value)


@lru_cache(maxsize=ITEMS_MAX)
def _item(row: Elements, description: str | None) -> Item | None:
    """Give the item of a line that says nothing odd. Source: X12 PO104-PO125, IT104-IT125.

    Orders, their acknowledgments and their invoices share it: they speak of the same items.
    """
    amount, ids = row[0], row[2:]
    if amount is None or ids[0] is None or parts_in.gaps(ids) or "PO" in ids[::2]:
        return None
    if description is not None and len(description) > TEXT_MAX:
        return None
    item_ids = parts_in.item_ids(ids[:4] if not any(ids[4:]) else ids)
    text = f',"item_ids":[{",".join(map(part_text, item_ids))}]'
    if description is not None:
        text += f',"description":{quote(description)},"description_may_be_phi":true'
    price = parts_in.price(amount, row[1])
    rest = part_text(price).removeprefix(f'{{"amount":"{amount}"')
    _, reprice = assembler(Price, frozenset(price.model_fields_set))
    return Item(item_ids, description, amount, price, rest, reprice, text)
