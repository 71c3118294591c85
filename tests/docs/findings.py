"""The page of findings: which codes the sources raise, and what a person is told about each.

Codes and places come from the sources. Level, meaning and advice are written by hand, in the page itself.
``python -m tests.docs.findings`` brings codes and places up to date and keeps what was written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.docs.pages import PROJECT

PAGE = PROJECT / "docs" / "findings.md"
CODE = re.compile(r"\b[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+\b")  # anywhere in a text
WHOLE = re.compile(r"[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)+")
PACKAGES = ("adapters", "canonical", "gateway")
LEVELS = {"note", "error", "rejected", "varies", "refused"}
NO_CODES = {"UTF-8", "UTF-16", "UTF-32", "JBO-25013", "JBO-25014", "JBO-26030"}  # Oracle's own among them

HEAD = """\
# Findings

Every code that the gateway writes in brackets, what it means, and what to do. Codes are stable: search for
them, count them. Codes and places come from the sources, and a test holds this page complete.

| level | means |
|---|---|
| note | a tolerance was needed, or something is worth knowing; nothing is stopped |
| error | accepted with errors: wrong, and the document can be used (`AK5*E`) |
| rejected | the document cannot be used: it parks, or the configuration does not start |
| refused | an HTTP answer, or a command's; nothing was taken |
| varies | by the partner's profile or by where it stands |

A partner's `edi_x12.levels` changes the level of an X12 code; `edi_x12.refuse` makes a note a rejection.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What the page says about one code."""

    level: str = ""
    means: str = "?"
    do: str = "?"


@cache
def raised() -> dict[str, list[str]]:
    """Give every code of the sources with the files that it stands in."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            for code in _codes(path):
                found.setdefault(code, set()).add(_place(path))
    return {code: sorted(places) for code, places in sorted(found.items())}


def rows() -> dict[str, Row]:
    """Give what the page says now."""
    if not PAGE.exists():
        return {}
    found = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 5 and WHOLE.fullmatch(cells[0].strip("`")):
            found[cells[0].strip("`")] = Row(*cells[1:4])
    return found


def page() -> str:
    """Give the page as it should be: codes and places of now, and what was written about them."""
    written, parts = rows(), [HEAD]
    family = ""
    for code, places in raised().items():
        if (first := code.partition("-")[0]) != family:
            family = first
            parts += [
                "",
                f"## {family}",
                "",
                "| code | level | means | do | raised in |",
                "|---|---|---|---|---|",
            ]
        row = written.get(code, Row())
        where = ", ".join(f"`{place}`" for place in places)
        parts.append(f"| `{code}` | {row.level} | {row.means} | {row.do} | {where} |")
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


def is_raised(code: str, known: frozenset[str]) -> bool:
    """Tell whether a code is one of the sources'; ``ERP-422`` is one of ``ERP-NNN``."""
    return code in known or re.sub(r"\d{3}$", "NNN", code) in known


def _codes(path: Path) -> Iterator[str]:
    """Give the string constants of a file that are codes; docstrings are sentences, so never."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Constant(value=str(text)) if WHOLE.fullmatch(text) and text not in NO_CODES:
                yield text
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if re.fullmatch(r"[A-Z]+-", text):
                yield f"{text}NNN"  # a number of somebody else's, such as an HTTP status


def _place(path: Path) -> str:
    """Give the part of the project that a person would name, without the list of all its files."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return "/".join(parts[:2]) if parts[0] == "adapters" else "/".join(parts[:3])


if __name__ == "__main__":
    PAGE.write_text(page())
