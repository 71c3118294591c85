"""What both versions' bodies share: reading JSON with every digit, and the shape of an entity. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from canonical.registry import DocumentError, read_json
from canonical.scalars import read_decimal
from gateway.erp.odata.times import ODataValueError

BODY_BYTES_MAX = 16 * 1024 * 1024
ENTITIES_MAX = 10_000  # of one page; Dynamics gives at most as many


class ODataBodyError(ValueError):
    """A body that is not what the protocol promises; nothing can be said of what it holds."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity of a reply: its properties as read, with its ETag where one came."""

    fields: dict[str, Any]
    etag: str = ""

    def text(self, name: str) -> str:
        """Give a property as text; empty where it is absent, null or structured."""
        return text_of(self.fields.get(name))


@dataclass(frozen=True, slots=True)
class Page:
    """A collection, or as much of one as came in one reply. `next_link` empty: there is no more."""

    entities: tuple[Entity, ...]
    next_link: str = ""
    count: int | None = field(default=None)


def json_of(body: bytes) -> Any:
    """Read a body; numbers with a fraction become Decimal with every digit, whole ones int.

    Errors: ODataBodyError.
    """
    if len(body) > BODY_BYTES_MAX:
        raise ODataBodyError(f"the reply is larger than {BODY_BYTES_MAX} bytes")
    try:
        return read_json(body)
    except DocumentError as error:
        raise ODataBodyError(f"the reply is no JSON: {error}") from error


def decimal_of(value: object) -> Decimal:
    """Read a decimal, written as a number (V4) or as text (V2, and V4 with IEEE754Compatible).

    Errors: ODataValueError.
    """
    try:
        match value:
            case bool():
                pass
            case int():
                return Decimal(value)
            case Decimal():
                return value
            case str():
                return read_decimal(value.strip())
    except ValueError as error:
        raise ODataValueError("expected a decimal number") from error
    raise ODataValueError("expected a decimal number")


def decimal_or_none(value: object) -> Decimal | None:
    """Read a decimal, None for what is none."""
    try:
        return decimal_of(value)
    except ODataValueError:
        return None


def text_of(value: object) -> str:
    """Give text or a number as text; empty for null and for what is structured."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case _:
            return ""


def objects(value: object) -> list[dict[str, Any]]:
    """Give the objects of a list that must hold nothing else. Errors: ODataBodyError."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ODataBodyError("expected a list of objects")
    if len(value) > ENTITIES_MAX:
        raise ODataBodyError(f"expected at most {ENTITIES_MAX} entities in one reply; found {len(value)}")
    return value
