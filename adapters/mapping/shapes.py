"""The canonical side: what stands at a path of a document model, seen through its annotations."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel

from canonical.values import AllowanceCharge, ClinicalCase, DateValue, Money, Note, Party, Price, Tax

Kind: TypeAlias = Literal[
    "text", "number", "integer", "boolean", "day", "moment", "date", "word", "texts", "any"
]

_PLAIN_KINDS: dict[object, Kind] = {
    str: "text",
    Decimal: "number",
    int: "integer",
    bool: "boolean",
    date: "day",
    datetime: "moment",
}
_SENSITIVE_MODELS = (AllowanceCharge, ClinicalCase, Money, Note, Party, Price, Tax)
_SENSITIVE_NAMES = frozenset({"amount", "description", "extensions"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What a canonical field holds: a scalar of a kind, a model, a list of either, or free keys."""

    kind: Kind | None = None
    model: type[BaseModel] | None = None  # of the field itself, or of its entries
    is_list: bool = False
    has_free_keys: bool = False
    words: tuple[str, ...] = ()  # all that a word may be
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a canonical path: a name, and which entry of a list."""

    name: str
    index: int | None = None
    selector: tuple[tuple[str, str], ...] = ()

    @property
    def has_slot(self) -> bool:
        """Say whether the step names an entry of a list."""
        return self.index is not None or bool(self.selector)


_STEP = re.compile(
    r"([a-z_][a-z0-9_]*)(?:\[(?:([0-9]{1,3})|([a-z_]+=[^\],=]+(?:,[a-z_]+=[^\],=]+)*))\])?(?:\.|$)"
)


class PathError(ValueError):
    """A canonical path that a model does not have."""


def parse_path(text: str, model: type[BaseModel]) -> tuple[Step, ...]:
    """Split a canonical path; below free keys (extensions, raw codes) the rest is one key.

    Errors: PathError, saying what the model has there.
    """
    steps: list[Step] = []
    place = 0
    shape = Shape(model=model)
    while place < len(text):
        if shape.has_free_keys:
            return (*steps, Step(text[place:]))
        match = _STEP.match(text, place)
        if match is None:
            raise PathError(
                f"'{text[place:]}' is no canonical path; expected names like lines or ids[scheme=gln]"
            )
        name, index, selector = match[1], match[2], match[3]
        if shape.model is None or (shape.is_list and not steps[-1].has_slot):
            raise PathError(f"there is nothing below '{text[: place - 1]}'" + _list_hint(shape))
        fields = shapes_of(shape.model)
        if name not in fields:
            raise PathError(f"{shape.model.__name__} has no '{name}'; it has {', '.join(fields)}")
        shape = fields[name]
        pairs = tuple(
            (key, value)
            for key, _, value in (each.partition("=") for each in (selector or "").split(","))
            if key
        )
        step = Step(name, int(index) if index else None, pairs)
        _check_selector(step, shape)
        steps.append(step)
        place = match.end()
    if not steps or text.endswith("."):
        raise PathError("a canonical path is missing")
    return tuple(steps)


def _list_hint(shape: Shape) -> str:
    return "; it is a list: use a group, or name an entry as [0] or [kind=...]" if shape.is_list else ""


def _check_selector(step: Step, shape: Shape) -> None:
    if step.has_slot and not shape.is_list:
        raise PathError(f"'{step.name}' is no list; leave out what is in brackets")
    for key, value in step.selector:
        if shape.model is None:
            raise PathError(f"entries of '{step.name}' are texts; name them as [0], [1]")
        inner = shapes_of(shape.model).get(key)
        if inner is None or inner.kind not in ("word", "text"):
            raise PathError(f"{shape.model.__name__} has no code '{key}' to select by")
        if inner.words and value not in inner.words:
            raise PathError(f"'{value}' is no {key}; expected one of {', '.join(inner.words)}")


def shapes_of(model: type[BaseModel]) -> dict[str, Shape]:
    """Give the shape of every field of a model."""
    return {
        name: _with_required(_shape(info.annotation), info.is_required())
        for name, info in model.model_fields.items()
    }


def _with_required(shape: Shape, is_required: bool) -> Shape:
    return Shape(shape.kind, shape.model, shape.is_list, shape.has_free_keys, shape.words, is_required)


def _shape(annotation: Any) -> Shape:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _shape(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _shape(next(part for part in get_args(annotation) if part is not type(None)))
    if origin is Literal:
        return Shape("word", words=tuple(str(word) for word in get_args(annotation)))
    if origin is tuple:
        entry = _shape(get_args(annotation)[0])
        return Shape("texts" if entry.kind else None, entry.model, is_list=True, words=entry.words)
    if origin is dict or annotation is dict:
        return Shape(has_free_keys=True)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape("date" if issubclass(annotation, DateValue) else None, annotation)
    return Shape(_PLAIN_KINDS.get(annotation, "any"))


def required_names(model: type[BaseModel]) -> Iterator[str]:
    """Give the fields that a model does not validate without."""
    return (name for name, info in model.model_fields.items() if info.is_required())


def is_sensitive(model: type[BaseModel], name: str) -> bool:
    """Say whether a value may be a price or a patient's: findings then name the field, never the value."""
    return issubclass(model, _SENSITIVE_MODELS) or name in _SENSITIVE_NAMES
