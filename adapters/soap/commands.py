"""``legacy-bridge soap check WSDL``: what of a WSDL can be served, and how a route of it begins."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.base.commands import CommandError, Desk, Subparsers
from adapters.soap.wsdl import Operation, Wsdl


def add(subparsers: Subparsers, desk: Desk) -> None:
    """Add the command and what stands below it."""
    group = desk.group(
        subparsers,
        "soap",
        "read a WSDL: what can be served, and how a route begins",
        example="legacy-bridge soap check legacy/Purchasing.wsdl",
    )
    check = desk.command(
        group,
        "check",
        "print what a WSDL offers and lacks, and a beginning for routes.yaml",
        _check,
        example="legacy-bridge soap check mms.wsdl --operation SubmitPurchaseOrder",
        detail="What the WSDL imports is read from its own folder only; nothing is fetched.",
    )
    check.add_argument("wsdl", metavar="WSDL", type=Path, help="the WSDL's file")
    check.add_argument(
        "--operation",
        metavar="NAME",
        action="append",
        default=[],
        help="only this one, with a mapping to fill",
    )
    desk.add_json(check)


def _check(arguments: argparse.Namespace, desk: Desk) -> int:
    from adapters.soap.driver_wsdl import WsdlError, read_wsdl

    if not arguments.wsdl.is_file():
        raise CommandError(f"there is no file '{arguments.wsdl}'")
    try:
        wsdl = read_wsdl(arguments.wsdl)
    except WsdlError as error:
        desk.print_findings([error.finding], as_json=arguments.json)
        return 1
    chosen = _chosen(wsdl, arguments.operation)
    if arguments.json:
        desk.print_json(_as_json(wsdl, chosen, str(arguments.wsdl)))
    else:
        with_mappings = bool(arguments.operation) or len(chosen) == 1
        _print(wsdl, chosen, desk, str(arguments.wsdl), with_mappings=with_mappings)
    return 1 if desk.print_findings(wsdl.findings, as_json=arguments.json) else 0


def _chosen(wsdl: Wsdl, names: Sequence[str]) -> list[Operation]:
    known = wsdl.operations
    for name in names:
        if name not in known:
            raise CommandError(f"there is no operation '{name}'; there are: {', '.join(sorted(known))}")
    return [known[name] for name in names] if names else list(known.values())


def _print(wsdl: Wsdl, chosen: Sequence[Operation], desk: Desk, path: str, *, with_mappings: bool) -> None:
    from adapters.soap.skeleton import mapping_skeleton, route_skeleton

    desk.print_table(
        ["PORT", "SOAP", "OPERATIONS"],
        [[port.name, _version(port.version), str(len(port.operations))] for port in wsdl.ports],
        fixed=[1, 2],
    )
    desk.print_text("")
    desk.print_table(["OPERATION", "STYLE", "ANSWERS", "FAULTS"], [_row(each) for each in chosen])
    desk.print_verbatim("", "# A beginning for routes.yaml", *route_skeleton(wsdl, chosen, path).splitlines())
    if not with_mappings:
        text = "For the beginning of a mapping, name an operation: --operation NAME"
        desk.print_text("")
        desk.print_wrapped(text)
        return
    for operation in chosen:
        title = f"# A beginning for the mapping of {operation.name}"
        desk.print_verbatim("", title, *mapping_skeleton(operation).splitlines())


def _row(operation: Operation) -> list[str]:
    answers = "yes" if operation.output is not None else "one-way"
    return [operation.name, operation.style_text, answers, ", ".join(operation.faults) or "-"]


def _version(version: Any) -> str:
    return {"SOAP11": "1.1", "SOAP12": "1.2"}[version.name]


def _as_json(wsdl: Wsdl, chosen: Sequence[Operation], path: str) -> dict[str, Any]:
    from adapters.soap.skeleton import mapping_skeleton, route_skeleton

    return {
        "wsdl": wsdl.name,
        "ports": [
            {
                "service": port.service,
                "name": port.name,
                "soap": _version(port.version),
                "address": port.address,
                "operations": list(port.operations),
            }
            for port in wsdl.ports
        ],
        "operations": [
            {
                "name": each.name,
                "style": each.style_text,
                "soap_action": each.soap_action,
                "answers": each.output is not None,
                "faults": list(each.faults),
                "mapping": mapping_skeleton(each),
            }
            for each in chosen
        ],
        "findings": [finding.to_json() for finding in wsdl.findings],
        "routes": route_skeleton(wsdl, chosen, path),
    }
