"""The OpenAPI document of the admin API, made from the contract. Pure.

Source: OpenAPI Specification 3.1.0. A test lets schemathesis check the running API against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.api.contract import Parameter, Resource, resources

OPENAPI = "3.1.0"
PATH = "/v1/openapi.json"

_PROBLEMS: Mapping[str, str] = {
    "400": "The request is not what the contract says.",
    "401": "There is no token, or it is not believed.",
    "403": "The token's roles do not cover this.",
    "404": "There is no such thing, or the token does not cover its route.",
    "409": "It would be wrong now; nothing was changed.",
    "503": "Too much at the same time, or the journal cannot write.",
}
_BODY_PROBLEMS: Mapping[str, str] = {
    "411": "The body has no length.",
    "413": "The body is larger than what is taken.",
    "415": "The body is no JSON.",
}


def openapi(version: str) -> dict[str, Any]:
    """Give the document."""
    paths: dict[str, dict[str, Any]] = {}
    definitions: dict[str, Any] = {}
    for each in resources():
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
        for parameter in (*each.in_path, *each.others):
            definitions |= parameter.definitions
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "legacy-bridge admin API",
            "version": version,
            "description": "What the command legacy-bridge asks, over HTTP. Changes are written into the "
            "audit log under the token's subject.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {**definitions, "Problem": _PROBLEM},
        },
    }


_PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "RFC 9457; `code` is stable.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "findings": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["type", "title", "status", "detail", "code"],
}


def _operation(resource: Resource) -> dict[str, Any]:
    parameters = [_parameter(each, "path") for each in resource.in_path]
    if not resource.has_body:
        parameters += [_parameter(each, "query") for each in resource.others]
    operation: dict[str, Any] = {
        "operationId": resource.verb,
        "summary": resource.summary,
        "description": f"Needs the role {resource.role.value}.",
        "tags": [resource.path.split("/")[2]],
        "parameters": parameters,
        "responses": _responses(resource),
    }
    if resource.has_body:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": body_schema(resource)}},
        }
    return operation


def body_schema(resource: Resource) -> dict[str, Any]:
    """Give the JSON Schema of a resource's body."""
    return {
        "type": "object",
        "properties": {each.name: dict(each.schema) for each in resource.others},
        "required": [each.name for each in resource.others if each.is_required],
        "additionalProperties": False,
    }


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.is_required,
        "schema": dict(parameter.schema) if place == "path" else _in_query(parameter.schema),
    }


def _in_query(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a query may say: it has no word for null, which is said by leaving the name out."""
    choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(choices) != 1:
        return dict(schema)
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return {**choices[0], **rest}


def _responses(resource: Resource) -> dict[str, Any]:
    result: dict[str, Any] = {"type": "object"}
    if resource.gives_list:
        result = {"type": "array", "items": {"type": "object"}}
    responses: dict[str, Any] = {
        "200": {
            "description": "Done.",
            "content": {"application/json": {"schema": result}},
        }
    }
    problems = {**_PROBLEMS, **(_BODY_PROBLEMS if resource.has_body else {})}
    for status, text in sorted(problems.items()):
        responses[status] = {
            "description": text,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return responses
