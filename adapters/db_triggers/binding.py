"""From texts to what a driver takes for a column, and to one normal form for comparing. Pure.

A mapping writes texts. Drivers are strict (asyncpg) or lax (SQLite stores anything anywhere), so each text is
converted by the column's declared type, and what would be cut or rounded is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Literal

from adapters.db_triggers.config import Dialect

DIGITS_MAX = 38  # of a number, where its type says nothing: Oracle and SQL Server hold no more

Family = Literal["text", "char", "integer", "decimal", "float", "date", "timestamp", "boolean", "other"]

_TYPE = re.compile(r"([^()]+)(?:\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?[^)]*\))?.*", re.ASCII | re.DOTALL)
_FAMILIES: dict[Family, tuple[str, ...]] = {
    "char": ("char", "character", "bpchar", "nchar"),
    "text": (
        "varchar", "character varying", "text", "clob", "tinytext", "mediumtext", "longtext", "varchar2",
        "nvarchar", "nvarchar2", "ntext", "nclob", "name", "uuid",
    ),
    "integer": ("int", "integer", "smallint", "bigint", "tinyint", "mediumint", "int2", "int4", "int8"),
    "decimal": ("decimal", "numeric", "number", "money", "dec"),
    "float": ("float", "double", "real", "double precision"),
    "date": ("date",),
    "timestamp": (
        "timestamp", "datetime", "datetime2", "timestamp without time zone", "timestamp with time zone",
        "datetimeoffset", "smalldatetime",
    ),
    "boolean": ("boolean", "bool", "bit"),
}  # fmt: skip
_BY_NAME = {name: family for family, names in _FAMILIES.items() for name in names}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A declared type taken apart. ``length``: characters, or digits in all; ``scale``: decimal places."""

    family: Family
    length: int | None = None
    scale: int | None = None


class UnfitValueError(Exception):
    """A text does not fit its column; the text of the error goes on after the column's name."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def column_type(declared: str) -> ColumnType:
    """Read a type as a catalog spells it: ``character varying(40)``, ``decimal(11,3)``, ``int(11)``."""
    found = _TYPE.fullmatch(declared.lower())
    if found is None:
        return ColumnType("other")
    name, length, scale = found[1].strip(), found[2], found[3]
    family = _BY_NAME.get(name) or _BY_NAME.get(name.split(" ")[0], "other")
    if family == "decimal" and length is not None and scale is None:
        scale = "0"
    return ColumnType(family, None if length is None else int(length), None if scale is None else int(scale))


def value_of(text: str | None, declared: ColumnType, dialect: Dialect) -> Any:
    """Give what the driver takes. Errors: UnfitValueError."""
    if text is None:
        return None
    match declared.family:
        case "text" | "char":
            return _text(text, declared, dialect)
        case "integer":
            return _integer(text)
        case "decimal":
            number = _decimal(text, declared)
            return str(number) if dialect == "sqlite" else number
        case "float":
            return _float(text)
        case "date":
            day = _date(text)
            return day.isoformat() if dialect == "sqlite" else day
        case "timestamp":
            at = _timestamp(text)
            return at.isoformat(" ") if dialect == "sqlite" else at
        case "boolean":
            return _boolean(text)
    return text


def _text(text: str, declared: ColumnType, dialect: Dialect) -> str:
    if declared.length is not None and len(text.rstrip(" ")) > declared.length:
        raise UnfitValueError(
            "DB-LENGTH", f"takes {declared.length} characters, the value has {len(text.rstrip(' '))}"
        )
    if declared.family == "char" and declared.length is not None and dialect == "oracle":
        # A bound text is VARCHAR2 there, and equals a CHAR only with all of its blanks.
        return text.rstrip(" ").ljust(declared.length)
    return text if declared.length is None else text[: declared.length]  # only blanks are cut


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise UnfitValueError("DB-NUMBER", "takes a number, and the value is none") from None
    if not number.is_finite():
        raise UnfitValueError("DB-NUMBER", "takes a number, and the value is none")
    return number


def _float(text: str) -> float:
    number = float(_number(text))
    if not isfinite(number):
        raise UnfitValueError("DB-PRECISION", "takes a number, and the value is larger than it can hold")
    return number


def _integer(text: str) -> int:
    number = _number(text)
    if _places(number) > 0:
        raise UnfitValueError("DB-PRECISION", "takes whole numbers, and the value is none")
    _require_digits(number, DIGITS_MAX)
    return int(number)


def _decimal(text: str, declared: ColumnType) -> Decimal:
    number = _number(text)
    if declared.scale is None:
        return number
    if _places(number) > declared.scale:
        raise UnfitValueError("DB-PRECISION", f"takes {declared.scale} decimal places, the value has more")
    _require_digits(number, (declared.length or DIGITS_MAX) - declared.scale)
    return number


def _places(number: Decimal) -> int:
    """Give how many decimal places a number needs; -2: it is a multiple of 100.

    By its digits: arithmetic fails, or rounds, beyond 28 of them.
    """
    _, digits, exponent = number.as_tuple()
    if not number or not isinstance(exponent, int):  # 0 needs none; what is not finite came not so far
        return -DIGITS_MAX
    written = "".join(map(str, digits))
    return -exponent - (len(written) - len(written.rstrip("0")))


def _require_digits(number: Decimal, digits: int) -> None:
    if number and number.adjusted() >= digits:
        raise UnfitValueError("DB-PRECISION", f"takes {digits} digits before the point, the value has more")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UnfitValueError("DB-DATE", "takes a date; expected one as 2026-11-20") from None


def _timestamp(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UnfitValueError("DB-DATE", "takes a time; expected one as 2026-11-20T14:30:00") from None
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "false", "1", "0"):
        raise UnfitValueError("DB-BOOLEAN", "takes true or false")
    return word in ("true", "1")


def normal(value: object) -> str | None:
    """Give one text for a value, whether a driver gave it or a JSON image of a trigger.

    Trailing blanks, trailing zeros of numbers and of seconds, and the T of a time do not count.
    """
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return _plain(Decimal(str(value)))
        case datetime():
            return _clock(value.isoformat(" "))
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
    text = str(value).rstrip(" ")
    return _trimmed(text) if _FRACTION.fullmatch(text) else _clock(text)


_FRACTION = re.compile(r"-?\d+\.\d+", re.ASCII)  # an image shows 5.000 where a driver gives Decimal 5
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?([+-]\d\d:?\d*)?", re.ASCII)


def _clock(text: str) -> str:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return text
    fraction = (found[3] or "").rstrip("0")
    return f"{found[1]} {found[2]}" + (f".{fraction}" if fraction else "") + (found[4] or "")


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return _trimmed(text) if "." in text else text


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") or "0"
