"""Notes, their headings and descriptions as segments: as they were sent, or as `layout.py` has it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.edi_x12 import layout, parts_out
from adapters.edi_x12.as_sent import order_of
from adapters.edi_x12.page import Page
from canonical.values import Note, Reference

MESSAGE_MAX = 264  # MSG01, element 933
NOTE_MAX = 80  # NTE02, PID05, element 352
_MADE_HEADING = "NOTE"


def notes(page: Page, above: str, owner: Any, level: str, *, loop: str | None = None) -> None:
    """Write notes and their headings, as they were sent or as `layout.py` has it."""
    values: list[Note] = list(owner.notes)
    heads = layout.headings(owner)
    if not values and not heads:
        return
    tokens = note_order(owner, level)
    writer = _Notes(page, above, values, heads, loop, getattr(owner, "description", None) or "")
    for token in tokens:
        writer.write(token)


def note_order(owner: Any, level: str) -> list[str]:
    """Give the segments that an owner's notes are written as."""
    values, heads = owner.notes, layout.headings(owner)
    tokens = order_of(owner, "N9")
    return tokens if tokens and _fits(tokens, values, heads) else layout.note_tokens(values, heads, level)


def describe(page: Page, path: str, owner: Any, level: str, loop: str | None = None) -> None:
    """Write the description in front of all other texts, unless it stood behind one."""
    if owner.description is not None and "PID0" not in note_order(owner, level):
        page.add_below(loop or path, path, ["F", "", "", "", owner.description])


def _fits(tokens: list[str], values: Sequence[Note], heads: Sequence[Reference]) -> bool:
    return sum(each == "N9" for each in tokens) == len(heads) and sum(
        each not in ("N9", "N9H", "PID0") for each in tokens
    ) == len(values)


class _Notes:
    """Notes of one owner on their way out, heading by heading."""

    def __init__(
        self,
        page: Page,
        above: str,
        values: list[Note],
        heads: list[Reference],
        loop: str | None,
        description: str,
    ) -> None:
        self.page, self.above, self.loop = page, above, loop
        self.values, self.heads, self.description = values, heads, description
        self.is_open = False

    def write(self, kind: str) -> None:
        """Write the next note or heading."""
        match kind:
            case "N9":
                self._head(parts_out.reference(self.heads.pop(0)))
            case "N9H":
                self._head([self.values[0].qualifier or "L1", _MADE_HEADING])
            case "N9T":
                note = self.values.pop(0)
                self._head([note.qualifier or "L1", "", note.text])
            case "PID0":
                self._put("PID", ["F", "", "", "", self.description], is_direct=True)
            case "PID" | "NTE":
                self._short(kind)
            case "MTX":
                self._put("MTX", ["", *self.values.pop(0).text.partition("\n")[::2]])
            case "MTXQ":
                note = self.values.pop(0)
                self._put("MTX", [note.qualifier or "", *note.text.partition("\n")[::2]])
            case _:
                for text in pieces(self.values.pop(0).text, MESSAGE_MAX):
                    self._put("MSG", [text])

    def _short(self, segment: str) -> None:
        note = self.values.pop(0)
        before = ["F", note.qualifier or "", "", ""] if segment == "PID" else [note.qualifier or ""]
        for text in pieces(note.text, NOTE_MAX):
            self._put(segment, [*before, text], is_direct=True)

    def _head(self, elements: list[str]) -> None:
        self.is_open = True
        self._put("N9", elements, is_direct=True)

    def _put(self, segment: str, elements: list[str], *, is_direct: bool = False) -> None:
        inside = self.is_open and not is_direct
        path = f"{self.above}N9/{segment}" if inside else f"{self.above}{segment}"
        top = f"{self.above}N9" if inside or segment == "N9" else path
        self.page.add_below(self.loop or top, path, elements)


def pieces(text: str, most: int) -> list[str]:
    """Cut a text into pieces of at most so many characters, at line breaks and blanks where it can be."""
    found: list[str] = []
    for line in text.splitlines() or [""]:
        rest = line
        while len(rest) > most:
            at = rest.rfind(" ", 1, most + 1)
            at = at if at > 0 else most
            found.append(rest[:at])
            rest = rest[at:].lstrip(" ")
        if rest or not found:
            found.append(rest)
    return found
