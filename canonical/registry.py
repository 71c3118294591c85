"""From bytes to the right document type and back; the content hash.

`parse_document` reads what came from outside or out of the journal: no digit of a number is lost,
and what JSON leaves open (NaN, repeated names, nesting) is refused. `to_json` writes one stable form.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from pydantic import ValidationError

from canonical.acknowledgment import Acknowledgment
from canonical.approval_decision import ApprovalDecision
from canonical.budget_check import BudgetCheck
from canonical.document import CanonicalDocument
from canonical.goods_receipt import GoodsReceipt
from canonical.inventory_movement import InventoryMovement
from canonical.invoice import Invoice
from canonical.item import Item
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder
from canonical.requisition import Requisition
from canonical.scalars import read_decimal
from canonical.ship_notice import ShipNotice
from canonical.status_event import StatusEvent
from canonical.supplier import Supplier
from canonical.writing import content_text, json_text

DOCUMENT_TYPES: Mapping[str, type[CanonicalDocument]] = MappingProxyType(
    {
        model.model_fields["document_type"].default: model
        for model in (
            PurchaseOrder,
            Acknowledgment,
            OrderChange,
            Invoice,
            Requisition,
            GoodsReceipt,
            ShipNotice,
            Supplier,
            Item,
            InventoryMovement,
            ApprovalDecision,
            BudgetCheck,
            StatusEvent,
        )
    }
)

_BEFORE_PROVENANCE = re.compile(rb'(\{"document_type":"[a-z_]+","schema_version":"[0-9.]+"),"provenance":')
_TYPE = re.compile(rb'\{"document_type":"([a-z_]+)"')
_SCANNER = json.JSONDecoder()


class DocumentError(ValueError):
    """A canonical document that cannot be read: `problems` are (path, what was expected) pairs.

    The values found are left out: they may be prices or a patient's name.
    """

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{path or 'document'}: {expected}" for path, expected in problems))


def parse_document(source: bytes | str | Mapping[str, Any]) -> CanonicalDocument:
    """Give the validated document of canonical JSON, or of its already read mapping.

    Errors: DocumentError with every problem's path.
    """
    fields = source if isinstance(source, Mapping) else read_json(source)
    if not isinstance(fields, Mapping):
        raise DocumentError((("", "expected a JSON object"),))
    model = DOCUMENT_TYPES.get(_text(fields.get("document_type")))
    if model is None:
        raise DocumentError((("document_type", f"expected one of {', '.join(DOCUMENT_TYPES)}"),))
    try:
        return model.__pydantic_validator__.validate_python(fields)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise DocumentError(_problems(error)) from error


def read_own(canonical: bytes) -> CanonicalDocument:
    """Give the document of what `to_json` wrote and the journal kept: twice as fast as `parse_document`.

    Only for such bytes: their decimals are texts, so that the JSON reader of pydantic loses no digit, and
    names are not repeated in them. Errors: DocumentError.
    """
    head = _TYPE.match(canonical)
    model = DOCUMENT_TYPES.get(head[1].decode()) if head is not None else None
    if model is None:
        return parse_document(canonical)
    try:
        return model.__pydantic_validator__.validate_json(canonical)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise DocumentError(_problems(error)) from error


def to_json(document: CanonicalDocument) -> bytes:
    """Write a document: compact UTF-8, fields in the schema's order, absent and default ones left out."""
    return json_text(document).encode()


def without_provenance(canonical: bytes) -> bytes:
    """Cut the provenance out of what `to_json` wrote, without parsing the rest."""
    head = _BEFORE_PROVENANCE.match(canonical)
    if head is None:
        return canonical
    text = canonical[head.end() :].decode()
    _, end = _SCANNER.raw_decode(text)
    return head[1] + (text[end:] if text[end:] == "}" else "," + text[end + 1 :]).encode()


def content_hash(document: CanonicalDocument) -> str:
    """Give the SHA-256 (hex) of what a document says.

    Equal for 1E+2, 100 and 100.0, for one instant in two zones, and for two arrivals of one document:
    provenance is left out. Adding an optional field to the schema changes no existing hash.
    """
    return hashlib.sha256(content_text(document).encode()).hexdigest()


def read_json(source: bytes | str) -> Any:
    """Read JSON without losing a digit: numbers with a fraction become Decimal, whole ones int.

    Errors: DocumentError for text that is not JSON (RFC 8259), repeated names, NaN and Infinity.
    """
    try:
        return json.loads(
            source, parse_float=read_decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except RecursionError as error:
        raise DocumentError((("", "nested too deeply"),)) from error
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        raise DocumentError((("", f"not JSON at {at}: {error.msg}"),)) from error
    except (UnicodeDecodeError, ValueError) as error:
        raise DocumentError((("", f"not JSON: {error}"),)) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {repeated!r} is repeated in one object")
    return members


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _problems(error: ValidationError) -> tuple[tuple[str, str], ...]:
    return tuple(
        (".".join(str(part) for part in each["loc"]), each["msg"])
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    )
