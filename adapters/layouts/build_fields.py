"""The fields of a layout file resolved: type words to kinds, places to lengths, gaps to fillers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adapters.base.findings import Finding
from adapters.base.yaml import Node, position_of
from adapters.layouts.dates import DateForm, DateFormError
from adapters.layouts.model import Block, Choice, Condition, Field, Item, Kind, Sign, View
from adapters.layouts.record_items import choice_of, item_length
from adapters.layouts.spec import FieldSpec, LayoutSpec, ViewSpec

Place = tuple[str | int, ...]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_#@$-]{0,62}", re.ASCII)
DIGITS_MAX = 31  # Source: Enterprise COBOL, ARITH(EXTEND): up to 31 digits
_TYPE = re.compile(r"([a-z]+)(?:\(([^()]*)\))?", re.ASCII)
_NUMERIC = ("int", "dec", "number", "zoned", "packed", "binary")
_FIGURES = {"spaces": " ", "zeros": "0", "low-values": "\0", "high-values": "\xff"}


class FieldBuilder:
    """Builds the items of one record and gathers what is wrong with them (LAYOUT-FIELD)."""

    def __init__(self, node: Node, spec: LayoutSpec) -> None:
        self._node = node
        self._spec = spec
        self._is_fixed = spec.format != "delimited"
        self.findings: list[Finding] = []

    def items(self, specs: Sequence[FieldSpec], place: Place) -> tuple[Item, ...]:
        """Give the items of a record or a block."""
        found: list[Item] = []
        names: set[str] = set()
        position: int | None = 1
        fillers = 0
        if not specs:
            self._add(place[:-1], "there are no fields; list them in their order")
        for index, spec in enumerate(specs):
            where = (*place, index)
            if spec.at is not None and position is not None and spec.at > position and self._is_fixed:
                fillers += 1
                found.append(self._filler(spec.at - position, fillers))
                position = spec.at
            elif spec.at is not None and spec.at != position:
                self._add(
                    (*where, "at"), f"begins at {spec.at}; the fields before it end at {(position or 1) - 1}"
                )
            if spec.filler is not None:
                fillers += 1
                made: Item = self._filler(spec.filler if self._is_fixed else 0, fillers)
            else:
                made = self._item(spec, where)
                name = made.name if not isinstance(made, Choice) else spec.name or ""
                if name in names:
                    self._add((*where, "name"), f"there are two fields '{name}'")
                names.add(name)
            found.append(made)
            length = item_length(made)
            position = None if position is None or length is None else position + length
        return tuple(found)

    def _filler(self, length: int, number: int) -> Field:
        return Field(f"FILLER_{number}", Kind.FILLER, length)

    def _item(self, spec: FieldSpec, where: Place) -> Item:
        name = spec.name or ""
        if not NAME.fullmatch(name):
            self._add((*where, "name"), f"'{name}' is no field name; expected letters, digits, - and _")
            name = f"FIELD_{where[-1]}"
        if spec.views:
            return self._choice(spec, where)
        if not spec.fields:
            field = self._field(spec, name, where)
            return field if spec.occurs is None else self._repeated(spec, name, (_renamed(field),), where)
        items = self.items(spec.fields, (*where, "fields"))
        if spec.occurs is None and spec.depends is None:
            return Block(name, items, at=position_of(self._node, where))
        return self._repeated(spec, name, items, where)

    def _repeated(self, spec: FieldSpec, name: str, items: tuple[Item, ...], where: Place) -> Block:
        found = re.fullmatch(r"(?:(\d{1,6})\.\.)?(\d{1,6})", spec.occurs or "1", re.ASCII)
        if found is None or int(found[2]) < 1:
            self._add((*where, "occurs"), f"'{spec.occurs}' found; expected 10, or 0..10 with depends")
            return Block(name, items)
        most = int(found[2])
        least = int(found[1]) if found[1] else (0 if spec.depends else most)
        if least != most and spec.depends is None:
            self._add((*where, "depends"), "how often it comes differs; say depends: the field that tells it")
        if not self._is_fixed and spec.depends is not None:
            self._add((*where, "depends"), "a delimited row cannot repeat by a count; list the cells")
        return Block(name, items, least, most, spec.depends, position_of(self._node, where))

    def _choice(self, spec: FieldSpec, where: Place) -> Choice:
        views = [self._view(view, (*where, "views", index)) for index, view in enumerate(spec.views)]
        return choice_of(views, position_of(self._node, where))

    def _view(self, spec: ViewSpec, where: Place) -> View:
        block = Block(
            spec.name, self.items(spec.fields, (*where, "fields")), at=position_of(self._node, where)
        )
        when = next((Condition(name, texts) for name, texts in spec.when.items()), None)
        return View(when, block)

    # -- one field -------------------------------------------------------------------------

    def _field(self, spec: FieldSpec, name: str, where: Place) -> Field:
        found = _TYPE.fullmatch(spec.type)
        kind, detail = (found[1], found[2]) if found is not None else ("", None)
        if kind == "text":
            return self._text(spec, name, where)
        if kind == "date":
            return self._date(spec, name, detail, where)
        if kind in _NUMERIC:
            return self._number(spec, name, kind, detail, where)
        self._add((*where, "type"), f"'{spec.type}' is no type; expected text, int, dec(7,2), number(7,2), "
                  "zoned(7,2), packed(7,2), binary(9) or date(YYMMDD)")  # fmt: skip
        return Field(name, Kind.TEXT, spec.len or 1)

    def _text(self, spec: FieldSpec, name: str, where: Place) -> Field:
        length = spec.len or (len(spec.const) if spec.const is not None else 0)
        if not length and self._is_fixed:
            self._add(where, f"field {name} needs len: how many characters it takes")
            length = 1
        if not self._is_fixed:
            length = 0
        pad = " " if spec.pad is None else spec.pad
        if len(pad) != 1:
            self._add((*where, "pad"), "expected one character")
            pad = " "
        return Field(
            name, Kind.TEXT, length, align_right=spec.align == "right", pad=pad,
            absent=self._absent(spec, length, None), **self._shared(spec, where),
        )  # fmt: skip

    def _date(self, spec: FieldSpec, name: str, detail: str | None, where: Place) -> Field:
        try:
            form = DateForm.parse(detail or "", spec.pivot)
        except DateFormError as error:
            self._add((*where, "type"), str(error))
            form = DateForm.parse("CCYYMMDD", None)
        length = form.length if self._is_fixed else 0
        if spec.len is not None and self._is_fixed and spec.len != length:
            self._add((*where, "len"), f"a date {form.form} takes {length} characters, not {spec.len}")
        absent = self._absent(spec, form.length, " " if self._spec.blank == "spaces" else None)
        if not self._is_fixed and absent is not None and not absent.strip():
            absent = ""
        return Field(name, Kind.DATE, length, date=form, absent=absent, **self._shared(spec, where))

    def _number(self, spec: FieldSpec, name: str, kind: str, detail: str | None, where: Place) -> Field:
        digits, scale = self._digits(spec, kind, detail, where)
        signed = kind in ("zoned", "packed", "binary")
        sign = Sign(spec.sign) if spec.sign is not None else Sign.OVERPUNCH if kind == "zoned" else Sign.NONE
        plus = {None: "+", "+": "+", "blank": " ", "unsigned": ""}[spec.plus]
        shared = self._shared(spec, where)
        if kind in ("packed", "binary"):
            is_signed = spec.sign != "none"
            length = digits // 2 + 1 if kind == "packed" else binary_length(digits)
            return Field(
                name, Kind.PACKED if kind == "packed" else Kind.BINARY, length, digits, scale,
                is_signed=is_signed, is_little_endian=self._spec.little_endian,
                any_value=self._spec.binary == "bytes", absent_bytes=self._absent_bytes(spec, length),
                **shared,
            )  # fmt: skip
        if kind == "number" or (not self._is_fixed and kind in ("int", "dec") and detail is None):
            length = (spec.len or digits + (1 if scale else 0)) if self._is_fixed else 0
            absent = self._absent(spec, length, None)
            return Field(
                name,
                Kind.NUMBER,
                length,
                digits,
                scale,
                align_right=spec.align != "left",
                absent=absent,
                **shared,
            )
        length = digits + (1 if sign in (Sign.LEADING, Sign.TRAILING) else 0)
        if spec.len is not None and spec.len != length:
            self._add((*where, "len"), f"{spec.type} takes {length} characters, not {spec.len}")
        default = " " if self._spec.blank == "spaces" else None
        pad = "0" if spec.pad in (None, "0") else " "
        return Field(
            name, Kind.DISPLAY, length, digits, scale, sign, signed, pad=pad, plus=plus,
            absent=self._absent(spec, length, default), **shared,
        )  # fmt: skip

    def _digits(self, spec: FieldSpec, kind: str, detail: str | None, where: Place) -> tuple[int, int]:
        found = re.fullmatch(r"(\d{1,2})(?:\s*,\s*(\d{1,2}))?", detail or "", re.ASCII)
        if (
            detail is None
            and (spec.len is not None or not self._is_fixed)
            and kind in ("int", "number", "dec")
        ):
            digits, scale = spec.len or (18 if kind == "int" else 31), 0
            if kind == "int" and spec.sign in ("leading", "trailing"):
                digits -= 1
            if kind == "number" or (kind == "dec" and not self._is_fixed):
                scale = DIGITS_MAX if not self._is_fixed else max(0, digits - 1)
                digits = DIGITS_MAX * 2 if not self._is_fixed else digits * 2
            return digits, scale
        digits = int(found[1]) if found is not None else 0
        scale = int(found[2] or 0) if found is not None else 0
        if not 1 <= digits <= DIGITS_MAX or scale > digits or (kind == "int" and scale):
            wanted = "len, or int(7)" if kind == "int" else f"digits and decimals, such as {kind}(7,2)"
            self._add((*where, "type"), f"'{spec.type}' found; expected {wanted}")
            return 1, 0
        if kind == "binary" and digits > 18:
            self._add((*where, "type"), "a binary field has up to 18 digits")
            return 18, min(scale, 18)
        return digits, scale

    def _shared(self, spec: FieldSpec, where: Place) -> Any:
        return {
            "const": spec.const, "fill": spec.fill, "is_required": spec.required,
            "is_sensitive": spec.sensitive, "is_quoted": spec.quoted,
            "is_excel": spec.excel, "label": spec.label or spec.name or "",
            "at": position_of(self._node, where),
        }  # fmt: skip

    def _absent(self, spec: FieldSpec, length: int, default: str | None) -> str | None:
        word = spec.blank
        if word is None:
            return None if default is None else default * length
        if word == "refuse":
            return None
        return _FIGURES[word] * length if word in _FIGURES else word

    def _absent_bytes(self, spec: FieldSpec, length: int) -> bytes | None:
        if spec.blank is None or spec.blank == "refuse":
            return None
        blank = " ".encode(self._spec.encoding, "replace")
        zero = "0".encode(self._spec.encoding, "replace")
        figures = {"spaces": blank, "zeros": zero, "low-values": b"\0", "high-values": b"\xff"}
        return figures.get(spec.blank, b"\0") * length

    def _add(self, place: Place, text: str) -> None:
        self.findings.append(Finding("LAYOUT-FIELD", position_of(self._node, place), text))


def binary_length(digits: int) -> int:
    """Give the bytes of a binary field. Source: Enterprise COBOL, COMPUTATIONAL: 1-4, 5-9, 10-18 digits."""
    return 2 if digits <= 4 else 4 if digits <= 9 else 8


def _renamed(field: Field) -> Field:
    return replace(field, name=".")
