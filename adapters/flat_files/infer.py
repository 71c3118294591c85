"""Proposing a layout from a sample: what a person would see in it, written down to be corrected. Pure.

Nothing of it is certain: a sample shows which characters stand where, never what they mean. Every guess
says so, and the names are to be replaced.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.base import Level
from adapters.flat_files.checking import check_file
from adapters.flat_files.infer_cells import delimited_layout
from adapters.flat_files.infer_columns import fixed_layout
from adapters.flat_files.proposal import Proposal
from adapters.layouts import LayoutError, compile_layout
from adapters.layouts.cells import split_closely
from adapters.layouts.model import Delimited

LINES_LOOKED_AT = 2_000
DELIMITERS = ",;|\t"


class InferError(Exception):
    """Nothing can be proposed; the text says why."""


def infer(body: bytes, name: str) -> Proposal:
    """Propose a layout for a sample. Errors: InferError."""
    proposal = Proposal()
    encoding, text = _decoded(body, proposal)
    newline, lines = _lines(text)
    if len(lines) < 2:
        raise InferError(
            "no lines were found. A file without line ends has records of one length or descriptor words: "
            "start from its copybook (format: copybook) and say record_length or rdw"
        )
    proposal.notes.append(f"{len(lines)} lines looked at; names and meanings are to be written by you")
    delimiter = _delimiter(lines)
    head = [f"layout: {name}", f"format: {'delimited' if delimiter else 'fixed'}", f"encoding: {encoding}"]
    head.append(f"newline: {newline}")
    if not body.endswith((b"\n", b"\r")):
        head.append("last_newline: no")
    if body.startswith(b"\xef\xbb\xbf"):
        head.append("bom: yes")
    if delimiter is not None:
        proposal.text = "\n".join([*head, *delimited_layout(lines, delimiter, proposal)]) + "\n"
    else:
        proposal.text = "\n".join([*head, *fixed_layout(lines, proposal)]) + "\n"
    _tried(body, proposal)
    return proposal


def _tried(body: bytes, proposal: Proposal) -> None:
    """Read the sample by what is proposed, and say how well that goes."""
    try:
        layout = compile_layout(proposal.text, "proposal")
    except LayoutError as error:
        proposal.notes.append(f"the proposal is not whole yet: {error.findings[0]}")
        return
    checked = check_file(layout, body, "sample")
    bad = sum(finding.level is not Level.NOTE for finding in checked.findings)
    same = (
        ""
        if bad
        else ", written back the same"
        if checked.differs_at is None
        else ", not written back the same"
    )
    proposal.notes.append(f"by this layout: {len(checked.rows)} records, {bad} findings{same}")


def _decoded(body: bytes, proposal: Proposal) -> tuple[str, str]:
    sample = body[: 4 * 1024 * 1024]
    if _looks_like_ebcdic(sample):
        raise InferError(
            "this looks like EBCDIC (its blanks are X'40'). Start from the copybook: format: copybook, "
            "encoding: cp037, and record_length or rdw"
        )
    if sample.isascii():
        return "ascii", sample.decode("ascii")
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError:
        proposal.notes.append("bytes above 7F are no UTF-8: cp1252 is a guess; ask who writes the file")
        return "cp1252", sample.decode("cp1252", "replace")
    return "utf-8", text.removeprefix("\ufeff")


def _looks_like_ebcdic(sample: bytes) -> bool:
    """Tell EBCDIC by its blanks and digits: X'40' and X'F0' to X'F9', and next to none of ASCII's."""
    theirs = sum(sample.count(bytes([each])) for each in (0x40, *range(0xF0, 0xFA)))
    ours = sum(sample.count(bytes([each])) for each in (0x20, *range(0x30, 0x3A)))
    return theirs > 4 * ours and theirs * 10 > len(sample)


def _lines(text: str) -> tuple[str, list[str]]:
    newline = "crlf" if "\r\n" in text else "lf" if "\n" in text else "cr"
    mark = {"crlf": "\r\n", "lf": "\n", "cr": "\r"}[newline]
    return newline, [line for line in text.split(mark) if line.strip()][:LINES_LOOKED_AT]


def _delimiter(lines: Sequence[str]) -> str | None:
    best: tuple[int, str] | None = None
    for each in DELIMITERS:
        counts = [len(split_closely(line, Delimited(each)).texts) - 1 for line in lines[:200]]
        steady = min(counts)
        if steady >= 1 and len(set(counts)) <= 4 and (best is None or steady > best[0]):
            best = (steady, each)
    return best[1] if best is not None else None
