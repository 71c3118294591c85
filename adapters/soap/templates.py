"""Answers as templates: the fields of a reply, with placeholders for what only the moment knows. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.mapping import Record
from adapters.mapping.records import SourcePathError, getter, source_path

EACH = "each"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_WORDS = frozenset({"message_id", "reference", "code", "text"})
_ROOTS = frozenset({"request", "reply", "each"})
Fill = Callable[["Moment", Record], Any]


class TemplateError(ValueError):
    """A template that cannot be filled; the text says where."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What placeholders are filled with."""

    words: Mapping[str, str] = field(default_factory=dict)
    request: Record = field(default_factory=dict)
    reply: Record = field(default_factory=dict)


def placeholders(template: object) -> frozenset[str]:
    """Give the placeholders of a template. Errors: TemplateError for one that is not known."""
    _compiled(template, "")
    return frozenset(_named(template))


def compile_template(template: Mapping[str, Any]) -> Callable[[Moment], Record]:
    """Compile a template; a text that is one placeholder without a value is left out.

    Errors: TemplateError.
    """
    fill = _compiled(template, "")

    def filled(moment: Moment) -> Record:
        record: Record = fill(moment, {})
        return record

    return filled


def _named(template: object) -> Iterable[str]:
    match template:
        case str():
            yield from _PLACEHOLDER.findall(template)
        case Mapping():
            for value in template.values():
                yield from _named(value)
        case list() | tuple():
            for value in template:
                yield from _named(value)


def _compiled(template: object, path: str) -> Fill:
    match template:
        case str():
            return _text(template, path)
        case Mapping():
            return _entries(template, path)
        case list() | tuple():
            parts = [_compiled(value, f"{path}[{number}]") for number, value in enumerate(template)]
            return lambda moment, each: [part(moment, each) for part in parts]
    raise TemplateError(f"{path or 'the template'}: expected a text, a list or fields")


def _entries(template: Mapping[str, Any], path: str) -> Fill:
    parts = [
        (str(key), _compiled(value, f"{path}.{key}".lstrip(".")))
        for key, value in template.items()
        if key != EACH
    ]

    def one(moment: Moment, each: Record) -> Record:
        filled = ((key, part(moment, each)) for key, part in parts)
        return {key: value for key, value in filled if value is not None}

    if EACH not in template:
        return one
    get = _getter(str(template[EACH]), f"{path}.{EACH}")

    def several(moment: Moment, each: Record) -> list[Record]:
        found = get(moment.request)
        records: Sequence[Any] = found if isinstance(found, list) else [] if found is None else [found]
        return [one(moment, entry if isinstance(entry, dict) else {".": entry}) for entry in records]

    return several


def _text(template: str, path: str) -> Fill:
    pieces: list[str | Fill] = []
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        pieces += [template[end : found.start()], _place(found[1], path)]
        end = found.end()
    pieces.append(template[end:])
    pieces = [piece for piece in pieces if piece != ""]
    if len(pieces) == 1 and callable(pieces[0]):
        return pieces[0]
    whole = tuple(pieces)

    def fill(moment: Moment, each: Record) -> str:
        return "".join(piece if isinstance(piece, str) else str(piece(moment, each) or "") for piece in whole)

    return fill


def _place(name: str, path: str) -> Fill:
    root, _, below = name.partition(".")
    if name in _WORDS:
        return lambda moment, _: moment.words.get(name)
    if root not in _ROOTS or not below:
        known = ", ".join(f"{{{word}}}" for word in sorted(_WORDS))
        raise TemplateError(
            f"{path}: '{{{name}}}' is no placeholder; expected {known}, {{request.PATH}}, {{reply.PATH}} "
            "or {each.PATH}"
        )
    get = _getter(below, path)
    if root == "request":
        return lambda moment, _: _plain(get(moment.request))
    if root == "reply":
        return lambda moment, _: _plain(get(moment.reply))
    return lambda _, each: _plain(get(each))


def _getter(text: str, path: str) -> Callable[[Mapping[str, Any]], Any]:
    try:
        return getter(source_path(text))
    except SourcePathError as error:
        raise TemplateError(f"{path}: {error}") from error


def _plain(value: object) -> object:
    """Give one text; a record or list where a text is asked for has none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
