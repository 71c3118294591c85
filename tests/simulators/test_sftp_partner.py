"""The partner's server and its bad network, as independent witnesses: reached by the OpenSSH client alone."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.sftp_partner import server as partner
from simulators.sftp_partner.proxy import FaultProxy
from simulators.sftp_partner.server import PartnerServer, PartnerServerError, Settings

COMMAND = Path(sys.executable).with_name("legacy-bridge")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PartnerServer]:
    found = PartnerServer(tmp_path / "partner")
    try:
        found.start()
        found.make_folder("out")
        yield found
    finally:
        found.stop()


def sftp(server: PartnerServer, commands: str, port: int = 0) -> subprocess.CompletedProcess[str]:
    known = server.log.with_name("known")
    known.write_text(f"* {server.host_key.public}\n")
    return subprocess.run(
        ["sftp", "-q", "-b", "-", "-P", str(port or server.port), "-i", str(server.client_key.path),
         "-o", f"UserKnownHostsFile={known}", f"{server.user}@127.0.0.1"],
        input=commands, text=True, capture_output=True, check=False,
    )  # fmt: skip


def test_the_openssh_client_puts_gets_and_finds_its_way_nowhere_else(
    server: PartnerServer, tmp_path: Path
) -> None:
    (tmp_path / "sent").write_bytes(b"x" * 100_000)
    done = sftp(server, f"put {tmp_path}/sent out/a\nget out/a {tmp_path}/got\nls -1 out\n")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "got").read_bytes() == (tmp_path / "sent").read_bytes()
    assert "out/a" in done.stdout
    if os.getuid() == 0:  # chrooted: what stands outside is not there
        (server.files / "out" / "link").symlink_to("/etc")
        assert sftp(server, "ls /etc\n").returncode != 0
        assert sftp(server, "ls out/link/\n").returncode != 0


def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    server = PartnerServer(tmp_path / "partner")
    server.start()
    files, process = server.files, server.sessions()
    server.stop()

    assert [pid for pid in process if is_alive(pid)] == []
    assert not files.exists() or files.is_relative_to(tmp_path)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), 1)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_machine_without_openssh_is_told_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partner, "SSHD", tmp_path / "nowhere")
    server = PartnerServer(tmp_path / "partner")
    with pytest.raises(PartnerServerError, match="apt-get install -y --no-install-recommends openssh-server"):
        server.start()
    server.stop()


def test_a_configuration_that_sshd_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    server = PartnerServer(tmp_path / "partner", Settings(sshd_lines=("NoSuchWord yes",)))
    with pytest.raises(PartnerServerError, match="NoSuchWord"):
        server.start()
    server.stop()


def test_a_far_network_is_as_slow_as_it_is_said_to_be(server: PartnerServer) -> None:
    with FaultProxy(server.port) as proxy:
        proxy.round_trip_s = 0.2
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as sock:
            began = time.monotonic()
            assert sock.recv(4) == b"SSH-"  # half a round trip after the server spoke
            assert time.monotonic() - began >= 0.1


def test_a_cut_network_ends_a_transfer_and_serves_the_next(server: PartnerServer, tmp_path: Path) -> None:
    (server.files / "out" / "large").write_bytes(b"x" * 3_000_000)
    with FaultProxy(server.port) as proxy:
        proxy.cut_after(1_000_000, from_server=True)
        assert sftp(server, f"get out/large {tmp_path}/got\n", proxy.port).returncode != 0
        assert sftp(server, f"get out/large {tmp_path}/got\n", proxy.port).returncode == 0
    assert (tmp_path / "got").stat().st_size == 3_000_000


def test_a_server_ends_with_whoever_started_it_even_by_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "simulate", "sftp_partner", "--keys", str(tmp_path / "keys")],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    told = process.stdout.readline()
    process.kill()
    process.communicate()
    port, files = re.findall(r"127.0.0.1:(\d+); its files are in (\S+)", told)[0]
    ends_at = time.monotonic() + 10

    while time.monotonic() < ends_at:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", int(port))) != 0 and (
                Path(files).is_relative_to(tmp_path) or not Path(files).exists()
            ):
                return
        time.sleep(0.05)
    raise AssertionError("it still listens, or its folder is still there")


def test_simulate_prints_what_routes_yaml_must_say_and_ends_when_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "simulate", "sftp_partner", "--folders", "in,out", "--keys", str(tmp_path / "keys")],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    told = "".join(process.stdout.readline() for _ in range(5))
    process.send_signal(signal.SIGTERM)
    process.stdout.close()

    assert process.wait(20) == 0
    assert re.search(r"user: \w+, folder: in,", told)
    assert "host_key: ssh-ed25519 AAAA" in told
