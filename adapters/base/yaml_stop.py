"""Where the parser of YAML stopped, and what its lines say: what mistakes are told by. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ruamel.yaml.error import StreamMark

SHOWN_MAX = 60  # characters of a line that are quoted

_DASHES = re.compile(r"[ ]*(?:-[ ]+)*")
_SECRET = re.compile(r"(?i)((?:pass|secret|token|credential|key)[\w\-]*\W*)\S.*")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where a person has to look, line and column counted from 1, and what to tell them."""

    line: int | None
    column: int | None
    text: str

    @classmethod
    def at(cls, mark: StreamMark, text: str) -> Mistake:
        """Give a mistake at a place that the parser counts from 0."""
        return cls(mark.line + 1, mark.column + 1, text)


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stopped, with its words."""

    lines: list[str]
    at: StreamMark
    began: StreamMark  # at what it was reading
    context: str
    problem: str

    def line(self, number: int) -> str:
        """Give a line, counted from 0; nothing behind the last."""
        return self.lines[number] if number < len(self.lines) else ""

    def shown(self, number: int) -> str:
        """Quote a line without what may be a secret, and without its end where it is long."""
        text = _SECRET.sub(r"\1...", self.line(number).strip())
        if not text:
            return "the end of the text" if number >= len(self.lines) - 1 else "an empty line"
        return f"'{text}'" if len(text) <= SHOWN_MAX else f"'{text[:SHOWN_MAX]}...'"

    def above(self, number: int) -> int | None:
        """Give the last line above one that says something."""
        said = (n for n in range(min(number, len(self.lines)) - 1, -1, -1) if says(self.lines[n]))
        return next(said, None)


def says(line: str) -> bool:
    """Tell a line from an empty one and from a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def begins(line: str) -> int:
    """Give where a line's first key or value stands, behind the dashes of a list."""
    found = _DASHES.match(line)
    return found.end() if found else 0


def indentation(line: str) -> int:
    """Give how many spaces a line begins with."""
    return len(line) - len(line.lstrip(" "))
