"""What a document still tells of the X12 that it was read from: kept segments, and their order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def kept_of(owner: Any) -> Sequence[Mapping[str, Any]]:
    """Give what of an owner's X12 has no other home."""
    kept = owner.extensions.get("x12", ())
    return kept if isinstance(kept, tuple | list) else ()


def order_of(owner: Any, place: str) -> list[str] | None:
    """Give the hint in which order an owner's segments of a place stood."""
    for each in kept_of(owner):
        if each.get("place") == place and "order" in each:
            return list(each["order"])
    return None


def came_as_x12(document: Any) -> bool:
    """Tell whether a document was read from X12: then it goes out as it came."""
    return document.provenance is not None and "ST02" in document.provenance.control_numbers
