"""`$metadata`: what this ERP's entities are, in CSDL, made from the same rules that judge what is written.

Source: OData CSDL XML 4.01. Real tenants give thousands of entities; these are what purchasing needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from simulators.cloud_erp.base.fields import Rule
from simulators.cloud_erp.dynamics365.queries import ENUM_NAMESPACE

_TYPES = {
    "string": "Edm.String",
    "number": "Edm.Decimal",
    "integer": "Edm.Int64",
    "boolean": "Edm.Boolean",
    "date": "Edm.Date",
    "datetime": "Edm.DateTimeOffset",
}
NAMESPACE = ENUM_NAMESPACE.rstrip(".")


def metadata(entities: Mapping[str, Mapping[str, Rule]], keys: Mapping[str, tuple[str, ...]]) -> str:
    """Give the document."""
    enums = {rule.of: rule.values for fields in entities.values() for rule in fields.values() if rule.values}
    sets = "".join(
        f"<EntitySet Name={quoteattr(name)} EntityType={quoteattr(f'{NAMESPACE}.{type_name(name)}')}/>"
        for name in entities
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        + "".join(_entity(name, fields, keys[name]) for name, fields in entities.items())
        + "".join(_enum(name, members) for name, members in enums.items())
        + f'<EntityContainer Name="Resources">{sets}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    )


def type_name(entity_set: str) -> str:
    """Give an entity type's name: its set's, in the singular."""
    stem = entity_set.removesuffix("V2")
    return stem.removesuffix("s") + ("V2" if entity_set.endswith("V2") else "")


def _entity(name: str, fields: Mapping[str, Rule], keys: tuple[str, ...]) -> str:
    refs = "".join(f"<PropertyRef Name={quoteattr(key)}/>" for key in keys)
    properties = "".join(_property(field, rule, field in keys) for field, rule in fields.items())
    return f"<EntityType Name={quoteattr(type_name(name))}><Key>{refs}</Key>{properties}</EntityType>"


def _property(name: str, rule: Rule, is_key: bool) -> str:
    kind = f"{NAMESPACE}.{rule.of}" if rule.values else _TYPES[rule.type]
    nullable = ' Nullable="false"' if is_key else ""
    length = f' MaxLength="{rule.length}"' if rule.length is not None and not rule.values else ""
    # Dynamics declares the scale of its decimals as variable.
    scale = ' Scale="variable"' if kind == "Edm.Decimal" else ""
    return f"<Property Name={quoteattr(name)} Type={quoteattr(kind)}{nullable}{length}{scale}/>"


def _enum(name: str, members: tuple[str, ...]) -> str:
    listed = "".join(f'<Member Name={quoteattr(each)} Value="{at}"/>' for at, each in enumerate(members))
    return f"<EnumType Name={quoteattr(name)}>{listed}</EnumType>"
