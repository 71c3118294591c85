"""A pager service and a mail server to rehearse alarms with: they take everything and keep it in memory."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulators.serving import Serving

LINE_BYTES_MAX = 64 * 1024
MAILS_MAX = 1_000


class Pager:
    """Takes `POST` with JSON on any path, as a pager service does."""

    def __init__(self) -> None:
        self.alarms: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._serving = Serving(app)

    @property
    def address(self) -> str:
        """Give host and port."""
        return f"127.0.0.1:{self._serving.port}"

    async def start(self) -> None:
        """Listen on a free port."""
        await self._serving.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._serving.stop()

    async def _take(self, request: web.Request) -> web.Response:
        self.alarms.append(json.loads(await request.read()))
        return web.json_response({"taken": len(self.alarms)})


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was handed over."""

    sender: str
    recipients: tuple[str, ...]
    text: str


@dataclass(slots=True)
class _Envelope:
    sender: str = ""
    recipients: list[str] = field(default_factory=list)


class Mailbox:
    """A mail server without security that keeps what it gets. Source: RFC 5321, 4.5.1 (minimum commands)."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """Give host and port."""
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_BYTES_MAX)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (ConnectionError, ValueError):
            pass  # the client went away, or its line had no end: nobody was told that it was taken
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        envelope = _Envelope()
        writer.write(b"220 rehearsal\r\n")
        while line := await reader.readline():
            command, _, rest = line.decode("latin-1").strip().partition(" ")
            match command.upper():
                case "MAIL":
                    envelope = _Envelope(_address(rest))
                case "RCPT":
                    envelope.recipients.append(_address(rest))
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    self._keep(envelope, await _text(reader))
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    await writer.drain()
                    return
                case "EHLO" | "HELO" | "RSET" | "NOOP":
                    pass
                case _:
                    writer.write(b"502 not known here\r\n")
                    continue
            writer.write(b"250 ok\r\n")

    def _keep(self, envelope: _Envelope, text: str) -> None:
        if len(self.mails) < MAILS_MAX:
            self.mails.append(Mail(envelope.sender, tuple(envelope.recipients), text))


async def _text(reader: asyncio.StreamReader) -> str:
    """Give a mail's text up to the line with a dot alone; a doubled dot is one. Source: RFC 5321, 4.5.2."""
    lines: list[str] = []
    while (line := (await reader.readline()).decode("latin-1")) != ".\r\n":
        if not line:
            raise ConnectionError("the mail broke off")
        lines.append(line[1:] if line.startswith("..") else line)
    return "".join(lines)


def _address(words: str) -> str:
    return words.partition("<")[2].partition(">")[0]
