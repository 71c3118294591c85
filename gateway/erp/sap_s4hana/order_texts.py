"""Notes and charges of an order in SAP's fields, and what of them has no field there. Pure.

Notes become long texts of the header or an item, under the text id that the endpoint declares; those for
the hospital's own eyes (`internal`, `clinical`) are never written. Charges and allowances of a line become
pricing elements by the declared condition types; SAP has none for an order as a whole. What is left out is
told. Source: service metadata of API_PURCHASEORDER_2 (PurchaseOrderNote, PurchaseOrderItemNote,
PurOrderItemPricingElement). Assumed: a deep insert takes them; an allowance is a negative amount or ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.base import Finding, Level, Position
from canonical.lines import PlacedLine
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from canonical.requisition import Requisition
from canonical.values import AllowanceCharge, Note
from gateway.erp.connector.rendering import Rendering
from gateway.erp.sap_s4hana.settings import SapSettings

OWN = frozenset({"internal", "clinical"})
SIGNS = {"charge": 1, "allowance": -1}
RATE = (24, 9)
PATHS_MAX = 10

Fields = dict[str, Any]


def long_texts(notes: Sequence[Note], text_id: str, language: str) -> list[Fields]:
    """Give the long texts that notes become: one for each language; nothing without a text id."""
    if not text_id:
        return []
    texts: dict[str, list[str]] = {}
    for each in notes:
        named = each.language or ""
        spoken = named.upper() if len(named) == 2 and named.isalpha() else language
        if each.kind not in OWN and each.text.strip():
            texts.setdefault(spoken, []).append(each.text.strip())
    return [
        {"TextObjectType": text_id, "Language": spoken, "PlainLongText": "\n".join(dict.fromkeys(found))}
        for spoken, found in texts.items()
    ]


def pricing_elements(
    line: PlacedLine, path: str, currency: str, rendering: Rendering, settings: SapSettings
) -> list[Fields]:
    """Give the pricing elements that a line's charges and allowances become."""
    found: list[Fields] = []
    for at, each in enumerate(line.allowances_charges):
        if not _is_written(each, settings):
            continue
        sign, where = SIGNS[each.indicator], f"{path}.allowances_charges[{at}]"
        fields: Fields = {"ConditionType": settings.conditions[each.kind]}
        if each.amount is not None:
            fields |= {
                "ConditionRateAmount": rendering.number(abs(each.amount) * sign, *RATE, where),
                "ConditionCurrency": currency,
            }
        elif each.percent is not None:
            ratio = rendering.number(abs(each.percent) * sign, *RATE, where)
            fields |= {"ConditionRateRatio": ratio, "ConditionRateRatioUnit": "%"}
        found.append(fields)
    return found


def left_out(
    name: str, document: PurchaseOrder | OrderChange | Requisition, settings: SapSettings
) -> tuple[Finding, ...]:
    """Say which notes and charges of a document SAP does not get; their texts and amounts are not repeated.

    A change writes those of lines that it adds, a requisition none.
    """
    whole = () if isinstance(document, Requisition) else document.allowances_charges
    lines = document.lines
    if not (document.notes or whole or any(each.notes or each.allowances_charges for each in lines)):
        return ()  # as most orders
    is_order = isinstance(document, PurchaseOrder)
    texts = settings.texts
    notes = _unwritten_notes(document.notes, "", texts.order if is_order else "")
    charges = [f"allowances_charges[{at}]" for at in range(len(whole))]
    for at, line in enumerate(lines):
        is_new = is_order or getattr(line, "action", "") == "add"
        notes += _unwritten_notes(line.notes, f"lines[{at}].", texts.line if is_new else "")
        charges += [
            f"lines[{at}].allowances_charges[{place}]"
            for place, each in enumerate(line.allowances_charges)
            if not (is_new and _is_written(each, settings))
        ]
    found = []
    if notes:
        advice = "name text ids (texts.order, texts.line), or enter them there"
        found.append(_told(name, "ERP-NOTES-LEFT-OUT", "notes", notes, advice))
    if charges:
        advice = "name condition types for lines (conditions), or enter them there"
        found.append(_told(name, "ERP-CHARGES-LEFT-OUT", "charges and allowances", charges, advice))
    return tuple(found)


def _is_written(each: AllowanceCharge, settings: SapSettings) -> bool:
    has_value = each.amount is not None or each.percent is not None
    return has_value and each.indicator in SIGNS and each.kind in settings.conditions


def _unwritten_notes(notes: Sequence[Note], path: str, text_id: str) -> list[str]:
    return [f"{path}notes[{at}]" for at, each in enumerate(notes) if not text_id or each.kind in OWN]


def _told(name: str, code: str, what: str, paths: Sequence[str], advice: str) -> Finding:
    more = f" and {len(paths) - PATHS_MAX} more" if len(paths) > PATHS_MAX else ""
    shown = ", ".join(paths[:PATHS_MAX]) + more
    text = f"SAP has the document without these {what}: {shown}; {advice}"
    return Finding(code, Position(name, path=paths[0]), text, Level.NOTE)
