"""Secrets by reference: `env:NAME` or `file:PATH`, read when they are needed, never kept in settings.

A changed file is read again. Values appear in no text of ours: not in errors, not in `repr`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.base import Finding, Level, Position
from gateway.security.settings import REFERENCE_PATTERN

SECRET_BYTES_MAX = 1024 * 1024


class SecretError(Exception):
    """A secret cannot be had; the finding says which reference and why, never what it holds."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True, slots=True)
class _Kept:
    signature: tuple[int, int, int, int]
    text: str

    def __repr__(self) -> str:
        return "<secret>"


class SecretStore:
    """Resolves references. Relative paths stand below `folder`, where the configuration file is."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environ = os.environ if environ is None else environ
        self._kept: dict[Path, _Kept] = {}

    def __call__(self, reference: str) -> str:
        """Give the secret, one line end at its end removed. Errors: SecretError."""
        return self.resolve(reference)

    def resolve(self, reference: str) -> str:
        """Give the secret, one line end at its end removed. Errors: SecretError."""
        if re.fullmatch(REFERENCE_PATTERN, reference) is None:
            # The text found is not shown: it may be the secret itself, put there by mistake.
            raise _error("SECRET-REFERENCE", "a secret", "expected a reference: env:NAME or file:PATH")
        kind, _, name = reference.partition(":")
        text = self._variable(reference, name) if kind == "env" else self._file(reference, name)
        if not text:
            raise _error("SECRET-EMPTY", reference, "is empty")
        return text

    def problem(self, reference: str) -> Finding | None:
        """Say why a reference cannot be resolved, or that its file is open to others; else None."""
        try:
            self.resolve(reference)
        except SecretError as error:
            return error.finding
        return self._open_to_others(reference)

    def path(self, reference: str) -> Path | None:
        """Give the file of a `file:` reference."""
        kind, _, name = reference.partition(":")
        return self._folder / name if kind == "file" else None

    def _variable(self, reference: str, name: str) -> str:
        value = self._environ.get(name)
        if value is None:
            raise _error("SECRET-MISSING", reference, "the environment variable is not set")
        return _without_line_end(value)

    def _file(self, reference: str, name: str) -> str:
        path = self._folder / name
        try:
            found = path.stat()
            signature = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            kept = self._kept.get(path)
            if kept is None or kept.signature != signature:
                kept = _Kept(signature, _read(path, reference))
                self._kept[path] = kept
        except FileNotFoundError as error:
            raise _error("SECRET-MISSING", reference, "the file is not there") from error
        except OSError as error:
            raise _error(
                "SECRET-UNREADABLE", reference, f"the file cannot be read: {error.strerror}"
            ) from error
        return kept.text

    def _open_to_others(self, reference: str) -> Finding | None:
        path = self.path(reference)
        if path is None or not path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            return None
        text = f"'{reference}' can be read by other users of this machine; chmod 600 keeps it to its owner"
        return Finding("SECRET-PERMISSIONS", Position(reference), text, level=Level.NOTE)


def _read(path: Path, reference: str) -> str:
    with path.open("rb") as file:
        content = file.read(SECRET_BYTES_MAX + 1)
    if len(content) > SECRET_BYTES_MAX:
        raise _error("SECRET-UNREADABLE", reference, f"the file is larger than {SECRET_BYTES_MAX} bytes")
    try:
        return _without_line_end(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        # `from None`: the codec's error holds the bytes.
        raise _error("SECRET-UNREADABLE", reference, f"byte {error.start} is not UTF-8") from None


def _without_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _error(code: str, reference: str, text: str) -> SecretError:
    return SecretError(Finding(code, Position(reference), f"{reference}: {text}"))
