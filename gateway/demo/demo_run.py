"""The demo from beginning to end: a folder, simulators, a gateway, traffic, and a verdict of its own."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from adapters.base.ending import ended
from gateway.commands.errors import CommandError
from gateway.control import ControlError
from gateway.demo import demo_report as report
from gateway.demo.demo_evidence import Found, firsts_of, gather
from gateway.demo.demo_folder import ROUTES, adapt, fill
from gateway.demo.demo_ground import DemoGround
from gateway.demo.demo_keep import instructions
from gateway.journal.base import JournalError
from gateway.operations.errors import OperationError
from gateway.serving import Served, serving
from gateway.start_errors import ServeError
from simulators.scenario import CannotPlayError, Change, Checked, Scenario, scenarios

GOOD, DIFFERENT, TERMINATED = 0, 1, 143
OVER_S = 45.0  # from the beginning, on a busy machine; what is not over by then is shown as it stands
LOOK_S = 0.1
LOG = "demo.log"
TELL_S = 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result:
    """How the demo came out."""

    found: list[Found]
    checked: list[Checked]
    differences: list[str]
    elapsed_s: float


def run(*, keep: bool = False, spoil: bool = False) -> int:
    """Run the demo in a folder of its own, which is gone afterwards; give the exit code."""
    with _folder() as folder, _log_into(folder / LOG):
        try:
            return asyncio.run(_demo(folder, keep=keep, spoil=spoil))
        except asyncio.CancelledError:
            return TERMINATED
        except CannotPlayError as error:
            raise CommandError(f"the demo cannot be played: {error}") from error
        except (ServeError, JournalError) as error:
            raise CommandError(f"the demo's gateway stopped: {error}", DIFFERENT) from error
        except (ControlError, OperationError) as error:
            raise CommandError(f"the demo's gateway did not do as it was told: {error}", DIFFERENT) from error


async def _demo(folder: Path, *, keep: bool, spoil: bool) -> int:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel if task is not None else loop.stop)
    ground = DemoGround(folder)
    played = scenarios(is_spoiled=spoil)
    async with _stage_set(ground, played) as served:
        result = await _while_up(served, _story(ground, played))
        _print_result(result, folder)
        if keep:
            told = [line for each in played for line in await each.told()]
            _print(instructions(folder, ground.address(), told))
            await _until_interrupted(served)
    return DIFFERENT if result.differences else GOOD


async def _while_up(served: Served, work: Coroutine[None, None, T]) -> T:
    """Do something while the gateway runs. Errors: JournalError and whatever else ends a gateway."""
    working = asyncio.ensure_future(work)
    failing = asyncio.ensure_future(served.gateway.wait())
    try:
        await asyncio.wait((working, failing), return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            failing.result()
        return await working
    finally:
        await ended(working, failing)


@asynccontextmanager
async def _stage_set(ground: DemoGround, played: Sequence[Scenario]) -> AsyncIterator[Served]:
    """Start the simulators, then the gateway; stop all of it at the end, whatever happens."""
    ground.tell("begin: a fresh folder with certificates and a copy of routes.yaml")
    await asyncio.to_thread(fill, ground.folder)
    async with AsyncExitStack() as stack:
        changes = [Change(("gateway", "listen", "https"), "127.0.0.1:0")]
        for each in played:
            stack.push_async_callback(each.stop)
            changes += await each.start(ground)
        configuration = adapt(ground.folder, changes)
        served = await stack.enter_async_context(serving(ground.folder / ROUTES))
        ground.open_to(served)
        ground.tell(f"gateway: up on {ground.address()} with {len(configuration.routes)} routes")
        yield served


async def _story(ground: DemoGround, played: Sequence[Scenario]) -> Result:
    for each in played:
        await each.play(ground)
    ground.tell("wait: until everything has ended")
    found = await _until_over(ground, played)
    checked = [line for each in played for line in await each.check(ground)]
    differences = [
        f"#{each.number} {each.sent.label}: {text}"
        for each in found
        for text in each.differences(firsts_of(each, ground))
    ]
    differences += [f"{each.text}: it is not so ({each.found})" for each in checked if not each.holds]
    return Result(found, checked, differences, ground.elapsed_s)


async def _until_over(ground: DemoGround, played: Sequence[Scenario]) -> list[Found]:
    told_s = ground.elapsed_s
    while True:
        found = await gather(ground)
        awaited = [f"#{each.number} {each.sent.label}" for each in found if not each.is_over]
        awaited += [text for each in played if (text := await each.awaits(ground))]
        if not awaited or ground.elapsed_s > OVER_S:
            return found
        if ground.elapsed_s > told_s + TELL_S:
            told_s = ground.elapsed_s
            ground.tell(f"wait: still for {', '.join(awaited)}")
        await asyncio.sleep(LOOK_S)


def _print_result(result: Result, folder: Path) -> None:
    found = result.found
    _print(report.messages_table(found))
    _print(report.acknowledgments(found, folder / "var" / "mms" / "acks"))
    _print(report.parked(found))
    _print(report.checks(result.checked))
    if result.differences:
        _print(report.differences(result.differences))
        _print(report.log_lines((folder / LOG).read_text(encoding="utf-8", errors="replace")))
    _print(report.closing(found, result.checked, len(result.differences), result.elapsed_s))


async def _until_interrupted(served: Served) -> None:
    """Wait for Ctrl-C or SIGTERM, which are this demo's right end and no failure."""
    try:
        await _while_up(served, _for_ever())
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        _print(["", "demo: stopping"])


async def _for_ever() -> None:
    await asyncio.Event().wait()


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="legacy-bridge-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _log_into(path: Path) -> Iterator[None]:
    """Keep the gateway's log out of the pages that a reader sees."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def _print(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
