"""`legacy-bridge sftp check` as a person runs it, 80 columns wide, against servers good and bad."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from simulators.sftp_partner.proxy import FaultProxy
from simulators.sftp_partner.server import PartnerServer, Settings
from tests.adapters.sftp_files.partner import Partner

Run = Callable[..., tuple[int, str, str]]
ROUTES = """
version: 1
gateway: {environment: test, organisation: mercy}
endpoints:
  acme-in: {kind: sftp_files, environment: test, sftp: %s}
  local: {kind: sftp_files, environment: test, folder: local}
partners: {acme: {environment: test}, other: {environment: test}}
routes:
  - id: po
    from: {endpoint: acme-in, format: edi_x12, partner: acme, set: "850", identity: control_numbers}
    targets: {cloud: local}
    stage: cloud
    acknowledge: {type: none}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give what runs the command on a routes.yaml; every line it prints must fit into 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def command(settings: dict[str, Any] | None, *arguments: str) -> tuple[int, str, str]:
        if settings is not None:
            Path("routes.yaml").write_text(ROUTES % json.dumps(settings))
        code = main(["sftp", "check", *arguments])
        told = capsys.readouterr()
        too_long = [
            line for line in (told.out + told.err).splitlines() if len(line) > 80 and "AAAA" not in line
        ]
        assert too_long == []
        return code, told.out, told.err

    return command


@pytest.mark.parametrize("name", ["acme-in", "acme"])
def test_a_good_server_is_told_step_by_step_and_left_as_it_was(partner: Partner, run: Run, name: str) -> None:
    partner.put("po_1.850", b"x" * 1_500)
    (partner.folder / "sub").mkdir()

    code, out, _ = run(partner.settings(), name)

    assert code == 0
    assert f"acme-in: {partner.server.user} at 127.0.0.1:{partner.server.port}" in out
    for told in (
        "connection    SSH-2.0-OpenSSH", "ours   mlkem768x25519-sha256", "theirs",
        "cipher        aes128-gcm@openssh.com", "pinned: ssh-ed25519", "log-in        as ",
        "1,500 bytes  po_1.850", "folder  sub", "2 entries", "channels      4 at once",
        "rights        write, rename, make folders, delete", "clock         the server's agrees with ours",
    ):  # fmt: skip
        assert told in out
    assert "BAD" not in out
    assert "ask the partner" not in out
    assert sorted(each.name for each in partner.folder.iterdir()) == ["po_1.850", "sub"]


def test_machines_get_the_same_as_json(partner: Partner, run: Run) -> None:
    code, out, _ = run(partner.settings(), "acme", "--json")

    (checked,) = json.loads(out)
    assert code == 0
    assert {step["verdict"] for step in checked["steps"]} == {"ok"}
    assert checked["ask"] == []


def test_another_host_key_is_told_and_nothing_is_sent(partner: Partner, run: Run) -> None:
    code, out, _ = run(partner.settings(host_key="SHA256:" + "A" * 43), "acme", "--brief")

    assert code == 1
    assert "BAD   host key" in out
    assert "Nothing was sent" in " ".join(out.split())
    assert "log-in" not in out


def test_a_wrong_password_is_told_with_what_to_ask_for(
    partner: Partner, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_PASSWORD", "not-the-one")
    settings = {**partner.settings(), "password": "env:ACME_PASSWORD"}
    del settings["key"]

    code, out, err = run(settings, "acme", "--brief")

    assert code == 1
    assert "BAD   log-in" in out
    assert "by password" in out
    assert "ask the partner for\n  - whether this user" in out
    assert "not-the-one" not in out + err


def test_a_secret_that_is_not_there_is_our_own_affair(
    partner: Partner, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACME_PASSWORD", raising=False)
    settings = {**partner.settings(), "password": "env:ACME_PASSWORD"}
    del settings["key"]

    code, out, _ = run(settings, "acme")

    assert code == 1
    assert "BAD   settings      env:ACME_PASSWORD: the environment variable is not set" in out
    assert "ask the partner" not in out


def test_a_folder_that_is_not_there_is_told(partner: Partner, run: Run) -> None:
    code, out, _ = run(partner.settings(folder="nowhere"), "acme", "--brief")

    assert code == 1
    assert "BAD   folder        'nowhere': No such file" in out
    assert "the path under which it sees it" in " ".join(out.split())


def test_rights_that_are_missing_are_asked_for_unless_nothing_may_be_tried(tmp_path: Path, run: Run) -> None:
    server = PartnerServer(tmp_path / "s", Settings(refused=("rename", "posix-rename", "remove", "mkdir")))
    try:
        server.start()
        partner = Partner(server, "out")
        code, out, _ = run(partner.settings(), "acme", "--brief")
        assert code == 1
        words = " ".join(out.split())
        assert "BAD rights rename: Permission denied; delete: Permission denied" in words
        assert "the right to rename, delete, clear up, make folders in this folder" in words
        (left,) = partner.names()  # what may not be deleted cannot be cleared up, and that is told
        assert left in words

        code, out, _ = run(partner.settings(), "acme", "--brief", "--read-only")
        assert (code, partner.names()) == (0, [left])
        assert "  rights  " not in out
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("Ciphers aes256-cbc", "MACs hmac-sha1"), "`allow: aes256-cbc` in routes.yaml lets it in"),
        (("KexAlgorithms diffie-hellman-group14-sha1",), "no setting of ours lets it in"),
    ],
)
def test_a_server_that_knows_old_algorithms_only_is_told_what_would_help(
    tmp_path: Path, run: Run, lines: tuple[str, ...], told: str
) -> None:
    server = PartnerServer(tmp_path / "s", Settings(sshd_lines=lines))
    try:
        server.start()
        partner = Partner(server, "out")
        code, out, _ = run(partner.settings(), "acme", "--brief")
        assert code == 1
        assert "nothing that both sides know" in out
        assert told in " ".join(out.split())

        code, out, _ = run(partner.settings(allow=["aes256-cbc", "hmac-sha1"]), "acme", "--brief")
        assert code == (0 if "Ciphers" in lines[0] else 1)
        assert ("note  cipher        aes256-cbc, which is weak" in out) is ("Ciphers" in lines[0])
    finally:
        server.stop()


@pytest.mark.parametrize("how", ["says nothing", "says something else", "hangs up", "hangs later", "closed"])
def test_what_is_no_ssh_server_is_told_in_time(partner: Partner, run: Run, how: str) -> None:
    began = time.monotonic()
    with listening(how, partner) as port:
        code, out, _ = run(partner.settings(port=str(port), connect_timeout="500ms"), "acme", "--brief")

    assert code == 1
    words = " ".join(out.split())
    assert {
        "says nothing": "took the connection and then said nothing for 0.5 s",
        "says something else": "it began with '220 mail.acme.example ESMTP'",
        "hangs up": "it closed the connection without a word",
        "hangs later": "BAD host key agreeing on keys",
        "closed": "cannot be reached: Connection refused",
    }[how] in words
    assert time.monotonic() - began < 15


class listening:  # noqa: N801 - a context manager that reads as a verb
    def __init__(self, how: str, partner: Partner) -> None:
        self._how = how
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self._proxy: FaultProxy | None = None
        self._target = partner.server.port

    def __enter__(self) -> int:
        port = int(self._listener.getsockname()[1])
        if self._how == "hangs later":
            self._proxy = FaultProxy(self._target).__enter__()
            self._proxy.hush_after(1_200)  # after its algorithms, before its key
            return self._proxy.port
        if self._how == "closed":
            self._listener.close()
            return port
        threading.Thread(target=self._serve, daemon=True).start()
        return port

    def __exit__(self, *ignored: object) -> None:
        if self._proxy is not None:
            self._proxy.__exit__(None, None, None)
        self._listener.close()
        for sock in self._held:
            sock.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._held.append(sock)
            if self._how == "says something else":
                sock.sendall(b"220 mail.acme.example ESMTP\r\n")
            if self._how != "says nothing":
                sock.shutdown(socket.SHUT_WR)


def test_a_server_that_no_entry_names_shows_its_key_without_a_log_in(partner: Partner, run: Run) -> None:
    code, out, _ = run(None, "--server", f"127.0.0.1:{partner.server.port}")

    assert code == 0
    assert "note  host key      SHA256:" in out
    assert "pin it as host_key" in " ".join(out.split())
    assert partner.server.host_key.public.split()[1] in out
    assert "log-in" not in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "expected NAME"),
        (("acme", "--server", "x:22"), "expected NAME"),
        (("local",), "works on folders of this machine"),
        (("nobody",), "there is no endpoint 'nobody'"),
        (("other",), "no route of routes.yaml reaches partner 'other'"),
        (("--server", "a b"), "is no host or host:port"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(
    partner: Partner, run: Run, arguments: tuple[str, ...], told: str
) -> None:
    code, out, err = run(partner.settings(), *arguments)

    assert (code, out) == (2, "")
    assert told in " ".join(err.split())
    assert all(each.startswith("    ") for each in err.splitlines()[1:])
