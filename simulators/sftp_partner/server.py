"""A real OpenSSH server of our own on loopback: for the demo, for tests, for rehearsals.

Run as root it chroots whoever logs in (as `nobody`) into its own folder, as a partner's server should; run
as anybody else it serves that user and shows it its folder first. It touches no other server's files.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulators.scenario import CannotPlayError, Change
from simulators.sftp_partner.keys import KeyPair, make_key

SSHD = Path("/usr/sbin/sshd")
INSTALL = "sudo apt-get install -y --no-install-recommends openssh-server"
# sshd refuses a chroot below a folder that others may write into, and the temporary folder is one.
CHROOTS = (Path("/run"), Path("/var/lib"))
PRIVILEGE_SEPARATION = Path("/run/sshd")  # Debian's sshd insists on it where it runs as root
STARTS_S = 10.0
# Ends the server, and removes its chroot, where whoever started it was killed: then its input ends.
WATCH = 'cat >/dev/null; kill -9 "$1"; [ -z "$2" ] || rm -rf "$2"'


class PartnerServerError(CannotPlayError):
    """The server cannot be run here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this partner's server behaves."""

    port: int = 0  # 0 takes a free one
    refused: tuple[str, ...] = ()  # requests it refuses: "posix-rename", "rename", "remove" ...
    is_read_only: bool = False
    rsa_host_key: bool = False
    sshd_lines: tuple[str, ...] = ()  # more lines of its sshd_config


class PartnerServer:
    """One OpenSSH server. ``files`` is the folder in which whoever logs in begins."""

    def __init__(self, folder: Path, settings: Settings = Settings()) -> None:
        self._folder = folder.absolute()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._chroot: Path | None = None
        self.port = settings.port
        self.user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        folder.mkdir(parents=True, exist_ok=True)
        self.client_key = make_key(self._folder / "client_key")
        self.host_key = make_key(self._folder / "host_key", rsa=settings.rsa_host_key)
        self.files = self._make_files()

    @property
    def log(self) -> Path:
        """Give what the server wrote about itself."""
        return self._folder / "sshd.log"

    def make_folder(self, name: str) -> Path:
        """Make a folder in which whoever logs in may do everything."""
        place = self.files / name
        place.mkdir(parents=True, exist_ok=True)
        self.give(place)
        return place

    def give(self, place: Path) -> None:
        """Let whoever logs in own a file."""
        if os.getuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.chown(place, entry.pw_uid, entry.pw_gid)

    def changes(self, *endpoints: str) -> tuple[Change, ...]:
        """Give what routes.yaml must say of endpoints that reach it; it must have been started."""
        known = self._folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{self.port} {self.host_key.public}\n")
        account = {
            "port": str(self.port),
            "user": self.user,
            "key": f"file:{self.client_key.path}",
            "known_hosts": str(known),
        }
        return tuple(
            Change(("endpoints", endpoint, "sftp", key), value)
            for endpoint in endpoints
            for key, value in account.items()
        )

    def way(self) -> str:
        """Give what a person types to reach it, from the folder that holds ``var``."""
        key = self.client_key.path.as_posix().rpartition("/var/")[2]
        return f"sftp -P {self.port} -i var/{key} {self.user}@127.0.0.1"

    def drop(self, folder: str, name: str, body: bytes, *, age_s: float = 0.0) -> Path:
        """Put a file there as a careful system of its own does: under another name until it is whole."""
        place = self.files / folder / name
        beside = place.with_name(f"{name}.tmp")
        beside.write_bytes(body)
        self.give(beside)
        stamp = beside.stat().st_mtime_ns - int(age_s * 1e9)
        os.utime(beside, ns=(stamp, stamp))
        return beside.rename(place)

    def start(self) -> None:
        """Start it, and wait until it listens. Errors: PartnerServerError."""
        if not SSHD.exists():
            raise PartnerServerError(f"no OpenSSH server is installed; run: {INSTALL}")
        if os.getuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        self.port = self.port or _free_port()
        configuration = self._folder / "sshd_config"
        configuration.write_text("\n".join(self._lines()) + "\n")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", configuration], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "sh", str(self._process.pid), str(self._chroot or "")],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self._wait()

    def stop(self) -> None:
        """Stop it, sessions too, and remove what it keeps outside of its folder."""
        self.kill()
        if self._chroot is not None:
            shutil.rmtree(self._chroot, ignore_errors=True)

    def kill(self) -> None:
        """End server and sessions as a crash would; ``start`` brings it back at the same port."""
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None
        if self._process is None:
            return
        for number in _descendants(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, 9)
        self._process.kill()
        self._process.wait()
        self._process = None

    def change_host_key(self) -> KeyPair:
        """Show another key from the next start on."""
        for name in ("host_key", "host_key.pub"):
            (self._folder / name).unlink()
        self.host_key = make_key(self._folder / "host_key")
        return self.host_key

    def sessions(self) -> list[int]:
        """Give the processes that serve sessions now, to be frozen by a test."""
        return _descendants(self._process.pid) if self._process is not None else []

    def _lines(self) -> Sequence[str]:
        requests = f" -P {','.join(self._settings.refused)}" if self._settings.refused else ""
        read_only = " -R" if self._settings.is_read_only else ""
        begins = "/files" if self._chroot is not None else str(self.files)
        return (
            f"ListenAddress 127.0.0.1:{self.port}",
            f"HostKey {self._folder / 'host_key'}",
            f"AuthorizedKeysFile {self._authorized_keys()}",
            "StrictModes no",  # its files lie in a temporary folder
            # Without root's rights sshd cannot see whether an account is locked, and takes it to be; PAM can.
            f"UsePAM {'no' if os.getuid() == 0 else 'yes'}",
            "PidFile none",
            "UseDNS no",
            "LogLevel VERBOSE",
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "MaxSessions 20",
            "AllowTcpForwarding no",
            "Subsystem sftp internal-sftp",
            f"ForceCommand internal-sftp -d {begins}{requests}{read_only}",
            *([f"ChrootDirectory {self._chroot}"] if self._chroot is not None else []),
            *self._settings.sshd_lines,
        )

    def _authorized_keys(self) -> Path:
        """Give the file of keys that may log in; sshd reads it with the rights of whoever logs in."""
        place = (self._chroot or self._folder) / "authorized_keys"
        place.write_text(f"{self.client_key.public}\n")
        return place

    def _make_files(self) -> Path:
        if os.getuid() != 0:
            place = self._folder / "files"
            place.mkdir(exist_ok=True)
            return place
        above = next(place for place in CHROOTS if place.is_dir())
        self._chroot = Path(tempfile.mkdtemp(prefix="legacy-bridge-sftp-", dir=above))
        self._chroot.chmod(0o755)
        place = self._chroot / "files"
        place.mkdir()
        self.give(place)
        return place

    def _wait(self) -> None:
        ends = time.monotonic() + STARTS_S
        while time.monotonic() < ends:
            if self._process is None or self._process.poll() is not None:
                break
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1.0) as sock,
            ):
                if sock.recv(4) == b"SSH-":
                    return
            time.sleep(0.02)
        words = self.log.read_text(errors="replace").strip().splitlines()[-3:]
        self.stop()
        raise PartnerServerError(f"the OpenSSH server does not start: {' / '.join(words)}")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _descendants(parent: int) -> list[int]:
    """Give the processes that a process began, and those that they began."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = place.read_text(errors="replace").rpartition(")")[2].split()
            children.setdefault(int(words[1]), []).append(int(place.parent.name))
    found, left = [], [parent]
    while left:
        new = children.get(left.pop(), [])
        found += new
        left += new
    return found
