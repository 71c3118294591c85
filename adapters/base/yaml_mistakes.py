"""What is wrong with a text that is no YAML, in words for whoever wrote it: where, what, and what to do.

The parser tells at which token it stopped; the mistake often stands before it, in a line that lacks a
colon or a quote. Pure. A mistake that is not known here is told in the parser's words.
"""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError

from adapters.base.yaml_pairs import bracket, quote
from adapters.base.yaml_stop import Mistake, Stop, begins, indentation, says

_TIGHT_DASH = re.compile(r"[ ]*-[^\s\-]")
_TIGHT_COLON = re.compile(r"([\w.\-]+):([^\s:/\\].*)")
_KEY = re.compile(r":(?=\s|$)")
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>")


def mistake_of(text: str, error: MarkedYAMLError) -> Mistake:
    """Give what an error of the parser means in the text that it stopped in."""
    mark = error.problem_mark or error.context_mark
    told = ", ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return Mistake(None, None, f"this is not YAML: {told}")
    stop = Stop(text.splitlines(), mark, error.context_mark or mark, error.context or "", error.problem or "")
    for rule in (_conflict, _tab, quote, _no_colon, _colon, bracket, _block, _character):
        if (found := rule(stop, text)) is not None:
            return found
    return Mistake.at(mark, f"this is not YAML: {told}; found {stop.shown(mark.line)}")


def _conflict(stop: Stop, text: str) -> Mistake | None:
    for number in (stop.began.line, stop.at.line, stop.at.line - 1):
        if number >= 0 and stop.line(number).startswith(_CONFLICT):
            return Mistake(
                number + 1,
                1,
                f"found {stop.shown(number)}, the mark of a merge that was not finished; keep one of the two "
                "versions, and remove all such marks",
            )
    return None


def _tab(stop: Stop, text: str) -> Mistake | None:
    if "'\\t'" not in stop.problem:
        return None
    before = stop.line(stop.at.line)[: stop.at.column]
    what = "a tab where the line is indented" if not before.strip() else "a tab"
    return Mistake.at(
        stop.at,
        f"found {what}: {stop.shown(stop.at.line)}; expected spaces: replace each tab by spaces, as many as "
        "the lines beside it have",
    )


def _no_colon(stop: Stop, text: str) -> Mistake | None:
    """A line that is no ``name: value`` and stands where one must."""
    if "could not find expected ':'" not in stop.problem:
        return None
    return _not_a_pair(stop, stop.began.line)


def _not_a_pair(stop: Stop, number: int) -> Mistake:
    line = stop.line(number)
    column, content = begins(line) + 1, line.strip()
    if _TIGHT_DASH.match(line):
        column, do = indentation(line) + 1, "a space behind the dash: write '- ' before the value"
    elif (tight := _TIGHT_COLON.search(content)) is not None:
        do = f"a space behind the colon: write '{tight[1]}: ...'"
    else:
        name = content.removeprefix("- ").split()[0]
        do = f"'name: value': is a colon missing, as in '{name}: ...'?"
    return Mistake(number + 1, column, f"found {stop.shown(number)}; expected {do}")


def _colon(stop: Stop, text: str) -> Mistake | None:
    """A colon where there can be none: in a value, or in a line that goes on with the one above."""
    if "mapping values are not allowed" not in stop.problem:
        return None
    number, line = stop.at.line, stop.line(stop.at.line)
    if _KEY.search(line[: stop.at.column]):
        return Mistake(
            number + 1,
            stop.at.column + 1,
            f"found a second colon with a space behind it: {stop.shown(number)}; where it belongs to the "
            "value, put the value into quotes; where another key begins, it needs a line of its own",
        )
    above = stop.above(number)
    if above is None or indentation(stop.line(above)) > begins(line):
        return None
    if _TIGHT_DASH.match(stop.line(above)) or not _KEY.search(stop.line(above)):
        return _not_a_pair(stop, above)
    return Mistake(
        number + 1,
        begins(line) + 1,
        f"found {stop.shown(number)} indented to column {begins(line) + 1}, below a line that has its value "
        f"already; expected it to begin in column {begins(stop.line(above)) + 1}, as line {above + 1} does",
    )


def _block(stop: Stop, text: str) -> Mistake | None:
    """Lines whose beginning fits none of those above."""
    if "expected <block end>" not in stop.problem:
        return None
    number, line = stop.at.line, stop.line(stop.at.line)
    column = indentation(line)
    if _TIGHT_DASH.match(line):
        return _not_a_pair(stop, number)
    above = stop.above(number)
    if above is not None and indentation(stop.line(above)) == column and not _is_pair(stop.line(above)):
        return _not_a_pair(stop, above)  # a comment between the two ended its text
    if stop.problem.endswith("'-'"):
        text = (
            f"found {stop.shown(number)}, an entry of a list, among lines that are 'name: value'; remove the "
            "dash, or put the list below a key of its own"
        )
    elif stop.problem.endswith("'?'"):
        text = (
            f"found {stop.shown(number)} in the column of the dashes above it; expected '- ' before it, or, "
            f"where it belongs to the entry above, column {_entry_column(stop, number, column) + 1}"
        )
    elif stop.problem.endswith("start>'"):
        columns = " or ".join(str(each + 1) for each in _columns_above(stop, number))
        text = (
            f"found {stop.shown(number)} indented to column {column + 1}, where no line above it begins; "
            f"expected column {columns}, as the lines that it belongs with"
        )
    else:
        return None
    return Mistake(number + 1, column + 1, text)


def _is_pair(line: str) -> bool:
    return _KEY.search(line) is not None or line.lstrip().startswith("-")


def _entry_column(stop: Stop, number: int, column: int) -> int:
    """Give where the keys of the list entry above a line begin."""
    for above in range(number - 1, -1, -1):
        line = stop.line(above)
        if says(line) and indentation(line) == column and line.lstrip().startswith("- "):
            return begins(line)
    return column + 2


def _columns_above(stop: Stop, number: int) -> list[int]:
    """Give the nearest columns, left and right of where a line begins, in which lines that are open begin."""
    column, least, found = indentation(stop.line(number)), None, set[int]()
    for above in range(number - 1, -1, -1):
        line = stop.line(above)
        if not says(line) or (least is not None and indentation(line) >= least):
            continue
        least = indentation(line)
        found |= {least, begins(line)}
        if least < column:
            break
    left = [each for each in found if each < column]
    right = [each for each in found if each > column]
    return [*([max(left)] if left else []), *([min(right)] if right else [])]


def _character(stop: Stop, text: str) -> Mistake | None:
    """A value that begins with a sign that means something else to YAML."""
    cannot_start = re.search(r"found character '(.+)' that cannot start", stop.problem)
    if cannot_start is None and not re.search("scanning an (alias|anchor)", stop.context):
        return None
    mark = stop.at if cannot_start is not None else stop.began
    sign = stop.line(mark.line)[mark.column : mark.column + 1]
    return Mistake.at(
        mark,
        f"found a value that begins with '{sign}', which YAML keeps for itself: {stop.shown(mark.line)}; put "
        "the value into quotes",
    )
