"""Fixtures of the fault tests: one nursery for each test process, one hospital for each test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.hospital import Hospital, hospital

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the socket on which gateways are asked for."""
    path = tmp_path_factory.mktemp("nursery") / "socket"
    command = [sys.executable, "-m", "tests.faults.gateway_under_test", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        yield path
        process.stdin.close()
        process.wait(20)


@pytest_asyncio.fixture
async def house(tmp_path: Path, nursery: Path) -> AsyncIterator[Hospital]:
    """Give a hospital with an ERP that makes no mistakes and refuses no doubles."""
    async with hospital(tmp_path, nursery) as built:
        yield built
