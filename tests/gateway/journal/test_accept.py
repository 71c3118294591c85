"""Accepting: arrival keys, bodies, repeats, refusals, and what waits for translation."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from gateway.journal.base import Journal, JournalError, UnknownError
from gateway.journal.types import ArrivalKind, MessageState
from tests.gateway.journal.builders import ROUTE, T0, Scene, after, arrival, document, finding, origin, pieces


async def test_a_new_message_keeps_all_that_was_said_of_its_arrival(journal: Journal) -> None:
    told = arrival("m1", key="ICN-1", is_urgent=True, config_revision=7)

    acceptance = await journal.accept(told, b"ISA*00")

    assert (acceptance.kind, acceptance.message_id, acceptance.state) == (
        ArrivalKind.NEW,
        "m1",
        MessageState.ACCEPTED,
    )
    message = await journal.message("m1")
    assert (message.route, message.arrival_key, message.partner) == (ROUTE, "ICN-1", "MERCY")
    assert (message.origin, message.correlation_id, message.accepted_at) == (origin(), "c-m1", T0)
    assert (message.is_urgent, message.config_revision, message.state) == (True, 7, MessageState.ACCEPTED)
    assert (message.generation, message.resend, message.planned_through) == (1, False, 0)
    assert message.sha256 == hashlib.sha256(b"ISA*00").hexdigest()
    assert message.size_bytes == 6
    assert message.repeat_of is None


async def test_messages_accepted_together_are_what_they_would_be_one_by_one(journal: Journal) -> None:
    await journal.accept(arrival("m1", key="K1"), b"one")
    inputs = [
        (arrival("m2", key="K1"), b"one"),
        (arrival("m3", key="K1"), b"other"),
        (arrival("m4", key="K2"), b"two"),
        (arrival("m5", key="K3"), b"two"),
        (arrival("m6", key="K2"), b"two"),
    ]

    told = await journal.accept_together(inputs)

    assert [(each.message_id, each.kind) for each in told] == [
        ("m1", ArrivalKind.SAME),
        ("m3", ArrivalKind.CONFLICT),
        ("m4", ArrivalKind.NEW),
        ("m5", ArrivalKind.NEW),
        ("m4", ArrivalKind.SAME),
    ]
    assert told[3].repeat_of == "m4"
    assert [each.message_id for each in await journal.messages()] == ["m5", "m4", "m3", "m1"]  # newest first
    assert b"".join([piece async for piece in journal.body("m5")]) == b"two"


async def test_of_messages_accepted_together_all_are_kept_or_none(journal: Journal) -> None:
    wrong = arrival("m2", sha256="0" * 64, size_bytes=3)

    with pytest.raises(ValueError, match="m2"):
        await journal.accept_together([(arrival("m1"), b"one"), (wrong, b"two"), (arrival("m3"), b"three")])

    assert await journal.messages() == []


async def test_a_message_id_in_use_keeps_all_that_are_accepted_together_out(journal: Journal) -> None:
    await journal.accept(arrival("m1"), b"one")

    with pytest.raises(ValueError, match="message"):
        await journal.accept_together([(arrival("m2"), b"two"), (arrival("m1"), b"three")])

    assert [each.message_id for each in await journal.messages()] == ["m1"]


async def test_the_body_comes_back_byte_for_byte_in_bounded_pieces(scene: Scene) -> None:
    whole = bytes(range(256)) * 4096  # 1 MiB

    await scene.accept("m1", whole)

    read = [piece async for piece in scene.journal.body("m1")]
    assert b"".join(read) == whole
    assert max(len(piece) for piece in read) <= 256 * 1024


async def test_a_stream_is_hashed_and_counted_by_the_journal(journal: Journal) -> None:
    await journal.accept(arrival("m1"), pieces(b"ISA", b"", b"*00", b"*850"))

    message = await journal.message("m1")
    assert message.sha256 == hashlib.sha256(b"ISA*00*850").hexdigest()
    assert message.size_bytes == 10
    assert b"".join([piece async for piece in journal.body("m1")]) == b"ISA*00*850"


async def test_a_stream_with_the_same_key_and_bytes_is_the_same_message(journal: Journal) -> None:
    await journal.accept(arrival("m1", key="K"), pieces(b"IS", b"A"))

    again = await journal.accept(arrival("m2", key="K"), pieces(b"I", b"SA"))

    assert (again.kind, again.message_id) == (ArrivalKind.SAME, "m1")
    assert len(await journal.messages()) == 1


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"size_bytes": 4}])
async def test_bytes_that_are_not_the_announced_ones_are_not_accepted(
    journal: Journal, wrong: dict[str, object], is_stream: bool
) -> None:
    told = arrival("m1", key="K", **{"sha256": hashlib.sha256(b"ISA").hexdigest(), "size_bytes": 3, **wrong})

    with pytest.raises(ValueError, match="m1"):
        await journal.accept(told, pieces(b"ISA") if is_stream else b"ISA")

    assert await journal.messages() == []
    assert (await journal.accept(arrival("m2", key="K"), b"ISA")).kind is ArrivalKind.NEW


async def test_a_stream_that_breaks_off_leaves_nothing(journal: Journal) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"ISA"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await journal.accept(arrival("m1", key="K"), breaking())

    assert await journal.messages() == []
    with pytest.raises(UnknownError):
        await journal.message("m1")
    assert (await journal.accept(arrival("m1", key="K"), b"ISA")).kind is ArrivalKind.NEW


async def test_a_message_id_is_used_once(scene: Scene) -> None:
    await scene.accept("m1", b"ISA")

    with pytest.raises(ValueError, match="message"):
        await scene.accept("m1", b"ISA*other")

    assert await scene.body("m1") == b"ISA"


async def test_the_same_key_and_bytes_are_the_same_message_and_write_nothing(scene: Scene) -> None:
    await scene.accept("m1", b"ISA", arrival_key="K")
    await scene.plan("m1", [document()])

    again = await scene.accept("m2", b"ISA", arrival_key="K")

    assert (again.kind, again.message_id, again.state) == (ArrivalKind.SAME, "m1", MessageState.PLANNED)
    assert [message.message_id for message in await scene.journal.messages()] == ["m1"]


async def test_the_same_key_with_other_bytes_is_kept_parked_as_a_conflict(scene: Scene) -> None:
    await scene.accept("m1", b"ISA", arrival_key="K")

    other = await scene.accept("m2", b"ISA*changed", arrival_key="K")

    assert (other.kind, other.message_id, other.state) == (ArrivalKind.CONFLICT, "m2", MessageState.PARKED)
    assert other.conflicts_with == "m1"
    conflict = await scene.journal.message("m2")
    assert [found.code for found in conflict.findings] == ["ARRIVAL-CONFLICT"]
    assert await scene.body("m2") == b"ISA*changed"
    assert (await scene.journal.message("m1")).state is MessageState.ACCEPTED
    (waiting,) = await scene.journal.next_to_translate(ROUTE, urgent=False, limit=9)
    assert waiting.message_id == "m1"


async def test_a_conflict_that_is_sent_again_is_the_same_conflict(scene: Scene) -> None:
    await scene.accept("m1", b"ISA", arrival_key="K")
    await scene.accept("m2", b"ISA*changed", arrival_key="K")

    again = await scene.accept("m3", b"ISA*changed", arrival_key="K")

    assert (again.kind, again.message_id, again.conflicts_with) == (ArrivalKind.SAME, "m2", "m1")
    assert len(await scene.journal.messages()) == 2


async def test_an_arrival_key_belongs_to_its_route(scene: Scene) -> None:
    await scene.accept("m1", b"ISA", arrival_key="K")

    other = await scene.accept("m2", b"ISA*other", arrival_key="K", route="invoices_in")

    assert other.kind is ArrivalKind.NEW


@pytest.mark.parametrize("second_key", ["K2", None])
async def test_equal_bytes_under_another_key_are_new_and_say_what_they_repeat(
    scene: Scene, second_key: str | None
) -> None:
    await scene.accept("m1", b"ISA", arrival_key="K1")

    repeat = await scene.accept("m2", b"ISA", arrival_key=second_key)

    assert (repeat.kind, repeat.message_id, repeat.repeat_of) == (ArrivalKind.NEW, "m2", "m1")
    assert (await scene.journal.message("m2")).repeat_of == "m1"


async def test_equal_bytes_on_another_route_repeat_nothing(scene: Scene) -> None:
    await scene.accept("m1", b"ISA")

    other = await scene.accept("m2", b"ISA", route="invoices_in")

    assert other.repeat_of is None


async def test_a_refused_input_leaves_its_finding_and_no_body(journal: Journal) -> None:
    message_id = await journal.refuse(ROUTE, origin(), finding("HTTP-TYPE"), T0)

    message = await journal.message(message_id)
    assert (message.state, message.findings) == (MessageState.REFUSED, (finding("HTTP-TYPE"),))
    assert message.origin == origin()
    with pytest.raises(UnknownError):
        _ = [piece async for piece in journal.body(message_id)]
    assert await journal.exceptions() == []
    assert await journal.routes_to_translate() == []


async def test_two_refusals_are_two_entries(journal: Journal) -> None:
    ids = {await journal.refuse(ROUTE, origin(), finding(), T0) for _ in range(2)}

    assert len(ids) == 2


async def test_an_unknown_message_is_told_apart_from_an_empty_one(scene: Scene) -> None:
    await scene.accept("m1", b"")

    assert await scene.body("m1") == b""
    with pytest.raises(UnknownError):
        await scene.journal.message("m2")
    with pytest.raises(UnknownError):
        await scene.body("m2")


async def test_messages_are_listed_newest_first_page_by_page(scene: Scene) -> None:
    for number in range(5):
        await scene.accept(f"m{number}")

    newest = await scene.journal.messages(limit=2)
    older = await scene.journal.messages(limit=9, before_sequence=newest[-1].sequence)

    assert [message.message_id for message in newest + older] == ["m4", "m3", "m2", "m1", "m0"]


async def test_messages_are_listed_by_route_and_state(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.accept("m2", route="invoices_in")
    await scene.accept("m3")
    await scene.plan("m3", [document()])

    of_route = await scene.journal.messages(route=ROUTE)
    planned = await scene.journal.messages(states=[MessageState.PLANNED, MessageState.PARKED])

    assert [message.message_id for message in of_route] == ["m3", "m1"]
    assert [message.message_id for message in planned] == ["m3"]


async def test_messages_wait_for_translation_oldest_first_by_route_and_urgency(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.accept("m2", is_urgent=True)
    await scene.accept("m3", route="invoices_in")
    await scene.accept("m4")

    assert sorted(await scene.journal.routes_to_translate()) == [
        ("invoices_in", False),
        (ROUTE, False),
        (ROUTE, True),
    ]
    usual = await scene.journal.next_to_translate(ROUTE, urgent=False, limit=9)
    urgent = await scene.journal.next_to_translate(ROUTE, urgent=True, limit=9)
    assert [message.message_id for message in usual] == ["m1", "m4"]
    assert [message.message_id for message in urgent] == ["m2"]
    assert len(await scene.journal.next_to_translate(ROUTE, urgent=False)) == 1


async def test_a_message_in_translation_is_still_to_be_translated_and_a_planned_one_is_not(
    scene: Scene,
) -> None:
    await scene.accept("m1")
    await scene.journal.begin_translation("m1", 1)
    assert await scene.journal.routes_to_translate() == [(ROUTE, False)]

    await scene.plan("m1", [document()])

    assert await scene.journal.routes_to_translate() == []
    assert await scene.journal.next_to_translate(ROUTE, urgent=False) == []


async def test_the_first_translation_fixes_the_configuration_and_a_later_one_keeps_it(scene: Scene) -> None:
    await scene.accept("m1", config_revision=3)

    first = await scene.journal.begin_translation("m1", 4)
    after_a_kill = await scene.journal.begin_translation("m1", 5)

    assert (first.config_revision, first.state) == (4, MessageState.TRANSLATING)
    assert after_a_kill.config_revision == 4
    with pytest.raises(UnknownError):
        await scene.journal.begin_translation("m2", 1)


async def test_beginning_again_tells_how_far_the_plan_is_durable(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.plan("m1", [document(0), document(1)], is_last=False)

    again = await scene.journal.begin_translation("m1", 1)

    assert again.planned_through == 2


async def test_messages_are_begun_together_each_with_its_body(scene: Scene) -> None:
    await scene.accept("m1", b"ISA*1", config_revision=3)
    await scene.accept("m2", b"")
    await scene.accept("m3", b"ISA*3")

    begun = await scene.journal.begin_together(["m1", "m2", "m3"], 4)

    assert [body for _, body in begun] == [b"ISA*1", b"", b"ISA*3"]
    assert [message for message, _ in begun] == [
        await scene.journal.message(message_id) for message_id in ("m1", "m2", "m3")
    ]
    assert {(message.state, message.config_revision) for message, _ in begun} == {
        (MessageState.TRANSLATING, 4)
    }


async def test_what_was_begun_before_is_begun_together_as_it_was(scene: Scene) -> None:
    await scene.accept("m1")
    await scene.accept("m2")
    await scene.plan("m1", [document(0), document(1)], is_last=False)
    await scene.plan("m2", [document()])

    (again, _), (planned, _) = await scene.journal.begin_together(["m1", "m2"], 5)

    assert (again.config_revision, again.planned_through) == (1, 2)
    assert planned == await scene.journal.message("m2")
    assert planned.state is MessageState.PLANNED


async def test_a_body_of_several_pieces_is_not_given_with_its_message(scene: Scene) -> None:
    whole = bytes(range(256)) * 1024  # one piece
    await scene.accept("m1", whole)
    await scene.accept("m2", whole + b"~")

    begun = await scene.journal.begin_together(["m1", "m2"], 1)

    assert [body for _, body in begun] == [whole, None]
    assert await scene.body("m2") == whole + b"~"


async def test_messages_one_of_which_is_unknown_are_not_begun(scene: Scene) -> None:
    await scene.accept("m1")

    with pytest.raises(UnknownError):
        await scene.journal.begin_together(["m1", "m2"], 1)

    assert (await scene.journal.message("m1")).state is MessageState.ACCEPTED


async def test_what_was_refused_is_counted_from_a_moment_on(scene: Scene) -> None:
    await scene.journal.refuse(ROUTE, origin(), finding(), T0)
    await scene.accept("m1", accepted_at=after(5))
    await scene.journal.refuse(ROUTE, origin(), finding(), after(10))
    await scene.journal.refuse("other", origin(), finding(), after(20))
    await scene.accept("m2", accepted_at=after(25))

    counts = [await scene.journal.count_refused(after(at)) for at in (0, 1, 10, 11, 21, 30)]

    assert counts == [3, 2, 2, 1, 0, 0]


async def test_a_message_without_a_body_is_begun_without_one(journal: Journal) -> None:
    refused = await journal.refuse(ROUTE, origin(), finding(), T0)

    ((message, body),) = await journal.begin_together([refused], 1)

    assert (message.state, body) == (MessageState.REFUSED, None)


async def test_a_journal_belongs_to_one_environment(journal: Journal) -> None:
    await journal.bind_environment("test")
    await journal.bind_environment("test")

    with pytest.raises(JournalError, match="test"):
        await journal.bind_environment("production")


async def test_times_keep_their_microseconds(scene: Scene) -> None:
    at = after(0.000001)

    await scene.accept("m1", accepted_at=at)

    assert (await scene.journal.message("m1")).accepted_at == at


async def test_a_working_journal_is_healthy(journal: Journal) -> None:
    assert await journal.is_healthy()
