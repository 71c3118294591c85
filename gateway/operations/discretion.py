"""What of a canonical document a person at the command line may see. Pure.

Prices are never shown. Free text, and what may be a patient's, is shown only where it was asked for
in so many words; that is a change to the audit log.
"""

from __future__ import annotations

from typing import Any

from canonical.document import CanonicalDocument
from canonical.privacy import MASK, masked, masked_values
from canonical.registry import read_json, to_json

HIDDEN = "[hidden]"

_PRICED = frozenset({"allowances_charges", "taxes", "totals", "rate", "payment_terms"})
_FREE_TEXT = frozenset({"notes", "description"})


def shown(document: CanonicalDocument, *, unmasked: bool) -> dict[str, Any]:
    """Give a document as JSON without its prices, and without its free text unless ``unmasked``."""
    fields: dict[str, Any] = read_json(to_json(document if unmasked else masked(document)))
    hidden = {name: _hidden(name, value, unmasked) for name, value in fields.items()}
    return {name: value for name, value in hidden.items() if name != "provenance"}


def _hidden(name: str, value: Any, unmasked: bool) -> Any:
    if name in _PRICED or "price" in name or "amount" in name:
        return HIDDEN
    if name in _FREE_TEXT and not unmasked:
        return MASK
    if name == "extensions":
        return _plain(masked_values(value))  # nobody has said what it holds; it may be a price
    if isinstance(value, dict):
        return {key: _hidden(key, each, unmasked) for key, each in value.items()}
    if isinstance(value, list):
        return [_hidden("", each, unmasked) for each in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
