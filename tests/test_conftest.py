"""The rules of tests/conftest.py, each seen from outside: pytest run on a small project of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scale import VARIABLE, scaled

TESTS = Path(__file__).parent

SMALL_TESTS = """
from pathlib import Path
import pytest
from tests.samples import sample_files
from tests.scale import scaled

@pytest.mark.parametrize("path", sample_files("x12/*.edi"))
def test_reads_a_sample(path: Path) -> None:
    assert path.read_text() == "ISA"

@pytest.mark.timeout(5)
def test_says_its_scale(scale: int, request: pytest.FixtureRequest) -> None:
    limit = request.node.get_closest_marker("timeout").args[0]
    print(f"scale={scale} scaled={scaled(300)} capped={scaled(300, most=1_000)} limit={limit}")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    tests = tmp_path / "checkout" / "tests"
    tests.mkdir(parents=True)
    for name in ("conftest.py", "samples.py", "scale.py"):
        shutil.copy(TESTS / name, tests / name)
    shutil.copy(TESTS.parent / "pyproject.toml", tests.parent)
    (tests / "test_small.py").write_text(SMALL_TESTS)
    return tests.parent


def run_pytest(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("LEGACY", "PYTEST"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", *arguments],
        cwd=checkout,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def make_samples(folder: Path) -> None:
    (folder / "x12").mkdir(parents=True)
    (folder / "x12" / "one.edi").write_text("ISA")


def test_corpus_tests_are_not_collected_without_the_default_samples_and_the_summary_says_so(
    checkout: Path,
) -> None:
    run = run_pytest(checkout)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed, 1 deselected" in run.stdout
    assert run.stdout.count("corpus tests not collected: no ../shared/samples") == 1


def test_the_summary_says_so_under_several_processes_too(checkout: Path) -> None:
    run = run_pytest(checkout, "-n", "1")

    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
    assert run.stdout.count("corpus tests not collected: no ../shared/samples") == 1


def test_corpus_tests_run_over_the_default_samples_where_they_are(checkout: Path) -> None:
    make_samples(checkout.parent / "shared" / "samples")

    run = run_pytest(checkout, "-v")

    assert run.returncode == 0, run.stdout + run.stderr
    assert "test_reads_a_sample[x12/one.edi]" in run.stdout
    assert "2 passed" in run.stdout
    assert "not collected" not in run.stdout


def test_corpus_tests_run_over_a_samples_folder_that_was_named(checkout: Path) -> None:
    make_samples(checkout.parent / "elsewhere")

    run = run_pytest(checkout, LEGACY_BRIDGE_SAMPLES="../elsewhere")

    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout


def test_a_named_samples_folder_that_is_missing_stops_the_run(checkout: Path) -> None:
    run = run_pytest(checkout, LEGACY_BRIDGE_SAMPLES="../nowhere")

    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "LEGACY_BRIDGE_SAMPLES=../nowhere: no such folder" in run.stderr
    assert "passed" not in run.stdout


def test_a_pattern_that_matches_no_sample_is_an_error(checkout: Path) -> None:
    (checkout.parent / "shared" / "samples").mkdir(parents=True)

    run = run_pytest(checkout)

    assert run.returncode != 0
    assert "no sample matches x12/*.edi" in run.stdout + run.stderr


def test_the_scale_is_one_unless_a_soak_is_asked_for(checkout: Path) -> None:
    assert "scale=1 scaled=300 capped=300 limit=5\n" in run_pytest(checkout).stdout


def test_a_promised_number_is_reached_in_a_soak_and_never_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = []
    for factor in ("1", "2", "6", "100"):
        monkeypatch.setenv(VARIABLE, factor)
        reached.append(scaled(300, full=10_000))

    assert reached == [300, 600, 10_000, 10_000]


@pytest.mark.parametrize(
    "soak", [{"arguments": ["--soak", "34"]}, {"environment": {"LEGACY_BRIDGE_SOAK": "34"}}], ids=str
)
def test_one_parameter_enlarges_counts_and_time_limits(checkout: Path, soak: dict) -> None:
    run = run_pytest(checkout, *soak.get("arguments", []), **soak.get("environment", {}))

    assert "scale=34 scaled=10200 capped=1000 limit=170\n" in run.stdout


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_a_scale_that_is_no_whole_number_stops_the_run(checkout: Path, text: str) -> None:
    run = run_pytest(checkout, LEGACY_BRIDGE_SOAK=text)

    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"LEGACY_BRIDGE_SOAK={text}: a whole number from 1 up was expected" in run.stderr
