"""Doing what a page says, exactly as it is printed, and comparing what comes of it.

Ids, references, hashes and times differ from run to run; they are compared by kind, and the ids that a
page uses in its commands are exchanged for those of this run. ``python -m tests.docs.sessions PAGE...``
writes what really was printed into the pages; read the diff as carefully as code.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docs.pages import PROJECT, File, Step, session

COMMAND_S, SAME_S = 60.0, 45.0
COLUMNS = 80
SHOWN_AS = "/srv/bridge"  # what a page calls the folder that its session runs in
ASKS = re.compile(
    r"^(ls|cat|legacy-bridge (explain|status|audit|messages (list|show)|orders (list|show)"
    r"|routes (list|show|diff)|exceptions (list|show|export)|crosswalk (show|diff)))\b"
)
SERVES = re.compile(r"^legacy-bridge serve\b.*&$")

MESSAGE = re.compile(r"\bm\d{6}[a-z2-7]{16}\b")
NORMAL = (
    (re.compile(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ "), " "),  # explain prints a time where it changes
    (MESSAGE, "MESSAGE"),
    (re.compile(r"\b[A-Z2-7]{26}\b"), "REFERENCE"),
    (re.compile(r"-[A-Z2-7]{8}\b"), "-REFERENCE"),  # a file's name that was taken already
    (re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b"), "HASH"),
    (re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?Z?\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "SECONDS"),
    (re.compile(r"pid: \d+"), "pid: N"),
    (re.compile(r"process \d+"), "process N"),
    (re.compile(r"\*\d{6}\*\d{4}\*U\*|\*\d{8}\*\d{4}\*"), "*X12-TIME*"),
    (re.compile(r"key exchange +\S+"), "key exchange NAME"),  # as new as the server
    (re.compile(r"folder +/\S*files/"), "folder /files/"),
    (re.compile(r"SHA256:[A-Za-z0-9+/]{43}"), "FINGERPRINT"),
    (re.compile(r"\bAAAA[A-Za-z0-9+/]{40,}={0,2}"), "PUBLIC-KEY"),
    (re.compile(r"SSH-2\.0-\S+( \S+)?, after \d+ ms"), "SERVER"),
    (re.compile(r"\bas (nobody|[a-z_][a-z0-9_-]*)$", re.MULTILINE), "as USER"),
    (re.compile(r"-{3,}"), "---"),
    (re.compile(r"\s+"), " "),
)


def normal(text: str) -> str:
    """Give a text without what differs from run to run."""
    for pattern, word in NORMAL:
        text = pattern.sub(word, text)
    return text.strip()


class Shell:
    """One bash in a folder that looks like a fresh checkout; it keeps its variables and background jobs."""

    def __init__(self, folder: Path) -> None:
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "fixtures").symlink_to(PROJECT / "fixtures")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._folder = folder
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={"PATH": path, "HOME": str(folder), "LOGNAME": "ann", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._count = 0
        self.ids: dict[str, str] = {}  # as the page prints them -> as they are now

    def run(self, command: str) -> str:
        """Run a command as it is typed; give what it prints. Errors: TimeoutError."""
        command = _with(command, self.ids)
        self._count += 1
        told, done = (self._folder.parent / f"{kind}-{self._count}" for kind in ("told", "done"))
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(
            f"{_terminal(command)}\n{{ {command}\n}} >{told} 2>&1 </dev/null\n"
            f"echo $? >{done}.part; mv {done}.part {done}\n"
        )
        stdin.flush()
        ends_at = time.monotonic() + COMMAND_S
        while not done.exists():
            if time.monotonic() > ends_at:
                raise TimeoutError(f"'{command}' did not end within {COMMAND_S:.0f} s")
            time.sleep(0.02)
        return told.read_text().replace(str(self._folder), SHOWN_AS)

    def settle(self, step: Step, *, wanted: str | None, within_s: float = SAME_S) -> str:
        """Run one step; ask again where it only asks and the answer is not yet as ``wanted``."""
        told = self.run(step.command)
        if SERVES.match(step.command):
            self._wait_until_up()
        ends_at = time.monotonic() + within_s
        while wanted is not None and ASKS.match(step.command) and time.monotonic() < ends_at:
            if normal(told) == wanted:
                break
            time.sleep(0.7)
            told = self.run(step.command)
        return told

    def write(self, file: File) -> None:
        """Write a file that the page gives."""
        path = self._here() / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)

    def close(self) -> None:
        """End the gateway and the shell."""
        try:
            self.run("kill $(jobs -p) 2>/dev/null; wait")
        finally:
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait_until_up(self) -> None:
        """Wait until the gateway of the folder at hand answers on its control socket."""
        ends_at = time.monotonic() + COMMAND_S
        while not _answers(self._here() / "var" / "journal.db.sock"):
            if time.monotonic() > ends_at:
                raise TimeoutError(f"the gateway is not up: {self.run('cat gateway.log')}")
            time.sleep(0.1)

    def _here(self) -> Path:
        return Path(self.run("pwd").strip().replace(SHOWN_AS, str(self._folder)))


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(str(path))
        except OSError:
            return False
    return True


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """Give a shell in a made-up checkout below a folder, and end what it started."""
    checkout = folder / "checkout"
    checkout.mkdir()
    made = Shell(checkout)
    try:
        yield made
    finally:
        made.close()


def check(text: str, folder: Path, within_s: float = SAME_S) -> list[str]:
    """Do what a page says; give what differs from what it prints, in words."""
    differences = []
    with shell(folder) as ground:
        for doing in session(text):
            if isinstance(doing, File):
                ground.write(doing)
                continue
            if not doing.is_printed:
                ground.settle(doing, wanted=None)
                continue
            printed = "\n".join(doing.output)
            told = ground.settle(doing, wanted=normal(printed), within_s=within_s)
            if normal(told) != normal(printed):
                differences.append(f"$ {doing.command}\n--- the page\n{printed}\n--- really\n{told}")
            ground.ids.update(zip(MESSAGE.findall(printed), MESSAGE.findall(told), strict=False))
    return differences


def rewrite(text: str, folder: Path, pause_s: float) -> str:
    """Do what a page says; give the page with what was really printed.

    ``<id>`` in a command stands for the first id of the newest list.
    """
    lines = text.splitlines()
    moved, last = 0, ""
    with shell(folder) as ground:
        for doing in session(text):
            if isinstance(doing, File):
                ground.write(doing)
                continue
            if not doing.is_printed:
                ground.settle(doing, wanted=None)
                continue
            command = _with(doing.command, {**ground.ids, "<id>": last})
            if ASKS.match(command):
                time.sleep(pause_s)
            told = ground.settle(Step(command, doing.output, 0, 0), wanted=None)
            if " list" in command and (found := re.search(rf"{MESSAGE.pattern}[\w./-]*", told)):
                last = found[0]
            ground.ids.update(
                zip(MESSAGE.findall("\n".join(doing.output)), MESSAGE.findall(told), strict=False)
            )
            printed = [line.rstrip() for line in told.splitlines()]
            first, behind = doing.first + moved, doing.last + moved
            above = first - 1 - command.count("\n")
            lines[above:first] = [_with(line, {**ground.ids, "<id>": last}) for line in lines[above:first]]
            lines[first:behind] = printed
            moved += len(printed) - (behind - first)
    return "\n".join(lines) + "\n"


def _terminal(command: str) -> str:
    """Give the shell the width of a terminal, or none where what is printed goes to a program or file."""
    is_redirected = re.search(r"[|>]", re.sub(r"'[^']*'|\"[^\"]*\"", "", command))
    return "unset COLUMNS" if is_redirected else f"export COLUMNS={COLUMNS}"


def _with(text: str, words: dict[str, str]) -> str:
    for printed, real in words.items():
        text = text.replace(printed, real)
    return text


def main() -> None:
    """Write what is really printed into the pages that are named."""
    for name in sys.argv[1:]:
        page = PROJECT / name
        with tempfile.TemporaryDirectory() as folder:
            page.write_text(rewrite(page.read_text(), Path(folder), pause_s=6.0))
        print(f"{name}: written")


if __name__ == "__main__":
    main()
