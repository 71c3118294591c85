"""``erp check``: whether a cloud ERP is still what its connector was written for, and lets us in."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import Effect, Finding, Level, NoReply, Position, Reply, Request
from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command, add_configuration, add_group, add_json
from gateway.commands.terminal import counted, print_findings, print_json, print_text, print_wrapped

if TYPE_CHECKING:
    from gateway.config import Configuration, Endpoint
    from gateway.erp.drift.questions import Question
    from gateway.erp.drift.shapes import Shapes
    from gateway.erp.settings import HttpSettings

GOOD, FINDINGS, USAGE = 0, 1, 2
DESCRIPTION_BYTES_MAX = 256 * 1024 * 1024  # a tenant of Dynamics publishes tens of megabytes
TIMEOUT_S = 300.0

EXAMPLE = """\
legacy-bridge erp check fusion
legacy-bridge erp check d365 -c hospital/routes.yaml --save d365.json
legacy-bridge erp check d365 --against d365.json"""

DETAIL = """\
Reads what the ERP publishes about its own fields ($metadata, or describe at
Oracle) and compares it with the fields that the connector uses for the
documents that routes send there. Shows whether credentials and certificates
are good. Nothing is written to the ERP. Run it each night: releases come
unannounced. Ends with 1 where something is missing or changed. After refused
credentials nothing more is sent; each run tries them once, and SAP locks a
user after a few."""

_SETS = {"850": "purchase_order", "855": "acknowledgment", "810": "invoice", "860": "order_change"}


@dataclass(slots=True)
class _Report:
    """What was found out about one endpoint."""

    target: str
    kind: str
    findings: list[Finding] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    shapes: dict[str, Any] = field(default_factory=dict)


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(subparsers, "erp", "see whether a cloud ERP is still what it was", example=EXAMPLE)
    check = add_command(
        group, "check", "compare an ERP's fields, credentials and certificates", run_check,
        example=EXAMPLE, detail=DETAIL,
    )  # fmt: skip
    check.add_argument("target", metavar="TARGET", help="an endpoint of routes.yaml")
    add_configuration(check)
    check.add_argument("--save", metavar="FILE", type=Path, help="keep what the ERP publishes now")
    check.add_argument("--against", metavar="FILE", type=Path, help="tell what changed since it was kept")
    add_json(check)


def run_check(arguments: argparse.Namespace) -> int:
    """Check one endpoint."""
    from gateway.config import Configuration, load

    loaded = load(arguments.config)
    if not isinstance(loaded, Configuration):
        print_findings(loaded)
        return USAGE
    endpoint = loaded.endpoints.get(arguments.target)
    if endpoint is None:
        known = ", ".join(sorted(loaded.endpoints))
        raise CommandError(f"there is no endpoint '{arguments.target}'; there are: {known}")
    earlier = _kept(arguments.against) if arguments.against is not None else None
    report = asyncio.run(_checked(loaded, arguments.target, endpoint, earlier))
    if arguments.save is not None:
        arguments.save.write_text(json.dumps(report.shapes, indent=1, sort_keys=True) + "\n")
    return _told(arguments, report)


async def _checked(
    configuration: Configuration, name: str, endpoint: Endpoint, earlier: Shapes | None
) -> _Report:
    from gateway.erp.drift.questions import questions
    from gateway.erp.http import HttpSink
    from gateway.erp.settings import HttpSettings
    from gateway.security.secrets import SecretStore
    from gateway.system import SystemClock, SystemRng

    settings = endpoint.settings
    documents = documents_for(configuration, name)
    asked = questions(endpoint.kind, settings, documents) if isinstance(settings, HttpSettings) else []
    if not isinstance(settings, HttpSettings) or not asked:
        raise CommandError(
            f"'{name}' is of kind {endpoint.kind}, which publishes nothing about its fields; expected "
            "oracle_fusion, sap_s4hana or dynamics365"
        )
    report = _Report(name, endpoint.kind)
    report.facts.append(("documents", ", ".join(sorted(documents)) or "whatever the connector knows"))
    secret = SecretStore(configuration.folder or Path())
    _certificates(report, settings, secret)
    patient = settings.model_copy(
        update={"reply_bytes_max": DESCRIPTION_BYTES_MAX, "timeout_s": TIMEOUT_S, "read_timeout_s": None}
    )
    sink = HttpSink(name, patient, clock=SystemClock(), rng=SystemRng(), secret=secret)
    try:
        for question in asked:
            request = Request(
                "describe", Effect.READ, "GET", question.address,
                headers=(("Accept", question.accept),), timeout_s=TIMEOUT_S,
            )  # fmt: skip
            reply = await sink.send(request)
            _compared(report, question, reply, earlier)
            if isinstance(reply, Reply) and reply.status == 401:
                break  # whatever else is asked brings the same credentials
    finally:
        await sink.close()
    is_refused = any(each.code == "ERP-CREDENTIALS" for each in report.findings)
    is_told = any(what == "fields" for what, _ in report.facts)
    told = "refused" if is_refused else "accepted" if is_told else "not tried: no answer came"
    report.facts.insert(1, ("credentials", f"{_credentials(settings)}, {told}"))
    return report


def _credentials(settings: HttpSettings) -> str:
    if settings.oauth2 is not None:
        return f"OAuth2 token of {settings.oauth2.token_url}"
    if settings.basic is not None:
        return f"Basic, user {settings.basic.user}"
    return "secret headers" if settings.secret_headers else "none"


def documents_for(configuration: Configuration, target: str) -> set[str]:
    """Name the document types that routes send to an endpoint; empty where one may send any."""
    found: set[str] = set()
    for route in configuration.routes.values():
        if target not in (route.targets.cloud, route.targets.legacy, route.targets.supplier):
            continue
        name = route.source.document or _SETS.get(route.source.set or "")
        if name is None and configuration.gives_erp_orders(route):
            continue  # its events are read, nothing is written because of them
        if name is None:
            return set()
        found.add(name)
        if name == "purchase_order":
            found.add("order_change")  # orders are cancelled, too
    return found


def _certificates(report: _Report, settings: HttpSettings, secret: Any) -> None:
    from cryptography import x509

    from gateway.security.secrets import SecretError
    from gateway.security.tls import certificate_findings

    now, tls = datetime.now(UTC), settings.tls
    if tls.certificate is None and tls.ca is None:
        report.facts.append(
            (
                "certificate",
                "none: the connection is not encrypted"
                if settings.plaintext
                else "none of ours; the server's is judged by the system's authorities",
            )
        )
        return
    report.findings += certificate_findings(tls, secret, now)
    for what, reference in (("certificate", tls.certificate), ("authority", tls.ca)):
        if reference is None:
            continue
        try:
            found = x509.load_pem_x509_certificates(secret(reference).encode())
        except (SecretError, ValueError):
            continue  # a finding already
        for each in found:
            days = (each.not_valid_after_utc - now).days
            told = f"ends {each.not_valid_after_utc:%Y-%m-%d} (in {counted(days, 'day')})"
            report.facts.append((what, f"{each.subject.rfc4514_string()} {told}"))


def _compared(report: _Report, question: Question, reply: Reply | NoReply, earlier: Shapes | None) -> None:
    from gateway.erp.drift.compare import changes, differences

    place = f"{report.target} {question.address}"
    refused = _refusal(place, reply)
    if refused is not None:
        report.findings.append(refused)
        return
    assert isinstance(reply, Reply)  # noqa: S101 - anything else is refused
    try:
        shapes = question.read(reply.body)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's answer breaks is told
        text = f"what came is no description of fields: {error}"
        report.findings.append(Finding("ERP-DRIFT-UNREADABLE", Position(place), text))
        return
    found = differences(place, question.uses, shapes)
    report.findings += found
    if earlier is not None:
        known = {name: earlier[name] for name in question.uses if name in earlier}
        report.findings += changes(
            place, known, {name: each for name, each in shapes.items() if name in known}
        )
    used = sum(len(use.fields) for use in question.uses.values())
    entities = counted(len(question.uses), "entity", "entities")
    told = f"{entities}, {counted(used, 'field')} in use, {len(found)} differ ({question.address})"
    report.facts.append(("fields", told))
    for name, fields in shapes.items():
        report.shapes[name] = {each: asdict(shape) for each, shape in fields.items()}


def _refusal(place: str, reply: Reply | NoReply) -> Finding | None:
    if isinstance(reply, NoReply):
        code = "ERP-CREDENTIALS" if reply.kind == "credential" else "ERP-UNREACHABLE"
        return Finding(code, Position(place), reply.reason)
    if reply.status in (401, 403):
        from gateway.commands.tried_logins import AGAIN

        why = f"the ERP does not accept these credentials; {AGAIN}"
        if reply.status == 403:
            why = "the credentials may not read this; see the account's rights in the ERP"
        text = f"status {reply.status}: {why}"
        return Finding("ERP-CREDENTIALS", Position(place), text)
    if reply.status != 200:
        return Finding("ERP-UNREACHABLE", Position(place), f"status {reply.status}; expected the description")
    return None


def _kept(path: Path) -> Shapes:
    from gateway.erp.drift.shapes import FieldShape

    try:
        read: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text())
        return {
            entity: {
                name: FieldShape(**{**each, "members": tuple(each.get("members", ()))})
                for name, each in fields.items()
            }
            for entity, fields in read.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} was not written by --save: {error}") from error


def _told(arguments: argparse.Namespace, report: _Report) -> int:
    errors = [each for each in report.findings if each.level is not Level.NOTE]
    if arguments.json:
        print_json(
            {
                "target": report.target,
                "kind": report.kind,
                "is_good": not errors,
                "facts": [{"what": what, "found": found} for what, found in report.facts],
                "findings": [each.to_json() for each in report.findings],
            }
        )
        return FINDINGS if errors else GOOD
    for what, found in report.facts:
        print_wrapped(found, f"{what:<13}", " " * 13)
    print_findings(report.findings)
    verdict = (
        "good" if not errors else counted(len(errors), "difference or refusal", "differences or refusals")
    )
    print_text(f"{report.target} ({report.kind}): {verdict}")
    return FINDINGS if errors else GOOD
