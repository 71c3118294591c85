"""What an ERP says about its own fields, read from `$metadata` (OData V2, V4) or `describe` (Oracle). Pure.

Sources: OData CSDL XML 4.01; OData V2 CSDL; Oracle's REST documentation on `describe`. A tenant of Dynamics
publishes tens of megabytes, so only the entities that are asked about are cut out and parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree

from adapters.xml import parse_xml
from canonical.registry import read_json

Kind = Literal["text", "number", "date", "boolean", "enum", "other"]


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field as it is published. `members`: of an enumeration; `length`: None where there is no bound."""

    kind: Kind
    length: int | None = None
    is_required: bool = False
    members: tuple[str, ...] = ()


Shapes = Mapping[str, Mapping[str, FieldShape]]  # entity -> field

_EDM: Mapping[str, Kind] = {
    "String": "text",
    "Guid": "text",
    "Decimal": "number",
    "Double": "number",
    "Single": "number",
    "Byte": "number",
    "SByte": "number",
    "Int16": "number",
    "Int32": "number",
    "Int64": "number",
    "Date": "date",
    "DateTime": "date",
    "DateTimeOffset": "date",
    "Boolean": "boolean",
}
_DESCRIBED: Mapping[str, Kind] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "date": "date",
    "datetime": "date",
    "boolean": "boolean",
}
_ROOT = re.compile(rb"<(?:\w+:)?(?:Edmx|DataServices|Schema)\b[^>]*>")
_SET = re.compile(rb"<(?:\w+:)?EntitySet\b[^>]*?>")
_ATTRIBUTE = re.compile(rb"""([\w:.]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class ShapeError(ValueError):
    """What came is no description of fields; the text says why."""


def edmx_shapes(body: bytes, entity_sets: Sequence[str]) -> Shapes:
    """Give the fields of some entity sets. A set that is not published is not there. Errors: ShapeError."""
    types = _types_of_sets(body)
    wanted = {name: types[name] for name in entity_sets if name in types}
    roots = list(dict.fromkeys(_ROOT.findall(body)))
    if not roots:
        raise ShapeError("expected an EDMX document with a Schema")
    blocks = [block for name in sorted(set(wanted.values())) for block in _blocks(body, b"EntityType", name)]
    enums = {name for block in blocks for name in _enums_of(block)}
    blocks += [block for name in sorted(enums) for block in _blocks(body, b"EnumType", name)]
    root = parse_xml(_document(roots, blocks), "$metadata")
    members = {str(each.get("Name")): _members(each) for each in _named(root, "EnumType")}
    fields = {str(each.get("Name")): _fields(each, members) for each in _named(root, "EntityType")}
    return {name: fields[kind] for name, kind in wanted.items() if kind in fields}


def described_shapes(body: bytes) -> Shapes:
    """Give the fields of Oracle's resources, and of children as `resource/child`. Errors: ShapeError."""
    read = read_json(body)
    resources = read.get("Resources") if isinstance(read, dict) else None
    if not isinstance(resources, dict):
        raise ShapeError("expected Resources, as describe gives them")
    return dict(_described(resources, ""))


def _described(resources: Mapping[str, Any], above: str) -> Iterator[tuple[str, Mapping[str, FieldShape]]]:
    for name, resource in resources.items():
        if not isinstance(resource, dict):
            continue
        attributes = resource.get("attributes")
        yield (
            f"{above}{name}",
            {
                str(each.get("name")): _attribute(each)
                for each in (attributes if isinstance(attributes, list) else ())
                if isinstance(each, dict)
            },
        )
        children = resource.get("children")
        if isinstance(children, dict):
            yield from _described(children, f"{above}{name}/")


def _attribute(entry: Mapping[str, Any]) -> FieldShape:
    length = entry.get("maxLength")
    return FieldShape(
        _DESCRIBED.get(str(entry.get("type")).lower(), "other"),
        int(length) if isinstance(length, int) or (isinstance(length, str) and length.isdecimal()) else None,
        entry.get("mandatory") is True,
    )


def _types_of_sets(body: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in _SET.findall(body):
        attributes = {name: (one or other).decode() for name, one, other in _ATTRIBUTE.findall(tag)}
        name, kind = attributes.get(b"Name", ""), attributes.get(b"EntityType", "")
        found[name] = kind.rpartition(".")[2]
    return found


def _blocks(body: bytes, element: bytes, name: str) -> list[bytes]:
    start = re.compile(
        rb"<(?:\w+:)?%s\b[^>]*?\bName\s*=\s*[\"']%s[\"'][^>]*>" % (element, re.escape(name.encode()))
    )
    found = start.search(body)
    if found is None:
        return []
    if found[0].endswith(b"/>"):
        return [found[0]]
    end = re.compile(rb"</(?:\w+:)?%s\s*>" % element).search(body, found.end())
    return [body[found.start() : end.end()]] if end is not None else []


def _enums_of(block: bytes) -> Iterator[str]:
    for kind in re.findall(rb"\bType\s*=\s*[\"']([\w.]+)[\"']", block):
        if not kind.startswith(b"Edm."):
            yield kind.decode().rpartition(".")[2]


def _document(roots: Sequence[bytes], blocks: Sequence[bytes]) -> bytes:
    """Put cut-out elements below the document's own root elements, whose prefixes they use."""
    chosen, names = [], set()
    for tag in roots:
        name = re.match(rb"<((?:\w+:)?\w+)", tag)
        local = name[1].rpartition(b":")[2] if name is not None else b""
        if name is not None and local not in names:  # several schemas become one
            names.add(local)
            chosen.append((tag.removesuffix(b"/>").removesuffix(b">") + b">", name[1]))
    opening = b"".join(tag for tag, _ in chosen)
    closing = b"".join(b"</%s>" % name for _, name in reversed(chosen))
    return opening + b"".join(blocks) + closing


def _named(root: etree._Element, local: str) -> Iterator[etree._Element]:
    yield from (each for each in root.iter() if etree.QName(each).localname == local)


def _fields(element: etree._Element, members: Mapping[str, tuple[str, ...]]) -> Mapping[str, FieldShape]:
    return {str(each.get("Name")): _property(each, members) for each in _named(element, "Property")}


def _property(element: etree._Element, members: Mapping[str, tuple[str, ...]]) -> FieldShape:
    kind, length = str(element.get("Type")), element.get("MaxLength", "")
    is_required = element.get("Nullable") == "false"
    namespace, _, local = kind.rpartition(".")
    if namespace != "Edm":
        return FieldShape("enum", None, is_required, members.get(local, ()))
    return FieldShape(_EDM.get(local, "other"), int(length) if length.isdecimal() else None, is_required)


def _members(element: etree._Element) -> tuple[str, ...]:
    return tuple(str(each.get("Name")) for each in _named(element, "Member"))
