"""`legacy-bridge demo` and `simulate` as a person runs them: processes of the installed command."""

from __future__ import annotations

import dataclasses
import filecmp
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

import simulators
from gateway.demo.demo_evidence import Found
from gateway.demo.demo_folder import FIXTURES
from simulators.scenario import Ending, Sent, ends, scenarios

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("legacy-bridge")
DECLARED_PORTS = (8425, 8443, 8444, 8445, 8446, 8447, 8451, 8452, 8453)
ENDS_S = 90

pytestmark = pytest.mark.timeout(120)  # a demo takes 11 s, on a machine that has time for it


@dataclass
class Running:
    """One process of the command, in an empty folder and with an empty folder for temporary files."""

    process: subprocess.Popen[str]
    cwd: Path
    temporary: Path

    def ended(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=ENDS_S)
        return self.process.returncode, out

    def lines_until(self, wanted: str) -> list[str]:
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if wanted in line:
                return lines
        raise AssertionError(f"the process ended without '{wanted}':\n" + "\n".join(lines))

    def assert_left_nothing(self) -> None:
        assert list(self.cwd.iterdir()) == []
        assert list(self.temporary.iterdir()) == []
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)


def begin(folder: Path, *arguments: str, **environment: str) -> Running:
    cwd, temporary = folder / "cwd", folder / "tmp"
    cwd.mkdir(parents=True)
    temporary.mkdir()
    cwd.chmod(0o555)
    own = os.environ | {"TMPDIR": str(temporary), "COLUMNS": "80"} | environment
    process = subprocess.Popen(
        [COMMAND, *arguments], cwd=cwd, env=own, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return Running(process, cwd, temporary)


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Running]]:
    """Start every demo at once, where the ports that routes.yaml names are taken: each is mostly waiting."""
    folder = tmp_path_factory.mktemp("demos")
    with ExitStack() as stack:
        for port in DECLARED_PORTS:
            taken = stack.enter_context(socket.socket())
            if taken.connect_ex(("127.0.0.1", port)) != 0:
                taken.close()
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
        demos = {
            "kept": begin(folder / "kept", "demo", "--keep"),
            "spoiled": begin(folder / "spoiled", "demo", "--spoil"),
            "wheel": begin(folder / "wheel", "demo", PYTHONPATH=str(unpacked_wheel(folder))),
        }
        yield demos
        for each in demos.values():
            if each.process.poll() is None:
                each.process.kill()
            each.process.communicate()


def unpacked_wheel(folder: Path) -> Path:
    build = f"import hatchling.build as b; print(b.build_wheel({str(folder)!r}))"
    made = subprocess.run(
        [sys.executable, "-c", build], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(folder / made.stdout.split()[-1]) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


def test_a_demo_of_the_wheel_ends_well_anywhere_and_leaves_nothing(demos: Mapping[str, Running]) -> None:
    code, out = demos["wheel"].ended()

    assert code == 0, out
    assert "demo: all ended as it must (" in out
    assert "NOT" not in out
    assert [line for line in out.splitlines() if len(line) > 80] == []
    demos["wheel"].assert_left_nothing()
    for told in (
        "10 orders, 1 for the cloud      erp as PO-",
        "mms-in, 9 orders",
        "ok   the clinic got one 997 by SFTP that accepts both orders",
        "AK4*2*330*6*TWELVE~",  # the 997 of the bad order
        "AK9*P*3*3*2~",
        "[X12-UNREADABLE]",
        "routes set: po.metro canary -> cloud; staying: ",
        "ok   the alarm about order 430422 came by webhook",
    ):
        assert told in out
    assert re.search(r"ok   the ERP's ledger holds (\d+) documents for the \1 orders that belong to it", out)


def test_an_erp_that_commits_twice_makes_the_demo_fail_with_the_difference(
    demos: Mapping[str, Running],
) -> None:
    code, out = demos["spoiled"].ended()

    assert code == 1, out
    difference = " ".join(out[out.index("NOT AS EXPECTED") :].split())
    counted = re.search(
        r"holds (\d+) documents for the (\d+) orders that belong to it, each exactly once: it is not so",
        difference,
    )
    assert counted is not None
    assert int(counted[1]) == 2 * int(counted[2])
    assert "(410021 2 times, " in difference
    assert "not expected: erp live parked" in difference  # the look-up after a silent commit finds two
    assert "differences from what was expected" in difference
    assert "all ended as it must" not in out
    demos["spoiled"].assert_left_nothing()


def test_a_kept_demo_obeys_the_commands_it_prints_and_ends_with_ctrl_c(demos: Mapping[str, Running]) -> None:
    kept = demos["kept"]
    lines = kept.lines_until("Ctrl-C ends it")
    (folder,) = [Path(line.removeprefix("cd ")) for line in lines if line.startswith("cd ")]
    commands = [line for line in lines if line.startswith("legacy-bridge ")]
    path = f"{COMMAND.parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    ran = [
        subprocess.run(
            each, cwd=folder, env=environment, shell=True, check=False, capture_output=True, text=True
        )
        for each in commands
    ]

    assert len(commands) == 5
    assert [(each.args, each.stderr) for each in ran if each.returncode not in (0, 1)] == []
    out = "".join(each.stdout for each in ran)
    assert "canary: selected by facility 04" in out
    assert "ORDER 410012" in out  # the one with a broken quantity: nobody has it
    assert "ORDER 430422" not in out.split("not delivered")[-1]  # the hub has it, and only the ERP lacks it
    assert "po.metro: stage is cloud, declared canary" in out

    os.killpg(kept.process.pid, signal.SIGINT)
    code, rest = kept.ended()
    assert (code, rest.split()) == (0, ["demo:", "stopping"])
    kept.assert_left_nothing()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_interrupted_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    running = begin(tmp_path, "demo")
    running.lines_until("canonical JSON")
    os.killpg(running.process.pid, number)

    assert running.ended()[0] == code
    running.assert_left_nothing()


# --- what the demo is made of -------------------------------------------------------------------------


def test_the_package_carries_the_same_routes_and_fixtures_as_the_checkout() -> None:
    # Where this fails: cp routes.yaml simulators/demo/, and the same for the folder that differs.
    packaged = PROJECT / "simulators" / "demo"
    assert (PROJECT / "routes.yaml").read_bytes() == (packaged / "routes.yaml").read_bytes()
    for folder in FIXTURES:
        compared = filecmp.dircmp(PROJECT / folder, packaged / folder)

        assert (compared.left_only, compared.right_only, compared.diff_files) == ([], [], [])


def test_a_new_folder_with_a_scenario_is_played_without_any_other_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "carrier_pigeon").mkdir()
    (tmp_path / "carrier_pigeon" / "__init__.py").touch()
    (tmp_path / "carrier_pigeon" / "scenario.py").write_text(
        "class Pigeon:\n    rank = 15\n\n\ndef scenario(*, is_spoiled):\n    return Pigeon()\n"
    )
    before = len(scenarios())
    monkeypatch.setattr(simulators, "__path__", [*simulators.__path__, str(tmp_path)])
    played = [type(each).__name__ for each in scenarios()]

    assert played[1] == "Pigeon"  # behind the alarm's (10), before the folders' (20)
    assert len(played) == before + 1


SENT = Sent("an order", "HTTP", "po", "/v1", b"", Ending(ends("erp"), parked=("X",), status=200), status=200)


@pytest.mark.parametrize(
    ("sent", "copies", "difference"),
    [
        (SENT, 1, "not there: erp live done"),
        (SENT, 1, "parked with nothing, expected X"),
        (SENT, 2, "2 messages of these bytes in the journal, expected 1"),
        (dataclasses.replace(SENT, status=202), 1, "the caller got 202, expected 200"),
    ],
)
def test_every_way_to_end_otherwise_is_a_difference(sent: Sent, copies: int, difference: str) -> None:
    assert difference in Found(1, sent, None, copies).differences(firsts=1)


# --- simulate -----------------------------------------------------------------------------------------


def test_simulate_prints_its_address_works_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    received = tmp_path / "received"
    received.mkdir()
    running = begin(tmp_path, "simulate", "legacy_http", "--folder", str(received))
    (line,) = running.lines_until("listens on")
    request = urllib.request.Request(line.split()[-1], data=b"ISA*", method="POST")
    with urllib.request.urlopen(request, timeout=10) as reply:
        answered = reply.read()
    os.killpg(running.process.pid, signal.SIGINT)

    assert answered == b"OK"
    assert running.ended()[0] == 0
    assert (received / "000001.body").read_bytes() == b"ISA*"
    running.assert_left_nothing()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("cloud_erp", "--help"), 0, "usage: legacy-bridge simulate cloud_erp"),
        (("--help",), 0, "one of: cloud_erp, dynamics365"),
        (("nobody",), 2, "there is no rehearsal system 'nobody'; there are: cloud_erp, dynamics365,"),
        (("cloud_erp", "--certificate", "x.pem"), 2, "--certificate and --key belong together"),
    ],
)
def test_simulate_says_what_there_is(
    tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended, out = begin(tmp_path, "simulate", *arguments).ended()

    assert (ended, told in " ".join(out.split())) == (code, True), out
