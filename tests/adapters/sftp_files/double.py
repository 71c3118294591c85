"""paramiko's own server as a double, for what a real one cannot be brought to do.

A disk that is full, a disk that lies, a password that is right. It is no example of how to serve a folder.
"""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface, common, sftp

PASSWORD = "let me in, please"


class Double:
    """A server with a room of ``room_bytes`` for each file. ``is_lying``: it says that all went well."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.room_bytes = 1 << 40
        self.is_lying = False
        self.client_key: paramiko.PKey | None = None  # it must come first, and the password after it
        self.logins: list[str] = []
        self.key = paramiko.RSAKey.generate(2048)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def host_key(self) -> str:
        return f"ssh-rsa {self.key.get_base64()}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for transport in self._transports:
            transport.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(sock)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", SFTPServer, _Files, self)
            self._transports.append(transport)
            try:
                transport.start_server(server=_Door(self))
            except (paramiko.SSHException, EOFError):
                continue


class _Door(paramiko.ServerInterface):
    def __init__(self, double: Double) -> None:
        self._double = double
        self._has_key = False

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._has_key = key == self._double.client_key
        return common.AUTH_PARTIALLY_SUCCESSFUL if self._has_key else common.AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self._double.logins.append(password)
        if self._double.client_key is not None and not self._has_key:
            return common.AUTH_FAILED
        return common.AUTH_SUCCESSFUL if password == PASSWORD else common.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        if self._double.client_key is not None and not self._has_key:
            return "publickey"
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return common.OPEN_SUCCEEDED


class _Handle(SFTPHandle):
    double: Double
    file: Any

    def stat(self) -> Any:
        return SFTPAttributes.from_stat(os.fstat(self.file.fileno()))

    def read(self, offset: int, length: int) -> Any:
        return os.pread(self.file.fileno(), length, offset)

    def write(self, offset: int, data: Any) -> int:
        kept = data[: max(self.double.room_bytes - offset, 0)]
        os.pwrite(self.file.fileno(), kept, offset)
        is_refused = len(kept) < len(data) and not self.double.is_lying
        return int(sftp.SFTP_FAILURE if is_refused else sftp.SFTP_OK)

    def close(self) -> None:
        self.file.close()


class _Files(SFTPServerInterface):
    def __init__(self, server: Any, double: Double) -> None:
        super().__init__(server)
        self._double = double

    def _at(self, path: str) -> Path:
        return self._double.folder / path.lstrip("/")

    def list_folder(self, path: str) -> Any:
        found = []
        for place in self._at(path).iterdir():
            attributes = SFTPAttributes.from_stat(place.lstat())
            attributes.filename = place.name
            found.append(attributes)
        return found

    def lstat(self, path: str) -> Any:
        try:
            return SFTPAttributes.from_stat(self._at(path).lstat())
        except FileNotFoundError:
            return sftp.SFTP_NO_SUCH_FILE

    stat = lstat

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> Any:
        handle = _Handle(flags)
        handle.double = self._double
        try:
            handle.file = os.fdopen(
                os.open(self._at(path), flags, 0o660), "r+b" if flags & os.O_WRONLY else "rb", 0
            )
        except FileNotFoundError:
            return sftp.SFTP_NO_SUCH_FILE
        return handle

    def remove(self, path: str) -> int:
        self._at(path).unlink()
        return int(sftp.SFTP_OK)

    def rename(self, oldpath: str, newpath: str) -> int:
        if self._at(newpath).exists():
            return int(sftp.SFTP_FAILURE)
        self._at(oldpath).rename(self._at(newpath))
        return int(sftp.SFTP_OK)

    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        self._at(path).mkdir()
        return int(sftp.SFTP_OK)
