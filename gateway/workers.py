"""Where decoding runs: small inputs in this process, big ones in a process of their own.

A CPU-bound Python thread beside the event loop would stall it (lxml gives up the interpreter lock
on each parse and can wait a whole switch interval to get it back), so batches and backfills are
decoded by worker processes. A worker takes one input at a time, chunk by chunk: what it holds is
bounded by the chunk and the sets that it completes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Literal

from adapters.base import DecodeContext, Decoded, Decoder, Decoding, Format, Summary

INLINE_BYTES_MAX = 64 * 1024
FEED_BYTES = 256 * 1024


class WorkerError(Exception):
    """A decoding process died or failed; its message is decoded again later, or parked."""


class InlineDecoding:
    """A decoding in this process."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    async def feed(self, chunk: bytes) -> list[Decoded]:
        """Give the sets that these bytes complete."""
        return list(self._decoder.feed(chunk))

    async def finish(self) -> tuple[list[Decoded], Summary]:
        """Give the rest."""
        return self._decoder.finish()

    async def close(self) -> None:
        """Let go."""


class InlineExecutor:
    """Decodes everything in this process: for tests, simulations and one-shot commands."""

    def __init__(self, formats: Callable[[str], Format]) -> None:
        self._formats = formats

    async def decoding(self, format_name: str, context: DecodeContext, size_bytes: int) -> Decoding:
        """Start decoding."""
        return InlineDecoding(self._formats(format_name).decoder(context))


class ProcessExecutor:
    """Decodes small inputs here and big ones in at most ``workers`` processes.

    ``formats`` must be importable by name (a module-level function): workers are spawned, not forked,
    since a fork would copy the journal's open file and its locks.
    """

    def __init__(self, formats: Callable[[str], Format], workers: int) -> None:
        self._formats = formats
        self._free: list[_Worker] = []
        self._slots = asyncio.Semaphore(workers)
        self._all: set[_Worker] = set()

    async def decoding(self, format_name: str, context: DecodeContext, size_bytes: int) -> Decoding:
        """Start decoding. Errors: WorkerError."""
        if size_bytes <= INLINE_BYTES_MAX:
            return InlineDecoding(self._formats(format_name).decoder(context))
        await self._slots.acquire()
        try:
            worker = self._free.pop() if self._free else self._start()
            await worker.call("begin", format_name, context)
        except BaseException:
            self._slots.release()
            raise
        return _RemoteDecoding(worker, self._give_back)

    async def close(self) -> None:
        """End all workers."""
        for worker in list(self._all):
            worker.stop()
        self._all.clear()
        self._free.clear()

    def _start(self) -> _Worker:
        worker = _Worker(self._formats)
        self._all.add(worker)
        return worker

    def _give_back(self, worker: _Worker) -> None:
        if worker.is_usable:
            self._free.append(worker)
        else:
            worker.stop()
            self._all.discard(worker)
        self._slots.release()


class _RemoteDecoding:
    def __init__(self, worker: _Worker, give_back: Callable[[_Worker], None]) -> None:
        self._worker = worker
        self._give_back = give_back
        self._is_open = True

    async def feed(self, chunk: bytes) -> list[Decoded]:
        decoded: list[Decoded] = []
        for start in range(0, len(chunk), FEED_BYTES):
            decoded += await self._worker.call("feed", chunk[start : start + FEED_BYTES])
        return decoded

    async def finish(self) -> tuple[list[Decoded], Summary]:
        finished: tuple[list[Decoded], Summary] = await self._worker.call("finish")
        return finished

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._give_back(self._worker)


class _Worker:
    """One process and the pipe to it; one call at a time."""

    def __init__(self, formats: Callable[[str], Format]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, formats), daemon=True)
        self._process.start()
        other.close()
        self.is_usable = True

    async def call(self, verb: Literal["begin", "feed", "finish"], *parts: object) -> Any:
        """Ask the worker; a call that is cancelled leaves it unusable, since its answer is still due."""
        answer: Future[Any] = Future()
        was_usable, self.is_usable = self.is_usable, False
        if not was_usable:
            raise WorkerError("the decoding process is gone")
        Thread(target=self._exchange, args=((verb, parts), answer), daemon=True).start()
        ok, result = await asyncio.wrap_future(answer)
        self.is_usable = True
        if not ok:
            raise WorkerError(result)
        return result

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._pipe.close()

    def _exchange(self, request: object, answer: Future[Any]) -> None:
        try:
            self._pipe.send(request)
            answer.set_result(self._pipe.recv())
        except (EOFError, OSError) as error:
            answer.set_exception(WorkerError(f"the decoding process died: {error!r}"))


def _serve(pipe: Connection, formats: Callable[[str], Format]) -> None:
    """Answer calls until the pipe closes; runs in the worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway ends us; a terminal's Ctrl-C reaches both
    decoder: Decoder | None = None
    while True:
        try:
            verb, parts = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            if verb == "begin":
                decoder, answer = formats(parts[0]).decoder(parts[1]), None
            elif decoder is None:
                raise WorkerError(f"'{verb}' before 'begin'")
            else:
                answer = list(decoder.feed(parts[0])) if verb == "feed" else decoder.finish()
            pipe.send((True, answer))
        except Exception as error:  # noqa: BLE001  a decoder's bug is told to the gateway, which parks the message
            pipe.send((False, f"{type(error).__name__}: {error}"))
