"""The command in real processes: a gateway that serves, and commands that talk to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import ROUTES

PATIENCE_S = 40.0


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3]), "COLUMNS": "80"},
    )  # fmt: skip


@pytest.fixture
def server(folder: Path) -> Iterator[subprocess.Popen[str]]:
    (folder / "routes.yaml").write_text(ROUTES)
    for name in ("in", "answers", "legacy"):
        (folder / "var" / name).mkdir(parents=True)
    started = start()
    yield started
    if started.poll() is None:
        started.kill()
    started.communicate()


def start() -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--log", "warning"],
        stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )  # fmt: skip
    assert started.stderr is not None
    for line in started.stderr:
        if "the gateway is running" in line:
            return started
    raise AssertionError(started.communicate())


def eventually(bridge: Command, *arguments: str, until: str) -> str:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        if until in (out := bridge(*arguments).out):
            return out
        time.sleep(0.05)
    raise AssertionError(f"{arguments}: never {until}")


@pytest.mark.timeout(120)
def test_an_order_is_followed_from_its_file_to_the_call_sheet_with_the_gateway_killed(
    bridge: Command, server: subprocess.Popen[str], folder: Path
) -> None:
    assert "the test gateway is running" in process("status").stdout
    (folder / "var/in/.order").write_bytes(interchange(order_set("PO-1")))
    (folder / "var/in/.order").rename(folder / "var/in/june.850")
    (message,) = json.loads(
        eventually(bridge, "messages", "list", "--state", "planned", "--json", until="june")
    )
    moved = bridge("routes", "set", "po.one", "legacy", "--why", "the ERP is down")
    assert "1 open order remains in the cloud ERP" in moved.out, moved.err

    server.kill()
    server.wait()

    sheet = bridge("exceptions", "export", "--downtime", "--all")
    story = bridge("explain", message["message_id"])
    assert "ORDER PO-1" in sheet.out
    assert "555-0100" in sheet.out
    assert "june.850" in story.out
    assert bridge("audit", "verify").code == 0
    assert bridge("routes", "set", "po.one", "cloud", "--why", "x").code == 2

    again = start()  # the dead one's socket is in nobody's way, and what it did holds
    try:
        assert "po.one: stage is legacy, declared cloud" in bridge("routes", "diff").out
        second = process("serve")
        assert (second.returncode, "Traceback" in second.stderr) == (2, False)
        assert "owns this journal" in second.stderr
    finally:
        again.send_signal(signal.SIGTERM)
        again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0
    assert not (folder / "var/journal.db.sock").exists()


def test_serving_a_broken_configuration_shows_every_mistake_and_starts_nothing(folder: Path) -> None:
    (folder / "routes.yaml").write_text(ROUTES.replace("stage: cloud", "stage: clouds").replace("mercy", ""))

    ended = process("serve")

    assert ended.returncode == 2
    assert ended.stderr.count("routes.yaml:") >= 2
    assert not (folder / "var").exists()


def test_certificates_for_development_are_made(bridge: Command, folder: Path) -> None:
    ended = bridge("certs", "--client", "acme", "--json")

    written = json.loads(ended.out)
    assert ended.code == 0
    assert "certs/acme.key" in written
    assert all(Path(each).is_file() for each in written)
    assert Path("certs/acme.key").stat().st_mode & 0o077 == 0
