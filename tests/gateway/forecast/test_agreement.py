"""What a plan says would happen is what then happens: target, content, request, outcome of each message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

from gateway.app import format_by_name
from gateway.config import Configuration, load
from gateway.forecast.model import MessageForecast
from gateway.forecast.replaying import replayed
from gateway.forecast.stages import declared
from gateway.forecast.traffic import recorded_traffic
from gateway.journal.sqlite import SqliteJournal
from gateway.system import SystemClock
from simulators.cloud_erp.server import CloudErp, Settings
from tests.gateway.forecast.corpus import CHANGED, IN_FORCE, corpus, write_site
from tests.gateway.forecast.reality import comparable, happened
from tests.scale import scaled

SIZE = scaled(100, most=2_000)


def configured(path: Path) -> Configuration:
    found = load(path)
    assert isinstance(found, Configuration), found
    return found


async def test_a_plan_foretells_what_then_happens_to_every_message(tmp_path: Path) -> None:
    sent = corpus(SIZE)
    now_folder, then_folder = tmp_path / "now", tmp_path / "then"
    now_folder.mkdir()
    then_folder.mkdir()
    async with CloudErp(Settings(enforce_unique=True)) as erp:
        in_force = write_site(now_folder, "routes.yaml", erp.url, IN_FORCE)
        changed = write_site(now_folder, "changed.yaml", erp.url, CHANGED)
        recorded = await happened(in_force, sent)
    clock = SystemClock()
    journal = await SqliteJournal.open_readonly(now_folder / "var" / "journal.db", clock=clock)
    try:
        traffic = await recorded_traffic(journal, datetime(2026, 1, 1, tzinfo=UTC), 100_000)
        before, after = configured(in_force), configured(changed)
        again = await replayed(before, declared(before), traffic.messages, journal, format_by_name)
        later = await recorded_traffic(journal, datetime(2026, 1, 1, tzinfo=UTC), SIZE // 2)
        half = await replayed(before, declared(before), later.messages, journal, format_by_name)
        foretold = await replayed(after, declared(after), traffic.messages, journal, format_by_name)
    finally:
        await journal.close()
    async with CloudErp(Settings(enforce_unique=True)) as erp:
        really = await happened(write_site(then_folder, "routes.yaml", erp.url, CHANGED), sent)

    assert differing(recorded, again) == []  # the record itself, run again
    assert differing(recorded[-len(half) :], half) == []  # what was before the window counts as it stands
    assert differing(foretold, really) == []
    assert differing(again, foretold) != []  # the change is one: agreement is not had by saying nothing


def differing(one: Sequence[MessageForecast], other: Sequence[MessageForecast]) -> list[str]:
    """Give, for each message that is not the same in both, what differs first."""
    assert len(one) == len(other)
    told = []
    for number, (a, b) in enumerate(zip(one, other, strict=True)):
        if (was := comparable(a)) != (will := comparable(b)):
            parts = zip_longest(flattened(was), flattened(will))
            told.append(f"{number} {a.route}: {next(each for each in parts if each[0] != each[1])}")
    return told


def flattened(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        for each in value:
            yield from flattened(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from flattened((field.name, getattr(value, field.name)))
    else:
        yield value
