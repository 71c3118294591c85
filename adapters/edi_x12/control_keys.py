"""Control numbers as keys: who counts, towards whom, and the number; the same words in and out. Pure.

An acknowledgment names a number only; with the parties of its own envelope, swapped, it becomes the key of
what it acknowledges. Source: X12 AK101, AK102 (elements 479, 28), TA101 (I12).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from adapters.base.formats import ControlKey, OnRepeat
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.delimiters import HEAD_BYTES, read_isa

_ON_REPEAT: Mapping[str, OnRepeat] = {
    "accept_with_errors": "report",
    "acknowledge_again": "acknowledge",
    "reject": "reject",
}


def interchange_key(sender: Sequence[str], receiver: Sequence[str], number: str) -> str:
    """Give the key of an interchange. ``sender`` and ``receiver``: qualifier and id."""
    return "/".join(("ISA13", *sender, *receiver, plain(number)))


def group_key(kind: str, sender: str, receiver: str, number: str) -> str:
    """Give the key of a functional group: GS01, GS02, GS03, GS06."""
    return "/".join(("GS06", kind, sender, receiver, plain(number)))


def plain(number: str) -> str:
    """Give a control number without zeros in front: senders write 000000042 and 42."""
    return number.lstrip("0") or "0"


def keys_of_set(
    isa: Sequence[str], gs: Sequence[str], st: tuple[str, str], partner: X12Partner
) -> tuple[ControlKey, ...]:
    """Give the keys that a set comes under, outermost first; ``st`` is its type and control number."""

    def key(name: str, text: str) -> ControlKey:
        is_unique = name in partner.unique
        return ControlKey(name, text[:200], _ON_REPEAT[partner.duplicates] if is_unique else "ignore")

    made = []
    if isa:
        made.append(key("ISA13", interchange_key(isa[4:6], isa[6:8], isa[12])))
    if gs:
        made.append(key("GS06", group_key(gs[0], gs[1], gs[2], gs[5])))
        if "ST02" in partner.unique:
            made.append(key("ST02", "/".join(("ST02", st[0], gs[1], gs[2], plain(st[1])))))
    return tuple(made)


def keys_of_body(body: bytes) -> tuple[ControlKey, ...]:
    """Give the keys of an interchange that we wrote ourselves."""
    head = read_isa(body[:HEAD_BYTES])
    if head is None:
        return ()
    isa, marks = head.isa, head.delimiters
    keys = [ControlKey("ISA13", interchange_key(isa[4:6], isa[6:8], isa[12]))]
    start = re.compile(re.escape(marks.terminator) + rb"[\r\n]*GS" + re.escape(marks.element))
    for found in start.finditer(body):
        end = body.find(marks.terminator, found.end())
        said = [part.decode("latin-1") for part in body[found.end() : end].split(marks.element, 8)]
        gs = [*said, *[""] * 8]  # what a group does not say of itself is not written at its end
        keys.append(ControlKey("GS06", group_key(gs[0], gs[1], gs[2], gs[5])))
    return tuple(keys)
