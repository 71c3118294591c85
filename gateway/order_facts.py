"""What a stage may look at in an order: its words by dimension. Pure.

The words are the document's own codes, as sent. A word that only the header says holds for every
line; where lines say different ones, all of them count, and a selection must cover them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from canonical.document import CanonicalDocument
from canonical.lines import PlacedLine
from canonical.purchase_order import PurchaseOrder
from canonical.requisition import Requisition
from canonical.values import Party
from gateway.stage import Dimension, OrderFacts

KNOWN_MAX = 1_024  # headers whose words are kept
# What a line may say of it. In most orders the header says it for all: no line is looked through then.
_LINE_WORDS = frozenset(
    {"facility", "inventory_location", "supplier", "category", "line_class", "stock", "ship_to"}
)


def order_facts(order_key: str, document: CanonicalDocument) -> OrderFacts:
    """Give the words that selections and pins are matched against; none of a document that opens no order."""
    if not isinstance(document, PurchaseOrder | Requisition):
        return OrderFacts(order_key, {})
    lines = [line for line in document.lines if not _LINE_WORDS.isdisjoint(line.model_fields_set)]
    said = _HeaderWords(
        document.facility,
        document.inventory_location,
        document.order_type,
        _names(document.seller),
        _names(document.ship_to),
    )
    words = _words_with(said, lines) if lines else _words_of(said)
    return OrderFacts(order_key, words, isinstance(document, PurchaseOrder) and document.already_placed)


class _HeaderWords(NamedTuple):
    facility: str | None
    location: str | None
    order_type: str | None
    suppliers: tuple[str, ...]
    places: tuple[str, ...]


@lru_cache(maxsize=KNOWN_MAX)
def _words_of(said: _HeaderWords) -> Mapping[Dimension, frozenset[str]]:
    """Give the words of orders of which only the header says any: a hospital has few such headers."""
    return _words_with(said, ())


def _words_with(said: _HeaderWords, lines: Sequence[PlacedLine]) -> Mapping[Dimension, frozenset[str]]:
    facilities = _either(
        (said.facility, *(line.facility for line in lines)),
        (*said.places, *(name for line in lines for name in _names(line.ship_to))),
    )
    words: dict[Dimension, Iterable[str | None]] = {
        "facility": facilities,
        "location": (said.location, *(line.inventory_location for line in lines)),
        "supplier": (*said.suppliers, *(name for line in lines for name in _names(line.supplier))),
        "category": (line.category for line in lines),
        "line_class": (line.line_class for line in lines),
        "order_type": (said.order_type,),
        "stock": (line.stock for line in lines),
    }
    return {name: frozenset(word for word in each if word) for name, each in words.items()}


def _names(party: Party | None) -> tuple[str, ...]:
    return tuple([identifier.value for identifier in party.identifiers]) if party is not None else ()


def _either(words: tuple[str | None, ...], otherwise: tuple[str, ...]) -> tuple[str | None, ...]:
    return words if any(words) else otherwise
