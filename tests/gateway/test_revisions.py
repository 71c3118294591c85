"""Compiled routes by revision: a message keeps the one it was first translated with."""

from __future__ import annotations

from gateway.journal.memory import MemoryJournal
from gateway.program import Programs
from gateway.revisions import KEPT_MAX, Revisions
from tests.gateway.journal.builders import T0
from tests.gateway.timeline import Timeline


class Bench:
    def __init__(self) -> None:
        self.journal = MemoryJournal(clock=Timeline())
        self.compiled: list[int] = []
        self.broken: set[int] = set()
        self.revisions = Revisions(Programs(1, {}), self.journal, self.compile)

    def compile(self, text: str, revision: int) -> Programs | None:
        self.compiled.append(revision)
        return None if revision in self.broken else Programs(revision, {})

    async def load(self, count: int) -> None:
        for n in range(count):
            await self.journal.load_configuration(f"text {n}", f"sha {n}", "ann", T0)


async def test_an_old_revision_is_compiled_once_from_its_text_in_the_journal() -> None:
    bench = Bench()
    await bench.load(3)
    bench.revisions.make_current(Programs(3, {}))
    for _ in range(2):
        await bench.revisions.prepare(2)

    assert bench.compiled == [2]
    assert [bench.revisions(each).revision for each in (None, 1, 2, 3)] == [3, 1, 2, 3]


async def test_a_revision_that_cannot_be_compiled_any_more_is_decided_by_the_current_one() -> None:
    bench = Bench()
    await bench.load(2)
    bench.broken = {2}
    await bench.revisions.prepare(2)
    await bench.revisions.prepare(99)  # the journal has none

    assert bench.revisions(2).revision == 1
    assert bench.revisions(99).revision == 1


async def test_a_thousand_reloads_are_not_all_kept() -> None:
    bench = Bench()
    for n in range(2, 1_000):
        bench.revisions.make_current(Programs(n, {}))

    assert bench.revisions(None).revision == 999
    assert len(bench.revisions._kept) == KEPT_MAX


async def test_an_old_file_may_be_made_current_again() -> None:
    bench = Bench()
    for n in range(2, 200):
        bench.revisions.make_current(Programs(n, {}))
    bench.revisions.make_current(Programs(1, {}))

    assert bench.revisions(None).revision == 1
    assert bench.revisions(1).revision == 1
