"""A beginning for routes.yaml and for a mapping, from a WSDL. Pure.

What a person must decide is left open on purpose: the mapping does not load before it is decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from adapters.mapping import SourceField
from adapters.soap.plan import HEADER_KEY, message_fields
from adapters.soap.wsdl import Operation, Wsdl

_DOCUMENTS = (
    ("requisition", "requisition"),
    ("acknowledg", "acknowledgment"),
    ("invoice", "invoice"),
    ("receipt", "goods_receipt"),
    ("receiv", "goods_receipt"),
    ("budget", "budget_check"),
    ("supplier", "supplier"),
    ("vendor", "supplier"),
    ("order", "purchase_order"),
    ("item", "item"),
)
_PLAIN = re.compile(r"[A-Za-z0-9_.]+")


def route_skeleton(wsdl: Wsdl, operations: Sequence[Operation], path: str) -> str:
    """Give the endpoint and a route for each operation, as YAML. ``path``: the WSDL's, as it was given."""
    name = wsdl.name.rpartition(".")[0] or wsdl.name
    lines = [
        "endpoints:",
        "  legacy-facade:",
        "    kind: soap",
        "    environment: test",
        f"    wsdl: {path}",
        f"    serve: {{path: /services/{name}}}",
        "mappings:",
        *(f"  {_mapping_name(each)}: mappings/{_mapping_name(each)}.yaml" for each in operations),
        "routes:",
    ]
    for operation in operations:
        lines += [
            f"  - id: soap.{_slug(operation.name)}",
            "    from:",
            "      endpoint: legacy-facade",
            "      format: soap",
            f"      set: {operation.name}",
            "      identity: message_id",
            "      settings:",
            f"        mapping: {_mapping_name(operation)}",
            *_replies(operation),
            "    targets: {legacy: LEGACY-ENDPOINT, cloud: ERP-ENDPOINT}",
            "    stage: legacy",
            "    reply: {mode: pass_through, within: 30s}",
        ]
    return "\n".join(lines)


def mapping_skeleton(operation: Operation) -> str:
    """Give a mapping for an operation's request: every field once, its canonical place left open."""
    lines = [
        f"mapping: {_mapping_name(operation)}",
        f"document: {_document(operation)}       # guessed from the name",
        "direction: read",
        "fields:            # CANONICAL-PATH: SOURCE-PATH; write each canonical path, see docs/mapping.md",
    ]
    fields = [field for field in message_fields(operation.input) if field.name != HEADER_KEY]
    lines += _level(fields, "  ")
    headers = [field for field in message_fields(operation.input) if field.name == HEADER_KEY]
    ignored = [path for field in headers for path, each in _leaves((field,)) if not each.repeated]
    if ignored:
        lines += ["source:", *(f"  {_quoted(path)}: ignore" for path in ignored)]
    groups = list(_groups(fields, "", 0))
    if groups:
        lines += ["groups:", *groups]
    return "\n".join(lines)


def _replies(operation: Operation) -> Iterator[str]:
    if operation.output is None or not operation.output.body:
        return
    needed = [field.name for field in message_fields(operation.output) if field.required]
    yield "        replies:"
    filled = ", ".join(f"{name}: TODO" for name in needed)
    yield f"          delivered: {{{filled}}}"
    if operation.faults:
        yield f"          fault: {{name: {next(iter(operation.faults))}, fields: {{}}}}"


def _level(fields: Sequence[SourceField], indent: str) -> list[str]:
    paths = [path for path, field in _leaves(fields) if not field.repeated]
    width = max((len(path) for path in paths), default=0)
    required = {path for path, field in _leaves(fields) if field.required}
    return [
        f"{indent}TODO.{number}: {_quoted(path)}{' ' * (width - len(path))}"
        f"  # {'required' if path in required else 'optional'}"
        for number, path in enumerate(paths, 1)
    ]


def _groups(fields: Sequence[SourceField], above: str, depth: int) -> Iterator[str]:
    indent = "  " * (2 * depth + 1)
    for number, (path, field) in enumerate(
        ((path, field) for path, field in _leaves(fields) if field.repeated), start=1
    ):
        yield f"{indent}TODO.{number}:"
        yield f"{indent}  from: {_quoted(path)}"
        yield f"{indent}  fields:"
        yield from _level(field.fields, f"{indent}    ") or [f"{indent}    TODO: ."]
        below = list(_groups(field.fields, path, depth + 1))
        if below:
            yield f"{indent}  groups:"
            yield from below


def _leaves(fields: Sequence[SourceField], above: str = "") -> Iterator[tuple[str, SourceField]]:
    for field in fields:
        path = f"{above}.{field.name}".lstrip(".")
        if field.fields and not field.repeated:
            yield from _leaves(field.fields, path)
        else:
            yield path, field


def _document(operation: Operation) -> str:
    name = operation.name.lower()
    return next((document for word, document in _DOCUMENTS if word in name), "purchase_order")


def _mapping_name(operation: Operation) -> str:
    return _slug(operation.name).replace("-", "_")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()).strip("-")


def _quoted(path: str) -> str:
    return path if _PLAIN.fullmatch(path) else f'"{path}"'
