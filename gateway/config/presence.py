"""What stands around routes.yaml and must be there: secrets, certificates, files.

This part of ``check`` looks at the machine it runs on. What is not there yet is a note, so that a
configuration can be written before its secrets are; with ``live`` it is an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from pydantic import BaseModel

from adapters.base import Finding, Level
from adapters.base.registry import adapters
from adapters.base.settings import PresentFile
from gateway.config.catalogue import Catalogue, installed
from gateway.config.configuration import Configuration
from gateway.config.draft import draft_of
from gateway.config.endpoints import Endpoint
from gateway.config.loading import in_order
from gateway.config.named_texts import library_for
from gateway.config.rules import judge
from gateway.config.texts import HIDDEN, key_of

EXPIRY_NOTE = timedelta(days=30)
REFERENCE_BYTES_MAX = 1024 * 1024

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+", re.DOTALL)
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class _Found:
    """A reference or file that an entry names, and where."""

    section: str
    name: str
    path: tuple[str | int, ...]
    value: str


def check(
    configuration: Configuration, *, live: bool, now: datetime, catalogue: Catalogue | None = None
) -> list[Finding]:
    """Give every note and error about a configuration that loads.

    ``live``: secrets and files that are not there, and certificates that are not valid, are errors.
    """
    missing = Level.REJECTED if live else Level.NOTE
    findings = judge(draft_of(configuration, catalogue or installed()))
    for each in _named(configuration):
        found = _reference(each, configuration, missing, now) if _is_reference(each) else _file(each, missing)
        at = configuration.places.at(each.section, each.name, *each.path)
        findings += [Finding(code, at, text, level) for code, text, level in found]
    for name, endpoint in configuration.endpoints.items():
        files = [each for each in _walk("endpoints", name, (), endpoint) if not _is_reference(each)]
        if all(Path(each.value).is_file() for each in files):  # one that is not there is told already
            findings += _endpoint(name, endpoint, configuration)
    return in_order(findings, [configuration.places.source])


def _is_reference(found: _Found) -> bool:
    return _REFERENCE.fullmatch(found.value) is not None


def _endpoint(name: str, endpoint: Endpoint, configuration: Configuration) -> Iterator[Finding]:
    """Let an endpoint's adapter judge it with the files that it names (a WSDL, mappings)."""
    adapter = adapters().get(endpoint.kind)
    if adapter is None or adapter.judge_endpoint is None or endpoint.settings is None:
        return
    library = library_for(configuration.library, endpoint.settings)
    for finding in adapter.judge_endpoint(name, endpoint.settings, library):
        prefix, _, keys = finding.at.source.partition(".")
        if prefix != name:
            yield finding
            continue
        at = configuration.places.at("endpoints", name, *(keys.split(".") if keys else ()))
        yield replace(finding, at=at)


def _named(configuration: Configuration) -> Iterator[_Found]:
    yield from _walk("gateway", "", (), configuration.gateway)
    for section in ("endpoints", "partners", "routes"):
        for name, entry in getattr(configuration, section).items():
            yield from _walk(section, name, (), entry)


def _walk(section: str, name: str, path: tuple[str | int, ...], value: object) -> Iterator[_Found]:
    """Give every reference and every file that must be there below a value."""
    match value:
        case BaseModel():
            for field_name, field in type(value).model_fields.items():
                key = key_of(field_name, field)
                below = path if key.startswith(HIDDEN) else (*path, key)
                yield from _walk(section, name, below, getattr(value, field_name))
        case dict():
            for key, entry in value.items():
                yield from _walk(section, name, (*path, str(key)), entry)
        case list() | tuple():
            for index, entry in enumerate(value):
                yield from _walk(section, name, (*path, index), entry)
        case PresentFile():
            yield _Found(section, name, path, value)
        case str() if _REFERENCE.fullmatch(value):
            yield _Found(section, name, path, value)


def _file(found: _Found, missing: Level) -> Iterator[tuple[str, str, Level]]:
    if not Path(found.value).is_file():
        yield "CONFIG-FILE", f"there is no file '{found.value}'", missing


def _reference(
    found: _Found, configuration: Configuration, missing: Level, now: datetime
) -> Iterator[tuple[str, str, Level]]:
    kind, _, place = found.value.partition(":")
    if kind == "env":
        if not os.environ.get(place):
            yield "CONFIG-SECRET", f"environment variable {place} is not set", missing
        return
    path = (configuration.folder or Path()) / place
    try:
        with path.open("rb") as file:
            content = file.read(REFERENCE_BYTES_MAX)
    except OSError as error:
        yield "CONFIG-SECRET", f"'{path}' cannot be read: {error.strerror or error}", missing
        return
    if not content.strip():
        yield "CONFIG-SECRET", f"'{path}' is empty", missing
    elif _CERTIFICATE in content:
        yield from _certificates(path, content, missing, now)


def _certificates(
    path: Path, content: bytes, invalid: Level, now: datetime
) -> Iterator[tuple[str, str, Level]]:
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        yield "CONFIG-CERTIFICATE", f"'{path}' holds a certificate that cannot be read: {error}", invalid
        return
    for certificate in certificates:
        subject = certificate.subject.rfc4514_string()
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now > ends:
            yield "CONFIG-CERTIFICATE", f"certificate {subject} in '{path}' ended on {ends:%Y-%m-%d}", invalid
        elif now < begins:
            yield (
                "CONFIG-CERTIFICATE",
                f"certificate {subject} in '{path}' begins on {begins:%Y-%m-%d}",
                invalid,
            )
        elif ends - now < EXPIRY_NOTE:
            yield (
                "CONFIG-CERTIFICATE",
                f"certificate {subject} in '{path}' ends on {ends:%Y-%m-%d}",
                Level.NOTE,
            )
