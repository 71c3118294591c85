"""The progress bar: only on a terminal, only where it takes long, never wider than asked."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO

import pytest

from benchmarks.x12_corpus import interchange
from gateway.commands.progress import FIRST_S, Progress, Watched, line, size_of


@pytest.mark.parametrize("width", [20, 40, 79, 120])
@pytest.mark.parametrize("total_bytes", [None, 20_000_000])
def test_a_bar_is_never_wider_than_the_line(width: int, total_bytes: int | None) -> None:
    name = "/very/long/folder/name/of/some/partner/orders_of_the_year_2026.edi"

    assert len(line(name, 9_000_000, total_bytes, 2.0, width)) <= width


def test_a_bar_says_how_far_it_is_and_how_fast() -> None:
    assert line("orders.edi", 5_000_000, 20_000_000, 2.0, 79) == (
        "orders.edi [#####...............]  25% of 20.0 MB, 2.5 MB/s"
    )
    assert line("stdin", 5_000_000, None, 2.0, 79) == "stdin 5.0 MB, 2.5 MB/s"


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("a", 10, is_shown=False)
    Watched(io.BytesIO(b"0123456789"), progress).read(10)
    progress.clear()

    assert capsys.readouterr().err == ""


def test_the_size_of_a_pipe_is_unknown(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        assert size_of(pipe) is None
    os.close(writing)
    (tmp_path / "a").write_bytes(b"123")
    with (tmp_path / "a").open("rb") as file:
        assert size_of(file) == 3


def test_an_input_that_takes_long_shows_a_bar_on_a_terminal_and_takes_it_away(tmp_path: Path) -> None:
    body = interchange(40)
    master, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(Path.cwd())}
    with (tmp_path / "out").open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "gateway", "translate", "-"], cwd=tmp_path, env=environment,
            stdin=subprocess.PIPE, stdout=out, stderr=terminal,
        )  # fmt: skip
    os.close(terminal)
    assert running.stdin is not None
    half = len(body) // 2
    running.stdin.write(body[:half])
    running.stdin.flush()
    _wait_until_read(running.stdin)
    time.sleep(FIRST_S + 0.1)
    running.stdin.write(body[half:])
    running.stdin.close()
    shown = b""
    try:
        while piece := os.read(master, 65_536):
            shown += piece
    except OSError:  # the terminal is closed: the command has ended
        pass
    os.close(master)

    assert running.wait() == 0
    drawn = [each for each in shown.decode().split("\r") if each.strip()]
    assert drawn, shown
    assert all(re.fullmatch(r"stdin \d+\.\d MB, \d+\.\d MB/s *", each) for each in drawn)
    assert shown.endswith(b"\r")
    assert len((tmp_path / "out").read_bytes().splitlines()) == 40


def _wait_until_read(pipe: IO[bytes]) -> None:
    """Wait until the command has read all that was written to it."""
    for _ in range(600):
        unread = fcntl.ioctl(pipe.fileno(), termios.FIONREAD, b"\0" * 4)
        if not any(unread):
            return
        time.sleep(0.05)
    raise AssertionError("the command reads nothing")
