"""The files of one configuration: read from a folder, or out of the text that the journal keeps.

The canonical text is the main file, and behind it every other file that was read, each after a line
``#@ file NAME``. To YAML that line is a comment, so a configuration of one file is its own text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Protocol

FILES_MAX = 500
FILE_BYTES_MAX = 4 * 2**20

_MARK = re.compile(r"^#@ file (.+)$", re.MULTILINE)


class FileError(Exception):
    """A file cannot be read; the text says why."""


class Files(Protocol):
    """Where included files come from; names are relative, with forward slashes."""

    def read(self, name: str) -> str:
        """Give a file's text, lines ending in a line feed. Errors: FileError."""
        ...

    def matching(self, pattern: str) -> list[str]:
        """Give the names that a pattern such as ``partners/*.yaml`` matches, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """Files below a folder; nothing outside of it is ever read, whatever links point there."""

    folder: Path

    def read(self, name: str) -> str:
        """Give a file's text. Errors: FileError."""
        path = self.folder / name
        if not is_inside(name) or not path.resolve().is_relative_to(self.folder.resolve()):
            raise FileError(f"'{name}' leads out of the folder of routes.yaml; keep the file inside")
        return read_text(path)

    def matching(self, pattern: str) -> list[str]:
        """Give the names that match."""
        return sorted(
            path.relative_to(self.folder).as_posix() for path in self.folder.glob(pattern) if path.is_file()
        )[: FILES_MAX + 1]


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """Files out of a canonical text."""

    texts: Mapping[str, str]

    def read(self, name: str) -> str:
        """Give a file's text. Errors: FileError."""
        if (text := self.texts.get(name)) is None:
            raise FileError(f"'{name}' is not part of this revision")
        return text

    def matching(self, pattern: str) -> list[str]:
        """Give the names that match; a star stays within one folder."""
        depth = pattern.count("/")
        return sorted(name for name in self.texts if name.count("/") == depth and fnmatchcase(name, pattern))


def read_text(path: Path) -> str:
    """Read a UTF-8 file with lines ending in a line feed. Errors: FileError."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise FileError(f"'{path}' cannot be read: {error.strerror or error}") from error
    if len(content) > FILE_BYTES_MAX:
        raise FileError(f"'{path}' is longer than {FILE_BYTES_MAX} bytes")
    try:
        return normalised(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(f"line {line} of '{path}' is not UTF-8; save the file as UTF-8") from error


def normalised(text: str) -> str:
    """Give a text without byte order mark, its lines ending in a line feed, the last one too."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return lines if not lines or lines.endswith("\n") else f"{lines}\n"


def joined(main: str, others: Mapping[str, str]) -> str:
    """Give the canonical text of a main file and the other files that it read."""
    return "".join((main, *(f"#@ file {name}\n{others[name]}" for name in sorted(others))))


def parted(text: str) -> tuple[str, dict[str, str]]:
    """Give what ``joined`` was made from."""
    main, *rest = _MARK.split(normalised(text))
    return main, {name: body.removeprefix("\n") for name, body in zip(rest[::2], rest[1::2], strict=True)}


def reserved_line(text: str) -> int | None:
    """Give the number of a line that would be taken for the start of another file, or None."""
    found = _MARK.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else None


def is_pattern(name: str) -> bool:
    """Tell a pattern from a name."""
    return any(sign in name for sign in "*?[")


def is_inside(name: str) -> bool:
    """Tell whether a relative name stays within the folder it counts from."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
