"""Secrets by reference: found, reread, never shown."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from adapters.base import Level
from gateway.security.secrets import SECRET_BYTES_MAX, SecretError, SecretStore
from gateway.security.settings import OAuth2Settings


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path, {"TOKEN": "t-1\n", "EMPTY": ""})


def test_a_variable_and_a_file_give_their_text_without_the_last_line_end(
    store: SecretStore, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(b"two\nlines\r\n")

    assert store("env:TOKEN") == "t-1"
    assert store("file:key") == "two\nlines"
    assert store(f"file:{tmp_path / 'key'}") == "two\nlines"


def test_a_changed_file_is_read_again(store: SecretStore, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    assert store("file:key") == "old"
    other = tmp_path / "key.new"
    other.write_text("new")
    other.replace(path)
    assert store("file:key") == "new"


@pytest.mark.parametrize(
    "reference, code, text",
    [
        ("env:NOPE", "SECRET-MISSING", "env:NOPE: the environment variable is not set"),
        ("env:EMPTY", "SECRET-EMPTY", "env:EMPTY: is empty"),
        ("file:nope", "SECRET-MISSING", "file:nope: the file is not there"),
        ("file:.", "SECRET-UNREADABLE", "file:.: the file cannot be read: Is a directory"),
        ("file:binary", "SECRET-UNREADABLE", "file:binary: byte 0 is not UTF-8"),
        ("file:huge", "SECRET-UNREADABLE", f"file:huge: the file is larger than {SECRET_BYTES_MAX} bytes"),
        ("hunter2", "SECRET-REFERENCE", "a secret: expected a reference: env:NAME or file:PATH"),
        ("env:", "SECRET-REFERENCE", "a secret: expected a reference: env:NAME or file:PATH"),
    ],
)
def test_what_cannot_be_had_is_named_with_its_reference(
    store: SecretStore, tmp_path: Path, reference: str, code: str, text: str
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfehunter2")
    (tmp_path / "huge").write_bytes(b"x" * (SECRET_BYTES_MAX + 1))

    with pytest.raises(SecretError) as error:
        store(reference)

    assert (error.value.finding.code, error.value.finding.text) == (code, text)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))


def test_a_file_open_to_others_is_a_note_and_a_closed_one_is_none(store: SecretStore, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("x")
    path.chmod(0o644)
    note = store.problem("file:key")
    assert note is not None
    assert (note.code, note.level) == ("SECRET-PERMISSIONS", Level.NOTE)
    path.chmod(0o600)
    assert store.problem("file:key") is None
    assert store.problem("env:TOKEN") is None
    missing = store.problem("file:nope")
    assert missing is not None
    assert missing.code == "SECRET-MISSING"


def test_neither_the_store_nor_its_memory_shows_a_secret(store: SecretStore, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2")
    store("file:key")

    assert "hunter2" not in repr(store)
    assert "hunter2" not in repr(vars(store))


def test_a_secret_written_where_its_reference_belongs_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is judged below
        OAuth2Settings.model_validate(
            {"token_url": "https://idp.example", "client_id": "gateway", "client_secret": "hunter2"}
        )
    assert "client_secret" in str(error.value)
    assert "hunter2" not in str(error.value)
