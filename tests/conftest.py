"""What holds for every test: the scale of the run, the samples rule, reproducible property tests.

Scale: tests/scale.py. At scale 1 hypothesis draws the same examples every time, so that a green commit
stays green; a soak draws new ones, more of them, and prints how to repeat a failure.
Samples: tests/samples.py.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests import samples
from tests.scale import VARIABLE, scaled, soak_scale

TIMEOUT_S = 60.0  # as `timeout` in pyproject.toml; a soak gives each test that many times more
EXAMPLES = 100
EXAMPLES_MOST = 1_000  # of a property that names no count of its own: whole documents take 50 ms each


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--soak", type=int, metavar="N", help=f"enlarge the tests N times (as {VARIABLE}=N; default 1)"
    )


def pytest_configure(config: pytest.Config) -> None:
    os.environ.pop("COLUMNS", None)  # pytest-xdist sets it in its workers; a test that wants a width says so
    if (soak := config.getoption("--soak")) is not None:
        os.environ[VARIABLE] = str(soak)  # seen at collection, and by processes that tests start
    try:
        scale = soak_scale()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    samples.samples_dir()  # a named but missing folder stops the run before any test
    settings.register_profile(
        "legacy-bridge",
        max_examples=scaled(EXAMPLES, most=EXAMPLES_MOST),
        derandomize=scale == 1,
        database=None,  # a failure becomes a golden file or an @example, not a hidden local state
        deadline=None,  # timing is judged by benchmarks, never by a test
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )
    settings.load_profile("legacy-bridge")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if samples.samples_dir() is None:
        corpus = [item for item in items if item.get_closest_marker("corpus")]
        items[:] = [item for item in items if item not in corpus]
        config.hook.pytest_deselected(items=corpus)
    if (scale := soak_scale()) > 1:
        for item in items:
            _allow_more_time(item, scale)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if samples.samples_dir() is None:
        terminalreporter.write_line(
            f"corpus tests not collected: no {samples.DEFAULT} beside the checkout (set {samples.VARIABLE})"
        )


@pytest.fixture(scope="session")
def scale() -> int:
    """Give the factor by which this run's counts are enlarged: 1 in `make test`."""
    return soak_scale()


def _allow_more_time(item: pytest.Item, scale: int) -> None:
    marker = item.get_closest_marker("timeout")
    own = marker.args[0] if marker and marker.args else TIMEOUT_S
    item.add_marker(pytest.mark.timeout(own * scale), append=False)
