"""From nodes to what pydantic takes: texts become numbers and truths only where the model asks so.

Strictly: ``true`` and ``false`` and no other word, numbers in plain digits. What does not fit is
passed on as an ``Odd`` value, which no model takes, so that it is reported with its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from adapters.base.yaml import MappingNode, Node, ScalarNode, SequenceNode

HIDDEN = "("  # begins the alias of a field that no file can fill; the loader does

_TRUTHS = {"true": True, "false": False}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Odd:
    """A scalar that does not read as what the model wants; ``text`` None: nothing stands there."""

    text: str | None


def given(node: Node, annotation: Any) -> Any:
    """Give a node as Python values, its scalars converted where the annotation is bool or a number."""
    match node:
        case ScalarNode():
            return _scalar(node, annotation)
        case SequenceNode(entries):
            inner = item_of(annotation)
            return [given(entry, inner) for entry in entries]
        case MappingNode(entries):
            model = model_of(annotation)
            if model is None:
                inner = item_of(annotation)
                return {key.text: given(value, inner) for key, value in entries}
            wanted = fields_of(model)
            return {key.text: given(value, wanted.get(key.text, Any)) for key, value in entries}


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    """Give a model's field fields_of by the names that the file uses."""
    named = ((key_of(name, field), field) for name, field in model.model_fields.items())
    return {key: _whole(field) for key, field in named if not key.startswith(HIDDEN)}


def key_of(name: str, field: FieldInfo) -> str:
    """Give the key that the file uses for a field."""
    alias = field.validation_alias or field.alias
    return alias if isinstance(alias, str) else name


def _whole(field: FieldInfo) -> Any:
    """Give a field's annotation with what pydantic took off it."""
    if any(isinstance(each, BeforeValidator) for each in field.metadata):
        return Annotated[field.annotation, *field.metadata]
    return field.annotation


def _scalar(node: ScalarNode, annotation: Any) -> Any:
    if not node.text and not node.is_quoted:
        return Odd(None)
    plain = {each for each in _alternatives(annotation) if each in (bool, int, float, Decimal)}
    if bool in plain:
        return _TRUTHS.get(node.text, Odd(node.text))
    if int in plain:
        return int(node.text) if _WHOLE.fullmatch(node.text) else Odd(node.text)
    if plain:
        number = Decimal if Decimal in plain else float
        return number(node.text) if _DECIMAL.fullmatch(node.text) else Odd(node.text)
    return node.text


def _alternatives(annotation: Any) -> list[Any]:
    """Give the types of a union; one that reads its text itself is left out."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return [] if any(isinstance(each, BeforeValidator) for each in metadata) else _alternatives(inner)
    if get_origin(annotation) in (Union, UnionType):
        return [found for each in get_args(annotation) for found in _alternatives(each)]
    return [annotation]


def _bare(annotation: Any) -> list[Any]:
    """Give the types of a union without what they are annotated with."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [found for each in get_args(annotation) for found in _bare(each)]
    return [annotation]


def model_of(annotation: Any) -> type[BaseModel] | None:
    """Give the model that an annotation names, or None."""
    named = (each for each in _bare(annotation) if isinstance(each, type) and get_origin(each) is None)
    return next((each for each in named if issubclass(each, BaseModel)), None)


def item_of(annotation: Any) -> Any:
    """Give the type of a list's entries or of a mapping's values."""
    holder = next((each for each in _bare(annotation) if isinstance(get_origin(each), type)), None)
    arguments = [each for each in get_args(holder) if each is not Ellipsis]
    return arguments[-1] if arguments else Any
