"""Larger parts of a document's header that come again from order to order: validated once, written once.

A hospital has few buyers and places to ship to. A part is known by its own content; what is kept is a frozen
value, so one object may stand in many documents, and its JSON text is kept with it (`canonical/writing.py`).
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from adapters.edi_x12.parts_in import Part
from canonical.assembly import not_written_yet
from canonical.model import Model
from canonical.values import Contact, Party, PaymentTerms, Shipping

KEPT_MAX = 2_048  # parts of all sorts
_ONE: Final[Mapping[str, type[Model]]] = dict.fromkeys(
    ("buyer", "seller", "ship_to", "bill_to", "remit_to", "ship_from"), Party
)
_MANY: Final[Mapping[str, type[Model]]] = {
    "contacts": Contact, "payment_terms": PaymentTerms, "shipping": Shipping,
}  # fmt: skip
_kept: dict[tuple[type[Model], bytes], Model] = {}


def share(header: Part) -> None:
    """Put kept values in the place of a header's parts; what is not valid stays as it is."""
    for name, part in header.items():
        if (one := _ONE.get(name)) is not None:
            header[name] = _shared(one, part)
        elif (many := _MANY.get(name)) is not None:
            header[name] = [_shared(many, each) for each in part]


def _shared(model: type[Model], part: Any) -> Any:
    if type(part) is not dict:
        return part
    try:
        key = (model, marshal.dumps(part))
    except ValueError:  # it holds a value that is validated already
        return part
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= KEPT_MAX:
            _kept.clear()
        try:
            found = model.__pydantic_validator__.validate_python(part)
        except ValidationError:
            return part  # the document's own validation says where it stands
        not_written_yet(found)
        _kept[key] = found
    return found
