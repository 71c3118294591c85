"""Layouts and values drawn by hypothesis: what a layout file can say, and records that fit it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import strategies as st

from adapters.layouts import Layout, Row, compile_layout
from adapters.layouts.model import Block, Field, Item, Kind, Sign
from adapters.layouts.record_items import item_length

ENCODINGS = ("ascii", "cp037", "latin-1", "cp1252")
_LETTERS = {
    "ascii": "ABCxyz 019,.-'/",
    "cp037": "ABCxyz 019é£,.",
    "latin-1": "ABCxyz 019éß",
    "cp1252": "ABC 019é€",
    "utf-8": "ABC 01éλ…",
}


@dataclass(frozen=True)
class Drawn:
    """A layout, its file, and some rows that fit it."""

    text: str
    layout: Layout
    rows: list[Row]


@st.composite
def fixed(draw: st.DrawFn) -> Drawn:
    """Draw a layout of fixed width with one to three types of record, and rows."""
    frame = draw(st.sampled_from(("lines", "rdw", "length")))
    encodings = (*ENCODINGS, "utf-8") if frame == "lines" else ENCODINGS
    spec: dict[str, Any] = {
        "layout": "drawn", "format": "fixed", "encoding": draw(st.sampled_from(encodings)), "records": {},
    }  # fmt: skip
    if frame == "lines":
        spec["newline"] = draw(st.sampled_from(("lf", "crlf")))
        spec["last_newline"] = draw(st.sampled_from(("yes", "no")))
    elif frame == "rdw":
        spec["rdw"] = draw(st.sampled_from(("inclusive", "exclusive")))
    names = ("H", "D", "T")[: draw(st.integers(1, 3))]
    for name in names:
        fields = [{"name": "TYPE", "len": "1"}]
        fields += draw(st.lists(_fields(frame != "lines"), min_size=1, max_size=5))
        spec["records"][name] = {"match": {"TYPE": name}, "fields": _named(fields)}
    if frame == "length":
        _same_length(spec)
    text = json.dumps(spec)
    layout = compile_layout(text, "drawn.yaml")
    rows = draw(st.lists(_rows(layout), min_size=1, max_size=6))
    return Drawn(text, layout, rows)


@st.composite
def delimited(draw: st.DrawFn) -> Drawn:
    """Draw a layout of rows of cells, and rows."""
    fields = [{"name": "TYPE"}, *draw(st.lists(_cells(), min_size=1, max_size=6))]
    form = {
        "delimiter": draw(st.sampled_from((",", ";", "|", "\\t"))),
        "quotes": draw(st.sampled_from(("needed", "text", "all"))),
        "escape": draw(st.sampled_from(("double", "backslash"))),
        "trailing": draw(st.sampled_from(("yes", "no"))),
        "formulas": "keep",
    }
    spec = {
        "layout": "drawn", "format": "delimited", "encoding": draw(st.sampled_from(("utf-8", "cp1252"))),
        "delimited": form, "records": {"D": {"match": {"TYPE": "D"}, "fields": _named(fields)}},
    }  # fmt: skip
    text = json.dumps(spec)
    layout = compile_layout(text, "drawn.yaml")
    return Drawn(text, layout, draw(st.lists(_rows(layout), min_size=1, max_size=6)))


def _named(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    named = []
    for number, each in enumerate(fields):
        if "filler" in each or "name" in each:
            named.append(each)
        else:
            named.append({"name": f"F{number}", **each})
    return named


def _fields(with_bytes: bool) -> st.SearchStrategy[dict[str, Any]]:
    lengths = st.integers(1, 9).map(str)
    kinds: list[st.SearchStrategy[dict[str, Any]]] = [
        st.fixed_dictionaries({"len": lengths, "align": st.sampled_from(("left", "right"))}),
        st.fixed_dictionaries({"filler": lengths}),
        _numbers("dec").flatmap(
            lambda each: st.sampled_from(("none", "leading", "trailing")).map(
                lambda sign: {**each, "sign": sign}
            )
        ),
        _numbers("zoned"),
        _numbers("int"),
        st.sampled_from(("date(CCYYMMDD)", "date(CCYYDDD)", "date(MM/DD/CCYY)")).map(
            lambda kind: {"type": kind}
        ),
        st.sampled_from(("date(YYMMDD)", "date(YYDDD)")).map(lambda kind: {"type": kind, "pivot": "60"}),
        st.fixed_dictionaries({"len": st.just("9"), "type": st.just("number(8,3)")}),
        st.fixed_dictionaries({"len": st.just("3"), "occurs": st.integers(2, 4).map(str)}),
        st.just({"fields": [{"name": "A", "len": "2"}, {"name": "B", "type": "int(3)"}], "occurs": "3"}),
    ]
    if with_bytes:
        kinds += [
            _numbers("packed"),
            _numbers("packed").map(lambda each: {**each, "sign": "none"}),
            st.integers(1, 18).map(lambda digits: {"type": f"binary({digits})"}),
        ]
    return st.one_of(kinds)


def _numbers(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    def with_scale(digits: int) -> st.SearchStrategy[dict[str, Any]]:
        if kind == "int":
            return st.just({"type": f"int({digits})"})
        return st.integers(0, digits).map(lambda scale: {"type": f"{kind}({digits},{scale})"})

    return st.integers(1, 9).flatmap(with_scale)


def _cells() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(
        (
            {},
            {"quoted": "yes"},
            {"excel": "yes"},
            {"type": "int"},
            {"type": "number(9,2)"},
            {"type": "date(MM/DD/CCYY)"},
            {"type": "date(YYDDD)", "pivot": "50"},
        )
    )


def _same_length(spec: dict[str, Any]) -> None:
    """Fill the records up to the longest."""
    probe = {**spec, "rdw": "inclusive"}
    layout = compile_layout(json.dumps(probe), "probe.yaml")
    lengths = {
        name: sum(item_length(each) or 0 for each in record.items) for name, record in layout.records.items()
    }
    longest = max(lengths.values())
    for name, length in lengths.items():
        if length < longest:
            spec["records"][name]["fields"].append({"filler": str(longest - length)})
    spec["record_length"] = str(longest)


@st.composite
def _rows(draw: st.DrawFn, layout: Layout) -> Row:
    name = draw(st.sampled_from(sorted(layout.records)))
    record = layout.records[name]
    return Row(name, {each: draw(value) for each, value in _values(layout, record.items, name).items()})


def _values(layout: Layout, items: tuple[Item, ...], mark: str) -> dict[str, st.SearchStrategy[Any]]:
    found: dict[str, st.SearchStrategy[Any]] = {}
    for item in items:
        if isinstance(item, Field):
            found[item.name] = st.just(mark) if item.name == "TYPE" else _value(layout, item)
        elif isinstance(item, Block):
            inner = _values(layout, item.items, mark)
            entry = inner["."] if set(inner) == {"."} else st.fixed_dictionaries(inner)
            found[item.name] = st.lists(entry, min_size=item.most, max_size=item.most)
    return found


def _value(layout: Layout, field: Field) -> st.SearchStrategy[str]:
    match field.kind:
        case Kind.TEXT | Kind.FILLER:
            return _texts(layout, field)
        case Kind.DATE:
            return _dates(field)
        case Kind.NUMBER:
            numbers = st.integers(0, 10**4 - 1)
            form: Callable[[int], str] = (
                str if not field.scale or not field.length else lambda n: f"{n / 100:.2f}"
            )
            return st.one_of(st.just(""), numbers.map(form))
    return _digits(field)


def _texts(layout: Layout, field: Field) -> st.SearchStrategy[str]:
    letters = _LETTERS.get(layout.encoding, _LETTERS["ascii"])
    if layout.delimited is None:
        texts = st.text(letters, max_size=field.length)
        return texts.map(lambda text: text.lstrip(" ") if field.align_right else text.rstrip(" "))
    quirks = "\",;|'=+é" if layout.delimited.escape == "double" else ",;|'=é"
    return st.text(letters + quirks, max_size=8)


def _dates(field: Field) -> st.SearchStrategy[str]:
    assert field.date is not None
    low, high = (
        (date(1960, 1, 1), date(2049, 12, 31)) if "YY" in str(field.date.parts) else (date.min, date.max)
    )
    days = st.dates(low, high).map(date.isoformat)
    return days if field.absent is None else st.one_of(st.just(""), days)


def _digits(field: Field) -> st.SearchStrategy[str]:
    signed = field.is_signed or field.sign is not Sign.NONE
    top = 10**field.digits - 1

    def written(number: int) -> str:
        digits = str(abs(number)).zfill(field.digits)
        text = f"{digits[: -field.scale] or '0'}.{digits[-field.scale :]}" if field.scale else digits
        return f"-{text}" if number < 0 else text

    numbers = st.integers(-top if signed else 0, top).map(written)
    return numbers if field.absent is None else st.one_of(st.just(""), numbers)
