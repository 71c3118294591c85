"""Our reference in a text field of Oracle's: `REFERENCE digest title`, found by its beginning. Pure.

The digest says whether the same was sent before. A descriptive flexfield of the hospital's own holds it
better than a description, which people edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Delivery
from canonical.registry import without_provenance
from gateway.erp.connector.references import digest_of, reference_for
from gateway.erp.json_paths import text_at

LENGTH_MAX = 240


class Reference:
    """The reference of one delivery, in one field."""

    def __init__(self, delivery: Delivery, field: str) -> None:
        self.text = reference_for(delivery, 26)
        digest: str | None = delivery.worked_out.get("digest")
        if digest is None:
            digest = delivery.worked_out["digest"] = digest_of(without_provenance(delivery.canonical or b""))
        self._digest = digest
        self._field = field

    @property
    def condition(self) -> dict[str, str]:
        """Give the condition that finds it."""
        return {self._field: f"{self.text}%"}

    def fields(self, title: str) -> dict[str, Any]:
        """Give the field with it, for a body; `title` helps people who read the field."""
        value = f"{self.text} {self._digest} {title}".strip()[:LENGTH_MAX]
        flexfield = self._field.partition(".")[2]
        return {"DFF": [{flexfield: value}]} if flexfield else {self._field: value}

    def is_in(self, member: Mapping[str, Any]) -> bool:
        """Tell whether a member of Oracle's carries this reference."""
        return self._value(member).startswith(self.text)

    def says_the_same(self, member: Mapping[str, Any]) -> bool:
        """Tell whether what was sent under this reference was the same."""
        return self._value(member)[len(self.text) :].lstrip().startswith(self._digest)

    def _value(self, member: Mapping[str, Any]) -> str:
        flexfield = self._field.partition(".")[2]
        if not flexfield:
            return text_at(member, self._field)
        return text_at(member, f"DFF.0.{flexfield}") or text_at(member, f"DFF.items.0.{flexfield}")
