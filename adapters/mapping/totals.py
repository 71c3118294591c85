"""Totals: what a control field counts or sums in a canonical document, read or written."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from adapters.mapping.numbers import DecimalForm, exact_sum, number_text, plain_number
from adapters.mapping.shapes import PathError, Shape, shapes_of
from adapters.mapping.spec import SourceSpec


def values_at(place: Any, path: str) -> list[Any]:
    """Give all values at a dotted path, through lists, of a model or of the dict read for one."""
    places = [place]
    for name in path.split("."):
        found = [each.get(name) if isinstance(each, dict) else getattr(each, name) for each in places]
        places = []
        for each in found:
            if isinstance(each, list | tuple):
                places += each
            elif each is not None:
                places.append(each)
    return places


def check_total_path(path: str, model: type[BaseModel], *, is_number: bool) -> None:
    """Check a total's path against a model. Errors: PathError."""
    shape = Shape(model=model)
    for name in path.split("."):
        fields = shapes_of(shape.model) if shape.model else {}
        if name not in fields:
            raise PathError(f"'{path}' is no canonical path for a total: there is no '{name}'")
        shape = fields[name]
    if is_number and shape.kind not in ("number", "integer"):
        raise PathError(f"'{path}' is no number; only numbers can be summed")
    if not is_number and not shape.is_list:
        raise PathError(f"'{path}' is no list; only the entries of lists can be counted")


def total_writer(spec: SourceSpec) -> Callable[[Any], str]:
    """Compile computing and writing a total. The writer raises UnfitError."""
    write = DecimalForm(spec.decimal).write if spec.decimal else number_text
    if spec.count is not None:
        counted = spec.count
        return lambda document: write(Decimal(len(values_at(document, counted))))
    summed = spec.sum or ""
    return lambda document: write(exact_sum(values_at(document, summed)))


def read_number(spec: SourceSpec) -> Callable[[str], str]:
    """Give how a total is read."""
    return DecimalForm(spec.decimal).read if spec.decimal else plain_number
