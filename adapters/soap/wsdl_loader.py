"""The WSDLs of this process: each is read when it is first asked for, and again when a reload asks for it.

What changes on disk in between is not looked at: somebody may be editing it. A WSDL that cannot be read any
more, or whose schemas do not compile, leaves the one in force that was read before. Blocking and slow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from adapters.base.findings import Finding, Position
from adapters.base.registry import Reread
from adapters.soap.driver_wsdl import WsdlError, read_wsdl
from adapters.soap.wsdl import Wsdl

_read: dict[str, Wsdl] = {}  # by file; as many as endpoints name


def wsdl_of(path: str) -> Wsdl:
    """Give a WSDL by its file, as it is in force. Errors: WsdlError."""
    found = _read.get(path)
    if found is None:
        found = _read.setdefault(path, read_wsdl(Path(path)))
    return found


def version_of(path: str) -> str:
    """Tell the content that is in force from any other; "" where it cannot be read."""
    try:
        documents = wsdl_of(path).documents
    except WsdlError:
        return ""
    digest = hashlib.sha256()
    for name, body in documents.items():
        digest.update(f"{name} {len(body)} ".encode())
        digest.update(body)
    return digest.hexdigest()


def read_again(paths: Iterable[str]) -> Reread:
    """Read those anew that changed on disk; others that nobody names any more are forgotten."""
    wanted = frozenset(paths)
    for path in [path for path in _read if path not in wanted]:
        del _read[path]
    before: dict[str, Wsdl] = {}
    findings: list[Finding] = []
    for path, old in [(path, wsdl) for path, wsdl in _read.items() if _has_changed(path, wsdl)]:
        try:
            new = read_wsdl(Path(path))
        except WsdlError as error:
            findings.append(_kept(path, error.finding))
            continue
        if new.schema is None and old.schema is not None:
            findings += [_kept(path, each) for each in new.findings]
            continue
        before[path], _read[path] = old, new
    return Reread(tuple(findings), bool(before), lambda: _read.update(before))


def _has_changed(path: str, wsdl: Wsdl) -> bool:
    """Compare what belongs to a WSDL with its folder; packaged schemas have addresses for names."""
    folder = Path(path).parent
    return any(_bytes_of(folder / name) != body for name, body in wsdl.documents.items() if "://" not in name)


def _bytes_of(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _kept(path: str, finding: Finding) -> Finding:
    at = finding.at
    where = f"{Path(path).parent / at.source}" if at.source else path
    text = f"{finding.text}; what was read of it before stays in force: mend it, then reload again"
    return replace(finding, at=Position(where, at.line, at.column, at.path), text=text)
