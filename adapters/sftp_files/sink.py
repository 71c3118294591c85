"""The file sink: stages, publishes or probes one file and says what came of it. It decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from adapters.base import NoReply, Reply, Request
from adapters.sftp_files.port import LINKING, STATUS, FilePort, PortError, PortErrorKind


class FileSink:
    """An outlet into one folder. Methods: ``stage``, ``publish``, ``probe``, ``mark`` (see ``target.py``)."""

    def __init__(self, port: FilePort) -> None:
        self._port = port

    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        """Do one step."""
        if still_mine is not None and not await still_mine():
            return NoReply("none", "the claim on this delivery ran out", "stale_claim")
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._do(request)
        except TimeoutError:
            # A thread that hangs in a dead share may still finish what it began.
            return NoReply("maybe", f"no answer within {request.timeout_s:g} s")
        except PortError as error:
            if error.may_have_happened:
                return NoReply("maybe", str(error))
            return Reply(STATUS[error.kind], str(error).encode("utf-8", "backslashreplace"))

    async def close(self) -> None:
        """Let go of the folder."""
        await self._port.close()

    async def _do(self, request: Request) -> Reply:
        match request.method:
            case "stage" | "mark":
                await self._port.write_atomic(request.address, request.body)
                return Reply(200)
            case "publish":
                return await self._publish(request)
            case "probe":
                return await self._probe(request)
        return Reply(405, f"there is no step '{request.method}'".encode())

    async def _probe(self, request: Request) -> Reply:
        """Say 404 where it was not published, 200 where it was, 409 where nobody can tell."""
        if await self._port.stat(request.address) is not None:
            return Reply(404)
        marked = await self._port.stat(request.address + LINKING)
        if marked is None:
            return Reply(200)
        published = await self._port.stat(dict(request.headers)["to"])
        if published is None or published.identity != marked.identity:
            return Reply(409, b"it was being published; the receiver may have taken it")
        await self._port.remove(request.address + LINKING)
        return Reply(200)

    async def _publish(self, request: Request) -> Reply:
        headers = dict(request.headers)
        try:
            await self._port.move(request.address, headers["to"], durably=True)
        except PortError as error:
            # A network share may repeat a rename of its own accord and then miss the first name.
            if (
                error.kind is not PortErrorKind.MISSING
                or await self._hash(headers["to"]) != headers["sha256"]
            ):
                raise
        return Reply(200)

    async def _hash(self, path: str) -> str:
        if await self._port.stat(path) is None:
            return ""
        found = hashlib.sha256()
        async for piece in self._port.open_read(path):
            found.update(piece)
        return found.hexdigest()
