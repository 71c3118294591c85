"""One value of one field, both ways, slowly and exactly: it decides every tolerance and every finding.

Generated code (``generate_read.py``, ``generate_write.py``) does the same for values that are as the
layout says; whatever else comes goes through here. A value is a text: numbers keep all their digits,
with a written point (``0012.50``), so that nothing is lost on the way back; ``""`` is no value.
"""

from __future__ import annotations

import re

from adapters.layouts.model import Field, Kind, Sign, Zones

_NUMBER = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_PACKED_PLUS, _PACKED_MINUS = "cafe", "db"


class UnfitError(Exception):
    """A value does not fit its field; ``text`` says what was found and what was expected."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def read_value(field: Field, stands: str, raw: bytes, zones: Zones) -> str:
    """Give the value of what stands in a field. Errors: UnfitError FLAT-NUMBER, FLAT-CONST."""
    match field.kind:
        case Kind.PACKED:
            return "" if raw == field.absent_bytes else _packed(field, raw)
        case Kind.BINARY:
            return "" if raw == field.absent_bytes else _binary(field, raw)
        case Kind.TEXT | Kind.FILLER:
            value = _text(field, stands)
        case Kind.NUMBER:
            value = _written_number(field, stands)
        case Kind.DATE:
            value = "" if stands == field.absent else _date(field, stands)
        case _:
            value = "" if stands == field.absent else _display(field, stands, zones)
    if field.const is not None and value != field.const:
        raise UnfitError("FLAT-CONST", f"'{value}' found; expected '{field.const}'")
    return value


def write_value(field: Field, value: str | None, zones: Zones) -> str | bytes:
    """Give what stands in a field for a value: bytes for packed and binary, else characters.

    Errors: UnfitError FLAT-OVERFLOW, FLAT-NUMBER, FLAT-REQUIRED.
    """
    value = field.const if value in (None, "") and field.const is not None else value
    match field.kind:
        case Kind.TEXT | Kind.FILLER:
            return _put_text(field, value or "")
        case Kind.NUMBER:
            return _put_written_number(field, value or "")
        case Kind.DATE:
            return _put_date(field, value)
        case Kind.PACKED:
            return _put_packed(field, value)
        case Kind.BINARY:
            return _put_binary(field, value)
        case _:
            return _put_display(field, value, zones)


def read_written_number(field: Field, stands: str) -> str:
    """Give a number that stands with its decimal point. Errors: UnfitError FLAT-NUMBER, FLAT-OVERFLOW."""
    return _written_number(field, stands)


# -- reading


def _text(field: Field, stands: str) -> str:
    if field.absent is not None and stands == field.absent:
        return ""
    if not field.length:
        return stands
    return stands.lstrip(field.pad) if field.align_right else stands.rstrip(field.pad)


def _written_number(field: Field, stands: str) -> str:
    value = stands.strip(" ")
    if not value or value == (field.absent or "").strip(" "):
        return ""
    if not (found := _NUMBER.fullmatch(value)):
        raise UnfitError("FLAT-NUMBER", f"'{stands}' is no number; expected digits and a decimal point")
    _check_digits(field, found[2], found[3] or "")
    return value


def _date(field: Field, stands: str) -> str:
    assert field.date is not None  # noqa: S101  build.py gives every date its form
    bare = stands.strip(" ")
    if not bare and field.absent is not None:
        return ""
    value = field.date.read(stands if field.length else bare)
    if value is None:
        told = "blank" if not bare else f"'{stands}'"
        raise UnfitError("FLAT-DATE", f"{told} is no date; expected {field.date.form}")
    return value


def _display(field: Field, stands: str, zones: Zones) -> str:
    digits, minus = _split_sign(field, stands, zones)
    bare = digits.strip(" ") if field.pad == " " else digits
    if not (bare.isascii() and bare.isdecimal()):
        told = "blank" if not stands.strip() else f"'{stands}'"
        raise UnfitError("FLAT-NUMBER", f"{told} is no number; expected {field.digits} digits{_scale(field)}")
    if field.pad == " ":
        bare = bare.rjust(field.scale + 1, "0")
    return minus + _pointed(bare, field.scale)


def _split_sign(field: Field, stands: str, zones: Zones) -> tuple[str, str]:
    match field.sign:
        case Sign.NONE:
            return stands, ""
        case Sign.LEADING:
            return stands[1:], _separate(stands[:1])
        case Sign.TRAILING:
            return stands[:-1], _separate(stands[-1:])
        case Sign.OVERPUNCH:
            digit, minus = _zoned(stands[-1:], zones)
            return stands[:-1] + digit, minus
        case _:
            digit, minus = _zoned(stands[:1], zones)
            return digit + stands[1:], minus


def _separate(sign: str) -> str:
    if sign not in ("+", "-", " "):
        raise UnfitError("FLAT-NUMBER", f"'{sign}' is no sign; expected + or -")
    return "-" if sign == "-" else ""


def _zoned(character: str, zones: Zones) -> tuple[str, str]:
    if character and character in zones.minus:
        return str(zones.minus.index(character)), "-"
    if character and character in zones.plus:
        return str(zones.plus.index(character)), ""
    if character.isascii() and character.isdecimal():
        return character, ""
    raise UnfitError("FLAT-NUMBER", f"'{character}' is no digit with a sign")


def _packed(field: Field, raw: bytes) -> str:
    nibbles = raw.hex()
    digits, sign = nibbles[:-1], nibbles[-1:]
    if not digits.isdecimal() or sign not in _PACKED_PLUS + _PACKED_MINUS:
        text = f"X'{nibbles.upper()}' is no packed decimal; expected {field.digits} digits and a sign"
        raise UnfitError("FLAT-NUMBER", text)
    surplus = digits[: len(digits) - field.digits]
    if surplus.strip("0"):
        raise UnfitError("FLAT-NUMBER", f"X'{nibbles.upper()}' has more than {field.digits} digits")
    return ("-" if sign in _PACKED_MINUS else "") + _pointed(digits[len(surplus) :], field.scale)


def _binary(field: Field, raw: bytes) -> str:
    number = int.from_bytes(raw, "little" if field.is_little_endian else "big", signed=field.is_signed)
    digits = str(abs(number)).zfill(field.digits)
    if len(digits) > field.digits and not field.any_value:
        raise UnfitError("FLAT-NUMBER", f"{number} has more than {field.digits} digits")
    return ("-" if number < 0 else "") + _pointed(digits, field.scale)


def _pointed(digits: str, scale: int) -> str:
    if not scale:
        return digits
    return f"{digits[:-scale] or '0'}.{digits[-scale:]}"


def _scale(field: Field) -> str:
    return f", the last {field.scale} after an implied decimal point" if field.scale else ""


# -- writing


def _put_text(field: Field, value: str) -> str:
    if not value and field.absent is not None:
        return field.absent
    if not field.length:
        return value
    if len(value) > field.length:
        text = f"{len(value)} characters do not fit into {field.length}"
        raise UnfitError("FLAT-OVERFLOW", text)
    return value.rjust(field.length, field.pad) if field.align_right else value.ljust(field.length, field.pad)


def _put_written_number(field: Field, value: str) -> str:
    if value:
        whole = _parsed(value)
        _check_digits(field, whole[1], whole[2])
    if not field.length:
        return value
    if len(value) > field.length:
        raise UnfitError("FLAT-OVERFLOW", f"{len(value)} characters do not fit into {field.length}")
    return value.rjust(field.length)


def _put_date(field: Field, value: str | None) -> str:
    assert field.date is not None  # noqa: S101
    if not value:
        if field.absent is None:
            raise _missing()
        return field.absent
    text = field.date.write(value)
    if text is None:
        raise UnfitError("FLAT-DATE", f"the date cannot be written as {field.date.form}")
    return text


def _put_display(field: Field, value: str | None, zones: Zones) -> str:
    if value in (None, ""):
        if field.absent is None:
            raise _missing()
        return field.absent
    assert value is not None  # noqa: S101  for the type checker
    minus, digits = _digits(field, value)
    if minus and field.sign is Sign.NONE:
        raise UnfitError("FLAT-OVERFLOW", "the field has no sign, and the number is negative")
    if field.pad == " ":
        digits = (digits.lstrip("0") or "0").rjust(len(digits))
    match field.sign:
        case Sign.NONE:
            return digits
        case Sign.LEADING:
            return (minus or field.plus) + digits
        case Sign.TRAILING:
            return digits + (minus or field.plus)
        case Sign.OVERPUNCH:
            return digits[:-1] + _over(field, zones, minus, digits[-1])
        case _:
            return _over(field, zones, minus, digits[0]) + digits[1:]


def _over(field: Field, zones: Zones, minus: str, digit: str) -> str:
    if minus:
        return zones.minus[int(digit)]
    return digit if not field.plus else zones.plus[int(digit)]


def _put_packed(field: Field, value: str | None) -> bytes:
    if value in (None, ""):
        if field.absent_bytes is None:
            raise _missing()
        return field.absent_bytes
    assert value is not None  # noqa: S101
    minus, digits = _digits(field, value)
    if minus and not field.is_signed:
        raise UnfitError("FLAT-OVERFLOW", "the field has no sign, and the number is negative")
    sign = "f" if not field.is_signed else "d" if minus else "c"
    return bytes.fromhex((digits + sign).rjust(field.length * 2, "0"))


def _put_binary(field: Field, value: str | None) -> bytes:
    if value in (None, ""):
        if field.absent_bytes is None:
            raise _missing()
        return field.absent_bytes
    assert value is not None  # noqa: S101
    minus, digits = _digits(field, value, is_bounded=not field.any_value)
    try:
        order = "little" if field.is_little_endian else "big"
        return int(minus + digits).to_bytes(
            field.length, "little" if order == "little" else "big", signed=field.is_signed
        )
    except OverflowError as error:
        raise UnfitError("FLAT-OVERFLOW", f"the number does not fit into {field.length} bytes") from error


def _digits(field: Field, value: str, *, is_bounded: bool = True) -> tuple[str, str]:
    """Give the sign and the digits of a number as its field holds them."""
    minus, whole, fraction = _parsed(value)
    if fraction[field.scale :].strip("0"):
        text = f"the number has more than {field.scale} digits after the decimal point"
        raise UnfitError("FLAT-OVERFLOW", text)
    digits = whole + fraction[: field.scale].ljust(field.scale, "0")
    if not is_bounded:
        return minus, digits
    if len(digits) > field.digits:
        digits = digits.lstrip("0")
        if len(digits) > field.digits:
            text = f"the number has {len(digits)} digits; the field has room for {field.digits}"
            raise UnfitError("FLAT-OVERFLOW", text + _scale(field))
    return minus, digits.zfill(field.digits)


def _parsed(value: str) -> tuple[str, str, str]:
    found = _NUMBER.fullmatch(value)
    if found is None:
        raise UnfitError("FLAT-NUMBER", "this is no number; expected digits and a decimal point")
    return ("-" if found[1] == "-" else ""), found[2], found[3] or ""


def _check_digits(field: Field, whole: str, fraction: str) -> None:
    if not field.digits:
        return
    if len(fraction.rstrip("0")) > field.scale or len(whole.lstrip("0")) > field.digits - field.scale:
        text = (
            f"the number has more than {field.digits - field.scale} digits before the decimal point "
            f"or {field.scale} after it"
        )
        raise UnfitError("FLAT-OVERFLOW", text)


def _missing() -> UnfitError:
    return UnfitError("FLAT-REQUIRED", "there is no value, and the layout says nothing that stands for none")
