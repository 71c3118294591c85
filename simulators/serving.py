"""Running a simulator's aiohttp application in this process, over TCP or (m)TLS, until it is stopped."""

from __future__ import annotations

import asyncio
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files of a server; with `client_ca`, clients must show a certificate that it signed."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Give the server's TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        if self.client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.client_ca)
        return context


class Serving:
    """One listening application."""

    def __init__(self, app: web.Application, tls: Tls | None = None) -> None:
        self.tls = tls
        self.port = 0
        # A handler goes on after its client has gone, as a real ERP does: late commits must be possible.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    @property
    def url(self) -> str:
        """Give the address clients use, without a slash at its end."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        await self._runner.setup()
        context = self.tls.context() if self.tls else None
        site = web.TCPSite(self._runner, host, port, ssl_context=context, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and cut what is still open."""
        await self._runner.cleanup()


class Served:
    """A simulator that listens: `async with Simulator(...) as it: ... it.url`. It has `_serving`."""

    _serving: Serving

    @property
    def url(self) -> str:
        """Give the base address."""
        return self._serving.url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        await self._serving.start(host, port)

    async def stop(self) -> None:
        """Stop; what is on disk stays."""
        await self._serving.stop()
        self.close()

    def close(self) -> None:
        """Close the files."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def until_signalled() -> None:
    """Wait for SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
