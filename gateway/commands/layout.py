"""Where lines break: paragraphs and tables as lines that fit a width. It prints nothing, and cuts nothing.

A width of None means any: the text goes to a file or another program, which wants one thing a line.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

GAP = "  "
BELOW = "    "  # before what stands below the row that it belongs to
LABEL = re.compile(r" *\S+(?: \S+){0,2} {2,}(?=\S)")  # of a line such as "route     po.acme"
BESIDE_LEAST = 24  # a label that leaves less room than this has its text below


def paragraph(text: str, width: int | None, indent: str = "", hanging: str | None = None) -> list[str]:
    """Break a paragraph; what has no space in it (ids, paths, numbers of documents) stays whole.

    A word that does not fit beside the indentation gets as much less of it as it needs.
    """
    if width is None or len(indent) + len(text) <= width:
        return [f"{indent}{text}".rstrip()]
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [_moved_left(line, width) for line in lines] or [indent.rstrip()]


def line(text: str, width: int | None) -> list[str]:
    """Break a line of its own: beside its label where it has one, else further in than it begins."""
    label = LABEL.match(text)
    if label is not None and (width is None or len(label[0]) + BESIDE_LEAST <= width):
        return paragraph(text, width, hanging=" " * len(label[0]))
    return paragraph(text, width, hanging=" " * (len(text) - len(text.lstrip())) + BELOW)


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, fixed: Sequence[int] = ()
) -> list[str]:
    """Lay a table out. Where it is too wide, cells break between words, then the last columns go below.

    The columns in ``fixed`` never break; of the others those give way first in which the fewest cells break.
    """
    cells = [list(row) for row in (headings, *rows)]
    beside = len(headings)
    widths = _widths(cells, width, frozenset(fixed))
    while widths is None and beside > 1:
        beside -= 1
        widths = _widths([row[:beside] for row in cells], width, frozenset(fixed))
    widths = widths or _widths([row[:1] for row in cells], None, frozenset())
    lines = []
    for row in cells:
        lines += _row(row[:beside], widths or [])
        if below := GAP.join(filter(None, row[beside:])):
            lines += paragraph(below, width, BELOW, BELOW + GAP)
    return lines


def _widths(cells: Sequence[Sequence[str]], width: int | None, fixed: frozenset[int]) -> list[int] | None:
    """Give how wide columns are side by side; None where they cannot be, whatever is broken."""
    columns = list(zip(*cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    surplus = 0 if width is None else sum(widths) + len(GAP) * (len(widths) - 1) - width
    least = [
        widths[n] if n in fixed else max(len(word) for cell in column for word in cell.split(" "))
        for n, column in enumerate(columns)
    ]
    if surplus > sum(widths) - sum(least):
        return None
    for _ in range(surplus):
        free = [n for n, each in enumerate(widths) if each > least[n]]
        chosen = min(free, key=lambda n: (sum(len(cell) == widths[n] for cell in columns[n]), -widths[n]))
        widths[chosen] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    broken = [paragraph(cell, room) for cell, room in zip(cells, widths, strict=True)]
    return [
        GAP.join(part.ljust(room) for part, room in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*broken, fillvalue="")
    ]


def _moved_left(text: str, width: int) -> str:
    word = text.lstrip()
    return text if len(text) <= width or " " in word else " " * max(width - len(word), 0) + word
