"""What differs between the fields in use and those that an ERP publishes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.base import Finding, Level, Position
from gateway.erp.drift.shapes import FieldShape, Shapes
from gateway.erp.drift.uses import EntityUse, Use

SERVED_BY_ENUM = frozenset({"text", "enum"})  # an enumeration travels as text


def differences(place: str, uses: Mapping[str, EntityUse], shapes: Shapes) -> list[Finding]:
    """Give all that is missing or changed. Codes: ERP-DRIFT-ENTITY, -MISSING, -TYPE, -LENGTH, -MEMBER."""
    return [finding for entity, use in uses.items() for finding in _entity(place, entity, use, shapes)]


def changes(place: str, before: Shapes, after: Shapes) -> list[Finding]:
    """Give what an ERP publishes otherwise than at an earlier time, as notes. Code: ERP-DRIFT-CHANGED."""
    return [
        Finding("ERP-DRIFT-CHANGED", Position(place, path=f"{entity}/{name}"), text, Level.NOTE)
        for entity in sorted(set(before) | set(after))
        for name, text in _changed(before.get(entity, {}), after.get(entity, {}))
    ]


def _entity(place: str, entity: str, use: EntityUse, shapes: Shapes) -> Iterator[Finding]:
    shape = shapes.get(entity)
    if shape is None:
        documents = ", ".join(sorted(each.partition(".")[0] for each in use.documents))
        text = (
            f"the ERP publishes no '{entity}', which {documents} need: see whether the service is activated"
        )
        yield Finding("ERP-DRIFT-ENTITY", Position(place, path=entity), text)
        return
    for name, used in use.fields.items():
        at = Position(place, path=f"{entity}/{name}")
        if name not in shape:
            text = "the field is gone; the connector writes or reads it: ask the ERP team what replaces it"
            yield Finding("ERP-DRIFT-MISSING", at, text)
            continue
        yield from _field(at, used, shape[name])


def _field(at: Position, used: Use, shape: FieldShape) -> Iterator[Finding]:
    kinds = {used.kind, shape.kind}
    if used.kind != shape.kind and not kinds <= SERVED_BY_ENUM:
        text = f"the field is a {shape.kind} now; the connector takes it for a {used.kind}"
        yield Finding("ERP-DRIFT-TYPE", at, text)
        return
    if used.length is not None and shape.length is not None and shape.length < used.length:
        text = f"the field holds {shape.length} characters now; the connector may write {used.length}"
        yield Finding("ERP-DRIFT-LENGTH", at, text)
    lacking = [each for each in used.members if shape.members and each not in shape.members]
    if lacking:
        text = f"{', '.join(lacking)} is no member any more; the ERP has {', '.join(shape.members)}"
        yield Finding("ERP-DRIFT-MEMBER", at, text)


def _changed(before: Mapping[str, FieldShape], after: Mapping[str, FieldShape]) -> Iterator[tuple[str, str]]:
    for name in sorted(set(before) | set(after)):
        if name not in after:
            yield name, "is gone since"
        elif name not in before:
            told = ", and must be given" if after[name].is_required else ""
            yield name, f"is new since{told}"
        elif before[name] != after[name]:
            yield name, f"was {_shown(before[name])}, is {_shown(after[name])}"


def _shown(shape: FieldShape) -> str:
    length = f" of {shape.length} characters" if shape.length is not None else ""
    members = f" ({', '.join(shape.members)})" if shape.members else ""
    return f"{'a required ' if shape.is_required else 'a '}{shape.kind}{length}{members}"
