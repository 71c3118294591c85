"""What kinds of things a document holds: what coverage is counted by on the readiness card. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from canonical.document import CanonicalDocument
from canonical.values import Party
from gateway.journal.comparisons import Facet
from gateway.order_facts import order_facts

DIMENSIONS = ("supplier", "facility", "unit", "line_type", "document_type")
WORDS_MAX = 200  # of one document and dimension


def facets_of(document: CanonicalDocument) -> tuple[Facet, ...]:
    """Give the supplier, facilities, units, line types and document type of a document, each once, sorted."""
    lines: tuple[Any, ...] = getattr(document, "lines", ())
    selected = order_facts("", document).words  # what a canary selects an order by is seen by the same word
    words: dict[str, Iterable[str | None]] = {
        "supplier": (
            _name(getattr(document, "seller", None)),
            *(_name(getattr(each, "supplier", None)) for each in lines),
            *selected.get("supplier", ()),
        ),
        "facility": (
            _text(document, "facility"),
            *(_text(each, "facility") for each in lines),
            *selected.get("facility", ()),
        ),
        "unit": (_unit(each) for each in lines),
        "line_type": (word for each in lines for word in (_text(each, "stock"), _text(each, "line_class"))),
        "document_type": (_type_of(document),),
    }
    return tuple(
        (dimension, word)
        for dimension in DIMENSIONS
        for word in sorted({each for each in words[dimension] if each})[:WORDS_MAX]
    )


def _type_of(document: CanonicalDocument) -> str:
    """Give type, and of an order its kind and its purpose where that is not a plain new one."""
    kind, purpose = _text(document, "order_type"), _text(document, "purpose")
    words = (document.document_type, kind, purpose if purpose != "original" else None)
    return "/".join(word for word in words if word)


def _name(party: Party | None) -> str | None:
    if party is None:
        return None
    return party.identifiers[0].value if party.identifiers else None


def _unit(line: Any) -> str | None:
    quantity = getattr(line, "quantity", None)
    return None if quantity is None else quantity.unit or "(none)"


def _text(holder: Any, name: str) -> str | None:
    value = getattr(holder, name, None)
    return value if isinstance(value, str) else None
