"""An order while it is being read: the parts so far, and how units are understood."""

from __future__ import annotations

from adapters.base.formats import DecodeContext
from adapters.edi_x12 import codes, parts_in
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.parts_in import Part
from adapters.edi_x12.report import Report
from canonical.values import Quantity


class OrderReader:
    """One order while it is read: the header, the line and the parts that follow-up segments belong to."""

    def __init__(self, context: DecodeContext, partner: X12Partner, report: Report) -> None:
        self.zone = context.zone
        self.partner_name = context.partner
        self.units = partner.units
        self.report = report
        self.header: Part = {}
        self.lines: list[Part] = []
        self.line: Part = {}
        self.party: Part = {}
        self.schedule: Part = {}
        self.sub_line: Part = {}
        self.note: Part = {}
        self.quantities: list[str] = []  # as ordered, for the hash total

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
            where = f"PO1[{len(self.lines)}]/{place}" if self.lines else place
            self.report.add("X12-UOM", text, index, where, value=code, facts={"set_error": "5"})
        return code

    def quantity(self, value: str, code: str | None, place: str, index: int) -> Quantity:
        """Give a quantity with its unit."""
        return parts_in.quantity(value, None if code is None else self.unit(code, place, index))
