"""The audit log: appended, chained, and caught when it was changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from gateway.journal.audit import GENESIS, chain_fault, chain_hash, next_entry
from gateway.journal.base import Journal
from gateway.journal.types import AuditEntry
from tests.gateway.journal.builders import T0, after


async def append(journal: Journal, count: int) -> list[AuditEntry]:
    return [
        await journal.append_audit("ann", "secrets.reload", f"s{n}", {"n": str(n)}, "rotation", after(n))
        for n in range(count)
    ]


async def test_an_entry_says_who_did_what_to_what_when_and_why(journal: Journal) -> None:
    written = await journal.append_audit("ann", "secrets.reload", "env:TOKEN", {"a": "1"}, "rotation", T0)

    (told,) = await journal.audit()
    assert told == written
    assert (told.number, told.at, told.who, told.action) == (1, T0, "ann", "secrets.reload")
    assert (told.subject, told.detail, told.why) == ("env:TOKEN", {"a": "1"}, "rotation")


async def test_every_hash_covers_its_entry_and_the_one_before(journal: Journal) -> None:
    await append(journal, 3)

    previous = GENESIS
    for told in await journal.audit():
        expected = chain_hash(
            previous, told.number, told.at, told.who, told.action, told.subject, told.detail, told.why
        )
        assert told.hash == expected
        previous = told.hash


async def test_the_newest_entries_are_given_oldest_first(journal: Journal) -> None:
    written = await append(journal, 5)

    assert await journal.audit(limit=2) == written[-2:]
    assert await journal.audit() == written


async def test_a_sound_log_is_found_sound_at_every_length(journal: Journal) -> None:
    assert await journal.verify_audit() is None
    for _ in range(3):
        await append(journal, 1)
        assert await journal.verify_audit() is None


# -- the chain itself ------------------------------------------------------------------------


def log(count: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for n in range(count):
        last = entries[-1] if entries else None
        entries.append(next_entry(last, after(n), "ann", "routes.set", f"r{n}", {"n": str(n)}, "why"))
    return entries


def anchor(entries: list[AuditEntry]) -> tuple[int, str]:
    return (entries[-1].number, entries[-1].hash) if entries else (0, GENESIS)


def rewritten(entries: list[AuditEntry], at: int) -> list[AuditEntry]:
    """Change one entry and forge every hash after it."""
    forged = entries[:at]
    for told in entries[at:]:
        last = forged[-1] if forged else None
        who = "bob" if told is entries[at] else told.who
        forged.append(next_entry(last, told.at, who, told.action, told.subject, told.detail, told.why))
    return forged


TAMPERINGS: dict[str, Callable[[list[AuditEntry]], list[AuditEntry]]] = {
    "changed who": lambda log: [*log[:1], replace(log[1], who="bob"), *log[2:]],
    "changed time": lambda log: [*log[:1], replace(log[1], at=log[1].at + timedelta(seconds=1)), *log[2:]],
    "changed detail": lambda log: [*log[:1], replace(log[1], detail={"n": "7"}), *log[2:]],
    "taken out": lambda log: [log[0], *log[2:]],
    "swapped": lambda log: [log[1], log[0], *log[2:]],
    "cut short": lambda log: log[:-1],
    "emptied": lambda log: [],
    "written anew": lambda log: rewritten(log, 1),
    "doubled": lambda log: [*log[:2], *log[1:]],
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_log_that_was_tampered_with_is_found_out(tampering: str) -> None:
    entries = log(4)
    assert chain_fault(entries, anchor(entries)) is None

    assert chain_fault(TAMPERINGS[tampering](entries), anchor(entries)) is not None


def test_an_anchor_that_lags_behind_a_crash_is_no_fault() -> None:
    entries = log(3)

    assert chain_fault(entries, anchor(entries[:2])) is None
    assert chain_fault(entries, anchor([])) is None


def test_one_instant_has_one_hash_whatever_its_zone() -> None:
    zoned = T0.astimezone(timezone(timedelta(hours=-5)))

    assert chain_hash("", 1, T0, "a", "b", "c", {}, "") == chain_hash("", 1, zoned, "a", "b", "c", {}, "")


def test_parts_do_not_flow_into_each_other() -> None:
    texts = [("ab", "c", "d", ""), ("a", "bc", "d", ""), ("a", "b", "cd", ""), ("a", "b", "c", "d")]

    hashes = {chain_hash("", 1, T0, who, action, subject, {}, why) for who, action, subject, why in texts}

    assert len(hashes) == len(texts)
