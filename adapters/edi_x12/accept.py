"""A whole transaction set accepted as it is: nothing tolerated, nothing to be said, nothing looked at twice.

Most sets are such. What is refused here is not wrong yet: `judge.py` looks at it again, with care.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from adapters.edi_x12.binary import masked
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.grammar import fast_form
from adapters.edi_x12.guide import Guide, guide_for
from adapters.edi_x12.lexer import Separators, SetText, line_break, separators_of
from adapters.edi_x12.walk import Walked, walk_fast, walk_usual


class Accepted(NamedTuple):
    """A set without any finding."""

    set_type: str
    control: str
    walked: Walked
    guide: Guide


def accepted(
    raw: bytes, delimiters: Delimiters, version: str, partner: X12Partner, segments_max: int
) -> Accepted | None:
    """Give a set in which all is well, None where anything at all is unusual.

    The guide's patterns let no control character and no blank in front of a value pass, so that segments
    which they accept were cut where they should be.
    """
    cut = _plainly_split(raw, delimiters, partner.encoding)
    if cut is None or len(cut[0].segments) > segments_max:
        return None
    read, joint = cut
    separator, segments = read.separators.element, read.segments
    st = segments[0].split(separator)
    if len(st) < 3:
        return None
    set_type, control = st[1], st[2]
    guide = guide_for(set_type, version, partner)
    if guide is None or fast_form(guide, separator).start.match(segments[0]) is None:
        return None
    if segments[-1] != f"SE{separator}{len(segments)}{separator}{control}":
        return None
    if ("BIN" in guide.shapes or "BDS" in guide.shapes) and masked(raw, delimiters) is not raw:
        return None
    if partner.units:  # a usual line's unit is X12's own
        walked = walk_fast(read, segments[1:-1], guide)
    else:
        walked = walk_usual(read, guide, joint)
    return None if walked is None else Accepted(set_type, control, walked, guide)


def _plainly_split(raw: bytes, delimiters: Delimiters, encoding: str | None) -> tuple[SetText, str] | None:
    """Split at the terminator and the one line break behind each of them; give both as one, too.

    Binary data is not looked for yet: a guide that has no place for it refuses what was cut out of it.
    """
    used = encoding or "utf-8"
    try:
        text = raw.decode(used)
    except (UnicodeDecodeError, LookupError):
        return None
    separators = separators_of(delimiters, used)
    terminator = separators.terminator
    if separators.is_line_terminated or _empty_end(separators)(text) is not None:
        return None
    joint = terminator + line_break(text, terminator)
    segments = text.removesuffix(terminator).split(joint)
    is_whole = text.endswith(terminator) and text.count(terminator) == len(segments)
    return (SetText(text, segments, separators), joint) if is_whole else None


@lru_cache(maxsize=256)
def _empty_end(separators: Separators) -> Callable[[str], re.Match[str] | None]:
    """Give what finds a segment that ends in empty elements; `in` takes more than twice as long."""
    return re.compile(re.escape(separators.element + separators.terminator)).search
