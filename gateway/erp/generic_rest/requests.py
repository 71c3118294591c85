"""The requests of the generic REST target. Each carries our reference, document key and content hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from adapters.base import Delivery, Effect, Request
from adapters.base.transport import QUERY
from canonical.order_change import OrderChange
from canonical.registry import to_json, without_provenance
from gateway.erp.generic_rest_settings import GenericRestSettings
from gateway.erp.json_paths import write_json
from gateway.erp.orders_there import CLOSE, READ_BACK

LOOK_UP = "look_up"
CREATE = "create"

REFERENCE_HEADER = "X-Bridge-Reference"
DOCUMENT_KEY_HEADER = "X-Bridge-Document-Key"
CONTENT_HASH_HEADER = "X-Bridge-Content-Hash"
CORRELATION_HEADER = "X-Correlation-Id"

IS_JSON = ("Content-Type", "application/json")
TAKES_JSON = ("Accept", "application/json")

_JSON = json.JSONEncoder(separators=(",", ":"))
_KIND = "generic_rest kind"  # asked for several times a step, and it looks through the whole document


class Requests:
    """Writes what is sent, by the endpoint's settings."""

    def __init__(self, settings: GenericRestSettings) -> None:
        self._settings = settings
        self._before_document = f"{_JSON.encode(settings.body.document)}:".encode()
        self.create_effect = Effect.REPEATABLE if settings.idempotent_create else Effect.WRITE

    def look_up(self, delivery: Delivery) -> Request:
        """Ask whether the ERP holds a document of this reference."""
        settings = self._settings
        path = _path(settings.look_up_paths, kind_of(delivery), settings.look_up_path)
        _, digest = self._rendered(delivery)
        return Request(
            step=LOOK_UP,
            effect=Effect.READ,
            method="GET",
            address=_filled(path, delivery),
            headers=(TAKES_JSON, *_identity(delivery, digest)),
            timeout_s=settings.timeout_s,
        )

    def create(self, delivery: Delivery) -> Request:
        """Create the document."""
        settings = self._settings
        path = _path(settings.paths, kind_of(delivery), settings.path)
        rendered, digest = self._rendered(delivery)
        headers = [IS_JSON, TAKES_JSON]
        if settings.reference_header:
            headers.append((settings.reference_header, delivery.reference))
        return Request(
            step=CREATE,
            effect=self.create_effect,
            method=settings.method,
            address=_filled(path, delivery),
            body=self._body(delivery, rendered, digest),
            headers=(*headers, *_identity(delivery, digest)),
            timeout_s=settings.timeout_s,
        )

    def question(self, delivery: Delivery) -> Request:
        """Ask; the answer stays in the step, for the caller that waits for it."""
        rendered, digest = self._rendered(delivery)
        return Request(
            step=QUERY,
            effect=Effect.READ,
            method="POST",
            address=_filled(self._settings.queries[delivery.document_type or ""], delivery),
            body=self._body(delivery, rendered, digest),
            headers=(IS_JSON, TAKES_JSON, *_identity(delivery, digest)),
            timeout_s=self._settings.timeout_s,
        )

    def close(self, delivery: Delivery, change: OrderChange, address: str) -> Request:
        """Close an order; sent again where nobody knows, for it subtracts nothing."""
        rendered, digest = self._rendered(replace(delivery, canonical=to_json(change)))
        return Request(
            step=CLOSE,
            effect=Effect.REPEATABLE,
            method="POST",
            address=address,
            body=self._body(delivery, rendered, digest),
            headers=(IS_JSON, TAKES_JSON, *_identity(delivery, digest)),
            timeout_s=self._settings.timeout_s,
        )

    def read(self, address: str) -> Request:
        """Read an order that is there."""
        return Request(
            step=READ_BACK,
            effect=Effect.READ,
            method="GET",
            address=address,
            headers=(TAKES_JSON,),
            timeout_s=self._settings.timeout_s,
        )

    def _rendered(self, delivery: Delivery) -> tuple[bytes, str]:
        """Give the document as JSON, without provenance so that a replay says the same, and its hash."""
        if self._settings.decimals == "text":
            rendered = without_provenance(delivery.canonical or b"")
        else:
            rendered = self._with_numbers(delivery)
        return rendered, hashlib.sha256(rendered).hexdigest()

    def _with_numbers(self, delivery: Delivery) -> bytes:
        if delivery.document is None:
            raise ValueError("the delivery holds bytes")
        document = delivery.document.model_copy(update={"provenance": None})
        fields = document.__pydantic_serializer__.to_python(
            document, exclude_none=True, exclude_defaults=True
        )
        head = {"document_type": document.document_type, "schema_version": document.schema_version}
        return write_json(head | fields).encode()

    def _body(self, delivery: Delivery, rendered: bytes, digest: str) -> bytes:
        names = self._settings.body
        parts = (
            (names.reference, delivery.reference),
            (names.document_key, delivery.document_key),
            (names.order_key, delivery.order_key),
            (names.content_hash, digest),
            (names.transmitter, delivery.transmitter),
            (names.origin, "copy" if delivery.role == "copy" else ""),
        )
        head = _JSON.encode({name: text for name, text in parts if name and text}).encode()
        if names.document:
            tail = b"%s%s}" % (self._before_document, rendered)
        else:
            tail = rendered[1:]
        return head[:-1] + (b"," if head != b"{}" else b"") + tail


def kind_of(delivery: Delivery) -> str:
    """Give what a document is to the ERP: its type, and its purpose where it is about an order that is there.

    A cancellation, change or confirmation has the type and number of its order. Posted where orders are
    created, it would be a second one on any ERP that does not know the word.
    """
    kind: str | None = delivery.worked_out.get(_KIND)
    if kind is None:
        kind = delivery.worked_out[_KIND] = _kind_of(delivery)
    return kind


def _kind_of(delivery: Delivery) -> str:
    name = delivery.document_type or ""
    if name not in ("purchase_order", "requisition") or b'"purpose":' not in (delivery.canonical or b""):
        return name  # an original does not say so
    document = delivery.document
    purpose = getattr(document, "purpose", None)
    return name if purpose is None or getattr(document, "opens_order", True) else f"{name}.{purpose}"


def header(request: Request, name: str) -> str:
    """Give a header of a request, "" where it has none."""
    return next((text for header, text in request.headers if header == name), "")


def _path(paths: Mapping[str, str], kind: str, otherwise: str) -> str:
    return paths.get(kind) or paths.get(kind.partition(".")[0], otherwise)


def _identity(delivery: Delivery, digest: str) -> tuple[tuple[str, str], ...]:
    headers = (
        (REFERENCE_HEADER, delivery.reference),
        (DOCUMENT_KEY_HEADER, delivery.document_key or ""),
        (CONTENT_HASH_HEADER, digest),
        (CORRELATION_HEADER, delivery.correlation_id),
    )
    return tuple((name, text) for name, text in headers if text and text.isascii() and text.isprintable())


def _filled(path: str, delivery: Delivery) -> str:
    return path.format_map(
        {
            "document_type": quote(delivery.document_type or "", safe=""),
            "reference": quote(delivery.reference, safe=""),
        }
    )
