"""`$metadata` of the simulated services, made of the same field table that bodies are checked by. Pure."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from simulators.cloud_erp.sap_s4hana.schema import Entity, Field, entities

_TYPES = {
    "v2": {"date": "Edm.DateTime", "moment": "Edm.DateTimeOffset"},
    "v4": {"date": "Edm.Date", "moment": "Edm.DateTimeOffset"},
}
_PLAIN = {"string": "Edm.String", "decimal": "Edm.Decimal", "bool": "Edm.Boolean"}
_ROOTS = {
    "v2": 'Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"'
    ' xmlns:sap="http://www.sap.com/Protocols/SAPData"',
    "v4": 'Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"',
}
_SCHEMAS = {
    "v2": "http://schemas.microsoft.com/ado/2008/09/edm",
    "v4": "http://docs.oasis-open.org/odata/ns/edm",
}


def metadata(version: str, sets: set[str], without: frozenset[str] = frozenset()) -> bytes:
    """Write the metadata of some entity sets; `without` (`Set/Field`) leaves fields out, for drift."""
    chosen = [each for each in entities().values() if each.version == version and each.name in sets]
    types = "".join(_entity_type(each, without) for each in chosen)
    named = "".join(f'<EntitySet Name="{each.name}" EntityType="SIM.{each.name}Type"/>' for each in chosen)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><edmx:Edmx {_ROOTS[version]}><edmx:DataServices>'
        f'<Schema Namespace="SIM" xmlns="{_SCHEMAS[version]}">{types}'
        f'<EntityContainer Name="Container">{named}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()


def _entity_type(entity: Entity, without: frozenset[str]) -> str:
    fields = [each for each in entity.fields.values() if f"{entity.name}/{each.name}" not in without]
    keys = "".join(f'<PropertyRef Name="{each.name}"/>' for each in fields if each.is_key)
    plain = "".join(_property(entity.version, each) for each in fields if each.kind != "many")
    links = "".join(
        f'<NavigationProperty Name="{each.name}" Type="Collection(SIM.{each.leads_to}Type)"/>'
        for each in fields
        if each.kind == "many"
    )
    key = f"<Key>{keys}</Key>" if keys else ""
    return f'<EntityType Name="{entity.name}Type">{key}{plain}{links}</EntityType>'


def _property(version: str, field: Field) -> str:
    attributes = {"Name": field.name, "Type": _PLAIN.get(field.kind) or _TYPES[version][field.kind]}
    if field.length is not None:
        attributes["MaxLength"] = str(field.length)
    if field.digits is not None:
        attributes["Precision"] = str(field.digits)
        attributes["Scale"] = "variable" if field.decimals is None else str(field.decimals)
    if version == "v2" and field.is_read_only:
        attributes |= {"sap:creatable": "false", "sap:updatable": "false"}
    return "<Property " + " ".join(f"{name}={quoteattr(text)}" for name, text in attributes.items()) + "/>"
