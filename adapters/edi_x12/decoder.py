"""The envelope of X12, read as a stream: interchanges, functional groups, transaction sets.

Bytes come in any chunks; each finished set goes to `judge.py` by itself, and nothing of it stays here
but what an acknowledgment needs. Every decision depends on the bytes alone, never on where a chunk ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from adapters.base.findings import Finding, Level, Position
from adapters.base.formats import DecodeContext, Decoded, Summary
from adapters.edi_x12.binary import data_end, is_data
from adapters.edi_x12.config import partner_of
from adapters.edi_x12.control_segments import CONTROL_SEGMENT_MAX, control_pattern, elements_of
from adapters.edi_x12.delimiters import BLANKS, HEAD_BYTES, Delimiters
from adapters.edi_x12.envelope import Envelopes
from adapters.edi_x12.heads import SEARCHED_BYTES, blanks_end, find_head
from adapters.edi_x12.judge import judge
from adapters.edi_x12.whole_input import read_whole

_CONTROL_NAMES = frozenset({"ISA", "GS", "ST", "SE", "GE", "IEA"})


class X12Decoder:
    """Decodes one input. See `adapters.base.Decoder`."""

    def __init__(self, context: DecodeContext, resume: bytes | None = None) -> None:
        self._context = context
        self._partner = partner_of(context.partner_settings)
        self._buffer = bytearray()
        self._base = 0  # offset of the buffer's first byte in the input
        self._line = 1  # line of the byte at `_lined`
        self._lined = 0  # in the buffer: up to here lines are counted
        self._at = 0  # in the buffer: where the next segment begins, blanks included
        self._scanned = 0  # in the buffer: no set ends in front of this
        self._set_start: int | None = None  # in the buffer, -1 once a too large set was dropped
        self._set_place = (0, 0)  # offset and line of that set's ST
        self._delimiters: Delimiters | None = None
        self._is_full = False  # size_bytes_max was reached
        self._ended = False
        self._passed_bom = False  # in a run of blanks that was let go of already
        self._passed_blanks = False
        self._envelopes = Envelopes(context, self._partner)
        self._findings = self._envelopes.findings
        if resume is not None:
            self._restore(resume)

    def feed(self, chunk: bytes) -> Iterator[Decoded]:
        """Take the next bytes and give the sets that they complete."""
        if self._is_full:
            return iter(())
        room = self._context.bounds.size_bytes_max - self._base - len(self._buffer)
        if len(chunk) > room:
            if not self._is_full:
                limit = self._context.bounds.size_bytes_max
                text = f"the input is larger than {limit} bytes; the rest was not read"
                at = self._position(len(self._buffer))
                self._findings.add(Finding("X12-SIZE", at, text, Level.REJECTED))
            self._is_full = True
            chunk = chunk[: max(room, 0)]
        self._buffer += chunk
        return self._advance()

    def finish(self) -> tuple[list[Decoded], Summary]:
        """Say that the input ended."""
        self._ended = True
        last = self._read_whole()
        if last is None:
            last = list(self._advance())
            self._note_end()
        return last, self._envelopes.summary(self._position(len(self._buffer)))

    def _read_whole(self) -> list[Decoded] | None:
        """Read in one go an input that is all here and that nothing was told of yet; None where it is odd."""
        if self._base or self._at or self._delimiters or self._is_full or len(self._buffer) > SEARCHED_BYTES:
            return None
        return read_whole(bytes(self._buffer), self._envelopes, self._context, self._partner)

    def state(self) -> bytes:
        """Give all that is needed to go on after the bytes fed so far."""
        return json.dumps(
            {
                "buffer": self._buffer.decode("latin-1"),
                "base": self._base,
                "line": self._line,
                "lined": self._lined,
                "at": self._at,
                "scanned": self._scanned,
                "set_start": self._set_start,
                "set_place": list(self._set_place),
                "delimiters": self._delimiters.to_json() if self._delimiters else None,
                "is_full": self._is_full,
                "passed": [self._passed_bom, self._passed_blanks],
                "envelopes": self._envelopes.to_json(),
            }
        ).encode()

    def _restore(self, resume: bytes) -> None:
        kept = json.loads(resume)
        self._buffer = bytearray(kept["buffer"].encode("latin-1"))
        self._base, self._line, self._at = kept["base"], kept["line"], kept["at"]
        self._lined = kept["lined"]
        self._scanned, self._set_start = kept["scanned"], kept["set_start"]
        self._set_place = (kept["set_place"][0], kept["set_place"][1])
        self._delimiters = Delimiters.from_json(kept["delimiters"]) if kept["delimiters"] else None
        self._is_full = kept["is_full"]
        self._passed_bom, self._passed_blanks = kept["passed"]
        self._envelopes.restore(kept["envelopes"])

    def _advance(self) -> Iterator[Decoded]:
        while True:
            if self._envelopes.is_full and self._set_start is None:
                self._stop_reading()
                return
            decoded = None
            if self._delimiters is None:
                is_moving = self._seek()
            elif self._set_start is None:
                is_moving = self._between_sets(self._delimiters)
            else:
                is_moving, decoded = self._in_set(self._delimiters, self._set_start)
            if not is_moving:
                self._forget()
                return
            if self._at > 1 << 16:
                self._forget()
            if decoded is not None:
                yield decoded

    def _stop_reading(self) -> None:
        """Take nothing more: there are more interchanges, groups and sets than one input may have."""
        if not self._is_full:
            limit = self._context.bounds.parts_max
            text = f"the input has more than {limit} interchanges, groups and sets; the rest was not read"
            at = self._position(min(self._at, len(self._buffer)))
            self._findings.add(Finding("X12-SIZE", at, text, Level.REJECTED))
        self._is_full = True
        self._at = len(self._buffer)
        self._forget()

    # -- outside of an interchange

    def _seek(self) -> bool:
        """Find the next interchange, or a bare group or set, and its delimiters."""
        start = self._skip_blanks(self._at)
        if start is None:
            self._pass_blanks()
            return False
        if len(self._buffer) - start < SEARCHED_BYTES and not self._ended:
            return False
        window = bytes(self._buffer[start : start + SEARCHED_BYTES])
        skipped, head = find_head(window)
        self._note_front(start)
        if head is None:
            return self._skip_stray(start, window)
        if skipped:
            text = f"{skipped} bytes that are not X12 stand in front of the interchange; they were skipped"
            self._findings.tolerate("X12-LEADING", text, self._position(start))
        self._delimiters = head.delimiters
        self._at = start + skipped
        place = self._position(self._at, "ISA" if head.isa else "")
        if head.isa:
            self._envelopes.open_interchange(head, place)
        else:
            self._envelopes.open_bare(head, place)
        self._at += head.length
        return True

    def _pass_blanks(self) -> None:
        """Let go of a long run of blanks, remembering that there was one: it is not looked at again."""
        end = blanks_end(self._buffer, self._at)
        cut = end - 8
        if cut - self._at < SEARCHED_BYTES or self._buffer[cut - 4 : end].strip(BLANKS):
            return
        passed = self._buffer[self._at : cut]
        self._passed_bom = self._passed_bom or b"\xef\xbb\xbf" in passed
        self._passed_blanks = self._passed_blanks or bool(passed.strip(b"\r\n\x1a"))
        self._at = cut

    def _note_end(self) -> None:
        rest = bytes(self._buffer[self._at :])
        is_blank = blanks_end(self._buffer, self._at) >= len(self._buffer)
        if is_blank and self._envelopes.count and (self._passed_blanks or rest.strip(b"\r\n\x1a")):
            text = "blanks stand behind the last segment"
            self._findings.tolerate("X12-BLANKS", text, self._position(len(self._buffer)))

    def _note_front(self, start: int) -> None:
        in_front = bytes(self._buffer[self._at : start])
        has_bom, has_blanks = self._passed_bom, self._passed_blanks
        self._passed_bom = self._passed_blanks = False
        if has_bom or b"\xef\xbb\xbf" in in_front:
            self._findings.tolerate(
                "X12-BOM", "the file begins with a byte order mark", self._position(start)
            )
        elif has_blanks or in_front.strip(b"\r\n\x1a"):
            self._findings.tolerate("X12-BLANKS", "blanks stand in front of a segment", self._position(start))

    def _skip_stray(self, start: int, window: bytes) -> bool:
        """Step over what is no X12, keeping as much as a head cut in two may need."""
        marks = set(window) - set(BLANKS)
        if len(marks) == 1 and not bytes(marks).isalnum():  # a terminator or two more than needed
            self._findings.tolerate(
                "X12-EMPTY-SEGMENT", "an empty segment was skipped", self._position(start)
            )
        else:
            self._envelopes.stray(self._position(start))
        if len(self._buffer) - start <= SEARCHED_BYTES and self._ended:
            self._at = len(self._buffer)
            return False
        self._at = start + SEARCHED_BYTES - HEAD_BYTES
        return True

    # -- inside an interchange, outside of a set

    def _between_sets(self, delimiters: Delimiters) -> bool:
        start = self._skip_blanks(self._at, delimiters.terminator)
        if start is None:
            self._pass_blanks()
        end = None if start is None else self._segment_end(start, delimiters)
        if start is None or end is None:
            return False
        self._passed_bom = self._passed_blanks = False
        self._at = min(end + len(delimiters.terminator), len(self._buffer))
        if self._buffer.startswith(b"ST" + delimiters.element, start):
            self._open_set(start, end)
            return True
        parts = elements_of(self._buffer[start:end], delimiters)
        place = self._position(start, parts[0] if parts[0] in _CONTROL_NAMES else "")
        match parts[0]:
            case "ST":  # wrapped, or with blanks in it
                self._open_set(start, end)
            case "ISA":
                self._envelopes.close_interchange(None, place)
                self._delimiters = None  # a new interchange may have other delimiters
                self._at = start
            case "GS":
                self._envelopes.open_group(parts[1:], place)
            case "GE":
                self._envelopes.close_group(parts[1:], place)
            case "IEA":
                self._envelopes.close_interchange(parts[1:], place)
                self._delimiters = None
            case _:
                self._envelopes.other(parts, place)
        return True

    def _open_set(self, start: int, end: int) -> None:
        self._line, self._lined = self._line_at(start), start
        self._set_start, self._scanned = start, end
        self._set_place = (self._base + start, self._line)

    # -- inside a set

    def _in_set(self, delimiters: Delimiters, start: int) -> tuple[bool, Decoded | None]:
        name, begin, next_scan = _next_control(self._buffer, self._scanned, delimiters)
        if name is None and not self._ended:
            self._scanned = next_scan
            if start >= 0 and len(self._buffer) - start > self._context.bounds.set_bytes_max:
                self._set_start = -1  # too large: rejected when its end is found, its bytes let go
            return False, None
        if name in ("BIN", "BDS"):
            return self._step_over_data(begin, delimiters), None
        stop = begin if name else len(self._buffer)
        if name == "SE":
            end = self._segment_end(begin, delimiters)
            if end is None:
                self._scanned = next_scan
                return False, None
            stop = min(end + len(delimiters.terminator), len(self._buffer))
        raw = _trimmed(bytes(self._buffer[start:stop]), delimiters) if start >= 0 else b""
        if (
            self._ended
            and stop == len(self._buffer)
            and name == "SE"
            and not raw.endswith(delimiters.terminator)
        ):
            self._no_terminator(stop)
        self._at, self._set_start = stop, None
        return True, self._judge(raw, delimiters, self._base + stop - self._set_place[0])

    def _step_over_data(self, begin: int, delimiters: Delimiters) -> bool:
        """Look for the set's end behind binary data; False until all of the data is there."""
        end = data_end(self._buffer, begin, delimiters)
        if end is None or end - begin > self._context.bounds.set_bytes_max:
            self._scanned = begin + 1
            return True
        if end + len(delimiters.terminator) > len(self._buffer) and not self._ended:
            return False
        self._scanned = end if is_data(self._buffer, end, delimiters) else begin + 1
        return True

    def _judge(self, raw: bytes, delimiters: Delimiters, size_bytes: int) -> Decoded:
        offset, line = self._set_place
        limit = self._context.bounds.set_bytes_max
        if size_bytes > limit:
            place = Position(self._context.source, line=line, path="ST", offset=offset)
            return self._envelopes.too_large(size_bytes, limit, place)
        told = judge(raw, self._envelopes.frame(raw, delimiters, offset, line), self._context, self._partner)
        self._envelopes.add_set(told)
        return told.decoded

    # -- the buffer

    def _skip_blanks(self, start: int, terminator: bytes = b"") -> int | None:
        """Give where the next segment begins, None where none is there yet."""
        at = start
        while True:
            end = blanks_end(self._buffer, at)
            if end >= len(self._buffer) - 3 and not self._ended:
                return None  # a mark of several bytes, or a terminator, may be cut in two here
            if terminator and self._buffer.startswith(terminator, end):
                place = self._position(end)
                self._findings.tolerate("X12-EMPTY-SEGMENT", "an empty segment was skipped", place)
                at = self._at = end + len(terminator)
                self._passed_bom = self._passed_blanks = False
                continue
            if end >= len(self._buffer):
                return None
            if terminator and (self._passed_blanks or self._buffer[at:end].strip(b"\r\n")):
                place = self._position(end)
                self._findings.tolerate("X12-BLANKS", "blanks stand in front of a segment", place)
            return end

    def _segment_end(self, start: int, delimiters: Delimiters) -> int | None:
        """Give where the envelope segment at `start` ends: at its terminator, or where it must."""
        end = self._buffer.find(delimiters.terminator, start, start + CONTROL_SEGMENT_MAX)
        if end >= 0:
            return end
        if len(self._buffer) - start >= CONTROL_SEGMENT_MAX:
            return start + CONTROL_SEGMENT_MAX
        if self._ended and self._set_start is None:
            self._no_terminator(len(self._buffer))
        return len(self._buffer) if self._ended else None

    def _no_terminator(self, at: int) -> None:
        text = "the last segment has no terminator"
        self._findings.tolerate("X12-NO-TERMINATOR", text, self._position(at))

    def _forget(self) -> None:
        """Drop the bytes that nobody needs any more."""
        start = self._set_start
        keep = min(self._at if start is None else start if start >= 0 else self._scanned, len(self._buffer))
        if keep <= 0:
            return
        self._line, self._lined = self._line_at(keep), keep
        del self._buffer[:keep]
        self._base += keep
        self._lined = 0
        self._at = max(self._at - keep, 0)
        self._scanned = max(self._scanned - keep, 0)
        if start is not None and start >= 0:
            self._set_start = start - keep

    def _position(self, at: int, path: str = "") -> Position:
        self._line, self._lined = self._line_at(at), at
        return Position(self._context.source, self._line, None, path, self._base + at)

    def _line_at(self, at: int) -> int:
        """Count on from where lines are counted up to; mostly a few bytes forwards."""
        if at >= self._lined:
            return self._line + self._buffer.count(b"\n", self._lined, at)
        return self._line - self._buffer.count(b"\n", at, self._lined)


def _trimmed(raw: bytes, delimiters: Delimiters) -> bytes:
    """Give a set's bytes without what stands between its last terminator and the next segment."""
    last = raw.rfind(delimiters.terminator) + len(delimiters.terminator)
    behind = raw[last:]
    return raw[:last] if not behind.strip(BLANKS) else raw.rstrip(BLANKS)


def _next_control(buffer: bytearray, start: int, delimiters: Delimiters) -> tuple[str | None, int, int]:
    """Give the next envelope segment's name and offset, and from where to look again if there is none."""
    found = control_pattern(delimiters).search(buffer, start)
    if found:
        name = found[1].replace(b"\r", b"").replace(b"\n", b"").decode()
        return name, found.start(1), found.start()
    last = buffer.rfind(delimiters.terminator, start)
    return None, -1, last if last >= 0 else max(start, len(buffer) - len(delimiters.terminator) + 1)
