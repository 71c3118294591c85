"""Telling records apart in a stream of bytes: by line ends, by length, or by record descriptor words.

EBCDIC is cut before it is decoded: its bytes 15 and 25 are line ends only as characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from adapters.layouts.model import Frame

_BOM = b"\xef\xbb\xbf"
_DOS_END = b"\x1a"
_RDW_BYTES = 4
_SPAN_LINES_MAX = 1_000


Problem: TypeAlias = tuple[str, str]  # code, text: what is wrong with the cut itself
# One record: its bytes, where they begin, its bytes with their line end or descriptor word, and a problem.
# A plain tuple: making one for each record of a big file is a good part of reading it.
Cut: TypeAlias = tuple[bytes, int, bytes, Problem | None]


class Framer:
    """Cuts one input into records, whatever its chunks are."""

    def __init__(self, frame: Frame, *, is_open: Callable[[bytes], bool] | None = None) -> None:
        self._frame = frame
        self._is_open = is_open  # a line that a quoted cell leads over its end
        self._held = b""
        self._offset = 0
        self._is_begun = False
        self._is_over = False

    def state(self) -> tuple[bytes, int, bool, bool]:
        """Give what another framer needs to go on."""
        return self._held, self._offset, self._is_begun, self._is_over

    def resume(self, state: object) -> None:
        """Go on where another framer stood."""
        if not isinstance(state, tuple):
            raise TypeError("this is no framer's state")
        self._held, self._offset, self._is_begun, self._is_over = state

    def feed(self, chunk: bytes) -> Iterator[Cut]:
        """Give the records that these bytes complete."""
        if self._is_over:
            return
        self._held += chunk
        if not self._is_begun and not self._begun(is_end=False):
            return
        match self._frame.kind:
            case "lines":
                yield from self._lines(is_end=False)
            case "length":
                yield from self._blocks()
            case "rdw":
                yield from self._described()

    def finish(self) -> Iterator[Cut]:
        """Give what the end of the input completes or leaves behind."""
        if self._is_over or not self._begun(is_end=True):
            return
        if self._frame.kind == "lines":
            yield from self._lines(is_end=True)
            return
        if self._held:
            expected = f"records of {self._frame.length} bytes"
            if self._frame.kind == "rdw":
                expected = "a record as long as its descriptor word says"
            text = (
                f"{len(self._held)} bytes are left at the end; expected {expected}: the last one is cut off"
            )
            yield self._held, self._offset, self._held, ("FLAT-FRAME", text)
            self._held = b""

    def _begun(self, *, is_end: bool) -> bool:
        if self._is_begun:
            return True
        if self._frame.kind == "lines" and len(self._held) < len(_BOM) and not is_end:
            return False
        self._is_begun = True
        if self._frame.kind == "lines" and self._held.startswith(_BOM):
            self._held = self._held[len(_BOM) :]
            self._offset = len(_BOM)
        return True

    def _lines(self, *, is_end: bool) -> Iterator[Cut]:
        newline = self._frame.newline
        pieces = self._held.split(newline)
        rest = pieces.pop()
        if self._is_open is None:
            offset = self._offset
            for piece in pieces:
                whole = piece + newline
                self._offset = offset + len(whole)
                yield piece, offset, whole, None
                offset = self._offset
            pieces = []
        pending: list[bytes] = []
        for index, piece in enumerate(pieces):
            line = newline.join((*pending, piece)) if pending else piece
            if self._is_open is not None and self._is_open(line) and len(pending) < _SPAN_LINES_MAX:
                pending.append(piece)
                if index + 1 < len(pieces) or not is_end:
                    continue
            pending = []
            whole = line + newline
            yield line, self._offset, whole, None
            self._offset += len(whole)
        self._held = newline.join((*pending, rest)) if pending else rest
        if is_end:
            last, self._held = self._held, b""
            if last and last != _DOS_END:
                yield last, self._offset, last, None
        elif len(self._held) > self._frame.record_bytes_max:
            yield self._ended(f"a line has more than {self._frame.record_bytes_max} bytes; is newline right?")

    def _blocks(self) -> Iterator[Cut]:
        length, held = self._frame.length, self._held
        place = 0
        while place + length <= len(held):
            raw = held[place : place + length]
            yield raw, self._offset + place, raw, None
            place += length
        self._offset += place
        self._held = held[place:]

    def _described(self) -> Iterator[Cut]:
        held, place = self._held, 0
        own = _RDW_BYTES if self._frame.counts_itself else 0
        while place + _RDW_BYTES <= len(held):
            # Source: z/OS DFSMS Using Data Sets: two bytes length, two bytes zero (a segment of a spanned
            # record else, which no file transfer leaves in place).
            length = int.from_bytes(held[place : place + 2], "big") - own
            if length < 0 or held[place + 2 : place + 4] != b"\0\0":
                word = held[place : place + 4].hex().upper()
                self._held, self._offset = held[place:], self._offset + place
                yield self._ended(
                    f"X'{word}' is no record descriptor word; is rdw right, or bytes are missing?"
                )
                return
            end = place + _RDW_BYTES + length
            if end > len(held):
                break
            yield held[place + 4 : end], self._offset + place + 4, held[place:end], None
            place = end
        self._offset += place
        self._held = held[place:]

    def _ended(self, text: str) -> Cut:
        """Give up: behind this nobody can tell where a record begins."""
        self._is_over = True
        raw, self._held = self._held[:256], b""
        return raw, self._offset, raw, ("FLAT-FRAME", text)
