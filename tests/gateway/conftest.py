"""Fixtures of the gateway's tests."""

from __future__ import annotations

import pytest

from tests.gateway.support import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
