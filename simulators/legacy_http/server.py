"""The simulated legacy endpoint: every POST is kept byte for byte, in a folder and in a list.

An independent witness for "the bytes went on as received": it shares no code with the gateway.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from aiohttp import web

from simulators.faults import FaultScript
from simulators.ledger import LineFile
from simulators.misbehaviour import answer, faults_handler
from simulators.serving import Served, Serving, Tls

BODY_BYTES_MAX = 256 * 1024 * 1024
HEADERS_OF_INTEREST = ("Content-Type", "SOAPAction", "Idempotency-Key", "X-Correlation-Id")


@dataclass(frozen=True, slots=True)
class Settings:
    """What it answers. `folder` keeps `000001.body` and so on, and `received.jsonl`."""

    folder: Path | None = None
    status: int = 200
    body: bytes = b"OK"
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Received:
    """One request that was taken. `sequence` counts from 1."""

    sequence: int
    path: str
    sha256: str
    size_bytes: int
    headers: dict[str, str]
    at: float


Reply = Callable[[Received, bytes], web.Response]


class LegacyHttp(Served):
    """The simulator. `reply` computes an answer from what was received, instead of the fixed one."""

    def __init__(
        self,
        settings: Settings | None = None,
        faults: FaultScript | None = None,
        tls: Tls | None = None,
        reply: Reply | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.faults = faults or FaultScript()
        self.arrivals = 0  # requests of any fate
        self._reply = reply
        folder = self.settings.folder
        self._ledger = LineFile(folder / "received.jsonl" if folder else None)
        self.bodies: list[bytes] = []
        if folder is not None:
            self.bodies = [(folder / _file(each.sequence)).read_bytes() for each in self.received]
        self._serving = Serving(self._application(), tls)

    @property
    def received(self) -> list[Received]:
        """Give what was taken, in order."""
        return [Received(**entry) for entry in self._ledger.entries]

    def close(self) -> None:
        """Close the ledger; it stays on disk."""
        self._ledger.close()

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/_faults", faults_handler(self.faults))
        app.router.add_post("/{path:.*}", self._take)
        return app

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.arrivals += 1
        fault = self.faults.next("POST", request.path_qs, request.headers.get("Idempotency-Key", ""))

        async def work() -> web.Response:
            received = self._keep(request, body)
            return self._reply(received, body) if self._reply else self._fixed()

        return await answer(request, fault, work)

    def _keep(self, request: web.Request, body: bytes) -> Received:
        sequence = len(self._ledger.entries) + 1
        if self.settings.folder is not None:
            _write_synced(self.settings.folder / _file(sequence), body)
        received = Received(
            sequence=sequence,
            path=request.path_qs,
            sha256=hashlib.sha256(body).hexdigest(),
            size_bytes=len(body),
            headers={name: request.headers[name] for name in HEADERS_OF_INTEREST if name in request.headers},
            at=time.time(),
        )
        self._ledger.append(asdict(received))
        self.bodies.append(body)
        return received

    def _fixed(self) -> web.Response:
        settings = self.settings
        return web.Response(status=settings.status, body=settings.body, content_type=settings.content_type)


def _file(sequence: int) -> str:
    return f"{sequence:06d}.body"


def _write_synced(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
