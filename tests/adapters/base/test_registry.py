"""A new adapter works with no other edit: as a folder under adapters/, and as an installed package.

The adapter is the one that docs/how-to/add-an-adapter.md prints, and the routes.yaml too. Each case is a
process of its own, since adapters are found once per process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PROJECT, File, session

PAGE = PROJECT / "docs/how-to/add-an-adapter.md"
DELIVER = """
import asyncio, pathlib, sys
from gateway.serving import serving

async def main():
    async with serving(pathlib.Path("routes.yaml")):
        for _ in range(600):
            if list(pathlib.Path("drop").glob("*.json")):
                return 0
            await asyncio.sleep(0.05)
    return 1

sys.exit(asyncio.run(main()))
"""


def files() -> dict[str, str]:
    found = {each.name: each.text for each in session(PAGE.read_text()) if isinstance(each, File)}
    assert {"routes.yaml", "site/json_drop/__init__.py"} <= set(found)
    return found


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def project_with(folder: Path, **adapters: str) -> None:
    """Make a checkout whose adapters/ has further folders, and nothing else is changed."""
    for name in ("canonical", "gateway", "simulators"):
        (folder / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / "adapters", folder / "adapters", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in adapters.items():
        write(folder, f"adapters/{name}/__init__.py", text)


def installed(folder: Path) -> None:
    for name, text in files().items():
        if name.startswith("site/"):
            write(folder, name.removeprefix("site/"), text)


def python(folder: Path, *arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{path}{os.pathsep}{PROJECT}"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip


def route_with_an_order(folder: Path) -> None:
    write(folder, "routes.yaml", files()["routes.yaml"])
    (folder / "drop").mkdir()
    (folder / "out").mkdir()
    order = "fixtures/demo/metro_facility_04.850"
    shutil.copy(PROJECT / order, folder / "out")


@pytest.mark.parametrize("way", ["a folder under adapters", "an installed package"])
def test_a_new_adapter_delivers_with_no_other_edit(way: str, tmp_path: Path) -> None:
    if way == "an installed package":
        installed(tmp_path / "site")
        path = tmp_path / "site"
    else:
        project_with(tmp_path, json_drop=files()["site/json_drop/__init__.py"])
        path = tmp_path
    route_with_an_order(tmp_path)

    checked = python(tmp_path, "-m", "gateway", "check", path=path)
    served = python(tmp_path, "-c", DELIVER, path=path)

    assert checked.returncode == 0, checked.stderr
    assert served.returncode == 0, served.stderr
    [delivered] = (tmp_path / "drop").glob("*.json")
    assert '"number":"410042"' in delivered.read_text()


def test_its_settings_are_checked_with_line_and_column(tmp_path: Path) -> None:
    installed(tmp_path / "site")
    route_with_an_order(tmp_path)
    misspelt = (tmp_path / "routes.yaml").read_text().replace("folder: drop", "foldr: drop")
    (tmp_path / "routes.yaml").write_text(misspelt)

    checked = python(tmp_path, "-m", "gateway", "check", path=tmp_path / "site")

    assert checked.returncode == 2
    assert "endpoints.drop.foldr" in checked.stderr
    assert "CONFIG-UNKNOWN-KEY" in checked.stderr


def test_its_settings_stand_in_the_configuration_reference(tmp_path: Path) -> None:
    installed(tmp_path / "site")

    told = python(tmp_path, "-m", "gateway.config", "--reference", path=tmp_path / "site")

    assert told.returncode == 0, told.stderr
    assert "endpoints of kind `json_drop`" in told.stdout
    assert "Where the files go; it must exist." in told.stdout


def test_a_folder_that_is_no_adapter_yet_is_passed_over(tmp_path: Path) -> None:
    project_with(tmp_path, begun='"""Nothing here yet."""\n')

    told = python(
        tmp_path, "-c", "from adapters.base.registry import adapters; print(*adapters())", path=tmp_path
    )

    assert told.returncode == 0, told.stderr
    assert "edi_x12" in told.stdout
    assert "begun" not in told.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_this_name\n", "adapter 'broken' cannot be loaded"),
        ("def adapter():\n    return 1\n", "adapter 'broken': adapter() must give an Adapter"),
        (
            "from adapters.base.registry import Adapter\n"
            "def adapter():\n    return Adapter('other', 'another name')\n",
            "adapter 'broken': adapter() must give an Adapter named 'broken'",
        ),
    ],
)
def test_an_adapter_that_is_broken_is_named_and_nothing_starts(text: str, said: str, tmp_path: Path) -> None:
    project_with(tmp_path, broken=text)

    checked = python(tmp_path, "-m", "gateway", "check", "-c", str(PROJECT / "routes.yaml"), path=tmp_path)

    assert checked.returncode == 2
    assert said in checked.stderr
    assert "Traceback" not in checked.stderr


def test_two_adapters_of_one_name_are_refused(tmp_path: Path) -> None:
    installed(tmp_path / "site")
    project_with(tmp_path, json_drop=files()["site/json_drop/__init__.py"])
    both = Path(f"{tmp_path}{os.pathsep}{tmp_path / 'site'}")

    checked = python(tmp_path, "-m", "gateway", "check", "-c", str(PROJECT / "routes.yaml"), path=both)

    assert checked.returncode == 2
    assert "two adapters are called 'json_drop'" in checked.stderr
