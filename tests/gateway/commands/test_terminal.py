"""The command on a real terminal, in a pipe, and where COLUMNS says how wide to be."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from adapters.base import Finding, Position
from gateway.commands.terminal import LEAST, print_findings, say
from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.commands.running import Running

BROKEN = "version: 1\ngateway: {environment: test, organisation: mercy, no_such_setting_of_any_gateway: 1}\n"
LINES_READ_BYTES = 65_536

READS = [
    ("status",),
    ("routes", "list"),
    ("routes", "show", "po.one"),
    ("routes", "show", "po.nowhere"),
    ("routes", "set", "po.one", "canary", "--share", "25%", "--why", "a long reason, " * 8),
    ("routes", "diff"),
    ("orders", "list"),
    ("orders", "show", "PO-1"),
    ("orders", "show", "PO-nowhere-at-all"),
    ("orders", "moves"),
    ("orders", "reconcile"),
    ("messages", "list"),
    ("messages", "show", "nothing-of-this-name"),
    ("explain", "PO-1"),
    ("explain", "nothing-of-this-name-is-known"),
    ("exceptions", "list"),
    ("exceptions", "show", "nothing-of-this-name"),
    ("exceptions", "export", "--downtime", "--all"),
    ("diffs", "list"),
    ("plan",),
    ("plan", "--days", "x"),
    ("check",),
    ("audit", "list"),
    ("messages", "list", "--limit", "x"),
    ("orders", "list", "--side", "nowhere"),
]


def arrived(gateway: Running) -> None:
    """Let an order and one that cannot be read arrive, under a name as long as those of portals are."""
    body = interchange(order_set("PO-1"), order_set("PO-2", quantity="TWELVE"))
    name = f"/outbound/mercy/orders-{'0123456789' * 4}.850"
    gateway.do(gateway.bench.arrive(body, name))


def on_a_terminal(columns: int, *arguments: str, cwd: Path) -> list[str]:
    """Run the command with standard output and error on a pseudo terminal; give its lines."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    own = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    own.pop("COLUMNS", None)
    command = [sys.executable, "-m", "gateway", *arguments]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=own)
    os.close(theirs)
    told = b""
    try:
        while piece := os.read(ours, LINES_READ_BYTES):
            told += piece
    except OSError:  # EIO: the process has ended
        pass
    finally:
        os.close(ours)
        process.wait(20)
    return told.decode().splitlines()


@pytest.mark.parametrize("columns", [60, 132])
def test_findings_and_refusals_are_as_wide_as_the_terminal(tmp_path: Path, columns: int) -> None:
    (tmp_path / "routes.yaml").write_text(BROKEN)

    lines = on_a_terminal(columns, "check", cwd=tmp_path)
    refused = on_a_terminal(columns, "orders", "list", "--limit", "many", cwd=tmp_path)

    assert "no_such_setting_of_any_gateway" in " ".join(lines)
    assert max(map(len, lines)) <= columns
    assert max(map(len, refused)) <= columns
    assert (max(map(len, lines)) > 60) == (columns > 60)


def test_in_a_pipe_a_finding_is_one_line_that_grep_finds_whole(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(BROKEN)
    own = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    own.pop("COLUMNS", None)

    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "check"],
        capture_output=True, text=True, cwd=tmp_path, env=own, check=False, timeout=60,
    )  # fmt: skip

    (finding,) = (each for each in ended.stderr.splitlines() if "no_such_setting" in each)
    assert finding.startswith("routes.yaml:2:")
    assert finding.endswith("]")


@pytest.mark.parametrize("command", READS, ids=lambda command: " ".join(command)[:40])
def test_nothing_that_a_person_reads_is_wider_than_80_columns(
    bridge: Command, gateway: Running, command: tuple[str, ...]
) -> None:
    arrived(gateway)

    ended = bridge(*command, columns=80)

    assert ended.text
    assert [each for each in ended.text.splitlines() if len(each) > 80] == []


def test_what_has_several_lines_keeps_them_and_a_finding_is_never_more_than_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("not good:\nroutes.yaml:1:1 x\x1b[2J")
    print_findings([Finding("A", Position("f", 1), "one\ntwo")])

    assert capsys.readouterr().err.splitlines() == [
        "not good:",
        "routes.yaml:1:1 x\ufffd[2J",
        "f:1: one two [A]",
    ]


def test_json_is_the_same_whatever_the_width(bridge: Command, gateway: Running) -> None:
    arrived(gateway)

    for command in ("routes", "messages", "exceptions", "orders"):
        assert bridge(command, "list", "--json", columns=LEAST).out == bridge(command, "list", "--json").out


def test_a_terminal_narrower_than_can_be_written_for_gets_40_columns(
    bridge: Command, gateway: Running
) -> None:
    assert max(map(len, bridge("routes", "list", columns=7).out.splitlines())) <= LEAST


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("plan", "--days", "x"), "--days: 'x' is no number of days; expected more than 0 and at most 400"),
        (("plan", "--days", "nan"), "--days: 'nan' is no number of days"),
        (("plan", "--days", "0"), "--days: '0' is no number of days"),
        (("plan", "--limit", "0"), "--limit: '0' is no whole number; expected 1 to 100000"),
        (("messages", "list", "--limit", "-1"), "--limit: '-1' is no whole number; expected 1 to 1000000"),
        (("orders", "moves", "--limit", "1.5"), "--limit: '1.5' is no whole number; expected 1 to 1000000"),
        (("audit", "list", "--limit", "x"), "--limit: 'x' is no whole number"),
        (("diffs", "show", "g", "--limit", "1_0"), "--limit: '1_0' is no whole number"),
        (("flat", "check", "a", "b", "--rows", "x"), "--rows: 'x' is no whole number; expected 0 to 1000000"),
        (("db", "snapshot", "r", "--rows", "0"), "--rows: '0' is no whole number; expected 1 to 100000"),
        (("certs", "--days", "x"), "--days: 'x' is no number of days; expected 1 to 3650"),
        (("simulate", "cloud_erp", "--port", "65536"), "--port: '65536' is no port; expected 0 to 65535"),
        (("simulate", "cloud_erp", "--lag", "x"), "--lag: 'x' is no number of seconds; expected 0 or more"),
        (("simulate", "legacy_db", "--file", "f", "--items", "x"), "--items: 'x' is no whole number"),
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_refused_by_option_with_what_is_expected(
    bridge: Command, command: tuple[str, ...], told: str
) -> None:
    ended = bridge(*command)

    assert ended.code == 2
    assert f"error: argument {told}" in ended.err
