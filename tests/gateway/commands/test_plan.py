"""``legacy-bridge plan`` from end to end: over a journal of recorded traffic, in processes of its own."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.app import format_by_name
from gateway.cli import main
from gateway.config import Configuration, load
from gateway.forecast.making import Question, Store, make_plan
from gateway.journal.sqlite import SqliteJournal
from gateway.system import SystemClock
from simulators.cloud_erp.server import CloudErp, Settings
from tests.gateway.forecast.corpus import CHANGED, IN_FORCE, corpus, write_site
from tests.gateway.forecast.reality import happened

SIZE = 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")

    async def record() -> None:
        async with CloudErp(Settings(enforce_unique=True)) as erp:
            write_site(folder, "changed.yaml", erp.url, CHANGED)
            await happened(write_site(folder, "routes.yaml", erp.url, IN_FORCE), corpus(SIZE))

    asyncio.run(record())
    return folder


def content(folder: Path) -> dict[str, str]:
    """Give what is in every file but SQLite's own working files, which a reader makes."""
    files = (
        each for each in folder.rglob("*") if each.is_file() and not each.name.endswith(("-shm", "-wal"))
    )
    return {str(each): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["plan", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_changed_file_is_planned_and_nothing_is_touched(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, report = content(site), tmp_path / "plan.html"
    config = str(site / "routes.yaml")

    code, plan = planned(capsys, str(site / "changed.yaml"), "-c", config, "--html", str(report))

    assert (code, plan["messages"]) == (1, SIZE)
    assert all(plan["by_kind"][kind] for kind in ("target", "canonical", "request", "outcome"))
    assert plan["before"] == "configuration revision 1"
    assert report.read_text().startswith("<!DOCTYPE html>")
    assert content(site) == before


def test_the_file_in_force_changes_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, plan = planned(capsys, "-c", str(site / "routes.yaml"))

    assert (code, plan["messages"], plan["changed"]) == (0, SIZE, 0)
    assert not [each for each in plan["notes"] if "run again as configured now" in each]


async def test_a_record_that_was_made_under_another_configuration_is_told(site: Path) -> None:
    changed = load(site / "changed.yaml")
    assert isinstance(changed, Configuration)
    clock = SystemClock()
    journal = await SqliteJournal.open_readonly(site / "var" / "journal.db", clock=clock)
    try:
        question = Question(changed, before=changed)
        plan = await make_plan(question, journal, Store(None), format_by_name, clock.now())
    finally:
        await journal.close()

    assert not plan.changed
    assert any("do not come to what was recorded" in note for note in plan.notes)


def test_a_stage_can_be_planned_without_a_changed_file(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["plan", "-c", str(site / "routes.yaml"), "--stage", "portal=cloud", "--route", "portal"])

    told = capsys.readouterr().out
    assert code == 1
    assert "portal" in told
    assert "mms -> erp" in told
    assert "planned in stage cloud, as asked" in told


def test_without_a_journal_there_is_nothing_to_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_site(tmp_path, "routes.yaml", "http://127.0.0.1:1", IN_FORCE)

    assert main(["plan", "-c", str(path)]) == 2
    assert "no journal file" in capsys.readouterr().err
