"""Small parts of documents that come again: an item's id, a unit with its quantity, an account.

A hospital orders from one catalog and pays from few accounts. Such a part is validated once and known by
the values that make it; it is frozen, so one object may stand in many documents, and its JSON text is kept
with it (`canonical/writing.py`).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from adapters.mapping.plan import Leaf, ObjectNode
from canonical.model import WRITTEN
from canonical.values import Distribution, ItemIdentifier, Money, PartyIdentifier, Price, Quantity

KNOWN_MAX = 8_192  # of one place of one mapping
_COME_AGAIN = (Distribution, ItemIdentifier, Money, PartyIdentifier, Price, Quantity)
_HASHABLE = frozenset({"text", "word", "number", "integer", "boolean"})


class Remembered:
    """What is known of one object of a mapping, by the values of its fields, None for one without."""

    def __init__(self, model: type[BaseModel], names: tuple[str, ...], fills: dict[str, object]) -> None:
        self.known: dict[tuple[Any, ...], BaseModel] = {}
        self._validate = model.__pydantic_validator__.validate_python
        self._names = names
        self._fills = fills

    def make(self, values: tuple[Any, ...]) -> BaseModel:
        """Make an object that is not known. Errors: pydantic's ValidationError."""
        stated = {name: value for name, value in zip(self._names, values, strict=True) if value is not None}
        made: BaseModel = self._validate({**self._fills, **stated})
        WRITTEN.__set__(made, "")  # not written yet: asking for an attribute that is not there is slow
        if len(self.known) >= KNOWN_MAX:
            self.known.clear()
        self.known[values] = made
        return made


def comes_again(node: ObjectNode) -> dict[str, Leaf] | None:
    """Give the fields of an object that is worth remembering; None for any other."""
    if node.model not in _COME_AGAIN or node.free or node.whole is not None:
        return None
    leaves: dict[str, Leaf] = {}
    for name, member in node.members.items():
        if not isinstance(member, Leaf) or member.shape.kind not in _HASHABLE:
            return None
        if member.spec.const is None and member.spec.only != "write":
            leaves[name] = member
    return leaves or None
