"""Converters: one field's way from a source text to a canonical value and back, compiled once.

A converter is pure; it raises UnfitError where a value does not fit, and the field that met it
makes the finding. ``losses`` says why a field cannot promise that what it writes reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from adapters.mapping.dates import DatePatterns, PatternError
from adapters.mapping.iso import IsoDates
from adapters.mapping.numbers import DecimalForm, number_text, plain_number, whole_number
from adapters.mapping.run import Run, UnfitError
from adapters.mapping.shapes import Shape
from adapters.mapping.spec import BLANK, FieldSpec, PadSpec, PartSpec
from canonical.values import DateValue

ReadValue: TypeAlias = Callable[[str, Run], object]
WriteValue: TypeAlias = Callable[[Any, Run], str | None]
Prepare: TypeAlias = Callable[[str], str]

KNOWN_SHOWN_MAX = 12


class SpecError(ValueError):
    """A field's specification that does not fit its canonical value; ``key`` leads to the part at fault."""

    def __init__(self, key: str | tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.key = (key,) if isinstance(key, str) else key


@dataclass(frozen=True, slots=True)
class Converter:
    """A field's compiled conversion; None stands for the text itself."""

    prepare: Prepare | None = None  # source text -> trimmed, unpadded, its piece
    read: ReadValue | None = None
    write: WriteValue | None = None
    finish: Prepare | None = None  # text -> padded
    constant: object | None = None
    default: object | None = None
    blank: object | None = None  # the canonical value of an absent source field, by a code map
    is_plain_number: bool = False  # `read` changes nothing about an XML Schema decimal but its missing zeros
    words: Mapping[str, object] | None = None  # all that `read` knows: code -> canonical value
    other: object | None = None  # what it makes of any other code
    own_codes: frozenset[str] = frozenset()  # codes that their word gives back; others are kept as sent
    keeps_raw: bool = False
    losses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def converter_for(spec: FieldSpec, shape: Shape) -> Converter:
    """Compile a field's specification against its canonical shape. Errors: SpecError."""
    made = _value_converter(spec, shape)
    upper = spec.upper
    losses = [*made.losses]
    if spec.first_of and len(spec.first_of) > 1:
        losses.append("first_of reads several source fields and writes only the first")
    if spec.only:
        losses.append(f"it is mapped for {spec.only} only")
    if upper:
        losses.append("upper does not give small letters back")
    return replace(
        made,
        prepare=_prepare(spec),
        finish=_finish(spec),
        constant=_typed("const", spec.const, shape) if spec.const is not None else None,
        default=_typed("default", spec.default, shape) if spec.default is not None else None,
        losses=tuple(losses),
    )


def _value_converter(spec: FieldSpec, shape: Shape) -> Converter:
    if spec.const is not None:
        return Converter()
    if spec.codes is not None:
        return _codes(spec, shape)
    if spec.crosswalk is not None:
        return _crosswalk(spec.crosswalk.table, shape)
    if spec.date is not None and shape.kind not in ("date", "day", "moment"):
        raise SpecError("date", "the canonical value is no date")
    if spec.decimal is not None and shape.kind != "number":
        raise SpecError("decimal", "the canonical value is no decimal number")
    return _by_kind(spec, shape)


def _by_kind(spec: FieldSpec, shape: Shape) -> Converter:
    match shape.kind:
        case "date" | "day" | "moment":
            return _dates(spec, shape)
        case "number":
            return _number(spec)
        case "integer":
            return Converter(read=lambda text, _: whole_number(text), write=lambda value, _: str(value))
        case "boolean":
            table = {"true": True, "1": True, "false": False, "0": False}
            return _code_table(table, None, keeps_raw=False)
        case "word":
            return _code_table({word: word for word in shape.words}, None, keeps_raw=False)
        case _:
            return Converter()


def _number(spec: FieldSpec) -> Converter:
    if spec.decimal is None:
        return Converter(
            read=lambda text, _: plain_number(text),
            write=lambda value, _: number_text(value),
            is_plain_number=True,
        )
    form = DecimalForm(spec.decimal)
    return Converter(read=lambda text, _: form.read(text), write=lambda value, _: form.write(value))


def _dates(spec: FieldSpec, shape: Shape) -> Converter:
    try:
        form = DatePatterns(spec.date, spec.pivot, spec.zone) if spec.date else IsoDates(spec.zone)
    except PatternError as error:
        raise SpecError("date", str(error)) from error
    match shape.kind:
        case "date":
            return Converter(
                read=lambda text, run: form.read(text, run.context.zone),
                write=lambda value, run: form.write(value, run.context.zone),
            )
        case "day":
            return Converter(
                read=lambda text, run: form.read(text, run.context.zone).date,
                write=lambda value, run: form.write(DateValue(date=value), run.context.zone),
            )
    if not form.has_time:
        raise SpecError("date", "the canonical value is a moment; the pattern needs a time")

    def read_moment(text: str, run: Run) -> datetime:
        found = form.read(text, run.context.zone).at
        if found is None:
            raise UnfitError("MAP-DATE", "{value} has no time; expected a date with a time")
        return found

    return Converter(
        read=read_moment,
        write=lambda value, run: form.write(DateValue(date=value.date(), at=value), run.context.zone),
    )


def _codes(spec: FieldSpec, shape: Shape) -> Converter:
    assert spec.codes is not None  # noqa: S101 - the caller asked
    table = {code: _typed(("codes", code), word, shape) for code, word in spec.codes.items()}
    if spec.upper:
        table = {code.upper(): word for code, word in table.items()}
    other = _typed("other", spec.other, shape) if spec.other is not None else None
    return _code_table(table, other, keeps_raw=other is not None or len(set(table.values())) < len(table))


def _code_table(table: Mapping[str, object], other: object | None, *, keeps_raw: bool) -> Converter:
    """Compile a code map. A word of several codes is written by the code as sent, else by the first."""
    codes: dict[object, str] = {}
    for code, word in table.items():
        codes.setdefault(word, code)
    shared = [code for code, word in table.items() if codes[word] != code] if keeps_raw else []
    own = frozenset(codes.values())
    known = ", ".join(f"'{code}'" for code in list(table)[:KNOWN_SHOWN_MAX]) + (
        f" and {len(table) - KNOWN_SHOWN_MAX} more" if len(table) > KNOWN_SHOWN_MAX else ""
    )

    def read(text: str, _: Run) -> object:
        word = table.get(text, other)
        if word is None:
            raise UnfitError("MAP-CODE", f"{{value}} is no known code; expected one of {known}")
        return word

    def write(word: Any, _: Run) -> str | None:
        code = codes.get(word)
        if code is None:
            raise UnfitError(
                "MAP-CODE", f"there is no code for '{word}'; add one to codes ({known} are known)"
            )
        return code

    notes = [
        f"code '{code}' is written as '{codes[table[code]]}' in documents that do not keep the code as sent"
        for code in shared
    ]
    return Converter(
        read=read,
        write=write,
        blank=table.get(BLANK),
        words=table,
        other=other,
        own_codes=own,
        keeps_raw=keeps_raw,
        notes=tuple(notes),
    )


def _crosswalk(table: str, shape: Shape) -> Converter:
    if shape.kind not in ("text", "any", "word", "texts"):
        raise SpecError("crosswalk", "a crosswalk gives a text, and the canonical value is none")

    def translate(key: str, run: Run, direction: Any) -> str:
        lookup = run.context.crosswalk
        found = lookup.translate(table, key, direction, run.context.at) if lookup else None
        if found is None:
            side = "source" if direction == "read" else "canonical"
            text = f"crosswalk '{table}' has no entry for the {side} code '{key}'; add one and retry"
            raise UnfitError("MAP-CROSSWALK", text)
        return found

    return Converter(
        read=lambda text, run: translate(text, run, "read"),
        write=lambda value, run: translate(value, run, "write"),
    )


def _typed(key: str | tuple[str, ...], text: str, shape: Shape) -> object:
    """Give a word of the mapping file as the canonical value that it stands for."""
    match shape.kind:
        case "word":
            if text not in shape.words:
                raise SpecError(key, f"'{text}' is not allowed; expected one of {', '.join(shape.words)}")
            return text
        case "boolean":
            if text not in ("true", "false", "yes", "no"):
                raise SpecError(key, f"'{text}' is neither true nor false")
            return text in ("true", "yes")
        case "integer" | "number":
            try:
                return whole_number(text) if shape.kind == "integer" else Decimal(plain_number(text))
            except UnfitError as error:
                raise SpecError(key, f"'{text}' is no number") from error
        case "date" | "day":
            try:
                day = date.fromisoformat(text)
            except ValueError as error:
                raise SpecError(key, f"'{text}' is no date; expected YYYY-MM-DD") from error
            return day if shape.kind == "day" else DateValue(date=day)
        case "moment" | "texts":
            raise SpecError(key, "this value cannot be fixed in a mapping")
        case _:
            return text


_TRIMMED: dict[str, Prepare] = {"both": str.strip, "left": str.lstrip, "right": str.rstrip}


def _prepare(spec: FieldSpec) -> Prepare | None:
    steps: list[Prepare] = []
    if spec.trim and spec.trim != "none":
        steps.append(_TRIMMED[spec.trim])
    if spec.pad:
        steps.append(_unpad(spec.pad))
    if spec.part:
        steps.append(_piece(spec.part))
    if spec.upper:
        steps.append(str.upper)
    return _chained(steps)


def _finish(spec: FieldSpec) -> Prepare | None:
    steps: list[Prepare] = []
    if spec.upper:
        steps.append(str.upper)
    if spec.pad and not spec.part:
        steps.append(_pad(spec.pad))
    return _chained(steps)


def _chained(steps: list[Prepare]) -> Prepare | None:
    if len(steps) < 2:
        return steps[0] if steps else None

    def chain(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return chain


def _unpad(spec: PadSpec) -> Prepare:
    char = spec.char
    if spec.side == "right":
        return lambda text: text.rstrip(char)
    if char != "0":
        return lambda text: text.lstrip(char)

    def without_zeros(text: str) -> str:
        sign = text[:1] if text[:1] in ("-", "+") else ""
        digits = text[len(sign) :]
        return sign + (digits.lstrip("0") or digits[-1:])

    return without_zeros


def _pad(spec: PadSpec) -> Prepare:
    def pad(text: str) -> str:
        if len(text) > spec.width:
            raise UnfitError(
                "MAP-LENGTH", f"the value has {len(text)} characters; the field takes {spec.width}"
            )
        if spec.side == "right":
            return text.ljust(spec.width, spec.char)
        return text.zfill(spec.width) if spec.char == "0" else text.rjust(spec.width, spec.char)

    return pad


def _piece(spec: PartSpec) -> Prepare:
    if spec.by is not None:
        by, number = spec.by, spec.at - 1

        def between(text: str) -> str:
            pieces = text.split(by)
            return pieces[number] if number < len(pieces) else ""

        return between
    start, end = spec.at - 1, spec.at - 1 + (spec.length or 0)
    return lambda text: text[start:end].rstrip()
