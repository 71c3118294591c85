"""Loading routes.yaml: a whole Configuration, or everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from adapters.base import Finding, Level, Library, Position
from adapters.base.settings import Settings
from adapters.base.yaml import ScalarNode
from gateway.config.catalogue import Catalogue, installed
from gateway.config.configuration import Configuration, MappingFile, library_of
from gateway.config.defaults import Defaults
from gateway.config.draft import Draft
from gateway.config.entries import Entry, Parts, read_parts
from gateway.config.files import (
    FileError,
    Files,
    FolderFiles,
    StoredFiles,
    joined,
    normalised,
    parted,
    read_text,
)
from gateway.config.process import GatewaySettings
from gateway.config.rules import judge
from gateway.config.shapes import Shaped, shaped, shaped_endpoint, shaped_partner, shaped_route

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_RESERVED = frozenset({"reply", "http"})


def load(path: Path, catalogue: Catalogue | None = None) -> Configuration | list[Finding]:
    """Read a routes.yaml with all that it includes.

    Gives a Configuration, or every finding, in the order of the files. Relative paths count from the
    file's folder. Nothing is started, no secret is opened.
    """
    try:
        text = read_text(path)
    except FileError as error:
        return [Finding("CONFIG-FILE", Position(str(path)), str(error))]
    folder = path.absolute().parent
    return _loaded(str(path), text, FolderFiles(folder), folder, catalogue, str(path.parent / "{}"))


def load_text(
    text: str,
    source: str = "routes.yaml",
    *,
    folder: Path | None = None,
    catalogue: Catalogue | None = None,
) -> Configuration | list[Finding]:
    """Read a canonical text, as the journal keeps it, or a text without includes.

    ``source`` names it in findings (``revision 7``); ``folder`` is what relative paths count from,
    None leaves them as they are.
    """
    main, others = parted(text)
    return _loaded(source, main, StoredFiles(others), folder, catalogue, f"{source}: {{}}")


def _loaded(
    source: str, text: str, files: Files, folder: Path | None, catalogue: Catalogue | None, name_of: str
) -> Configuration | list[Finding]:
    known = catalogue or installed()
    main = normalised(text)
    parts = read_parts(source, main, files, name_of)
    findings = list(parts.findings)
    if not parts.entries:
        return findings or [Finding("CONFIG-EMPTY", Position(source, 1, 1), "the file declares nothing")]
    crosswalks = _crosswalks(parts, findings)
    mappings = _named_files(parts, files, "mappings", "the name of a mapping file", findings)
    layouts = _named_files(parts, files, "layouts", "the name of a layout file", findings)
    draft = _draft(parts, known, folder, findings, library_of(mappings, layouts))
    judged = {finding.at for finding in findings}  # what is unreadable is not also judged
    findings += [each for each in judge(draft) if each.level is not Level.NOTE and each.at not in judged]
    gateway = draft.gateway
    if findings or gateway is None:
        return in_order(findings, [source, *map(name_of.format, parts.texts)])
    return Configuration(
        gateway=gateway,
        defaults=draft.defaults or Defaults(),
        endpoints=draft.endpoints,
        partners=draft.partners,
        crosswalks=crosswalks,
        mappings=mappings,
        layouts=layouts,
        routes=draft.routes,
        text=joined(
            main, parts.texts | {each.file: each.text for each in (*mappings.values(), *layouts.values())}
        ),
        places=draft.places,
        folder=folder,
    )


def in_order(findings: Iterable[Finding], sources: list[str]) -> list[Finding]:
    """Sort findings by file, line and column, each once."""
    rank = {source: number for number, source in enumerate(sources)}

    def place(finding: Finding) -> tuple[int, int, int]:
        at = finding.at
        return rank.get(at.source, len(rank)), at.line or 0, at.column or 0

    return sorted(_distinct(findings), key=place)


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    seen: dict[tuple[object, ...], Finding] = {}
    for each in findings:
        seen.setdefault((each.code, each.at, each.text), each)
    return list(seen.values())


def _draft(
    parts: Parts, catalogue: Catalogue, folder: Path | None, findings: list[Finding], library: Library
) -> Draft:
    by_section: dict[str, dict[str, Entry]] = {}
    for entry in parts.entries:
        by_section.setdefault(entry.section, {}).setdefault(entry.name, entry)
    for section in ("endpoints", "partners"):
        findings += [each for entry in by_section.get(section, {}).values() for each in _name(entry)]

    def models(section: str, judge_entry: Any) -> dict[str, Any]:
        found = {
            name: _judged(entry, judge_entry(entry.node), findings)
            for name, entry in by_section.get(section, {}).items()
        }
        return {name: value for name, value in found.items() if value is not None}

    single = {"gateway": GatewaySettings, "defaults": Defaults}
    process = {
        section: found.get("")
        for section, model in single.items()
        for found in [models(section, lambda node, model=model: shaped(node, model, folder))]
    }
    if "gateway" not in by_section:
        at = Position(parts.source, 1, 1, "gateway")
        findings.append(
            Finding("CONFIG-MISSING", at, "section 'gateway' is missing; it says which environment this is")
        )
    endpoints = models("endpoints", lambda node: shaped_endpoint(node, catalogue, folder))
    kinds = {name: endpoint.kind for name, endpoint in endpoints.items()}
    return Draft(
        gateway=process["gateway"],
        defaults=process["defaults"],
        endpoints=endpoints,
        partners=models("partners", lambda node: shaped_partner(node, catalogue, folder)),
        routes=models("routes", lambda node: shaped_route(node, catalogue, folder, kinds)),
        names={section: frozenset(entries) for section, entries in by_section.items()},
        places=parts.places(),
        catalogue=catalogue,
        library=library,
    )


def _judged(entry: Entry, result: Shaped[Any], findings: list[Finding]) -> Settings | None:
    findings += [Finding(each.code, entry.at(*each.loc), each.text) for each in result.problems]
    return result.value


def _name(entry: Entry) -> list[Finding]:
    if _NAME.fullmatch(entry.name) and entry.name not in _RESERVED:
        return []
    text = f"'{entry.name}' is no name; expected a-z, 0-9, dot, dash and underscore, and not reply or http"
    return [Finding("CONFIG-NAME", entry.at(), text)]


def _crosswalks(parts: Parts, findings: list[Finding]) -> dict[str, str]:
    return _texts(parts, "crosswalks", "the name of a code table", findings)


def _named_files(
    parts: Parts, files: Files, section: str, expected: str, findings: list[Finding]
) -> Mapping[str, MappingFile]:
    found = {}
    for name, file in _texts(parts, section, expected, findings).items():
        try:
            found[name] = MappingFile(name, file, files.read(file))
        except FileError as error:
            entry = next(each for each in parts.entries if (each.section, each.name) == (section, name))
            findings.append(Finding("CONFIG-MAPPING", entry.at(), str(error)))
    return found


def _texts(parts: Parts, section: str, expected: str, findings: list[Finding]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in parts.entries:
        if entry.section != section:
            continue
        if isinstance(entry.node, ScalarNode) and entry.node.text:
            found.setdefault(entry.name, entry.node.text)
        else:
            findings.append(Finding("CONFIG-VALUE", entry.at(), f"expected {expected}"))
    return found
