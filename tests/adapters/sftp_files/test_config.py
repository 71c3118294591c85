"""What routes.yaml may say about a folder, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.base.registry import adapter
from adapters.sftp_files.config import FilesEndpoint


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
    assert [name for name, field in FilesEndpoint.model_fields.items() if not field.description] == []


def test_the_adapter_is_found_by_its_folder() -> None:
    found = adapter("sftp_files")

    assert found.endpoint is FilesEndpoint
    assert found.identities == ("path_size_mtime_hash", "content", "control_numbers", "none")


async def test_a_folder_that_cannot_be_used_is_found_by_the_live_check(tmp_path: Path) -> None:
    check = adapter("sftp_files").check
    assert check is not None

    async def problems(folder: Path) -> list[str]:
        found = check(endpoint(folder=str(folder)))
        return found if isinstance(found, list) else await found

    assert await problems(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    assert "no such folder" in (await problems(tmp_path / "missing"))[0]
