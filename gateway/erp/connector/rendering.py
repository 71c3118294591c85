"""Canonical values in an ERP's own words: units, items, parties, accounts, dates, exact numbers. Pure.

All that cannot be said to this ERP is collected in one pass and parks the document; nothing is guessed,
rounded or cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

from adapters.base import Finding
from canonical.lines import ItemLine, PricedLine
from canonical.scalars import plain_digits
from canonical.values import DateValue, Distribution, ItemScheme, Party, PaymentTerms
from gateway.erp.connector.series import Place, StuckError
from gateway.erp.connector.settings import AccountingDate, Codes


class Rendering:
    """One document's rendering: gives values, and remembers what could not be given."""

    def __init__(self, codes: Codes, place: Place) -> None:
        self._codes = codes
        self._place = place
        self.findings: list[Finding] = []

    def finish(self) -> None:
        """End the rendering. Errors: StuckError with every finding."""
        if self.findings:
            raise StuckError(*self.findings)

    def problem(self, code: str, text: str, path: str) -> None:
        """Remember what cannot be said; `path` is canonical."""
        self.findings.append(self._place.finding(code, text, path))

    def required(self, value: str | None, what: str, path: str) -> str:
        """Give a value that must be there."""
        if not value:
            self.problem("ERP-MISSING", f"{what} is missing, and the ERP needs it; add it or a default", path)
        return value or ""

    def bounded(self, value: str, length: int, path: str) -> str:
        """Give a code as it is; one that the ERP's field cannot hold is a finding, never cut."""
        if len(value) > length:
            self.problem("ERP-LENGTH", f"'{value[:80]}' has {len(value)} characters; at most {length}", path)
        return value

    def number(self, value: Decimal, digits: int, scale: int, path: str) -> Decimal:
        """Give a number as it is; one with more digits than the ERP keeps is a finding, never rounded."""
        if not fits(value, digits, scale):
            text = f"holds more than {digits - scale} digits before the point or {scale} behind it"
            self.problem("ERP-DIGITS", f"the number {text}; the ERP would round it", path)
        return value

    def unit(self, line: ItemLine, path: str) -> str:
        """Give the ERP's unit of a line's quantity."""
        unit = line.quantity.unit if line.quantity is not None else None
        if unit is None:
            return self.required(None, "the unit", f"{path}.quantity.unit")
        mapped = self._codes.units.get(unit)
        if mapped is None and self._codes.units_must_be_mapped:
            text = f"unit '{unit}' has no word in the ERP; add it to codes.units"
            self.problem("ERP-UNIT", text, f"{path}.quantity.unit")
        return mapped or unit

    def quantity(self, line: ItemLine, path: str, digits: int = 38, scale: int = 18) -> Decimal:
        """Give a line's quantity."""
        if line.quantity is None:
            self.required(None, "the quantity", f"{path}.quantity")
            return Decimal(0)
        return self.number(line.quantity.value, digits, scale, f"{path}.quantity")

    def item(self, line: ItemLine) -> str | None:
        """Give the ERP's own item number of a line, None where it has none (bought by description)."""
        return first_id(line, self._codes.item_schemes)

    def supplier_item(self, line: ItemLine) -> str | None:
        """Give the supplier's item number of a line."""
        return first_id(line, self._codes.supplier_item_schemes)

    def supplier(self, party: Party | None, path: str) -> str:
        """Give the ERP's word for a supplier."""
        found = self._party(party, self._codes.suppliers)
        return self.required(found, "a supplier id", path)

    def location(self, party: Party | None, facility: str | None = None) -> str | None:
        """Give the ERP's word for where goods go, None where the document does not say."""
        if party is None and facility is None:
            return None
        if facility is not None and facility in self._codes.locations:
            return self._codes.locations[facility]
        return self._party(party, self._codes.locations)

    def terms(self, terms: Sequence[PaymentTerms]) -> str | None:
        """Give the ERP's word for the first payment terms that `codes.terms` names, None for others."""
        codes = (each.code or each.description for each in terms)
        return next((self._codes.terms[each] for each in codes if each in self._codes.terms), None)

    def account(self, distribution: Distribution) -> str | None:
        """Give the ERP's account of a distribution, None where it names none."""
        account = distribution.account
        if account is None and distribution.segments:
            account = "-".join(distribution.segments.values())
        return self._codes.accounts.get(account, account) if account is not None else None

    def _party(self, party: Party | None, words: Mapping[str, str]) -> str | None:
        ids = party_ids(party, self._codes)
        return next((words[each] for each in ids if each in words), ids[0] if ids else None)

    def unit_price(self, line: PricedLine, path: str, scale: int = 10) -> Decimal | None:
        """Give the price of one unit, for ERPs that know no price basis; None where none was sent.

        A price per hundred is divided; a division that does not end within `scale` decimals is a finding.
        """
        price = line.price
        if price is None:
            return None
        self._check_price_unit(line, path)
        base = price.base_quantity
        if base is None or base == 1:
            return self.number(price.amount, 38, scale, f"{path}.price")
        with localcontext() as context:
            context.prec = 80
            each = price.amount / base
            if each * base != price.amount or not fits(each, 38, scale):
                text = f"a price per {plain_digits(base)} cannot be written per unit with {scale} decimals"
                self.problem("ERP-PRICE-BASIS", f"{text} without rounding", f"{path}.price")
        return each

    def line_amount(self, line: PricedLine, path: str, scale: int = 10) -> Decimal:
        """Give a line's amount: as sent, or quantity x price / base quantity, exactly or not at all."""
        if line.amount is not None:
            return line.amount
        price = line.price
        if price is None:
            self.required(None, "the amount or the price", f"{path}.amount")
            return Decimal(0)
        self._check_price_unit(line, path)
        base = price.base_quantity or Decimal(1)
        with localcontext() as context:
            context.prec = 160
            whole = price.amount * self.quantity(line, path)
            amount = whole / base
            is_exact = amount * base == whole
        if not is_exact or not fits(amount, 38, scale):
            text = f"quantity times price per {plain_digits(base)} does not end within {scale} decimals"
            self.problem("ERP-PRICE-BASIS", f"{text}; send the line's amount", f"{path}.amount")
        return amount

    def price(self, line: PricedLine, path: str) -> tuple[Decimal, Decimal] | None:
        """Give price and the quantity that it is for, for ERPs that know a price basis."""
        if line.price is None:
            return None
        self._check_price_unit(line, path)
        return line.price.amount, line.price.base_quantity or Decimal(1)

    def _check_price_unit(self, line: PricedLine, path: str) -> None:
        price, quantity = line.price, line.quantity
        if price is None or price.base_unit is None or quantity is None:
            return
        if price.base_unit != quantity.unit:
            text = (
                f"the price is per {price.base_unit}, the quantity in {quantity.unit}; convert them with the"
                " item's factor in the route's mapping"
            )
            self.problem("ERP-PRICE-UNIT", text, f"{path}.price")


def first_id(line: ItemLine, schemes: Sequence[ItemScheme]) -> str | None:
    """Give the first item number that a line has in these schemes, by the schemes' order."""
    for scheme in schemes:
        for each in line.item_ids:
            if each.scheme == scheme:
                return each.value
    return None


def party_ids(party: Party | None, codes: Codes) -> list[str]:
    """Give a party's ids in the declared order of schemes."""
    if party is None:
        return []
    return [
        each.value for scheme in codes.supplier_schemes for each in party.identifiers if each.scheme == scheme
    ]


def accounting_date(rule: AccountingDate, document_date: DateValue | None, arrived_at: datetime) -> date:
    """Give the day that a posting counts for, by the declared rule."""
    arrived = arrived_at.astimezone(ZoneInfo(rule.zone)).date()
    day = arrived if rule.rule == "arrival" or document_date is None else document_date.date
    return max(day, rule.not_before) if rule.not_before is not None else day


def fits(value: Decimal, digits: int, scale: int) -> bool:
    """Tell whether a number has no more than `digits` digits, `scale` of them behind the point."""
    if value.adjusted() + 1 > digits - scale and value:
        return False
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= scale:
        return True
    with localcontext() as context:
        context.prec = 100
        plain = value.normalize().as_tuple().exponent
    return isinstance(plain, int) and -plain <= scale


def product(one: Decimal, other: Decimal) -> Decimal:
    """Multiply without losing a digit, which Decimal's own 28 digits would."""
    with localcontext() as context:
        context.prec = 160
        return one * other


def without_nothing(fields: Mapping[str, object]) -> dict[str, object]:
    """Leave out what has no value; a key without one would clear the ERP's own default."""
    return {name: value for name, value in fields.items() if value or isinstance(value, int | Decimal)}
