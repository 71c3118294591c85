"""One process that decodes, and the pipe to it.

A frame is eight bytes of length and a pickle. Answers come in the order of the questions, so a second
question may be on its way while the first is worked at: a process that is asked early is never idle.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import signal
import socket
from collections.abc import Callable
from typing import Any, BinaryIO, Literal

from adapters.base import Decoder, Format, Summary
from gateway.system import collect_seldom

PIECE = 8  # sets or messages of an answer are unpickled at a time, between which the loop does other things
LENGTH_BYTES = 8
READ_AHEAD_BYTES = 1024 * 1024  # of an answer, before the loop lets the process wait

Verb = Literal["begin", "feed", "finish", "run"]


class WorkerError(Exception):
    """A decoding process died or failed; its message is decoded again later, or parked."""


class WorkerProcess:
    """A process and the pipe to it. ``owed``: the answers that are due."""

    def __init__(self, formats: Callable[[str], Format]) -> None:
        context = multiprocessing.get_context("spawn")
        self._socket, other = socket.socketpair()
        self._process = context.Process(target=_serve, args=(other, formats), daemon=True)
        self._process.start()
        other.close()
        self._streams: asyncio.Task[tuple[asyncio.StreamReader, asyncio.StreamWriter]] | None = None
        self._reading = asyncio.Lock()
        self.owed = 0
        self.is_gone = False
        self.is_outdated = False

    @property
    def is_usable(self) -> bool:
        """Tell whether it is there and owes nothing."""
        return not self.is_gone and not self.owed

    @property
    def pid(self) -> int | None:
        """Give the process id."""
        return self._process.pid

    async def call(self, verb: Verb, *parts: object) -> tuple[list[Any], Summary | None]:
        """Ask the worker; a call that is cancelled leaves it gone, since its answer is still due.

        Errors: WorkerError.
        """
        if self.is_gone:
            raise WorkerError("the decoding process is gone")
        self.owed += 1
        try:
            told = await self._exchange(pickle.dumps((verb, parts)))
        except (EOFError, OSError) as error:
            self.is_gone = True
            raise WorkerError(f"the decoding process died: {error!r}") from None
        except asyncio.CancelledError:
            self.is_gone = True  # whoever asked next would be given this one's answer
            raise
        self.owed -= 1
        pieces, summary, problem = pickle.loads(told)  # noqa: S301  our own process
        given: list[Any] = []
        for piece in pieces:
            given += pickle.loads(piece)  # noqa: S301
            await asyncio.sleep(0)
        if problem is not None:
            raise WorkerError(problem)
        return given, summary

    def stop(self) -> None:
        """End the process, and with it every call that waits for it."""
        self.is_gone = True
        self._process.kill()
        if self._streams is None:
            self._socket.close()
        elif not self._streams.done():
            self._streams.add_done_callback(_let_go)
        else:
            _let_go(self._streams)

    def join(self, within_s: float) -> None:
        """Wait for the process to be gone."""
        self._process.join(within_s)

    async def _exchange(self, question: bytes) -> bytes:
        if self._streams is None:
            opening = asyncio.open_unix_connection(sock=self._socket, limit=READ_AHEAD_BYTES)
            self._streams = asyncio.ensure_future(opening)
        reader, writer = await asyncio.shield(self._streams)
        writer.write(len(question).to_bytes(LENGTH_BYTES, "big") + question)
        # Who asked first stands first at this lock: nothing waits between the question and the lock.
        async with self._reading:
            length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
            return await reader.readexactly(length)


def _let_go(streams: asyncio.Task[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
    if not streams.cancelled() and streams.exception() is None:
        streams.result()[1].close()


def _serve(end: socket.socket, formats: Callable[[str], Format]) -> None:
    """Answer questions until the pipe closes; runs in the worker process."""
    collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway ends us; a terminal's Ctrl-C reaches both
    answers = _Answers(formats)
    with end, end.makefile("rb") as questions:
        try:
            while (question := _next_question(questions)) is not None:
                answer = answers.to(question)
                end.sendall(len(answer).to_bytes(LENGTH_BYTES, "big"))
                end.sendall(answer)
        except OSError:
            return


def _next_question(questions: BinaryIO) -> bytes | None:
    length = questions.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    size = int.from_bytes(length, "big")
    question = questions.read(size)
    return question if len(question) == size else None


class _Answers:
    """What the worker answers; it has at most one input begun."""

    def __init__(self, formats: Callable[[str], Format]) -> None:
        self._formats = formats
        self._decoder: Decoder | None = None

    def to(self, question: bytes) -> bytes:
        verb, parts = pickle.loads(question)  # noqa: S301  the gateway's own pipe
        try:
            return _packed(*self._answer(verb, parts))
        except Exception as error:  # noqa: BLE001  a decoder's bug is told to the gateway, which parks the message
            # The type only: an exception's text may hold what stood in the message.
            return pickle.dumps(([], None, f"the decoder broke: {type(error).__name__}"))

    def _answer(self, verb: Verb, parts: tuple[Any, ...]) -> tuple[list[Any], Summary | None]:
        if verb == "run":
            return parts[0](), None
        if verb == "begin":
            self._decoder = self._formats(parts[0]).decoder(parts[1])
            return [], None
        if self._decoder is None:
            raise WorkerError(f"'{verb}' before 'begin'")
        if verb == "feed":
            return list(self._decoder.feed(parts[0])), None
        decoder, self._decoder = self._decoder, None
        return decoder.finish()


def _packed(given: list[Any], summary: Summary | None) -> bytes:
    pieces = [pickle.dumps(given[start : start + PIECE]) for start in range(0, len(given), PIECE)]
    return pickle.dumps((pieces, summary, None))
