"""Files that settings name and adapters have read (WSDLs), read again for a reload."""

from __future__ import annotations

from adapters.base.registry import Reread, adapters
from gateway.config import Configuration


def read_again(configuration: Configuration) -> Reread:
    """Let adapters read anew what changed of the files that settings name. Blocking and slow."""
    found: list[Reread] = []
    for name, adapter in adapters().items():
        settings = [
            each.settings
            for each in configuration.endpoints.values()
            if each.kind == name and each.settings is not None
        ]
        if adapter.reread is not None:
            found.append(adapter.reread(settings))

    def undo() -> None:
        for each in found:
            each.undo()

    findings = tuple(finding for each in found for finding in each.findings)
    return Reread(findings, any(each.has_changed for each in found), undo)
