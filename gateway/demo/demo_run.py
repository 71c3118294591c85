"""The demo from beginning to end: a folder, simulators, a gateway, traffic, and a verdict of its own."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.commands.errors import CommandError
from gateway.demo import demo_report as report
from gateway.demo.demo_evidence import Found, firsts_of, gather
from gateway.demo.demo_folder import ROUTES, adapt, fill
from gateway.demo.demo_ground import DemoGround
from gateway.demo.demo_keep import instructions
from gateway.journal.base import JournalError
from gateway.serving import ServeError, serving
from simulators.scenario import Change, Checked, Scenario, scenarios

GOOD, DIFFERENT, TERMINATED = 0, 1, 143
OVER_S = 25.0  # from the beginning; what is not over by then is shown as it stands
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Result:
    """How the demo came out."""

    found: list[Found]
    checked: list[Checked]
    differences: list[str]
    elapsed_s: float


def run(*, keep: bool = False, spoil: bool = False) -> int:
    """Run the demo in a folder of its own, which is gone afterwards; give the exit code."""
    with _folder() as folder, _log_into(folder / "demo.log"):
        try:
            return asyncio.run(_demo(folder, keep=keep, spoil=spoil))
        except asyncio.CancelledError:
            return TERMINATED
        except (ServeError, JournalError) as error:
            raise CommandError(f"the demo's gateway stopped: {error}", DIFFERENT) from error


async def _demo(folder: Path, *, keep: bool, spoil: bool) -> int:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    ground = DemoGround(folder)
    played = scenarios(is_spoiled=spoil)
    async with _stage_set(ground, played):
        result = await _story(ground, played)
        _print_result(result, folder)
        if keep:
            _print(
                instructions(
                    folder, ground.address(), [line for each in played for line in await each.told()]
                )
            )
            await _until_interrupted()
    return DIFFERENT if result.differences else GOOD


@asynccontextmanager
async def _stage_set(ground: DemoGround, played: Sequence[Scenario]) -> AsyncIterator[None]:
    """Start the simulators, then the gateway; stop all of it at the end, whatever happens."""
    ground.tell("begin: a fresh folder with certificates and a copy of routes.yaml")
    await asyncio.to_thread(fill, ground.folder)
    async with AsyncExitStack() as stack:
        changes = [Change(("gateway", "listen", "https"), "127.0.0.1:0")]
        for each in played:
            stack.push_async_callback(each.stop)
            changes += await each.start(ground)
        configuration = adapt(ground.folder, changes)
        ground.open_to(await stack.enter_async_context(serving(ground.folder / ROUTES)))
        ground.tell(f"gateway: up on {ground.address()} with {len(configuration.routes)} routes")
        yield


async def _story(ground: DemoGround, played: Sequence[Scenario]) -> Result:
    for each in played:
        await each.play(ground)
    ground.tell("wait: until everything has ended, and the alarm has gone out")
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
    while True:
        found = await gather(ground)
        is_over = all(each.is_over for each in found) and all([await each.is_over(ground) for each in played])
        if is_over or ground.elapsed_s > OVER_S:
            return found
        await asyncio.sleep(LOOK_S)


def _print_result(result: Result, folder: Path) -> None:
    found = result.found
    _print(report.messages_table(found))
    _print(report.acknowledgments(found, folder / "var" / "mms" / "acks"))
    _print(report.parked(found))
    _print(report.checks(result.checked))
    _print(report.differences(result.differences))
    _print(report.closing(found, result.checked, len(result.differences), result.elapsed_s))


async def _until_interrupted() -> None:
    """Wait for Ctrl-C or SIGTERM, which are this demo's right end and no failure."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        _print(["", "demo: stopping"])


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
