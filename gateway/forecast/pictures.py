"""Two pictures of a plan as inline SVG: how messages flow before and after, and what changes where. Pure.

Every text is escaped; nothing outside is referred to. A picture is followed by a table that says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from gateway.forecast.changes import Kind
from gateway.forecast.result import Plan

WIDTH = 760
ROW = 26
LEFT = 190
COLOURS = {
    "legacy": "#6b7a99",
    "cloud": "#1f7a5c",
    "parked": "#b4442f",
    "no side": "#b9bec9",
    Kind.TARGET: "#2f5d9f",
    Kind.CANONICAL: "#8a5a00",
    Kind.REQUEST: "#6d3f98",
    Kind.OUTCOME: "#b4442f",
}
SIDES = ("legacy", "cloud", "parked", "no side")


def sides_picture(plan: Plan) -> str:
    """Draw each route's documents by side, before above after."""
    rows = [
        (f"{name} {word}", sides)
        for name, count in plan.routes.items()
        for word, sides in (("now", count.sides_before), ("then", count.sides_after))
    ]
    return _bars(rows, SIDES, "Documents by side, as it is now and as it would be then")


def kinds_picture(plan: Plan) -> str:
    """Draw how many messages of each route change, by kind."""
    rows = [
        (name, Counter[str]({kind: count.by_kind[kind] for kind in Kind}))
        for name, count in plan.routes.items()
    ]
    return _bars(rows, tuple(Kind), "Messages that change, by what of them changes")


def _bars(rows: Sequence[tuple[str, Mapping[str, int]]], words: tuple[str, ...], title: str) -> str:
    most = max((sum(each.values()) for _, each in rows), default=0) or 1
    height = ROW * len(rows) + 40
    drawn = [
        f'<svg role="img" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<title>{escape(title)}</title>",
    ]
    for position, (name, counts) in enumerate(rows):
        drawn += _row(name, counts, words, position * ROW, most)
    drawn += _legend(words, ROW * len(rows) + 16)
    return "".join((*drawn, "</svg>"))


def _row(name: str, counts: Mapping[str, int], words: tuple[str, ...], top: int, most: int) -> list[str]:
    label = name if len(name) <= 26 else name[:25] + "…"
    drawn = [f'<text x="{LEFT - 8}" y="{top + 17}" text-anchor="end">{escape(label)}</text>']
    x = float(LEFT)
    for word in words:
        count = counts.get(word, 0)
        wide = (WIDTH - LEFT - 60) * count / most
        if count:
            tip = escape(f"{name}: {count} {word}")
            drawn.append(
                f'<rect x="{x:.1f}" y="{top + 4}" width="{max(wide, 1.0):.1f}" height="{ROW - 8}" '
                f'fill="{COLOURS[word]}"><title>{tip}</title></rect>'
            )
        x += wide
    drawn.append(f'<text x="{x + 6:.1f}" y="{top + 17}">{sum(counts.values())}</text>')
    return drawn


def _legend(words: tuple[str, ...], top: int) -> list[str]:
    drawn, x = [], LEFT
    for word in words:
        drawn.append(f'<rect x="{x}" y="{top}" width="12" height="12" fill="{COLOURS[word]}"/>')
        drawn.append(f'<text x="{x + 17}" y="{top + 11}">{escape(word)}</text>')
        x += 120
    return drawn
