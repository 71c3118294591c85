"""known_hosts as OpenSSH reads it; ssh-keygen is the witness for hashed names."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from adapters.sftp_files.known_hosts import known_keys

ONE, TWO = (base64.b64encode(name).decode() for name in (b"key one", b"key two"))


def keys(text: str, host: str = "sftp.acme.example", port: int = 22) -> list[bytes]:
    return [blob for _, blob in known_keys(text, host, port)]


@pytest.mark.parametrize(
    ("line", "is_known"),
    [
        (f"sftp.acme.example ssh-rsa {ONE}", True),
        (f"sftp.acme.example ssh-rsa {ONE} a comment", True),
        (f"other,SFTP.acme.example\tssh-rsa {ONE}", True),
        (f"*.acme.example ssh-rsa {ONE}", True),
        (f"sftp.?cme.example ssh-rsa {ONE}", True),
        (f"*.acme.example,!sftp.acme.example ssh-rsa {ONE}", False),
        (f"acme.example ssh-rsa {ONE}", False),
        (f"[sftp.acme.example]:2222 ssh-rsa {ONE}", False),
        (f"# sftp.acme.example ssh-rsa {ONE}", False),
        (f"@cert-authority *.acme.example ssh-rsa {ONE}", False),
        ("sftp.acme.example ssh-rsa not-base64!", False),
        ("sftp.acme.example", False),
        ("|1|x|y ssh-rsa " + ONE, False),
        ("", False),
    ],
)
def test_a_line_names_a_server_or_not(line: str, is_known: bool) -> None:
    assert keys(line) == ([b"key one"] if is_known else [])


def test_another_port_is_another_server() -> None:
    text = f"[sftp.acme.example]:2222 ssh-rsa {ONE}\nsftp.acme.example ssh-rsa {TWO}\n"

    assert keys(text, port=2222) == [b"key one"]
    assert keys(text) == [b"key two"]


def test_a_revoked_key_counts_for_nothing_wherever_it_stands() -> None:
    text = f"@revoked * ssh-rsa {ONE}\nsftp.acme.example ssh-rsa {ONE}\nsftp.acme.example ssh-rsa {TWO}\n"

    assert keys(text) == [b"key two"]


def test_names_that_openssh_hashed_are_known(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    kind, blob, *_ = (tmp_path / "key.pub").read_text().split()
    file.write_text(f"[sftp.acme.example]:2222 {kind} {blob}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    text = file.read_text()

    assert "acme" not in text
    assert keys(text, port=2222) == [base64.b64decode(blob)]
    assert keys(text) == []
