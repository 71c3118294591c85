"""The masked copy of a document: what a log, the console or a shadow may see. Pure.

Masked are texts marked as possibly PHI, the clinical case, and every value in `extensions`, since
nobody has said what those hold. Identity stays: compute keys and hashes before masking, not after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from canonical.lines import ItemLine, SubLine
from canonical.model import Model
from canonical.values import ClinicalCase, Note, Party, Reference

MASK = "[masked]"

Masked = TypeVar("Masked", bound=Model)


def masked(document: Masked) -> Masked:
    """Give a copy in which nothing that may be PHI can be read; the document itself where nothing is."""
    changed = {
        name: hidden
        for name in document.model_fields_set
        if (hidden := _hidden(getattr(document, name))) is not getattr(document, name)
    }
    changed |= _own_secrets(document)
    return document.model_copy(update=changed) if changed else document


def _hidden(value: Any) -> Any:
    match value:
        case Model():
            return masked(value)
        case tuple():
            inner = tuple(_hidden(each) for each in value)
            return inner if any(a is not b for a, b in zip(inner, value, strict=True)) else value
        case _:
            return value


def _own_secrets(model: Model) -> dict[str, Any]:
    """Give the fields of one model that are masked, with what takes their place."""
    secrets: dict[str, Any] = {}
    match model:
        case Note(may_be_phi=True):
            secrets = {"text": MASK}
        case Reference(may_be_phi=True):
            secrets = {"number": MASK, "description": None}
        case Party(may_be_phi=True):
            secrets = {
                "name": MASK,
                "more_names": (),
                "identifiers": (),
                "address": None,
                "contacts": (),
                "references": (),
            }
        case ClinicalCase():
            secrets = dict.fromkeys(ClinicalCase.model_fields.keys() - {"extensions"})
        case ItemLine(description_may_be_phi=True) | SubLine(description_may_be_phi=True):
            secrets = {"description": MASK}
    extensions = getattr(model, "extensions", None)
    return secrets | ({"extensions": masked_values(extensions)} if extensions else {})


def masked_values(value: Any) -> Any:
    """Mask every text and number (it may be a patient's) in a JSON value; names and truth values stay."""
    match value:
        case None | bool():
            return value
        case Mapping():
            return {name: masked_values(each) for name, each in value.items()}
        case tuple() | list():
            return tuple(masked_values(each) for each in value)
        case _:
            return MASK
