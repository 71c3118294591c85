"""Pickup and delivery of files, and the flat files among them."""

from __future__ import annotations

from typing import cast

from adapters.base.registry import Adapter, EndpointSetup
from adapters.base.settings import LocalPath
from adapters.sftp_files.config import FilesEndpoint, FilesSource
from adapters.sftp_files.driver_folder import FolderPort, check_folder
from adapters.sftp_files.pickup import IDENTITIES
from adapters.sftp_files.port import FilePort
from adapters.sftp_files.sink import FileSink
from adapters.sftp_files.source import FileSource
from adapters.sftp_files.target import FileTarget


def adapter() -> Adapter:
    """Give what this adapter offers."""
    return Adapter(
        name="sftp_files",
        summary="files in a folder or on an SFTP server: picked up once each, delivered whole or not at all",
        endpoint=FilesEndpoint,
        source_settings=FilesSource,
        source=lambda setup: FileSource(setup, port_of(setup.endpoint)),
        sink=lambda setup: FileSink(port_of(setup)),
        target=lambda setup: FileTarget(cast(FilesEndpoint, setup.settings)),
        identities=IDENTITIES,
        check=lambda settings: check_folder(cast(FilesEndpoint, settings)),
    )


def port_of(setup: EndpointSetup) -> FilePort:
    """Give what an endpoint's files are reached through; nothing is connected yet."""
    settings = cast(FilesEndpoint, setup.settings)
    if settings.sftp is not None:
        from adapters.sftp_files.driver_sftp import SftpPort  # paramiko takes a while to import

        return SftpPort(settings.sftp, setup.secret, setup.clock, setup.rng.token)
    return FolderPort(cast(LocalPath, settings.folder).path, setup.rng.token)
