"""What scenarios play on: it puts files into folders, posts over mTLS, moves routes, and remembers it all."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from gateway.commands.layout import paragraph
from gateway.commands.options import user_name
from gateway.control import call
from gateway.journal.base import Journal
from gateway.journal.types import Message, MessageState
from gateway.serving import Served
from simulators.scenario import Ending, Sent

WIDTH = 80  # columns of all that a demo prints
OPEN = (MessageState.ACCEPTED, MessageState.TRANSLATING)

POST_S = 20.0
TRANSLATED_S = 20.0
LOOK_S = 0.05
MESSAGES_MAX = 1_000


class DemoGround:
    """The demo's folder, its gateway once there is one, and what was fed so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sent: list[Sent] = []
        self._began = time.monotonic()
        self._served: Served | None = None

    @property
    def journal(self) -> Journal:
        """Give the gateway's journal."""
        return self._gateway().gateway.journal

    @property
    def elapsed_s(self) -> float:
        """Give the seconds since the demo began."""
        return time.monotonic() - self._began

    def open_to(self, served: Served) -> None:
        """Take the gateway that is up."""
        self._served = served

    def address(self) -> str:
        """Give where the gateway listens."""
        return self._gateway().addresses[-1]

    def tell(self, text: str) -> None:
        """Show a line of progress."""
        lines = paragraph(text, WIDTH, f"{self.elapsed_s:5.1f} s  ", " " * 9)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()

    async def file(
        self, folder: str, name: str, body: bytes, *, route: str, label: str, ending: Ending
    ) -> Sent:
        """Put a file into a folder below var/."""
        place = self.folder / "var" / folder
        await asyncio.to_thread(_write, place / name, body)
        return self._remember(Sent(label, "folder", route, name, body, ending))

    async def post(
        self,
        path: str,
        body: bytes,
        *,
        client: str,
        headers: Mapping[str, str],
        route: str,
        label: str,
        ending: Ending,
    ) -> Sent:
        """Post a body over mTLS; where no answer comes, the comparison at the end shows it."""
        status, answer = await self._answer(path, body, client, headers)
        return self._remember(Sent(label, "HTTP", route, path, body, ending, status=status, reply=answer))

    async def translated(self, *sent: Sent) -> None:
        """Wait until messages are decided; one that is not in time shows in the comparison at the end."""
        ends = time.monotonic() + TRANSLATED_S
        while time.monotonic() < ends:
            found = [await self.message(each) for each in sent]
            if all(each is not None and each.state not in OPEN for each in found):
                return
            await asyncio.sleep(LOOK_S)

    async def load_crosswalk(self, table: str, words: Mapping[str, str], why: str) -> None:
        """Load a code table through the control socket, as `legacy-bridge crosswalk load` does."""
        rows = [
            {"legacy": legacy, "cloud": cloud, "valid_from": "", "valid_to": "", "facts": {}}
            for legacy, cloud in words.items()
        ]
        arguments = {"table": table, "rows": rows, "who": user_name(), "why": why}
        await asyncio.to_thread(call, self._socket(), "crosswalk.load", arguments)

    async def set_stage(self, route: str, stage: str, why: str) -> str:
        """Move a route through the control socket, as `legacy-bridge routes set` does."""
        arguments = {"route": route, "stage": stage, "who": user_name(), "why": why}
        moved = await asyncio.to_thread(call, self._socket(), "routes.set", arguments)
        stay = ", ".join(f"{count} {side}" for side, count in moved["open_orders"].items())
        return f"{route} {moved['from']['stage']} -> {stage}; staying: {stay}"

    async def message(self, sent: Sent) -> Message | None:
        """Give what the journal holds of something that was fed; the first where it came twice."""
        found = await self.messages(sent)
        return found[0] if found else None

    async def messages(self, sent: Sent) -> list[Message]:
        """Give every message of the same bytes, oldest first; of the same row, where no bytes were fed."""
        digest = hashlib.sha256(sent.body).hexdigest()
        listed = await self.journal.messages(route=sent.route, limit=MESSAGES_MAX)
        return [
            each
            for each in reversed(listed)
            if (each.sha256 == digest if sent.body else each.origin.name == sent.name)
        ]

    def _socket(self) -> Path:
        socket = self._gateway().gateway.configuration.gateway.control_socket_path
        if socket is None:
            raise ValueError("the demo's routes.yaml has no control socket")
        return socket

    def _remember(self, sent: Sent) -> Sent:
        self.sent.append(sent)
        return sent

    def _gateway(self) -> Served:
        if self._served is None:
            raise RuntimeError("the gateway is not up yet")
        return self._served

    async def _answer(
        self, path: str, body: bytes, client: str, headers: Mapping[str, str]
    ) -> tuple[int | None, bytes]:
        try:
            async with (
                self._session(client) as session,
                session.post(f"{self.address()}{path}", data=body, headers=dict(headers)) as reply,
            ):
                return reply.status, await reply.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.tell(f"HTTP: no answer from {path} ({type(error).__name__}: {error})")
            return None, b""

    @asynccontextmanager
    async def _session(self, client: str) -> AsyncIterator[aiohttp.ClientSession]:
        certs = self.folder / "certs"
        context = ssl.create_default_context(cafile=certs / "ca.pem")
        context.load_cert_chain(certs / f"{client}.pem", certs / f"{client}.key")
        connector = aiohttp.TCPConnector(ssl=context, force_close=True)
        timeout = aiohttp.ClientTimeout(total=POST_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield session


def _write(path: Path, body: bytes) -> None:
    beside = path.with_name(path.name + ".tmp")
    beside.write_bytes(body)
    beside.rename(path)
