"""Whether an invoice's total agrees with its lines, taxes and charges. Pure.

A partner who writes the decimal point, or forgets that TDS01 has two implied ones, is wrong by a hundred;
that must be seen before somebody pays. It is a note: rounding, and charges without an amount, are legal.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from adapters.base.findings import Level
from adapters.edi_x12.reader import Reader

ROUNDING = Decimal("0.01")  # of each line and charge


def check_invoice_total(reader: Reader) -> None:
    """Compare TDS01 with the lines; say nothing where a line has no price or quantity."""
    header = reader.header
    gross = header.get("totals", {}).get("gross")
    if gross is None or not reader.lines:
        return
    of_lines, stated, unassembled = Decimal(0), Decimal(gross), list[dict[str, Any]]()
    for line in reader.lines:
        if type(line) is dict:
            unassembled.append(line)
            told = line
        else:  # a usual line: it has no charges and no taxes
            told = line.__dict__
        quantity, price = told.get("quantity"), told.get("price")
        if quantity is None or price is None:
            return
        base = price.base_quantity
        of_lines += quantity.value * price.amount if base is None else quantity.value * price.amount / base
    if (
        of_lines == stated
        and not unassembled
        and "allowances_charges" not in header
        and "taxes" not in header
    ):
        return
    at_header, parts_header = _extras([header])
    at_lines, parts_lines = _extras(unassembled)
    # Some repeat in the summary what stood at the lines, so any of these may be meant.
    totals = [of_lines + extra for extra in (at_header + at_lines, at_header, at_lines)]
    allowed = ROUNDING * (len(reader.lines) + parts_header + parts_lines)
    if any(abs(abs(stated) - abs(total)) <= allowed for total in totals):
        return
    total = totals[0]
    text = "TDS01 (with its two implied decimals) is not what lines, charges and taxes add up to"
    if total and abs(abs(stated) / abs(total) - 100) < 1:
        text += "; it is a hundred times as much"
    if stated and abs(abs(total) / abs(stated) - 100) < 1:
        text += "; it is a hundredth of that"
    reader.report.add("X12-TDS", text, reader.line_indexes[0], "TDS01", level=Level.NOTE)


def _extras(owners: Sequence[dict[str, Any]]) -> tuple[Decimal, int]:
    """Give what charges and taxes of some owners come to, and how many they are."""
    charges = [each for owner in owners for each in owner.get("allowances_charges", ())]
    taxes = [each for owner in owners for each in owner.get("taxes", ())]
    if not charges and not taxes:
        return Decimal(0), 0
    total = sum((_signed(each) for each in charges), Decimal(0))
    return total + sum((Decimal(each.get("amount") or 0) for each in taxes), Decimal(0)), len(charges) + len(
        taxes
    )


def _signed(charge: dict[str, Any]) -> Decimal:
    amount = Decimal(charge.get("amount") or 0)
    match charge["indicator"]:
        case "allowance":
            return -amount
        case "charge" | "service":
            return amount
        case _:
            return Decimal(0)
