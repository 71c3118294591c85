"""The project as a thing to check out, build and install: its files, locks, version, wheel and commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = {"canonical", "adapters", "gateway", "simulators"}
NOT_OURS = {".git", ".venv", "var", "certs", "dist", "build"}
CACHES = {"node_modules", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}

# Put together here, so that this file does not name what it looks for.
REGISTRIES = [
    host + "." + domain
    for host, domain in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("proxy.golang", "org"),
        ("deb.debian", "org"),
        ("archive.ubuntu", "com"),
        ("repo.maven.apache", "org"),
    )
]
MACHINE_PATHS = re.compile(
    r"(?<![\w.~-])/(?:" + "|".join(("work", "root", "tmp/" + "team", r"home/\w+")) + ")/"
)


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    found = [place for file in project_files() for place in unwelcome(file)]

    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        f"see https://{REGISTRIES[0]}/simple",
        f"--index-url {REGISTRIES[2]}",
        "cd /" + "work/main",
        "'/" + "root/x'",
    ],
)
def test_a_registry_or_a_machine_path_goes_red(tmp_path: Path, line: str) -> None:
    (tmp_path / "seeded.md").write_text(f"fine\n{line}\n")

    assert len(unwelcome(tmp_path / "seeded.md")) == 1


def test_addresses_and_paths_that_any_machine_may_have_stay_green(tmp_path: Path) -> None:
    (tmp_path / "fine.md").write_text(
        "https://erp.example/api/work/orders /etc/ssl ~/work/x ./work/in /var/lib\n"
    )

    assert unwelcome(tmp_path / "fine.md") == []


def project_files() -> Iterator[Path]:
    """Give every file of the checkout that is, or may come to be, committed."""
    for folder, below, names in os.walk(PROJECT):
        top = Path(folder) == PROJECT
        below[:] = [name for name in below if name not in CACHES and not (top and name in NOT_OURS)]
        yield from (Path(folder) / name for name in names if not name.endswith(".pyc") and name != ".git")


def unwelcome(file: Path) -> list[str]:
    lines = file.read_bytes().decode("latin-1").splitlines()
    return [
        f"{file.name}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(lines, start=1)
        if MACHINE_PATHS.search(line) or any(host in line.lower() for host in REGISTRIES)
    ]


# --- locks, version, command --------------------------------------------------------------------------


def test_every_dependency_is_pinned_with_hashes_in_the_lock_files() -> None:
    declared = {plain_name(line) for line in metadata()["project"]["dependencies"]}
    development = {plain_name(line) for line in metadata()["dependency-groups"]["dev"]}
    runtime_lock, development_lock = locked("requirements.lock"), locked("requirements-dev.lock")

    assert declared <= runtime_lock.keys()
    assert declared | development <= development_lock.keys()
    assert runtime_lock.items() <= development_lock.items()


def locked(name: str) -> dict[str, str]:
    """Give the pinned version by package, having checked that each entry carries a hash."""
    text = (PROJECT / name).read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    pins = {}
    for entry in entries:
        package, version = re.match(r"([a-z0-9._-]+)==(\S+)", entry).groups()  # type: ignore[union-attr]
        assert "--hash=sha256:" in entry, f"{name}: {package} has no hash"
        pins[package] = version
    return pins


def plain_name(requirement: str) -> str:
    return re.split(r"[<>=!~;\[ ]", requirement)[0].lower().replace(".", "-").replace("_", "-")


def metadata() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())


def test_the_version_is_the_newest_one_of_the_changelog() -> None:
    newest = re.search(r"(?m)^## (\S+)", (PROJECT / "CHANGELOG.md").read_text())

    assert newest
    assert newest[1] == metadata()["project"]["version"]


def test_the_command_legacy_bridge_leads_to_the_gateway() -> None:
    (command,) = entry_points(group="console_scripts", name="legacy-bridge")

    assert callable(command.load())


# --- the wheel ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    build = f"import hatchling.build as b; print(b.build_wheel({str(folder)!r}))"
    made = subprocess.run(
        [sys.executable, "-c", build], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return set(zipfile.ZipFile(folder / made.stdout.split()[-1]).namelist())


def test_the_wheel_holds_the_four_packages_and_nothing_else_of_ours(wheel: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel if ".dist-info/" not in name} == PACKAGES


def test_the_wheel_holds_every_file_of_the_packages_data_included(wheel: set[str]) -> None:
    files = {file.relative_to(PROJECT).as_posix() for file in project_files()}
    expected = {file for file in files if file.split("/")[0] in PACKAGES}

    assert {name for name in wheel if ".dist-info/" not in name} == expected
    assert {f"{package}/py.typed" for package in PACKAGES} <= wheel


def test_the_wheel_carries_the_licence_and_the_command(wheel: set[str]) -> None:
    information = f"legacy_bridge-{metadata()['project']['version']}.dist-info"

    assert {f"{information}/licenses/LICENSE", f"{information}/entry_points.txt"} <= wheel


# --- make and .ci/run ---------------------------------------------------------------------------------


def test_make_alone_says_what_there_is_to_make() -> None:
    text = run(["make", "--no-print-directory"], PROJECT).stdout

    for target in ("setup", "demo", "test", "soak", "bench", "lock", "fmt", "clean"):
        assert f"make {target} " in text


@pytest.mark.parametrize(
    ("failing", "made", "passes"),
    [("", "test demo", True), ("test", "test", False), ("demo", "test demo", False)],
)
def test_ci_makes_test_then_demo_and_fails_if_either_does(
    tmp_path: Path, failing: str, made: str, passes: bool
) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(PROJECT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "Makefile").write_text(f'test demo:\n\t@echo made $@; test $@ != "{failing}"\n')

    ended = run(["bash", str(tmp_path / ".ci" / "run")], tmp_path.parent)

    assert re.findall(r"made (\w+)", ended.stdout) == made.split()
    assert (ended.returncode == 0) is passes


@pytest.mark.parametrize("arguments, option", [([], []), (["KEEP=1"], ["--keep"]), (["KEEP=0"], [])])
def test_make_demo_passes_keep_on(arguments: list[str], option: list[str]) -> None:
    planned = run(["make", "--no-print-directory", "--dry-run", "demo", *arguments], PROJECT).stdout

    assert planned.splitlines()[-1].split()[1:] == ["demo", *option]


TOO_OLD = 'case "$*" in --version) echo Python 3.9.2;; *version_info*) exit 1;; esac'
NO_ENSUREPIP = 'case "$*" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac'


@pytest.mark.parametrize(
    "script, advice",
    [
        (TOO_OLD, "Python 3.9.2 found; Python 3.11 or later is needed"),
        (NO_ENSUREPIP, "run: sudo apt-get install -y python3.11-venv"),
        (None, "no ./python found; Python 3.11 or later is needed"),
    ],
    ids=["too old", "no ensurepip", "no Python"],
)
def test_make_setup_says_what_to_do_where_python_will_not_do(
    tmp_path: Path, script: str | None, advice: str
) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements-dev.lock"):
        shutil.copy(PROJECT / name, tmp_path)
    if script:
        (tmp_path / "python").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "python").chmod(0o755)

    ended = run(["make", "setup", "PYTHON=./python"], tmp_path)

    assert ended.returncode != 0
    assert advice in ended.stderr
    assert not (tmp_path / ".venv").exists()


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "KEEP"))
    }
    return subprocess.run(
        command, cwd=folder, env=own, capture_output=True, text=True, check=False, timeout=30
    )
