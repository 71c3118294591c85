"""Hypothesis strategies for canonical documents of every type, made from the models themselves.

A new field or document type is generated without an edit here. For other tests to import:
`documents("invoice")`, `any_document()`, `models(Price)`, `exact_decimals()`, `codes()`.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from canonical.document import CanonicalDocument
from canonical.key_rules import KeyRules, NumberRule
from canonical.model import Model
from canonical.registry import DOCUMENT_TYPES
from canonical.scalars import DIGITS_MAX

AnyModel = TypeVar("AnyModel", bound=Model)

DEPTH_MAX = 4
OPTIONAL_FIELDS_MAX = 5
SEQUENCE_LENGTH_MAX = 3

_PLAIN = st.characters(codec="utf-8", exclude_categories=["Cs"])


def any_document() -> st.SearchStrategy[CanonicalDocument]:
    """Give documents of all types."""
    return st.sampled_from(sorted(DOCUMENT_TYPES)).flatmap(documents)


def documents(document_type: str) -> st.SearchStrategy[Any]:
    """Give documents of one type."""
    return models(DOCUMENT_TYPES[document_type])


def models(model: type[AnyModel], depth: int = DEPTH_MAX) -> st.SearchStrategy[AnyModel]:
    """Give instances of any canonical model; below `depth` only what is required is filled."""
    return _fields(model, depth).map(model.model_validate)


def exact_decimals(digits_max: int = DIGITS_MAX) -> st.SearchStrategy[Decimal]:
    """Give decimals in plain form with up to `digits_max` digits on each side of the point."""
    digits = st.text("0123456789", min_size=1, max_size=digits_max)
    fraction = st.one_of(st.just(""), digits.map(lambda text: f".{text}"))
    return st.builds(
        lambda sign, whole, part: Decimal(sign + whole + part), st.sampled_from(["", "-"]), digits, fraction
    )


def codes(length_max: int = 12) -> st.SearchStrategy[str]:
    """Give numbers and codes: leading zeros, blanks, separators and other scripts among them."""
    return st.one_of(
        st.from_regex(r"[A-Z]{0,3}-?[0-9]{1,8}", fullmatch=True),
        st.text(_PLAIN, min_size=1, max_size=length_max),
    )


def numbers() -> st.SearchStrategy[str]:
    """Give document numbers: codes that are not blank."""
    return codes().filter(lambda text: text.strip() != "")


def moments() -> st.SearchStrategy[datetime]:
    """Give aware times in zones with whole minutes, as RFC 3339 writes them."""
    zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1), timezones=st.one_of(st.just(UTC), zones))


def extension_values() -> st.SearchStrategy[Any]:
    """Give what extensions may hold, in the frozen form that reading gives."""
    leaves = st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(_PLAIN, max_size=8))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(tuple), st.dictionaries(codes(6), inner, max_size=3)
        ),
        max_leaves=5,
    )


def key_rules() -> st.SearchStrategy[KeyRules]:
    """Give key rules with and without number rules."""
    numbers = st.builds(
        NumberRule,
        upper_case=st.booleans(),
        strip_leading_zeros=st.booleans(),
        strip_prefixes=st.sampled_from([(), ("PO-",), ("A", "PO")]),
        strip_suffixes=st.sampled_from([(), ("-0",)]),
    )
    return st.builds(
        KeyRules,
        organisation=codes(),
        supplier=st.one_of(st.none(), codes()),
        order_number=numbers,
        invoice_number=numbers,
    )


@cache
def _fields(model: type[Model], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    required = {name: field for name, field in model.model_fields.items() if field.is_required()}
    optional = {name: field for name, field in model.model_fields.items() if name not in required}
    names_max = OPTIONAL_FIELDS_MAX if depth > 0 else 0
    chosen = (
        st.lists(st.sampled_from(sorted(optional)), unique=True, max_size=names_max)
        if optional
        else st.just([])
    )
    return st.builds(
        lambda fixed, free: {**fixed, **free},
        st.fixed_dictionaries({name: _field(field, depth) for name, field in required.items()}),
        chosen.flatmap(
            lambda names: st.fixed_dictionaries({name: _optional(model, name, depth) for name in names})
        ),
    )


@cache  # a strategy that is made anew is also looked through anew, which costs more than to draw from it
def _optional(model: type[Model], name: str, depth: int) -> st.SearchStrategy[Any]:
    return _field(model.model_fields[name], depth)


def _field(field: FieldInfo, depth: int) -> st.SearchStrategy[Any]:
    return _values(field.annotation, tuple(field.metadata), depth)


def _values(annotation: Any, metadata: tuple[Any, ...], depth: int) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(arguments[0], (*arguments[1:], *metadata), depth)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of(*(_values(each, (), depth) for each in arguments))
    if origin is tuple:
        length_max = SEQUENCE_LENGTH_MAX if depth > 0 else 0
        return st.lists(_values(arguments[0], (), depth - 1), max_size=length_max).map(tuple)
    if origin in (dict, Mapping):
        return st.dictionaries(codes(6), _values(arguments[1], (), depth), max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return _fields(annotation, depth - 1)
    return _scalars(annotation, metadata)


def _scalars(annotation: Any, metadata: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if annotation is str:
        shortest = max((getattr(each, "min_length", None) or 0 for each in metadata), default=0)
        if any(getattr(each, "pattern", None) for each in metadata):
            return numbers()
        return codes() if shortest else st.text(_PLAIN, max_size=20)
    return _of_type()[annotation]


@cache
def _of_type() -> dict[Any, st.SearchStrategy[Any]]:
    return {
        Decimal: exact_decimals(),
        bool: st.booleans(),
        int: st.integers(1, 10_000),
        date: st.dates(),
        datetime: moments(),
        Any: extension_values(),
        types.NoneType: st.none(),
    }
