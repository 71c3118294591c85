"""Lines put together of parts that are validated already, their JSON text beside them.

pydantic would look at every field of a line again, and the writer at every field that is not there. Whoever
assembles answers for two things, and a property test holds them to both: every value is what validation
would have made of it, and the text is what `writing.py` would have written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from json.encoder import encode_basestring as quote
from typing import Any

from canonical.lines import ItemLine
from canonical.model import WRITTEN, Model
from canonical.writing import expect_lines, not_written_yet, part_text

__all__ = ["Assemble", "assembler", "kept_text", "not_written_yet", "part_text", "quote"]

Assemble = Callable[[dict[str, Any], str], Any]
"""Makes an instance of all its values by name, and of its JSON text."""

kept_text: Callable[[Model], str] = WRITTEN.__get__
"""Gives the text kept with a part, "" for none; only for parts that were told one, or "" at least."""


@cache
def assembler(model: type[Model], names: frozenset[str]) -> tuple[dict[str, Any], Assemble]:
    """Give the defaults of a model, and the function that makes an instance of a filled copy and its text.

    `names` are the fields that are given. All instances of one shape share that set: they are frozen, and
    a copy has a set of its own.
    """
    defaults = _sharing_keys({name: field.default for name, field in model.model_fields.items()})
    missing = {name for name, field in model.model_fields.items() if field.is_required()} - names
    if missing or not names <= defaults.keys():
        raise ValueError(f"{model.__name__} cannot be made of {sorted(names)}")
    new, given = object.__new__, set(names)
    set_values, set_given, set_extra, set_private, set_written = _setters()
    if issubclass(model, ItemLine):
        expect_lines(model, names)

    def assemble(values: dict[str, Any], text: str) -> Model:
        made: Model = new(model)
        set_values(made, values)
        set_given(made, given)
        set_extra(made, None)
        set_private(made, None)
        set_written(made, text)
        return made

    return defaults, assemble


def _sharing_keys(values: dict[str, Any]) -> dict[str, Any]:
    """Give the same values in a dict whose copies hold no keys of their own (PEP 412).

    A line is mostly fields that are not there; its copy is a third as large, and made in half the time.
    Where an interpreter has no such dicts, or a model too many fields for them, this is an ordinary one.
    """
    shape = type("Shape", (), {})()
    for name, value in values.items():
        setattr(shape, name, value)
    shared: dict[str, Any] = shape.__dict__
    return shared


def _setters() -> Iterator[Callable[[object, object], None]]:
    """Give what fills an instance: a frozen model refuses the usual way."""
    names = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
    for name in names:
        owner = next(each for each in Model.__mro__ if name in each.__dict__)
        yield owner.__dict__[name].__set__
    yield WRITTEN.__set__
