"""Long texts: SAP cuts them into lines of seventy characters below a text segment; a mapping sees one text.

Source: SAP IDoc documentation, TDFORMAT: "*" begins a paragraph, "" or "=" continues one.
"""

from __future__ import annotations

from typing import Any

from adapters.layouts.model import Values

LINE_LENGTH = 70
_TEXTS = {"E1EDKT1": "E1EDKT2", "E1EDPT1": "E1EDPT2"}


def with_texts(values: Values) -> Values:
    """Give a tree whose text segments have their lines as one ``TEXT``."""
    made: Values = {}
    for name, below in values.items():
        if name in _TEXTS:
            made[name] = [{**entry, "TEXT": _joined(entry.get(_TEXTS[name], []))} for entry in below]
        elif isinstance(below, list):
            made[name] = [with_texts(entry) for entry in below]
        else:
            made[name] = below
    return made


def with_lines(values: Values) -> Values:
    """Give a tree whose texts stand in lines again."""
    made: Values = {}
    for name, below in values.items():
        if name in _TEXTS:
            made[name] = [_cut(entry, _TEXTS[name]) for entry in below]
        elif isinstance(below, list):
            made[name] = [with_lines(entry) for entry in below]
        else:
            made[name] = below
    return made


def _joined(lines: list[Any]) -> str:
    text = ""
    for line in lines:
        begins = line.get("TDFORMAT", "") not in ("", "=") or not text
        text += ("\n" if begins and text else "") + line.get("TDLINE", "")
    return text


def _cut(entry: Values, line: str) -> Values:
    rest = {name: value for name, value in entry.items() if name != "TEXT"}
    lines: list[Values] = []
    for paragraph in (entry.get("TEXT") or "").split("\n"):
        for start in range(0, max(len(paragraph), 1), LINE_LENGTH):
            form = "*" if start == 0 else "="
            lines.append({"TDLINE": paragraph[start : start + LINE_LENGTH], "TDFORMAT": form})
    return {**rest, line: lines}
