"""What routes.yaml may say about a folder, and what is refused."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.base.registry import EndpointSetup, adapter
from adapters.sftp_files.config import FilesEndpoint
from adapters.sftp_files.server import SftpServer
from gateway.config.field_docs import described
from gateway.system import SystemClock, SystemRng
from tests.adapters.sftp_files.partner import Partner, secret


def endpoint(**settings: Any) -> FilesEndpoint:
    return FilesEndpoint.model_validate({"folder": "var/in", **settings})


@pytest.mark.parametrize(
    ("text", "stable", "is_rename", "done_file"),
    [
        ("stable", timedelta(seconds=10), False, None),
        ("rename", None, True, None),
        ("done_file", None, False, "{name}.done"),
        ({"stable": "2m", "polls": "3"}, timedelta(minutes=2), False, None),
        ({"done_file": "{stem}.ok"}, None, False, "{stem}.ok"),
    ],
)
def test_ready_is_one_word_or_its_settings(
    text: Any, stable: timedelta | None, is_rename: bool, done_file: str | None
) -> None:
    ready = endpoint(ready=text).ready

    assert (ready.stable, ready.rename, ready.done_file) == (stable, is_rename, done_file)


def test_pattern_is_one_or_several() -> None:
    assert endpoint(pattern="*.850").pattern == ("*.850",)
    assert endpoint(pattern=["*.850", "*.855"]).pattern == ("*.850", "*.855")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"ready": {"stable": "1s", "rename": "true"}}, "exactly one of"),
        ({"ready": {"polls": "2"}}, "exactly one of"),
        ({"ready": {"done_file": "done"}}, "names every file alike"),
        ({"ready": {"done_file": "{name}"}}, "may be the name of the file itself"),
        ({"done_marker": "{nome}.ok"}, "is no word of this name"),
        ({"name": "../{stem}"}, "expected letters"),
        ({"name": "order.edi"}, "names every file alike"),
        ({"work": ".done"}, "three different folders"),
        ({"work": ".."}, "three different folders"),
        ({"work": "a/b"}, "String should match"),
        ({"folders": "x"}, "Extra inputs"),
        ({"poll": "0s"}, "greater than or equal"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        endpoint(**settings)


def test_every_field_is_described() -> None:
    assert [name for name, field in described(FilesEndpoint).items() if not field.description] == []


def test_the_adapter_is_found_by_its_folder() -> None:
    found = adapter("sftp_files")

    assert found.endpoint is FilesEndpoint
    assert found.identities == ("path_size_mtime_hash", "content", "control_numbers", "none")


async def test_an_endpoint_that_cannot_be_used_is_found_by_the_live_check(
    tmp_path: Path, partner: Partner
) -> None:
    check = adapter("sftp_files").check_endpoint
    assert check is not None

    async def problems(**settings: Any) -> list[str]:
        found = FilesEndpoint.model_validate(settings)
        return await check(EndpointSetup("in", "test", found, SystemClock(), SystemRng(), secret))

    assert await problems(folder=str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []
    assert "no such folder" in (await problems(folder=str(tmp_path / "missing")))[0]
    assert await problems(sftp=partner.settings()) == []
    assert partner.names() == []
    assert "there is no folder 'nowhere'" in (await problems(sftp=partner.settings(folder="nowhere")))[0]
    assert "pinned" in (await problems(sftp=partner.settings(host_key="SHA256:" + "A" * 43)))[0]
    partner.folder.chmod(0o555)
    if partner.server.user == "nobody":
        os.chown(partner.folder, 0, 0)
    assert "we may not write there" in (await problems(sftp=partner.settings()))[0]


SERVER = {"host": "sftp.acme.example", "user": "mercy", "key": "file:k", "host_key": "SHA256:" + "A" * 43}


def test_an_account_says_where_who_and_which_key_and_the_rest_has_defaults() -> None:
    found = FilesEndpoint.model_validate({"sftp": SERVER}).sftp

    assert found is not None
    assert (found.port, found.folder, found.channels) == (22, ".", 4)
    assert found.disabled == (
        "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc",
        "hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96",
    )  # fmt: skip
    assert "hmac-sha1" not in SftpServer.model_validate({**SERVER, "allow": "hmac-sha1"}).disabled


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"key": None}, "expected key or password"),
        ({"key": None, "password": "env:P", "certificate": "file:c"}, "expected key too"),
        ({"host_key": None}, "never trusted at first sight"),
        ({"host_key": "ssh-ed25519 AAAA"}, "SHA256:"),
        ({"host_key": "MD5:aa:bb"}, "sftp check"),
        ({"password": "let me in"}, "a secret is never written here"),
        ({"allow": "ssh-dss"}, "weak and still there"),
        ({"channels": "0"}, "greater than or equal to 1"),
        ({"host": "sftp://acme"}, "match pattern"),
        ({"folder": "a\nb"}, "match pattern"),
    ],
)
def test_an_account_that_cannot_be_right_is_refused(changes: dict[str, Any], told: str) -> None:
    settings = {key: value for key, value in {**SERVER, **changes}.items() if value is not None}

    with pytest.raises(ValidationError, match=told):
        FilesEndpoint.model_validate({"sftp": settings})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "exactly one of folder"),
        ({"folder": "in", "sftp": SERVER}, "exactly one of folder"),
        ({"folder": "in", "after": "keep"}, "needs claim: in_place"),
        ({"folder": "in", "cron": "never"}, "five fields"),
        ({"folder": "in", "windows": ["18-6"]}, "expected hours"),
        ({"folder": "in", "pickers": "99"}, "less than or equal to 16"),
    ],
)
def test_an_endpoint_that_cannot_be_right_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        FilesEndpoint.model_validate(settings)
