"""``check --live``: whether every endpoint can be reached. It connects, and sends nothing."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from urllib.parse import urlsplit

from adapters.base import Finding
from adapters.base.registry import adapters
from gateway.config import Configuration, Endpoint
from gateway.destinations import endpoint_setup
from gateway.erp.settings import HttpSettings
from gateway.security.secrets import SecretError, SecretStore
from gateway.system import SystemClock, SystemRng

CONNECT_S = 5.0
CHECK_S = 30.0


async def unreachable(configuration: Configuration) -> list[Finding]:
    """Give a finding for every endpoint that cannot be reached, in the order of the file."""
    secret = SecretStore(configuration.folder or Path())
    found = await asyncio.gather(
        *(_problems(name, endpoint, secret) for name, endpoint in configuration.endpoints.items())
    )
    return [
        Finding("CHECK-UNREACHABLE", configuration.places.at("endpoints", name), text)
        for name, problems in zip(configuration.endpoints, found, strict=True)
        for text in problems
    ]


async def _problems(name: str, endpoint: Endpoint, secret: SecretStore) -> list[str]:
    if isinstance(endpoint.settings, HttpSettings):
        return await _connect(name, endpoint.settings.base, secret)
    adapter = adapters().get(endpoint.kind)
    if adapter is None or endpoint.settings is None:
        return []
    try:
        if adapter.check_endpoint is not None:
            setup = endpoint_setup(name, endpoint, SystemClock(), SystemRng(), secret)
            return await asyncio.wait_for(adapter.check_endpoint(setup), CHECK_S)
        made = adapter.check(endpoint.settings) if adapter.check is not None else []
        return await asyncio.wait_for(made, CHECK_S) if inspect.isawaitable(made) else made
    except TimeoutError:
        return [f"endpoint '{name}' gave no answer within {CHECK_S:.0f} s"]


async def _connect(name: str, base: str, secret: SecretStore) -> list[str]:
    """Open a connection and close it again. A base that is a reference is looked up first."""
    try:
        address = secret(base) if base.startswith(("env:", "file:")) else base
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except SecretError:
        return []  # that the reference leads nowhere is a finding of its own
    except ValueError:
        return [f"endpoint '{name}': {base} holds no address"]
    if not parts.hostname:
        return [f"endpoint '{name}': {base} holds no address"]
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), CONNECT_S)
    except TimeoutError:
        return [f"endpoint '{name}': no connection to {parts.hostname}:{port} within {CONNECT_S:.0f} s"]
    except OSError as error:
        return [f"endpoint '{name}': no connection to {parts.hostname}:{port} ({error.strerror or error})"]
    writer.close()
    return []
