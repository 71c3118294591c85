"""Messages found by what people call them: how an id begins, and names that no index has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.journal.base import Journal
from tests.gateway.journal.builders import Scene, arrival, document, finding, origin

REFERENCE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


async def found(journal: Journal, name: str, reference: str | None = None, *stretch: int) -> list[str]:
    return await journal.ids_bearing(name, reference, *(stretch or (0, 1_000)))


async def test_ids_that_begin_alike_are_found_newest_first(journal: Journal) -> None:
    for message_id in ("m260102aaab", "m260102zzzz", "m260102aaac", "m260101aaaa"):
        await journal.accept(arrival(message_id), message_id.encode())

    assert await journal.ids_beginning("m260102a") == ["m260102aaac", "m260102aaab"]
    assert await journal.ids_beginning("m260102", limit=2) == ["m260102aaac", "m260102zzzz"]
    assert await journal.ids_beginning("m260103") == []


@pytest.mark.parametrize(
    "name, ids",
    [
        ("c-m2", ["m2"]),
        ("in/june/PO_7.edi", ["m3", "m2"]),
        ("PO_7.edi", ["m3", "m2"]),
        ("june/PO_7.edi", ["m3", "m2"]),
        ("O_7.edi", []),
        ("ZZ/MERCY/000010042", ["m2"]),
        ("000010042", ["m2"]),
        ("10042", []),
        ("%", []),
    ],
)
async def test_a_correlation_id_a_path_and_an_arrival_key_name_their_messages(
    journal: Journal, name: str, ids: list[str]
) -> None:
    path = replace(origin(), name="in/june/PO_7.edi")
    await journal.accept(arrival("m1"), b"one")
    await journal.accept(arrival("m2", key="ZZ/MERCY/000010042", origin=path), b"two")
    await journal.refuse("orders_in", path, finding(), path.received_at)

    told = await found(journal, name)

    refused = (await journal.messages(limit=1))[0].message_id
    assert told == [refused if each == "m3" else each for each in ids]


async def test_bytes_are_found_by_their_sha256_or_the_first_16_digits_of_it(journal: Journal) -> None:
    await journal.accept(arrival("m1"), b"one")
    sha256 = (await journal.message("m1")).sha256

    assert await found(journal, sha256) == await found(journal, sha256[:16]) == ["m1"]
    assert await found(journal, sha256[:15]) == []


async def test_our_reference_cut_or_whole_and_the_number_of_the_target_name_their_message(
    scene: Scene,
) -> None:
    await scene.order("m1", "O-1", reference=REFERENCE)
    await scene.order("m2", "O-2", reference=f"X{REFERENCE[1:]}")
    claimed = next(each for each in await scene.claim() if each.message_id == "m1")
    await scene.deliver(claimed.claim)

    for reference in (REFERENCE, REFERENCE[:12]):
        assert await found(scene.journal, "?", reference) == ["m1"]
    assert await found(scene.journal, "ERP-1") == ["m1"]
    assert await found(scene.journal, "ERP") == []


async def test_of_a_stretch_only_its_messages_are_given(scene: Scene) -> None:
    for message_id in ("m1", "m2", "m3"):
        await scene.accept(message_id)
    await scene.plan("m2", [document()])
    name = origin().name

    assert await found(scene.journal, name) == ["m3", "m2", "m1"]
    assert await found(scene.journal, name, None, 2, 3) == ["m2"]
    assert await found(scene.journal, name, None, 3, 9) == ["m3"]
