"""Whether what an ERP holds is what we sent: values compared where both sides have them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any


def differing(ours: Mapping[str, Any], theirs: Any, names: Sequence[str], path: str = "") -> list[str]:
    """Give the paths of fields that differ. A field that the ERP does not show is no difference.

    Numbers are compared by value (`10`, `10.0` and `"10.000"` are one), texts without blanks at the ends.
    """
    if not isinstance(theirs, Mapping):
        return [path or "document"]
    return [
        f"{path}{name}"
        for name in names
        if ours.get(name) is not None
        and theirs.get(name) is not None
        and not is_same(ours[name], theirs[name])
    ]


def differing_lines(
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Any], key: str, names: Sequence[str], path: str
) -> list[str]:
    """Give the paths of lines and fields that differ; lines match by their key, without zeros in front."""
    by_key = {_key(each.get(key)): each for each in theirs if isinstance(each, Mapping)}
    found: list[str] = []
    for line in ours:
        name = _key(line.get(key))
        other = by_key.pop(name, None)
        found += [f"{path}[{name}]"] if other is None else differing(line, other, names, f"{path}[{name}].")
    return [*found, *(f"{path}[{name}]" for name in by_key)]


def is_same(ours: Any, theirs: Any) -> bool:
    """Tell whether two scalars say the same."""
    one, other = _number(ours), _number(theirs)
    if one is not None and other is not None:
        return one == other
    return str(ours).strip() == str(theirs).strip()


def _number(value: Any) -> Decimal | None:
    match value:
        case bool():
            return None
        case int() | Decimal():
            return Decimal(value)
        case str():
            try:
                number = Decimal(value)
            except InvalidOperation:
                return None
            return number if number.is_finite() else None
        case _:
            return None


def _key(value: Any) -> str:
    return str(value).lstrip("0")
