"""The pages of this documentation as plain values: their links, their commands, and the sessions in them.

A *session* is a page's fenced blocks in order. ``console`` blocks hold commands (``$ `` in front, ``> ``
on lines that go on) with what they print; a block whose fence names a file (```` ```yaml routes.yaml ````)
is that file. A line ``Type along in [...](.../practice/NAME.md)`` stands for that page, done already.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<info>[^`]*)$")
BEGIN = re.compile(r"^Type along in \[[^\]]+\]\(\S*practice/([a-z]+)\.md\)", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PROMPT, GOES_ON = "$ ", "> "


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. ``at``: the index of its first line inside the fence."""

    language: str
    file: str
    lines: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a session and what the page says it prints. ``first``, ``last``: lines of the page."""

    command: str
    output: tuple[str, ...]
    first: int
    last: int  # the line behind the output
    is_printed: bool = True  # on this page, and not on the one that it begins with


@dataclass(frozen=True, slots=True)
class File:
    """A file that the page tells the reader to write."""

    name: str
    text: str


def pages() -> list[Path]:
    """Give every page that people read: the top of the project and docs/."""
    top = [PROJECT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")]
    return [*top, *sorted((PROJECT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """Give a page's name as a test shows it."""
    return page.relative_to(PROJECT).as_posix()


def blocks(text: str) -> list[Block]:
    """Give the fenced blocks of a page."""
    found: list[Block] = []
    info: str | None = None
    begin = 0
    lines = text.splitlines()
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if info is None and fence:
            info, begin = fence["info"], number + 1
        elif info is not None and line == "```":
            language, _, file = info.partition(" ")
            found.append(Block(language, file.strip(), tuple(lines[begin:number]), begin))
            info = None
    return found


def session(text: str) -> list[Step | File]:
    """Give what a reader does, in order."""
    doings: list[Step | File] = []
    for name in BEGIN.findall(text):
        begin = (PROJECT / "docs/practice" / f"{name}.md").read_text()
        doings += [
            replace(each, is_printed=False) if isinstance(each, Step) else each for each in session(begin)
        ]
    for block in blocks(text):
        if block.file:
            doings.append(File(block.file, "\n".join(block.lines) + "\n"))
        elif block.language == "console":
            doings.extend(_steps(block))
    return doings


def prose(text: str) -> str:
    """Give a page without its fenced blocks."""
    kept, inside = [], False
    for line in text.splitlines():
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def links(text: str) -> list[str]:
    """Give the addresses that a page's links have."""
    return LINK.findall(prose(text))


def command_lines(text: str) -> Iterator[list[str]]:
    """Give the arguments of every ``legacy-bridge`` command that a page tells the reader to type."""
    shown = [step.command for step in session(text) if isinstance(step, Step) and step.is_printed]
    shown += [line for block in blocks(text) if block.language in ("sh", "bash") for line in block.lines]
    return _ours(shown)


def commands_named(text: str) -> Iterator[list[str]]:
    """Give the arguments of every ``legacy-bridge`` command that prose names, perhaps without all of them."""
    return _ours(INLINE.findall(prose(text)))


def _ours(lines: list[str]) -> Iterator[list[str]]:
    for line in lines:
        for words in _commands(line):
            if words[0].endswith("legacy-bridge") and words[1:]:
                yield words[1:]


def _steps(block: Block) -> Iterator[Step]:
    starts = [number for number, line in enumerate(block.lines) if line.startswith(PROMPT)]
    for start, following in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        end = start + 1
        command = [block.lines[start].removeprefix(PROMPT)]
        while end < following and block.lines[end].startswith(GOES_ON):
            command.append(block.lines[end].removeprefix(GOES_ON))
            end += 1
        yield Step("\n".join(command), block.lines[end:following], block.at + end, block.at + following)


def _commands(line: str) -> Iterator[list[str]]:
    """Split a shell line into its simple commands, without redirections."""
    lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # no shell line: a word in prose
        return
    command: list[str] = []
    for number, word in enumerate([*words, ";"]):
        before = words[number - 1] if number else ""
        behind = words[number + 1] if number + 1 < len(words) else ""
        if not set(word) - set("|&;()"):
            if command:
                yield command
            command = []
        elif set("<>") & {*word[:1], *before[:1]} or (word.isdigit() and behind[:1] == ">"):
            continue
        else:
            command.append(word)
