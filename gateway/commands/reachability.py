"""``check --live``: whether every endpoint can be reached. It connects, and sends nothing."""

from __future__ import annotations

import asyncio
import inspect
from urllib.parse import urlsplit

from adapters.base import Finding
from adapters.base.registry import adapters
from gateway.config import Configuration, Endpoint
from gateway.erp.settings import HttpSettings

CONNECT_S = 5.0
CHECK_S = 30.0


async def unreachable(configuration: Configuration) -> list[Finding]:
    """Give a finding for every endpoint that cannot be reached, in the order of the file."""
    found = await asyncio.gather(
        *(_problems(name, endpoint) for name, endpoint in configuration.endpoints.items())
    )
    return [
        Finding("CHECK-UNREACHABLE", configuration.places.at("endpoints", name), text)
        for name, problems in zip(configuration.endpoints, found, strict=True)
        for text in problems
    ]


async def _problems(name: str, endpoint: Endpoint) -> list[str]:
    if isinstance(endpoint.settings, HttpSettings):
        return await _connect(name, str(endpoint.settings.base))
    adapter = adapters().get(endpoint.kind)
    if adapter is None or adapter.check is None or endpoint.settings is None:
        return []
    made = adapter.check(endpoint.settings)
    try:
        return await asyncio.wait_for(made, CHECK_S) if inspect.isawaitable(made) else made
    except TimeoutError:
        return [f"endpoint '{name}' gave no answer within {CHECK_S:.0f} s"]


async def _connect(name: str, address: str) -> list[str]:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), CONNECT_S)
    except TimeoutError:
        return [f"endpoint '{name}': no connection to {parts.hostname}:{port} within {CONNECT_S:.0f} s"]
    except OSError as error:
        return [f"endpoint '{name}': no connection to {parts.hostname}:{port} ({error.strerror or error})"]
    writer.close()
    return []
