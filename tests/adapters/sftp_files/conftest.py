"""One partner's server for all tests of a worker; each test gets a folder of its own on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.sftp_partner.server import PartnerServer, Settings
from tests.adapters.sftp_files.partner import Partner

numbers = itertools.count()


@pytest.fixture(scope="session")
def partner_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartnerServer]:
    """Run a real OpenSSH server. Where none is installed the test fails with the command that installs it."""
    server = PartnerServer(tmp_path_factory.mktemp("partner"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartnerServer]:
    """Run a server that offers no extension of OpenSSH's."""
    refused = ("posix-rename", "fsync", "statvfs", "hardlink", "limits", "lsetstat", "expand-path")
    server = PartnerServer(tmp_path_factory.mktemp("plain"), Settings(refused=refused))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def partner(partner_server: PartnerServer) -> Partner:
    """Give a partner with an empty folder."""
    return Partner(partner_server, f"f{next(numbers)}")


@pytest.fixture
def own_partner(tmp_path: Path) -> Iterator[Partner]:
    """Give a partner whose server the test may stop, freeze and change."""
    server = PartnerServer(tmp_path / "own-partner")
    try:
        server.start()
        yield Partner(server, "out")
    finally:
        server.stop()
