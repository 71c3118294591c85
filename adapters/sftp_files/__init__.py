"""Pickup and delivery of files, and the flat files among them."""

from __future__ import annotations

from typing import cast

from adapters.base import Source
from adapters.base.registry import Adapter, EndpointSetup, SourceSetup
from adapters.base.settings import LocalPath
from adapters.sftp_files.config import FilesEndpoint, FilesSource
from adapters.sftp_files.driver_folder import FolderPort
from adapters.sftp_files.driver_live import unusable
from adapters.sftp_files.driver_pickers import PickedFiles
from adapters.sftp_files.pickup import IDENTITIES
from adapters.sftp_files.port import FilePort
from adapters.sftp_files.shares import WHOLE, Share
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
        source=_source,
        sink=lambda setup: FileSink(port_of(setup)),
        target=lambda setup: FileTarget(cast(FilesEndpoint, setup.settings)),
        identities=IDENTITIES,
        commands={"sftp": "try out a partner's SFTP server before it matters"},
        check_endpoint=lambda setup: unusable(
            setup.name, cast(FilesEndpoint, setup.settings), port_of(setup)
        ),
    )


def _source(setup: SourceSetup) -> Source:
    settings = cast(FilesEndpoint, setup.endpoint.settings)
    return PickedFiles(setup, settings.pickers) if settings.pickers else source_of(setup)


def source_of(setup: SourceSetup, share: Share = WHOLE) -> FileSource:
    """Give the source that picks up in this process."""
    settings = cast(FilesEndpoint, setup.endpoint.settings)
    # A server far away is waited for less where the next files are read meanwhile.
    ahead = settings.sftp.channels - 1 if settings.sftp is not None else 0
    return FileSource(setup, port_of(setup.endpoint), ahead=ahead, share=share)


def port_of(setup: EndpointSetup) -> FilePort:
    """Give what an endpoint's files are reached through; nothing is connected yet."""
    settings = cast(FilesEndpoint, setup.settings)
    if settings.sftp is not None:
        from adapters.sftp_files.driver_sftp import SftpPort  # paramiko takes a while to import

        return SftpPort(settings.sftp, setup.secret, setup.clock, setup.rng.token)
    return FolderPort(cast(LocalPath, settings.folder).path, setup.rng.token)
