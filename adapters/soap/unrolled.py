"""The parts of a sequence as one piece of Python source, which writes the plain values in place. Pure.

Nearly all of a message is texts that need no escaping, and amounts with one attribute. A closure for each
costs two calls; here they are tested and added where they stand. Whatever is not plain (nil, a value of
another type, a character to escape, something missing) goes to the part's own writer, so the two ways
cannot differ in what they refuse. Only texts from `repr` and numbers of our own get into the source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.soap.types import TEXT_KEY

Write = Callable[[Any, Any], None]

PARTS_MAX = 200  # of one sequence: beyond that the source is long to compile, and a loop is as good


@dataclass(frozen=True, slots=True)
class PlainPart:
    """An element that holds a text, perhaps with one attribute, and stands once at most.

    ``begin`` ends where the attribute's value begins, or else where the text begins; ``write`` is given the
    value, whatever it is.
    """

    key: str
    is_required: bool
    begin: str
    end: str
    write: Write
    attribute: str = ""  # its key in the value's record; "" where the value is the text


def unrolled(parts: Sequence[PlainPart | Write]) -> Write | None:
    """Give one writer of all parts, each of which is given the record; None where a loop is as good."""
    if len(parts) > PARTS_MAX or not any(isinstance(part, PlainPart) for part in parts):
        return None
    names: dict[str, Any] = {}
    lines = ["def write(record, out):", "    add, get = out.add, record.get"]
    for number, part in enumerate(parts):
        own = f"x{number}"
        if not isinstance(part, PlainPart):
            names[own] = part
            lines.append(f"    {own}(record, out)")
            continue
        names[own] = part.write
        lines.append(f"    v = get({part.key!r})")
        lines += _pair(part, own) if part.attribute else _text(part, own)
    exec(compile("\n".join(lines), "<unrolled>", "exec"), names)  # noqa: S102 - our own source, see above
    made: Write = names["write"]
    return made


def _text(part: PlainPart, own: str) -> list[str]:
    return [
        "    if v.__class__ is str and v.isprintable() and '&' not in v and '<' not in v and '>' not in v:",
        f"        add({_written(part.begin, 'v', part.end)})",
        *_otherwise(part, own, "    "),
    ]


def _pair(part: PlainPart, own: str) -> list[str]:
    written = _written(part.begin, "a", '">', "t", part.end)
    return [
        "    t = a = None",
        "    if v.__class__ is dict:",
        f"        t, a = v.get({TEXT_KEY!r}), v.get({part.attribute!r})",
        "    w = t + a if t.__class__ is a.__class__ is str else '&'",
        "    if '&' not in w and '<' not in w and '>' not in w and '\"' not in w and w.isprintable():",
        f"        add({written})",
        *_otherwise(part, own, "    "),
    ]


def _otherwise(part: PlainPart, own: str, indent: str) -> list[str]:
    # Without a key it is absent; None under it is nil, also where it might be absent.
    word = "else:" if part.is_required else f"elif v is not None or {part.key!r} in record:"
    return [f"{indent}{word}", f"{indent}    {own}(v, out)"]


def _written(begin: str, *rest: str) -> str:
    """Write what adds texts and variables up: a format string; texts stand at every other place."""
    texts = [begin, *rest]
    pieces = [
        "{" + each + "}" if at % 2 else each.replace("{", "{{").replace("}", "}}")
        for at, each in enumerate(texts)
    ]
    return "f" + repr("".join(pieces))
