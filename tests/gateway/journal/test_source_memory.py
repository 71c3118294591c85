"""What sources need of the journal: to see a thing once, alone, and from where they stopped."""

from __future__ import annotations

from gateway.journal.base import Journal
from tests.gateway.journal.builders import after
from tests.gateway.journal.conftest import SetClock


async def test_a_thing_is_new_once(journal: Journal) -> None:
    seen = [await journal.remember_once("sftp:mercy", "PO.edi", content, after(60)) for content in "aab"]

    assert seen == ["new", "same", "different"]


async def test_what_was_different_does_not_replace_what_was_first(journal: Journal) -> None:
    for content in "ab":
        await journal.remember_once("sftp:mercy", "PO.edi", content, after(60))

    assert await journal.remember_once("sftp:mercy", "PO.edi", "a", after(60)) == "same"


async def test_keys_belong_to_their_scope(journal: Journal) -> None:
    await journal.remember_once("sftp:mercy", "PO.edi", "a", after(60))

    assert await journal.remember_once("sftp:saint", "PO.edi", "b", after(60)) == "new"


async def test_a_thing_is_forgotten_when_it_expires(journal: Journal, clock: SetClock) -> None:
    await journal.remember_once("nonce", "n1", "a", after(60))
    clock.later(59)
    assert await journal.remember_once("nonce", "n1", "a", after(120)) == "same"

    clock.later(1)

    assert await journal.remember_once("nonce", "n1", "b", after(120)) == "new"


# -- leases ----------------------------------------------------------------------------------


async def test_a_lease_is_held_by_one_owner(journal: Journal, clock: SetClock) -> None:
    held = await journal.lease("sftp:mercy", "PO.edi", "picker-1", 30)

    assert held is not None
    assert (held.scope, held.key, held.owner) == ("sftp:mercy", "PO.edi", "picker-1")
    assert held.expires_at == after(30)
    assert await journal.lease("sftp:mercy", "PO.edi", "picker-2", 30) is None
    assert await journal.lease("sftp:mercy", "other.edi", "picker-2", 30) is not None
    assert await journal.lease("sftp:saint", "PO.edi", "picker-2", 30) is not None


async def test_the_same_owner_renews(journal: Journal, clock: SetClock) -> None:
    await journal.lease("s", "k", "one", 30)
    clock.later(20)

    renewed = await journal.lease("s", "k", "one", 30)

    assert renewed is not None
    assert renewed.expires_at == after(50)
    clock.later(29)
    assert await journal.lease("s", "k", "two", 30) is None


async def test_an_expired_lease_is_taken_over_under_a_higher_fence(journal: Journal, clock: SetClock) -> None:
    first = await journal.lease("s", "k", "one", 30)
    clock.later(30)

    second = await journal.lease("s", "k", "two", 30)

    assert first is not None
    assert second is not None
    assert second.fence > first.fence
    assert await journal.lease("s", "k", "one", 30) is None


async def test_a_lease_that_was_given_back_is_free_and_its_fence_goes_on(journal: Journal) -> None:
    first = await journal.lease("s", "k", "one", 30)
    assert first is not None

    assert await journal.release(first)

    second = await journal.lease("s", "k", "two", 30)
    assert second is not None
    assert second.fence > first.fence


async def test_a_lease_that_was_taken_over_cannot_be_given_back(journal: Journal, clock: SetClock) -> None:
    first = await journal.lease("s", "k", "one", 30)
    clock.later(30)
    second = await journal.lease("s", "k", "two", 30)
    assert first is not None
    assert second is not None

    assert not await journal.release(first)

    assert await journal.lease("s", "k", "three", 30) is None
    assert await journal.release(second)
    assert not await journal.release(second)


# -- cursors ---------------------------------------------------------------------------------


async def test_a_cursor_begins_empty_and_moves(journal: Journal) -> None:
    assert await journal.cursor("outbox") is None

    assert await journal.set_cursor("outbox", "row:7", None)

    assert await journal.cursor("outbox") == "row:7"
    assert await journal.cursor("other") is None


async def test_a_cursor_moves_only_from_where_it_was_read(journal: Journal) -> None:
    assert not await journal.set_cursor("outbox", "row:7", "row:1")
    await journal.set_cursor("outbox", "row:7", None)

    assert not await journal.set_cursor("outbox", "row:9", None)
    assert not await journal.set_cursor("outbox", "row:9", "row:8")
    assert await journal.set_cursor("outbox", "row:9", "row:7")

    assert await journal.cursor("outbox") == "row:9"
