from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from adapters.base.settings import (
    Address,
    Duration,
    DurationRange,
    LocalPath,
    Percentage,
    SecretRef,
    Size,
    Url,
    Zone,
)


def read(wanted: Any, text: object, folder: str | None = None) -> Any:
    return TypeAdapter(wanted).validate_python(text, context={"folder": folder})


GOOD: list[tuple[Any, str, object]] = [
    (Duration, "500ms", timedelta(milliseconds=500)),
    (Duration, "1.5h", timedelta(minutes=90)),
    (Duration, "30d", timedelta(days=30)),
    (DurationRange, "2s..5m", DurationRange(timedelta(seconds=2), timedelta(minutes=5))),
    (Percentage, "10%", Decimal(10)),
    (Percentage, "0.5%", Decimal("0.5")),
    (Percentage, "100%", Decimal(100)),
    (Size, "512", 512),
    (Size, "64KiB", 65_536),
    (Size, "20MB", 20_000_000),
    (Address, "127.0.0.1:8443", Address("127.0.0.1", 8443)),
    (Address, "[::1]:8443", Address("::1", 8443)),
    (SecretRef, "env:ERP_TOKEN", "env:ERP_TOKEN"),
    (SecretRef, "file:/run/x", "file:/run/x"),
    (Zone, "America/Chicago", "America/Chicago"),
    (Url, "https://erp.example:8443/a/b", "https://erp.example:8443/a/b"),
]


@pytest.mark.parametrize(("wanted", "text", "value"), GOOD)
def test_what_people_write_is_read(wanted: Any, text: str, value: object) -> None:
    assert read(wanted, text) == value


BAD: list[tuple[Any, str]] = [
    (Duration, "15"),
    (Duration, "15 m"),
    (Duration, "-1s"),
    (Duration, "1h30m"),
    (Duration, "٣s"),
    (Duration, ""),
    (DurationRange, "2s"),
    (DurationRange, "5m..2s"),
    (DurationRange, "2s..5m..1h"),
    (DurationRange, "..5m"),
    (Percentage, "10"),
    (Percentage, "101%"),
    (Percentage, "-1%"),
    (Percentage, "100.1%"),
    (Size, "1.5MB"),
    (Size, "20mb"),
    (Size, "-1"),
    (Address, "8443"),
    (Address, "host"),
    (Address, "::1:8443"),
    (Address, "host:99999"),
    (Address, "a b:1"),
    (Address, "http://x:1"),
    (SecretRef, "hunter2"),
    (SecretRef, "env:"),
    (SecretRef, "env:A B"),
    (SecretRef, "file:"),
    (Zone, "Chicago"),
    (Zone, "../etc/passwd"),
    (Url, "ftp://x"),
    (Url, "https://user:pw@x"),
    (LocalPath, ""),
]


@pytest.mark.parametrize(("wanted", "text"), BAD)
def test_what_is_unclear_is_refused(wanted: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        read(wanted, text)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as refused:
        read(SecretRef, "hunter2")

    assert "hunter2" not in refused.value.errors()[0]["msg"]


def test_relative_paths_count_from_the_folder_that_the_loader_names() -> None:
    assert read(LocalPath, "a/b", "/etc/bridge") == "/etc/bridge/a/b"
    assert read(LocalPath, "/a/b", "/etc/bridge") == "/a/b"
    assert read(SecretRef, "file:secrets/x", "/etc/bridge") == "file:/etc/bridge/secrets/x"
    assert read(SecretRef, "env:X", "/etc/bridge") == "env:X"
    assert read(LocalPath, "a/b") == "a/b"


def test_an_address_knows_this_machine() -> None:
    assert read(Address, "127.0.0.1:1").is_loopback
    assert read(Address, "[::1]:1").is_loopback
    assert not read(Address, "0.0.0.0:1").is_loopback
    assert str(read(Address, "[::1]:8443")) == "[::1]:8443"
