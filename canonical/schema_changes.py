"""Which changes of a published JSON Schema break those who rely on it. Pure.

A major version is a promise: documents that were valid stay valid, and fields that readers look for
stay where they are and mean the same. Everything named here needs a new major version; a new optional
field or a new word in an enum does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_LOWER_BOUNDS = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_UPPER_BOUNDS = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
# A changed default is a changed meaning: defaults are left out of the documents we write.
_MUST_STAY = (
    "pattern", "format", "default", "multipleOf", "uniqueItems", "propertyNames", "anyOf", "oneOf", "allOf",
)  # fmt: skip


def breaking_changes(published: Schema, current: Schema) -> tuple[str, ...]:
    """Name every change from the published to the current schema that breaks somebody, by its path."""
    return tuple(_Comparison(published, current).changes(published, current, "document"))


class _Comparison:
    """Two whole schemas; definitions are compared where they are used, each pair once."""

    def __init__(self, published: Schema, current: Schema) -> None:
        self._published = published.get("$defs", {})
        self._current = current.get("$defs", {})
        self._compared: set[tuple[str, str]] = set()

    def changes(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        if "$ref" in old or "$ref" in new:
            # With what stands beside the reference: a default there is the field's own.
            pair = (repr(old), repr(new))
            if pair in self._compared:
                return
            self._compared.add(pair)
        old_whole, new_whole = _resolved(old, self._published), _resolved(new, self._current)
        yield from _values(old_whole, new_whole, path)
        yield from self._members(old_whole, new_whole, path)

    def _members(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
        for name in sorted(old_fields.keys() - new_fields.keys()):
            yield f"{path}.{name}: property removed"
        for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            yield f"{path}.{name}: became required"
        for name in sorted(old_fields.keys() & new_fields.keys()):
            yield from self.changes(old_fields[name], new_fields[name], f"{path}.{name}")
        if "items" in old or "items" in new:
            yield from self.changes(old.get("items", {}), new.get("items", {}), f"{path}[]")
        yield from self._additional(old, new, path)

    def _additional(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if before is False or after is True:
            return
        if after is False:
            yield f"{path}: further properties are refused now"
        elif isinstance(after, Mapping):
            yield from self.changes(before if isinstance(before, Mapping) else {}, after, f"{path}{{}}")


def _values(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Compare what one value may be, apart from its members."""
    lost_types = _types(old) - _types(new)
    if lost_types and "number" in _types(new):
        lost_types -= {"integer"}
    if lost_types or (_is_free(old) and not _is_free(new)):
        yield f"{path}: type narrowed from {_summary(old)} to {_summary(new)}"
    allowed_before, allowed_now = _allowed(old), _allowed(new)
    if allowed_now is not None:
        lost = "any other" if allowed_before is None else ", ".join(sorted(allowed_before - allowed_now))
        if lost:
            yield f"{path}: values removed: {lost}"
    for name in _MUST_STAY:
        if old.get(name) != new.get(name):
            yield f"{path}: {name} changed from {old.get(name)!r} to {new.get(name)!r}"
    yield from _bounds(old, new, path)


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for name in _LOWER_BOUNDS:
        if name in new and (name not in old or new[name] > old[name]):
            yield f"{path}: {name} raised to {new[name]}"
    for name in _UPPER_BOUNDS:
        if name in new and (name not in old or new[name] < old[name]):
            yield f"{path}: {name} lowered to {new[name]}"


def _types(schema: Schema) -> set[str]:
    named = schema.get("type", ())
    return {named} if isinstance(named, str) else set(named)


def _is_free(schema: Schema) -> bool:
    return not _types(schema) and _allowed(schema) is None


def _allowed(schema: Schema) -> set[str] | None:
    """Give the allowed values of an enum or const, as text; None where any value of the type is good."""
    if "const" in schema:
        return {repr(schema["const"])}
    return {repr(each) for each in schema["enum"]} if "enum" in schema else None


def _summary(schema: Schema) -> str:
    return str(schema.get("$ref") or schema.get("type") or "anything").removeprefix("#/$defs/")


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Put a definition in the place of its reference; what stands beside the reference counts too."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    definition: Schema = definitions[reference.removeprefix("#/$defs/")]
    return {**definition, **{name: value for name, value in schema.items() if name != "$ref"}}
