"""Canonical documents as JSON text: one generated function for each model, straight down its fields.

Two forms: the one that travels and is stored, and the one that is hashed. Both leave out what is absent
or default. pydantic's own writer gives the same bytes as the first (the tests hold it to that) in 2.5
times the time: it compares every value with its default, in Python where the value is a model.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic_core import SchemaSerializer, core_schema

from canonical.document import CanonicalDocument, Provenance
from canonical.lines import ItemLine
from canonical.model import HASHED, WRITTEN, Model
from canonical.scalars import plain_digits
from canonical.values import DocumentTotals

Writer = Callable[[Any], str]

KEPT_LENGTH_MAX = 1_000  # of a text that is kept; a long note would only stand in memory twice


@dataclass(frozen=True, eq=False, slots=True)
class _Form:
    """How one form writes what the two write differently. `left_out` and `always` are a document's fields."""

    names: Mapping[str, Any]  # what generated code may call: quote, number, moment, entries, value
    is_sorted: bool
    head: Callable[[type[CanonicalDocument]], str]  # what the text of every such document begins with
    left_out: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    line: Writer | None = None  # writes a line; None: as any other model, but for the text that it may have


def json_text(document: CanonicalDocument) -> str:
    """Give the JSON object of a document: type and version, then its fields in the schema's order."""
    return _writer(_TRAVELLING, type(document))(document)


def content_text(document: CanonicalDocument) -> str:
    """Give what `content_hash` hashes: names sorted, ASCII, numbers and moments in their one plain form.

    Provenance, which is volatile, is left out, and so is the minor version: its new fields are optional.
    """
    return _writer(_HASHED, type(document))(document)


def part_text(part: Model) -> str:
    """Give the JSON text of a part that may stand in many documents, kept with it."""
    return getattr(part, "_written", None) or _writer(_TRAVELLING, type(part))(part)


def expect_lines(model: type[ItemLine], names: frozenset[str]) -> None:
    """Say that many lines are made with just these fields: only they are then looked at to hash one."""
    _EXPECTED[model, names] = _writer(_HASHED, model, names)


def _line_content(line: ItemLine) -> str:
    """Give what a line is hashed by."""
    expected = _EXPECTED.get((type(line), frozenset(line.__pydantic_fields_set__)))
    return (expected or _writer(_HASHED, type(line)))(line)


def not_written_yet(part: Model) -> str:
    """Say of a part that neither text of it is known; give the text that says so.

    Asking an object for an attribute that it has not costs a microsecond.
    """
    WRITTEN.__set__(part, "")
    HASHED.__set__(part, "")
    return ""


@cache
def _writer(form: _Form, model: type[Model], given: frozenset[str] | None = None) -> Writer:
    """Generate a model's function. It is built of field names and of defaults that our models declare.

    ``given``: the only fields that are looked at.
    """
    scope: dict[str, Any] = dict(form.names)
    begin = form.head(model) if issubclass(model, CanonicalDocument) else ""
    source = "\n    ".join(
        (
            "def write(model):",
            "fields = model.__dict__",
            f"text = {begin!r}",
            *(line for name in _names(form, model, given) for line in _field(form, model, name, scope)),
            "return text + '}'" if begin else "text = '{' + text[1:] + '}'",
            *([f"if len(text) <= {KEPT_LENGTH_MAX}:", "    keep(model, text)"] if _is_part(model) else []),
            "return text",
        )
    )
    exec(source, scope)  # noqa: S102
    made: Writer = scope["write"]
    return made


def _type_and_version(model: type[CanonicalDocument]) -> str:
    """Give what the JSON of every such document begins with: it is large, and copied no more than it must."""
    told = {name: model.model_fields[name].default for name in ("document_type", "schema_version")}
    return json.dumps(told, separators=(",", ":"))[:-1]


def _names(form: _Form, model: type[Model], given: frozenset[str] | None) -> list[str]:
    left_out = form.left_out if issubclass(model, CanonicalDocument) else frozenset[str]()
    names = [name for name in model.model_fields if name not in left_out and (given is None or name in given)]
    return sorted(names) if form.is_sorted else names


def _field(form: _Form, model: type[Model], name: str, scope: dict[str, Any]) -> tuple[str, ...]:
    field = model.model_fields[name]
    is_present = "value is not None"
    if not (field.is_required() or field.default is None or name in form.always):
        scope[f"default_{name}"] = field.default
        is_present = f"value is not None and value != default_{name}" if field.default else "value"
    before, written = _found(form, _bare(field.annotation), scope)
    return (
        f"value = fields[{name!r}]",
        f"if {is_present}:",
        *(f"    {line}" for line in before),
        f"""    text += f',"{name}":{written}'""",
    )


def _found(form: _Form, annotation: Any, scope: dict[str, Any]) -> tuple[Sequence[str], str]:
    """Give the lines that look for texts which models have ready, and what writes the value in an f-string.

    They are looked for in place: a call takes longer. Where there are none, that is told to the model, since
    asking for an attribute that is not there takes five times as long.
    """
    inner = _bare(get_args(annotation)[0]) if get_origin(annotation) is tuple else annotation
    if not (isinstance(inner, type) and issubclass(inner, Model) and _may_be_ready(form, inner)):
        return (), f"{{{_expression(form, annotation, 'value', scope)}}}"
    written = _expression(form, inner, "each", scope)
    if inner is annotation:
        return ("each = value", *_LOOK), f"{{ready or {written}}}"
    lines = ("texts = []", "for each in value:", *(f"    {line}" for line in _LOOK))
    return (*lines, f"    texts.append(ready or {written})"), "[{joined(texts)}]"


_LOOK = ("try:", "    ready = kept(each)", "except AttributeError:", "    ready = not_yet(each)")


def _expression(form: _Form, annotation: Any, value: str, scope: dict[str, Any]) -> str:
    """Give the expression that writes a value, which is not None, of an annotated type."""
    annotation = _bare(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f'"[" + joined([{_expression(form, arguments[0], "each", scope)} for each in {value}]) + "]"'
    if origin is dict:
        return f"entries({value})" if _bare(arguments[1]) is str else f"anything({value})"
    if isinstance(annotation, type) and issubclass(annotation, Model):
        name = f"write_{annotation.__name__}"
        is_line = form.line is not None and issubclass(annotation, ItemLine)
        scope[name] = form.line if is_line else _writer(form, annotation)
        return f"{name}({value})"
    return f"{_SCALARS[str if origin is Literal else annotation]}({value})"


_SCALARS = {str: "quote", bool: "truth", int: "str", Decimal: "number", date: "day", datetime: "moment"}


def _bare(annotation: Any) -> Any:
    """Give a type without what is noted about it, and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        (only,) = (each for each in get_args(annotation) if each is not types.NoneType)
        return _bare(only)
    return annotation


def _is_part(model: type[Model]) -> bool:
    """Tell whether one object of a model may stand in many documents; no line or sum of one does."""
    return not issubclass(model, (CanonicalDocument, ItemLine, Provenance, DocumentTotals))


def _may_be_ready(form: _Form, model: type[Model]) -> bool:
    """Tell whether objects of a model may have their text with them: kept, or told to them."""
    return _is_part(model) or (form.line is None and issubclass(model, (ItemLine, Provenance)))


def _entries(entries: Mapping[str, str]) -> str:
    """Write texts by name; the encoder takes four times as long to get going."""
    pairs = [f"{encode_basestring(name)}:{encode_basestring(text)}" for name, text in entries.items()]
    return f"{{{','.join(pairs)}}}"


_MOMENT = SchemaSerializer(core_schema.datetime_schema())
_SHARED = {
    "not_yet": not_written_yet,
    "joined": ",".join,
    "truth": lambda value: "true" if value else "false",
    "day": lambda value: f'"{value.isoformat()}"',
}
_TRAVELLING = _Form(
    names={
        **_SHARED,
        "kept": WRITTEN.__get__,
        "keep": WRITTEN.__set__,
        "quote": encode_basestring,
        "number": lambda value: f'"{value:f}"',
        "moment": lambda value: _MOMENT.to_json(value).decode(),
        "entries": _entries,
        "anything": json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode,
    },
    is_sorted=False,
    head=_type_and_version,
    left_out=frozenset({"document_type", "schema_version"}),
)
_HASHED_VALUES = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_HASHED = _Form(
    names={
        **_SHARED,
        "kept": HASHED.__get__,
        "keep": HASHED.__set__,
        "quote": encode_basestring_ascii,
        "number": lambda value: f'"{plain_digits(value)}"',
        "moment": lambda value: f'"{value.astimezone(UTC).isoformat()}"',
        "entries": _HASHED_VALUES,
        "anything": _HASHED_VALUES,
    },
    is_sorted=True,
    head=lambda model: "",
    left_out=frozenset({"provenance", "schema_version"}),
    always=frozenset({"document_type"}),
    line=_line_content,
)
_EXPECTED: dict[tuple[type[Model], frozenset[str]], Writer] = {}
