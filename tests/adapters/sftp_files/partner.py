"""A partner's server and one folder on it, as settings of ours and as the partner sees it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from adapters.base import Clock
from adapters.sftp_files.driver_sftp import SftpPort
from adapters.sftp_files.server import SftpServer
from gateway.system import SystemClock, SystemRng
from simulators.sftp_partner.server import PartnerServer

QUICK = {"connect_timeout": "5s", "answer_timeout": "5s", "reconnect_for": "0s"}


class Partner:
    """One folder of a partner; ``port`` reaches it as the gateway does."""

    def __init__(self, server: PartnerServer, folder: str) -> None:
        self.server = server
        self.name = folder
        self.folder = server.make_folder(folder)

    def settings(self, **settings: Any) -> dict[str, Any]:
        """Give the section ``sftp`` of an endpoint."""
        return {
            "host": "127.0.0.1",
            "port": str(self.server.port),
            "user": self.server.user,
            "key": f"file:{self.server.client_key.path}",
            "host_key": self.server.host_key.public,
            "folder": self.name,
            **QUICK,
            **settings,
        }

    def port(self, clock: Clock | None = None, **settings: Any) -> SftpPort:
        """Give a port to the folder."""
        account = SftpServer.model_validate(self.settings(**settings))
        return SftpPort(account, secret, clock or SystemClock(), SystemRng().token)

    def put(self, name: str, body: bytes = b"ISA*1~", *, age_s: float = 3600.0) -> Path:
        """Put a file there, complete: whoever looks meanwhile sees none of it."""
        return self.server.drop(self.name, name, body, age_s=age_s)

    def names(self, folder: str = "") -> list[str]:
        """Give the names of the files in a folder."""
        place = self.folder / folder
        return sorted(each.name for each in place.iterdir() if not each.is_dir()) if place.is_dir() else []


def secret(reference: str) -> str:
    """Resolve a reference as the gateway does."""
    kind, _, place = reference.partition(":")
    return Path(place).read_text() if kind == "file" else os.environ[place]
