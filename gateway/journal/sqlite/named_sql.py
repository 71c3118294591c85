"""Named SQL: every statement stands in ``queries/<topic>.sql`` under a ``-- name:`` line.

``-- part:`` names a text that other statements of all files may use as ``$part``: the column list
of a row is written once, beside the function that reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from string import Template

_HEADING = re.compile(r"(?m)^-- (name|part): (\w+)\n")


def load_statements() -> dict[str, str]:
    """Give every statement by "topic.name", parts filled in."""
    statements: dict[str, str] = {}
    parts: dict[str, str] = {}
    for topic, text in _query_files():
        for kind, name, body in _sections(text):
            if kind == "part":
                parts[name] = body
            else:
                statements[f"{topic}.{name}"] = body
    return {name: Template(body).substitute(parts) for name, body in statements.items()}


def load_migrations() -> list[tuple[int, str]]:
    """Give (version, script) of every migration, oldest first."""
    folder = files(__package__) / "migrations"
    named = sorted(
        (entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql")
    )
    return [(int(name.split("_")[0]), text) for name, text in named]


def _query_files() -> Iterator[tuple[str, str]]:
    folder = files(__package__) / "queries"
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".sql"):
            yield entry.name.removesuffix(".sql"), entry.read_text("utf-8")


def _sections(text: str) -> Iterator[tuple[str, str, str]]:
    pieces = _HEADING.split(text)
    for kind, name, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        yield kind, name, _on_one_line(body).rstrip(";")


def _on_one_line(text: str) -> str:
    """Give a statement without comments and indents: it is found again by its text, each time it runs."""
    lines = (line.strip() for line in text.splitlines())
    return " ".join(line for line in lines if line and not line.startswith("--"))
