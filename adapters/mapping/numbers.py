"""Numbers as legacy systems write them: implied decimals, grouping marks, commas, trailing signs.

Text in, text out: no digit is lost on the way, and pydantic makes the Decimal. Arithmetic with
Decimal would round to the context's 28 digits.
"""

from __future__ import annotations

import re
from decimal import Decimal

from adapters.mapping.run import UnfitError
from adapters.mapping.spec import DecimalSpec
from canonical.scalars import DIGITS_MAX, bounded_decimal

_PLAIN = re.compile(rf"[+-]?[0-9]{{1,{DIGITS_MAX}}}(?:\.[0-9]{{1,{DIGITS_MAX}}})?")
_LOOSE = re.compile(r"([+-]?)([0-9]*)\.?([0-9]*)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def plain_number(text: str) -> str:
    """Give a number in plain digits; ``5.`` and ``.5`` (XML Schema's decimal) get their zeros."""
    if _PLAIN.fullmatch(text):
        return text
    match = _LOOSE.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise UnfitError("MAP-NUMBER", "{value} is no number; expected digits, a decimal point allowed")
    number = f"{match[1]}{match[2] or '0'}" + (f".{match[3]}" if match[3] else "")
    if not _PLAIN.fullmatch(number):
        raise UnfitError("MAP-NUMBER", f"the number has more than {DIGITS_MAX} digits on a side of the point")
    return number


def whole_number(text: str) -> int:
    """Give an integer."""
    if not _INTEGER.fullmatch(text):
        raise UnfitError("MAP-NUMBER", "{value} is no whole number; expected digits")
    return int(text)


def number_text(value: Decimal) -> str:
    """Write a number in plain digits, its zeros kept."""
    return format(value, "f")


class DecimalForm:
    """One field's way of writing numbers."""

    def __init__(self, spec: DecimalSpec) -> None:
        self._spec = spec
        self._point = spec.point
        if spec.implied:
            digits = "[0-9]+"
        else:
            grouped = f"[0-9{re.escape(spec.group)}]*" if spec.group else "[0-9]*"
            digits = rf"(?=[0-9{re.escape(spec.point)}]){grouped}(?:{re.escape(spec.point)}[0-9]*)?"
        forms = {
            "leading": rf"(?P<minus>[+-]?)(?P<digits>{digits})",
            "trailing": rf"(?P<digits>{digits})(?P<minus>[+-]?)",
            "parentheses": rf"(?P<minus>\()?(?P<digits>{digits})(?(minus)\))",
        }
        self._regex = re.compile(forms[spec.sign])

    def read(self, text: str) -> str:
        """Give the number in plain digits. Errors: UnfitError MAP-NUMBER."""
        match = self._regex.fullmatch(text)
        if match is None:
            raise UnfitError("MAP-NUMBER", "{value} is no number" + self._expected())
        digits = match["digits"]
        if self._spec.group:
            digits = digits.replace(self._spec.group, "")
        if implied := self._spec.implied:
            digits = digits.rjust(implied + 1, "0")
            digits = f"{digits[:-implied]}.{digits[-implied:]}"
        number = plain_number(digits.replace(self._point, "."))
        whole, mark, fraction = number.partition(".")
        number = (whole.lstrip("0") or "0") + mark + fraction
        return f"-{number}" if match["minus"] in ("-", "(") else number

    def write(self, value: Decimal) -> str:
        """Write a number. Errors: UnfitError MAP-PRECISION where a digit would be lost."""
        sign, text = ("-", format(-value, "f")) if value < 0 else ("", format(abs(value), "f"))
        whole, _, fraction = text.partition(".")
        places = self._spec.implied or self._spec.places
        if places is not None:
            if fraction[places:].strip("0"):
                raise UnfitError(
                    "MAP-PRECISION", f"{{value}} has more than {places} digits after the decimal point"
                )
            fraction = fraction[:places].ljust(places, "0")
        if self._spec.implied:
            written = (whole + fraction).lstrip("0") or "0"
        else:
            written = f"{whole}{self._point}{fraction}" if fraction else whole
        match self._spec.sign:
            case "leading":
                return sign + written
            case "trailing":
                return written + sign
            case _:
                return f"({written})" if sign else written

    def _expected(self) -> str:
        spec = self._spec
        if spec.implied:
            return f"; expected digits, the last {spec.implied} after an implied decimal point"
        return f"; expected digits with '{spec.point}' as the decimal point"


def exact_sum(numbers: list[str | Decimal]) -> Decimal:
    """Add numbers without losing a digit: as integers of the finest scale."""
    texts = [
        format(bounded_decimal(number) if isinstance(number, Decimal) else Decimal(number), "f")
        for number in numbers
    ]
    scale = max((len(text.partition(".")[2]) for text in texts), default=0)
    total = sum(int(text.partition(".")[0] + text.partition(".")[2].ljust(scale, "0")) for text in texts)
    digits = str(abs(total)).rjust(scale + 1, "0")
    whole = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return Decimal(f"-{whole}" if total < 0 else whole)
