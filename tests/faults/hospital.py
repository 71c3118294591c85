"""One hospital on disk for one test: its routes.yaml, legacy folders, ERP, senders, and the last judgment.

The ERP and the legacy system live in the test's own process and outlive every gateway that is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from gateway.journal.sqlite import SqliteJournal
from gateway.journal.types import DeliveryState, MessageState
from gateway.system import SystemClock
from simulators.cloud_erp import CloudErp, Settings
from simulators.legacy_http import LegacyHttp
from tests.faults.gateway_under_test import Order
from tests.faults.traffic import Sending, keys_of
from tests.verify.evidence import Committed, Submission, TargetLedger, Violation, told_later
from tests.verify.program import verify

ROUTES = Path(__file__).with_name("routes.template.yaml")
OPEN = tuple(
    state.value
    for state in DeliveryState
    if state not in (DeliveryState.DONE, DeliveryState.SUPERSEDED, DeliveryState.VOID, DeliveryState.PARKED)
)
UP_S, END_S, DRAIN_S = 20.0, 20.0, 30.0
MANY, ALL = 100, 1_000_000  # all: a list of the first ones does not get shorter while a long backlog does


class Running:
    """A gateway process that was started."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int) -> None:
        self.pid = pid
        self.address = ""
        self.code: int | None = None
        self._reader = reader
        self._writer = writer

    async def up(self) -> bool:
        """Wait until it listens; False where it ended before."""
        async with asyncio.timeout(UP_S):
            word, told = await self._line()
        if word == "up":
            self.address = told
        return word == "up"

    async def ended(self, within_s: float = END_S) -> int:
        """Wait for its end; give the exit code, negative for a signal."""
        async with asyncio.timeout(within_s):
            while self.code is None:
                await self._line()
        await self.forget()
        return self.code

    async def forget(self) -> None:
        """Let go of the connection to it."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def kill(self) -> int:
        """Kill -9 it."""
        self.signal(signal.SIGKILL)
        return await self.ended()

    async def stop(self) -> int:
        """Let it finish; give the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def _line(self) -> tuple[str, str]:
        word, _, told = (await self._reader.readline()).decode().strip().partition(" ")
        if word in ("ended", ""):
            self.code = int(told or 70)
        return word, told


@dataclass
class Hospital:
    """Everything around the gateway."""

    folder: Path
    nursery: Path
    erp: CloudErp
    legacy: LegacyHttp
    session: aiohttp.ClientSession
    history: list[Submission] = field(default_factory=list)
    unsure: list[Sending] = field(default_factory=list)
    sent_files: list[Sending] = field(default_factory=list)
    started_all: list[Running] = field(default_factory=list)

    # -- gateways --------------------------------------------------------------------------

    async def start(self, **changes: Any) -> Running:
        """Start a gateway and give it at once: whoever crashes it in the start wants it so."""
        order = Order(str(self.folder / "routes.yaml"), str(self.folder / "gateway.log"), **changes)
        reader, writer = await asyncio.open_unix_connection(self.nursery)
        writer.write(order.line())
        line = (await reader.readline()).decode().split()
        running = Running(reader, writer, int(line[1]))
        self.started_all.append(running)
        return running

    async def started(self, **changes: Any) -> Running:
        """Start a gateway and wait until it listens."""
        running = await self.start(**changes)
        assert await running.up(), f"ended {running.code}\n{self.log}"
        return running

    @property
    def log(self) -> str:
        """Give what gateways said, its end."""
        path = self.folder / "gateway.log"
        return path.read_text(errors="replace")[-6_000:] if path.exists() else ""

    # -- senders ---------------------------------------------------------------------------

    async def post(self, running: Running, sending: Sending) -> Submission:
        """Post something, and keep what was heard; no answer, or a 5xx, leaves the sender unsure."""
        headers = {"Content-Type": sending.content_type, "Idempotency-Key": sending.key}
        told = sending.submission("unknown")
        try:
            async with self.session.post(
                running.address + sending.path, data=sending.body, headers=headers
            ) as response:
                body = await response.read()
                message_id = _message_id(body)
                if response.status < 300 or (response.status == 504 and message_id):  # kept, and told so
                    told = told_later(told, "ok", message_id)
                elif response.status < 500:
                    told = told_later(told, "fail")
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass
        self.history.append(told)
        if told.told == "unknown":
            self.unsure.append(sending)
        return told

    async def resend(self, running: Running) -> None:
        """Send again, under the same keys, all of which nobody knows what became of it."""
        unsure, self.unsure = self.unsure, []
        for sending in unsure:
            await self.post(running, sending)

    def drop(self, sending: Sending) -> None:
        """Put a file in the inbox, as a sender does that knows the rule: written aside, then renamed."""
        path = self.folder / "inbox" / sending.key
        aside = path.with_suffix(".tmp")
        aside.write_bytes(sending.body)
        aside.rename(path)
        self.sent_files.append(sending)

    async def command(self, verb: str, **arguments: Any) -> Any:
        """Ask the running gateway over its control socket; give its whole answer, None where it broke off."""
        try:
            reader, writer = await asyncio.open_unix_connection(self.folder / "control.sock")
        except OSError:
            return None
        line = b""
        with contextlib.suppress(OSError):
            writer.write(json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n")
            line = await reader.readline()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return json.loads(line) if line else None

    # -- rest and judgment -----------------------------------------------------------------

    async def rest(self, within_s: float = DRAIN_S) -> None:
        """Wait, as long as it becomes less, until nothing is open any more in the folders and the journal."""
        fewest, ends = None, time.monotonic() + within_s
        while left := await self._left():
            if fewest is None or len(left) < fewest:
                fewest, ends = len(left), time.monotonic() + within_s
            assert time.monotonic() < ends, f"still open: {left[:5]}\n{self.log}"
            await asyncio.sleep(0.03 if len(left) < MANY else 0.5)

    async def _left(self) -> list[str]:
        inbox = self.folder / "inbox"
        work = inbox / ".work"
        files = [
            each.name
            for each in (*inbox.iterdir(), *(work.iterdir() if work.exists() else ()))
            if each.is_file()
        ]
        if files:
            return files
        async with self.journal() as journal:
            states = (MessageState.ACCEPTED, MessageState.TRANSLATING)
            messages = await journal.messages(states=states, limit=ALL)
            deliveries = await journal.deliveries(states=OPEN, limit=ALL)
        return [
            *(f"{each.message_id} {each.state}" for each in messages),
            *(f"{each.delivery_id} {each.state} {each.reason}" for each in deliveries),
        ]

    @contextlib.asynccontextmanager
    async def journal(self) -> AsyncIterator[SqliteJournal]:
        """Look into the journal, beside the gateway."""
        journal = await SqliteJournal.open_readonly(self.journal_path, clock=SystemClock())
        try:
            yield journal
        finally:
            await journal.close()

    @property
    def journal_path(self) -> Path:
        """Give the journal's file."""
        return self.folder / "journal" / "journal.db"

    async def violations(self) -> list[Violation]:
        """Give every promise that was not kept."""
        async with self.journal() as journal:
            kept = {(each.route, each.arrival_key): each for each in await journal.messages(limit=1_000_000)}
            history = []
            for told in [*self.history, *self._files_told()]:
                found = kept.get((told.route, told.arrival_key))
                is_nameless = told.told == "ok" and told.message_id is None  # another system's own answer
                name = found.message_id if is_nameless and found is not None else told.message_id
                history.append(replace(told, message_id=name))
            return await verify(history, journal, self.ledgers())

    def _files_told(self) -> list[Submission]:
        """A sender of files knows that one was taken when it stands in the done folder."""
        done = {each.name for each in (self.folder / "inbox" / ".done").glob("*.850")}
        return [each.submission("ok" if each.key in done else "unknown") for each in self.sent_files]

    def ledgers(self) -> list[TargetLedger]:
        """Give what each target's own witness saw."""
        return [
            TargetLedger("erp", "cloud", tuple(self._erp_commits())),
            TargetLedger("mms-http", "legacy", tuple(self._call_commits())),
            TargetLedger("mms-in", "legacy", tuple(_folder_commits(self.folder / "mms-in", "*.850"))),
            TargetLedger("acks", None, tuple(_folder_commits(self.folder / "acks", "*.997"))),
            TargetLedger("acks-b", None, tuple(_folder_commits(self.folder / "acks-b", "*.997"))),
        ]

    def _erp_commits(self) -> list[Committed]:
        return [
            Committed(
                each.sequence, each.sha256, each.reference, (each.document_key,), (each.order_key,),
                each.number, datetime.fromtimestamp(each.at, UTC),
            )
            for each in self.erp.committed
        ]  # fmt: skip

    def _call_commits(self) -> list[Committed]:
        made = []
        for each, body in zip(self.legacy.received, self.legacy.bodies, strict=True):
            at = datetime.fromtimestamp(each.at, UTC)
            reference = each.headers.get("Idempotency-Key", "")
            made.append(Committed(each.sequence, each.sha256, reference, *keys_of(body), "", at))
        return made


def _folder_commits(folder: Path, pattern: str) -> list[Committed]:
    """Give the files of a folder in the order in which they were published there.

    A rename changes a file's status time. Where two share one (a clock tick), their order is not
    known, and the names that our own senders gave decide in the gateway's favour.
    """
    if not folder.exists():
        return []
    files = [(path.stat().st_ctime_ns, path.read_bytes(), path) for path in folder.glob(pattern)]
    files.sort(key=lambda file: (file[0], hashlib.sha256(file[1]).digest()))
    made = []
    for at, (_, body, path) in enumerate(files, start=1):
        reference = path.name.partition(".")[0].partition("-")[0]
        documents, orders = keys_of(body) if b"*850*" in body else ((), ())
        made.append(Committed(at, hashlib.sha256(body).hexdigest(), reference, documents, orders))
    return made


@contextlib.asynccontextmanager
async def hospital(folder: Path, nursery: Path, **erp: Any) -> AsyncIterator[Hospital]:
    """Build one, with nothing in it yet. ``erp``: settings of its simulator."""
    for name in ("inbox", "mms-in", "acks", "acks-b", "journal"):
        (folder / name).mkdir()
    timeout = aiohttp.ClientTimeout(total=20)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        CloudErp(Settings(**erp)) as cloud,
        LegacyHttp() as legacy,
        aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
    ):
        text = ROUTES.read_text().replace("{erp}", cloud.url).replace("{legacy}", legacy.url)
        (folder / "routes.yaml").write_text(text)
        built = Hospital(folder, nursery, cloud, legacy, session)
        try:
            yield built
        finally:
            for running in [each for each in built.started_all if each.code is None]:
                await running.kill()


def _message_id(body: bytes) -> str | None:
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told.get("message_id") if isinstance(told, dict) else None
