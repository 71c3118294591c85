"""What is left of a configuration that is refused: where its journal is, and what reading that needs.

Pure. Nobody sends or decides anything by it; it is for looking at what is there, at night.
"""

from __future__ import annotations

import json
import re
from typing import Any

from adapters.base.yaml import MappingNode, ScalarNode
from gateway.config.entries import read_parts
from gateway.config.files import StoredFiles, parted

NEEDED = ("environment", "organisation", "organisations", "zone", "journal_key", "control_socket")

# Taken from the text itself: a file that is no YAML any more has no tree to look into.
_JOURNAL = re.compile(
    r"""^[^\#\n]*?\bjournal:[ ]*(?: "sqlite:(?P<double>[^"\n]+)" | 'sqlite:(?P<single>[^'\n]+)'"""
    r""" | sqlite:(?P<plain>[^\s,}"']+) )""",
    re.MULTILINE | re.VERBOSE,
)


def journal_named(text: str) -> str | None:
    """Give the path of the journal that a text names, whatever else is wrong with it; None where none is."""
    found = _JOURNAL.search(text)
    return next(filter(None, found.groups())) if found else None


def remains(text: str) -> str:
    """Give the least that a journal is read by, out of a canonical text: whose it is, its key, code tables.

    No route, partner or endpoint is in it, so all its deadlines are the defaults.
    """
    main, others = parted(text)
    parts = read_parts("", main, StoredFiles(others))
    kept: dict[str, Any] = {"version": "1"}
    for entry in parts.entries:
        if entry.section == "gateway" and isinstance(entry.node, MappingNode):
            kept["gateway"] = {name: value for name, value in entry.node.plain().items() if name in NEEDED}
        elif entry.section == "crosswalks" and isinstance(entry.node, ScalarNode):
            kept.setdefault("crosswalks", {})[entry.name] = entry.node.text
    return json.dumps(kept, ensure_ascii=False)  # which is YAML, too
