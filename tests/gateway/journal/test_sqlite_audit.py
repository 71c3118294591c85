"""The audit log in the file and the heads beside it: what was rewritten or cut off is noticed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal.audit import chain_hash
from gateway.journal.sqlite import SqliteJournal
from tests.gateway.journal.builders import T0
from tests.gateway.journal.conftest import SetClock
from tests.scale import scaled


async def opened(folder: Path) -> SqliteJournal:
    return await SqliteJournal.open(folder / "journal.db", clock=SetClock())


async def write_three(folder: Path) -> None:
    journal = await opened(folder)
    for number in range(3):
        await journal.append_audit("ops", "routes.set", f"route-{number}", {"to": "cloud"}, "planned", T0)
    await journal.close()


async def fault(folder: Path) -> str | None:
    journal = await opened(folder)
    found = await journal.verify_audit()
    await journal.close()
    return found


def change(folder: Path, statement: str, *values: str) -> None:
    with apsw.Connection(str(folder / "journal.db")) as connection:
        connection.execute(statement, values)


async def test_an_untouched_log_is_in_order(tmp_path: Path) -> None:
    await write_three(tmp_path)

    assert await fault(tmp_path) is None
    assert len((tmp_path / "journal.db.audit-head").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "statement, told",
    [
        ("UPDATE audit SET who = 'someone else' WHERE number = 2", "entry 2 was changed"),
        ("DELETE FROM audit WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE number = 3", "cut short or written anew"),
        ("DELETE FROM audit", "cut short or written anew"),
    ],
)
async def test_a_log_that_was_touched_is_noticed(tmp_path: Path, statement: str, told: str) -> None:
    await write_three(tmp_path)
    change(tmp_path, statement)

    assert told in str(await fault(tmp_path))


async def test_a_log_that_was_rewritten_with_right_hashes_is_noticed_by_its_heads(tmp_path: Path) -> None:
    await write_three(tmp_path)
    forged = chain_hash("", 1, T0, "ops", "routes.set", "route-0", {"to": "cloud"}, "forged")
    change(tmp_path, "DELETE FROM audit WHERE number > 1")
    change(tmp_path, "UPDATE audit SET why = 'forged', hash = ?", forged)

    assert "cut short or written anew" in str(await fault(tmp_path))


async def test_a_rewritten_log_that_grew_again_is_noticed_by_an_older_head(tmp_path: Path) -> None:
    await write_three(tmp_path)
    change(tmp_path, "DELETE FROM audit")
    await write_three(tmp_path)
    heads = tmp_path / "journal.db.audit-head"
    forged = heads.read_text().splitlines()
    heads.write_text("\n".join(["1 " + "0" * 64, *forged[1:]]) + "\n")

    assert "entry 1 is not the one that was anchored" in str(await fault(tmp_path))


async def test_a_crash_before_the_head_was_added_is_no_fault(tmp_path: Path) -> None:
    await write_three(tmp_path)
    heads = tmp_path / "journal.db.audit-head"
    lines = heads.read_text().splitlines(keepends=True)
    heads.write_text("".join(lines[:2]) + lines[2][:20])  # torn in the middle

    assert await fault(tmp_path) is None


async def test_heads_go_on_after_a_torn_one(tmp_path: Path) -> None:
    await write_three(tmp_path)
    heads = tmp_path / "journal.db.audit-head"
    heads.write_text(heads.read_text()[:-30])

    await write_three(tmp_path)

    assert await fault(tmp_path) is None
    change(tmp_path, "DELETE FROM audit WHERE number = 6")
    assert "cut short" in str(await fault(tmp_path))


COLUMNS = ("number", "at", "who", "action", "subject", "detail", "why", "hash")
ENTRIES = 12


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")

    async def write() -> None:
        journal = await opened(folder)
        for number in range(ENTRIES):
            detail = {"from": "legacy", "to": "cloud", "share_percent": str(number)}
            await journal.append_audit(
                f"ops {number}", "routes.set", f"route-{number}", detail, "planned", T0
            )
        await journal.close()

    asyncio.run(write())
    return folder


def touched(log: Path, folder: Path, statement: str, *values: object) -> str | None:
    for file in log.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with apsw.Connection(str(folder / "journal.db")) as connection:
        connection.execute(statement, values)
        assert connection.changes()
    return asyncio.run(fault(folder))


@settings(max_examples=scaled(40))
@given(number=st.integers(1, ENTRIES), column=st.sampled_from(COLUMNS), added=st.integers(1, 10**6))
def test_any_one_value_of_any_one_entry_that_is_altered_is_detected(
    log: Path, number: int, column: str, added: int
) -> None:
    new = f"{column} || char({added % 200 + 33})"
    match column:
        case "at":
            new = f"at + {added}"
        case "number":  # one that no other entry has
            new = f"number + {added + ENTRIES}"
        case "detail":
            new = f"replace(detail, 'cloud', 'cloud{added}')"
    with TemporaryDirectory() as folder:
        statement = f"UPDATE audit SET {column} = {new} WHERE number = ?"
        assert touched(log, Path(folder), statement, number) is not None


@settings(max_examples=scaled(20))
@given(number=st.integers(1, ENTRIES), is_tail=st.booleans())
def test_any_one_entry_that_is_removed_and_any_end_that_is_cut_off_is_detected(
    log: Path, number: int, is_tail: bool
) -> None:
    with TemporaryDirectory() as folder:
        statement = f"DELETE FROM audit WHERE number {'>=' if is_tail else '='} ?"
        assert touched(log, Path(folder), statement, number) is not None


def test_without_the_heads_beside_it_a_cut_off_end_would_not_be_found(log: Path, tmp_path: Path) -> None:
    """Negative control: it is the anchor that finds it."""
    for file in log.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "journal.db.audit-head").unlink()
    change(tmp_path, "DELETE FROM audit WHERE number > 5")

    assert asyncio.run(fault(tmp_path)) is None
