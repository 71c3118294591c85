"""Several pickers side by side: processes of our own that read files and hand them to the journal's owner.

Each is a whole source; leases in the journal keep them apart, and one that dies is started again. What it
held is taken up by the others once its leases have run out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

from adapters.base import DecodeError, Inbound, Settlement
from adapters.base.ending import ended
from adapters.base.registry import SourceSetup
from adapters.sftp_files.driver_frames import (
    Answer,
    Ask,
    Frames,
    More,
    Offer,
    Piece,
    Settled,
    Standing,
    Start,
)
from adapters.sftp_files.shares import Share

log = logging.getLogger("legacy_bridge.sftp_files")

MODULE = "adapters.sftp_files.driver_picker"
PAUSES_S = (0.2, 1.0, 5.0, 15.0, 60.0)
ENDED = (
    "endpoint '{}': its picker processes end; they are started again by themselves. Where that lasts, the "
    "gateway's log tells why"
)
MEMORY = ("remember_once", "lease", "release", "cursor", "set_cursor")


class PickedFiles:
    """A source whose files are read by ``count`` processes."""

    def __init__(self, setup: SourceSetup, count: int) -> None:
        self._setup = setup
        self._count = count
        self._pickers: dict[int, _Picker] = {}

    @property
    def trouble(self) -> str | None:
        """Say what keeps every picker from taking anything; None while one of them can."""
        told = [each.trouble for each in self._pickers.values()]
        return told[0] if told and all(told) else None

    async def receive(self) -> AsyncIterator[Inbound]:
        """Give what the pickers hand over, one by one, in the order in which they do."""
        queue: asyncio.Queue[tuple[_Picker, Offer] | BaseException] = asyncio.Queue(self._count)
        running = [
            asyncio.create_task(self._keep_running(Share(number, self._count), queue))
            for number in range(self._count)
        ]
        try:
            while True:
                found = await queue.get()
                if isinstance(found, BaseException):
                    raise found
                picker, offer = found
                inbound = picker.inbound(offer)
                yield inbound
                await picker.give_up(offer.number)
        finally:
            await ended(*running)

    async def _keep_running(
        self, share: Share, queue: asyncio.Queue[tuple[_Picker, Offer] | BaseException]
    ) -> None:
        failures = 0
        while True:
            picker = self._pickers[share.number] = _Picker(self._setup, share)
            try:
                failures = 0 if await picker.run(queue) else failures + 1
            except Exception as error:  # noqa: BLE001 - the journal's: the gateway judges it
                await queue.put(error)
                return
            log.warning("picker.ended endpoint=%s picker=%d", self._setup.endpoint.name, share.number)
            await self._setup.endpoint.clock.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])


class _Picker:
    """One process, from its start to its end."""

    def __init__(self, setup: SourceSetup, share: Share) -> None:
        self._setup = setup
        self._share = share
        self.trouble: str | None = None
        self._frames: Frames | None = None
        self._unsettled: set[int] = set()
        self._pieces: asyncio.Queue[Piece | None] = asyncio.Queue()

    async def run(self, queue: asyncio.Queue[tuple[_Picker, Offer] | BaseException]) -> bool:
        """Start the process and serve it until it ends; tell whether it ever offered a file."""
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", MODULE, str(theirs.fileno()),
                pass_fds=(theirs.fileno(),), env=environment, stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        has_offered = False
        try:
            self._frames = await Frames.over(ours)
            await self._frames.send(self._start())
            while True:
                match await self._frames.receive():
                    case Ask() as ask:
                        await self._frames.send(await self._answer(ask))
                    case Offer() as offer:
                        has_offered = True
                        self._unsettled.add(offer.number)
                        await queue.put((self, offer))
                    case Piece() as piece:
                        self._pieces.put_nowait(piece)
                    case Standing(trouble):
                        self.trouble = trouble
        except EOFError:
            self.trouble = ENDED.format(self._setup.endpoint.name)
            return has_offered
        finally:
            self._pieces.put_nowait(None)
            if self._frames is not None:
                self._frames.close()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def inbound(self, offer: Offer) -> Inbound:
        """Give what the gateway takes."""
        return Inbound(
            route=self._setup.route,
            arrival_key=offer.arrival_key,
            origin=offer.origin,
            body=self._body(offer),
            settle=self._settler(offer.number),
            partner=self._setup.partner,
        )

    async def give_up(self, number: int) -> None:
        """Tell the process that the gateway did not take a file, unless it did."""
        await self._settle(number, None)

    def _settler(self, number: int) -> Any:
        async def settle(settlement: Settlement) -> None:
            await self._settle(number, settlement)

        return settle

    async def _settle(self, number: int, settlement: Settlement | None) -> None:
        if number not in self._unsettled or self._frames is None:
            return
        self._unsettled.discard(number)
        with contextlib.suppress(EOFError):  # the next picker offers it again, and it is known
            await self._frames.send(Settled(number, settlement))

    async def _body(self, offer: Offer) -> AsyncIterator[bytes]:
        if offer.refusal is not None:
            raise DecodeError(offer.refusal)
        yield offer.body
        if offer.is_whole or self._frames is None:
            return
        while True:
            await self._frames.send(More(offer.number))
            piece = await self._pieces.get()
            if piece is None:
                raise ConnectionResetError("the picker ended while its file was taken; it is offered again")
            if piece.refusal is not None:
                raise DecodeError(piece.refusal)
            if not piece.body:
                return
            yield piece.body

    async def _answer(self, ask: Ask) -> Answer:
        """Do what a picker may ask for. Errors: those of the journal."""
        if ask.name == "secret":
            try:
                return Answer(
                    ask.number, await asyncio.to_thread(self._setup.endpoint.secret, *ask.arguments)
                )
            except Exception as error:  # noqa: BLE001 - it names the reference, never what it holds
                return Answer(ask.number, error=str(error))
        if ask.name == "judgments":
            judgments = self._setup.judgments
            after = ask.arguments[0]
            return Answer(ask.number, await judgments(after) if judgments else ((), after or ""))
        if ask.name not in MEMORY:
            return Answer(ask.number, error=f"a picker may not ask for {ask.name}")
        return Answer(ask.number, await getattr(self._setup.memory, ask.name)(*ask.arguments))

    def _start(self) -> Start:
        setup = self._setup
        return Start(
            endpoint=setup.endpoint.name,
            environment=setup.endpoint.environment,
            settings=setup.endpoint.settings,
            route=setup.route,
            route_settings=setup.settings,
            identity=setup.identity,
            partner=setup.partner,
            size_bytes_max=setup.size_bytes_max,
            share=self._share,
        )
