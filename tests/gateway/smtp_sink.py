"""A mail server of a few lines: it takes what a client hands over, and insists on what a test tells it to.

Sources: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH; PLAIN by RFC 4616).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from dataclasses import dataclass, field


@dataclass
class SmtpSink:
    """Keeps every mail as (recipients, text, was it secured, user)."""

    tls: ssl.SSLContext | None = None  # for STARTTLS, or from the first byte with `is_secured_at_once`
    password: tuple[str, str] | None = None  # user and password that it asks for
    is_secured_at_once: bool = False
    takes_mail: bool = True
    mails: list[tuple[tuple[str, ...], str, bool, str]] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> SmtpSink:
        context = self.tls if self.is_secured_at_once else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_secured, user, to = self.is_secured_at_once, "", list[str]()
        writer.write(b"220 sink\r\n")
        while line := (await reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    extras = ["STARTTLS"] if self.tls is not None and not is_secured else []
                    extras += ["AUTH PLAIN"] if self.password is not None else []
                    lines = ["sink", *extras]
                    told = [f"250-{each}\r\n" for each in lines[:-1]] + [f"250 {lines[-1]}\r\n"]
                    writer.write("".join(told).encode())
                case "STARTTLS" if self.tls is not None:
                    writer.write(b"220 go on\r\n")
                    await writer.drain()
                    await writer.start_tls(self.tls)
                    is_secured = True
                case "AUTH":
                    _, name, secret = base64.b64decode(rest.split()[1]).decode().split("\0")
                    user = name if (name, secret) == self.password else ""
                    writer.write(b"235 ok\r\n" if user else b"535 wrong\r\n")
                case "RCPT":
                    to.append(rest.partition("<")[2].partition(">")[0])
                    writer.write(b"250 ok\r\n")
                case "DATA" if self.takes_mail and (self.password is None or user):
                    writer.write(b"354 go on\r\n")
                    text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                    self.mails.append((tuple(to), text, is_secured, user))
                    writer.write(b"250 ok\r\n")
                case "DATA":
                    writer.write(b"550 no\r\n")
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case _:
                    writer.write(b"250 ok\r\n")
            await writer.drain()
