"""Quotes, braces and brackets of a text that is no YAML: which is not closed, or by the other kind. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import StreamMark, YAMLError
from ruamel.yaml.tokens import (
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    ScalarToken,
    Token,
)

from adapters.base.yaml_stop import Mistake, Stop, begins, indentation

CLOSED_BY = {"{": "}", "[": "]"}


def quote(stop: Stop, text: str) -> Mistake | None:
    """Judge quotes: not closed, closed too early, or with a backslash inside."""
    if "quoted scalar" in stop.context and "end of stream" in stop.problem:
        return _unclosed(stop, stop.began)
    if "unknown escape character" in stop.problem:
        return Mistake.at(
            stop.at,
            f"found a backslash in double quotes: {stop.shown(stop.at.line)}; put the value into single "
            "quotes, or write each backslash twice",
        )
    if "'<scalar>'" not in stop.problem:
        return None
    last = _last_quoted(text, stop.at)
    if last is None:
        return None
    if last.start_mark.line != last.end_mark.line:  # it ended at the quote that opens another value
        return _unclosed(stop, last.start_mark)
    return Mistake.at(
        stop.at,
        f"found more text behind a closing quote: {stop.shown(stop.at.line)}; expected the value to end "
        "there: put all of it into the quotes, or write a comma between two values",
    )


def _unclosed(stop: Stop, opening: StreamMark) -> Mistake:
    sign = stop.line(opening.line)[opening.column : opening.column + 1]
    return Mistake.at(
        opening,
        f"found a quote that is not closed: {stop.shown(opening.line)}; expected {sign} at the value's end",
    )


def _last_quoted(text: str, until: StreamMark) -> Token | None:
    """Give the quoted value that ends right before a place, None where something else does."""
    last: Token | None = None
    for token in _tokens(text):
        if token.start_mark.index >= until.index:
            break
        last = token
    return last if isinstance(last, ScalarToken) and last.style in ("'", '"') else None


def bracket(stop: Stop, text: str) -> Mistake | None:
    """Judge braces and brackets: not closed, closed by the other kind, or without a comma inside."""
    found = stop.problem.rpartition(" ")[2].strip("'")
    if "<block end>" in stop.problem and found in CLOSED_BY.values():
        return Mistake.at(
            stop.at,
            f"found '{found}', and nothing that it could close: {stop.shown(stop.at.line)}; remove it, or "
            "open what it closes",
        )
    if "while parsing a flow" not in stop.context:
        return None
    opening = _open_at(text, stop.at)
    if opening is None:
        return None
    opened = stop.line(opening.line)[opening.column : opening.column + 1]
    closing = CLOSED_BY.get(opened, "}")
    is_outside = stop.at.line > opening.line and begins(stop.line(stop.at.line)) <= indentation(
        stop.line(opening.line)
    )
    if "stream end" in stop.problem or is_outside:
        return Mistake.at(
            opening,
            f"found '{opened}' that is not closed: {stop.shown(opening.line)}; expected '{closing}' behind "
            "its last value",
        )
    return _inside(stop, opening, f"'{opened}' of line {opening.line + 1}", closing, found)


def _inside(stop: Stop, opening: StreamMark, opened: str, closing: str, found: str) -> Mistake:
    before = stop.line(stop.at.line)[: stop.at.column]
    name = re.search(r"([\w.\-]+)\s*$", before)
    if "node content" in stop.problem:
        do = "a value before it; remove what is too much"
    elif found in CLOSED_BY.values():
        do = f"'{closing}', which closes the {opened}"
    elif found == ":" and name is not None:
        do = f"',' or '{closing}' in the {opened}: is a comma missing before '{name[1]}'?"
    else:
        do = f"',' or '{closing}' in the {opened}"
    return Mistake.at(
        stop.at,
        f"found '{found}' in {stop.shown(stop.at.line)}; expected {do}",
    )


def _open_at(text: str, until: StreamMark) -> StreamMark | None:
    """Give the innermost brace or bracket that is open at a place."""
    opened: list[StreamMark] = []
    for token in _tokens(text):
        if token.start_mark.index >= until.index:
            break
        if isinstance(token, (FlowMappingStartToken, FlowSequenceStartToken)):
            opened.append(token.start_mark)
        elif isinstance(token, (FlowMappingEndToken, FlowSequenceEndToken)) and opened:
            opened.pop()
    return opened[-1] if opened else None


def _tokens(text: str) -> Iterator[Token]:
    try:
        yield from YAML(typ="safe", pure=True).scan(text)
    except YAMLError:
        return
