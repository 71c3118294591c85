"""Rows of cells: splitting one at its delimiters, and joining it again, with the quirks that files have.

Quirks: quotes that stand bare inside a cell, doubled or escaped quotes, ``="001"`` (a text that a
spreadsheet must not take for a number), a delimiter at the end of each row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from adapters.layouts.model import Delimited, Field

_PLAIN_NUMBER = re.compile(r"[+-]?[0-9][0-9., ]*%?", re.ASCII)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one row. ``starts``: where each begins in the text; ``is_open``: a quote never ends."""

    texts: list[str]
    starts: list[int]
    is_open: bool = False
    excel: frozenset[int] = frozenset()


def split_plainly(text: str, form: Delimited) -> list[str] | None:
    """Give the cells of a row that has no quirk, None where one must look closer."""
    if not form.quote or form.quote not in text:
        return text.split(form.delimiter)
    pattern = _pattern(form.delimiter, form.quote)
    if form.escape != "double":
        return None
    cells: list[str] = []
    place, size = 0, len(text)
    while True:
        found = pattern.match(text, place)
        if found is None:
            return None
        quoted = found[1]
        cells.append(found[2] if quoted is None else quoted.replace(form.quote * 2, form.quote))
        place = found.end()
        if place >= size:
            if found[3]:
                cells.append("")
            return cells


@lru_cache(maxsize=16)
def _pattern(delimiter: str, quote: str) -> re.Pattern[str]:
    q, d = re.escape(quote), re.escape(delimiter)
    return re.compile(rf"(?:{q}((?:[^{q}]|{q}{q})*){q}|([^{q}{d}]*))(?:({d})|\Z)", re.DOTALL)


def split_closely(text: str, form: Delimited) -> Cells:
    """Give the cells of any row, character by character."""
    texts: list[str] = []
    starts: list[int] = []
    excel: set[int] = set()
    place, size = 0, len(text)
    is_open = False
    while True:
        starts.append(place)
        if form.quote and text.startswith("=" + form.quote, place):
            cell, after, is_open = _quoted(text, place + 2, form)
            excel.add(len(texts))
        elif form.quote and text.startswith(form.quote, place):
            cell, after, is_open = _quoted(text, place + len(form.quote), form)
        else:
            after = text.find(form.delimiter, place)
            after = size if after < 0 else after
            cell = text[place:after]
        texts.append(cell)
        if after >= size:
            return Cells(texts, starts, is_open, frozenset(excel))
        place = after + len(form.delimiter)


def _quoted(text: str, place: int, form: Delimited) -> tuple[str, int, bool]:
    """Give a quoted cell, where it ends, and whether its quote never does.

    A quote that is followed by neither a delimiter nor the end stands for itself: 5" in a text.
    """
    quote, found, begin = form.quote, list[str](), place
    while True:
        at = text.find(quote, place)
        if at < 0:
            return text[begin:], len(text), True
        after = at + len(quote)
        if form.escape == "backslash" and at > begin and text[at - 1] == "\\":
            found.append(text[place : at - 1] + quote)
        elif form.escape == "double" and text.startswith(quote, after):
            found.append(text[place:after])
            after += len(quote)
        elif after >= len(text) or text.startswith(form.delimiter, after):
            found.append(text[place:at])
            return "".join(found), after, False
        else:
            found.append(text[place:after])
        place = after


def join(cells: Sequence[str], fields: Sequence[Field], form: Delimited) -> str:
    """Write a row."""
    row = form.delimiter.join(cells)
    is_plain = (
        form.quotes == "needed"
        and not (form.quote and form.quote in row)
        and not any(map(_is_dressed, fields))
    )
    if not is_plain or row.count(form.delimiter) != len(cells) - 1 or "\n" in row or "\r" in row:
        row = form.delimiter.join(_cell(cell, field, form) for cell, field in zip(cells, fields, strict=True))
    return row + form.delimiter if form.ends_with_delimiter else row


def _is_dressed(field: Field) -> bool:
    return field.is_excel or field.is_quoted is not None


def _cell(text: str, field: Field, form: Delimited) -> str:
    quote = form.quote
    if not quote:
        return text
    if field.is_excel:
        return f"={quote}{_inside(text, form)}{quote}"
    wanted = field.is_quoted
    if wanted is None:
        wanted = form.quotes == "all" or (form.quotes == "text" and field.kind == "text")
    must = form.delimiter in text or "\n" in text or "\r" in text or text.startswith((quote, "=" + quote))
    return f"{quote}{_inside(text, form)}{quote}" if wanted or must else text


def _inside(text: str, form: Delimited) -> str:
    return text.replace(form.quote, form.quote * 2 if form.escape == "double" else "\\" + form.quote)


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet would run a cell's text. Source: OWASP, CSV Injection."""
    return text.startswith(_FORMULA_STARTS) and len(text) > 1 and _PLAIN_NUMBER.fullmatch(text) is None
