"""A document while it is being read: the parts so far, how units are understood, and in which order.

Canonical lists keep what was sent, not always the order of the segments that it came from. Where that order
is not the one that `layout.py` would write, a hint is kept in `extensions["x12"]`, so that nothing is lost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.base.formats import DecodeContext
from adapters.edi_x12 import codes, layout, parts_in
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.report import Report
from canonical.acknowledgment import LineResponse
from canonical.lines import ItemLine
from canonical.values import Quantity


class Reader:
    """One document while it is read: header, line, and the parts that follow-up segments belong to."""

    def __init__(
        self, context: DecodeContext, partner: X12Partner, report: Report, line_name: str = "PO1"
    ) -> None:
        self.zone = context.zone
        self.partner_name = context.partner
        self.partner = partner
        self.units = partner.units
        self.report = report
        self.line_name = line_name
        self.header: Part = {}
        self.lines: list[Part | ItemLine] = []  # usual ones are whole already
        self.line_indexes: list[int] = []  # where each line begins in the set
        self.line: Part = {}
        self.party: Part = {}
        self.schedule: Part = {}
        self.sub_line: Part = {}
        self.response: LineResponse | None = None
        self.note: Part = {}
        self.quantities: list[str | Decimal] = []  # of the lines, for the hash total
        self.party_order: list[str] = []  # N101 of the header's parties
        self.spread: list[tuple[Part, tuple[str, str], int]] = []  # SDQ: its line, unit and qualifier, pairs
        self._notes: list[tuple[Part, str, list[str]]] = []  # owner, level, tokens of `layout.py`
        self._tokens: list[str] | None = None

    def begin_owner(self) -> None:
        """Say that notes belong to something new: a line, a sub-line."""
        self._tokens = None

    def token(self, owner: Part, level: str, token: str) -> None:
        """Write down from which kind of segment the next note of an owner came."""
        if self._tokens is None:
            self._tokens = []
            self._notes.append((owner, level, self._tokens))
        self._tokens.append(token)

    def has_token(self, token: str) -> bool:
        """Tell whether such a segment gave the present owner a note."""
        return self._tokens is not None and token in self._tokens

    def finish(self) -> None:
        """Keep the order of segments where it is not the one that we would write."""
        if self.party_order and self.party_order != layout.plain_party_order(self.party_order):
            hint(self.header, "N1", self.party_order)
        for line, sizes in layout.uneven_spreads(self.spread):
            hint(line, f"{self.line_name}/SDQ", [str(size) for size in sizes])
        for owner, level, tokens in self._notes:
            if tokens != layout.note_tokens(owner.get("notes", ()), layout.headings(owner), level):
                hint(owner, "N9", tokens)

    def unit(self, code: str | None, place: str, index: int) -> str | None:
        """Give the unit in X12's codes by the partner's map; an unknown one rejects the set."""
        if code is None:
            return None
        own = self.units.get(code)
        if own is not None:
            return own
        if code not in codes.UNITS:
            name = self.partner_name or "<partner>"
            setting = f"partners.{name}.edi_x12.units: {{{code}: <X12 unit code>}}"
            text = f"unit '{code}' is not known; say what it means with {setting}"
            where = f"{self.line_name}[{len(self.lines)}]/{place}" if self.lines else place
            self.report.add("X12-UOM", text, index, where, value=code, facts={"set_error": "5"})
        return code

    def quantity(self, value: str, code: str | None, place: str, index: int) -> Quantity:
        """Give a quantity with its unit."""
        return parts_in.quantity(value, None if code is None else self.unit(code, place, index))

    def unknown_code(self, element: str, value: str, setting: str, index: int) -> None:
        """Reject a code whose meaning changes what is done: it goes to a person, and is never guessed."""
        name = self.partner_name or "<partner>"
        text = f"{element} '{value}' is not known; say what it means with partners.{name}.edi_x12.{setting}"
        self.report.add("X12-MEANING", text, index, element, value=value, facts={"set_error": "5"})


def hint(owner: Part, place: str, order: list[str]) -> None:
    """Keep an order of segments."""
    kept: list[Any] = owner.setdefault("extensions", {}).setdefault("x12", [])
    kept.append({"place": place, "order": list(order)})
