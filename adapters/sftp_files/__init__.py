"""Pickup and delivery of files, and the flat files among them."""

from __future__ import annotations

from typing import cast

from adapters.base.registry import Adapter, EndpointSetup
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
        summary="files in a folder: picked up once each, delivered whole or not at all",
        endpoint=FilesEndpoint,
        source_settings=FilesSource,
        source=lambda setup: FileSource(setup, _port(setup.endpoint)),
        sink=lambda setup: FileSink(_port(setup)),
        target=lambda setup: FileTarget(cast(FilesEndpoint, setup.settings)),
        identities=IDENTITIES,
        check=lambda settings: check_folder(cast(FilesEndpoint, settings)),
    )


def _port(setup: EndpointSetup) -> FilePort:
    settings = cast(FilesEndpoint, setup.settings)
    return FolderPort(settings.folder.path, setup.rng.token)
