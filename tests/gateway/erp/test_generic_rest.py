"""What the target asks for next, and what it makes of replies: no network, time handed in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import (
    Accepted,
    Delivery,
    Effect,
    Finished,
    InDoubt,
    NoReply,
    Rejected,
    Reply,
    Request,
    Stuck,
    Transient,
    Wait,
)
from canonical.document import Provenance
from canonical.registry import parse_document, to_json
from gateway.erp.generic_rest import GenericRest
from gateway.erp.generic_rest_settings import GenericRestSettings
from tests.gateway.support import REFERENCE, Course, FakeClock, delivery

NOTHING = Reply(200, b'{"items": []}')
LOST = NoReply("maybe", "no reply in time")


def found(number: str | None = "PO-9", **fields) -> Reply:
    return Reply(200, json.dumps({"items": [{"number": number, "reference": REFERENCE, **fields}]}).encode())


def created(number: str = "PO-9") -> Reply:
    return Reply(201, json.dumps({"number": number, "lines": []}).encode())


class Scripted:
    """A sink of prepared replies; the clock moves by `lasts_s` with each."""

    def __init__(self, clock: FakeClock, lasts_s: float = 0.0) -> None:
        self.clock = clock
        self.lasts_s = lasts_s
        self.reply: Reply | NoReply = NOTHING

    async def send(self, request: Request, *, still_mine=None) -> Reply | NoReply:
        self.clock.elapsed_s += self.lasts_s
        return self.reply

    async def close(self) -> None:
        pass


class Scene(Course):
    """A course whose replies are written down in the test."""

    def __init__(self, the_delivery: Delivery | None = None, **settings) -> None:
        model = GenericRestSettings.model_validate({"base": "https://erp.example", **settings})
        self.time = FakeClock()
        self.script = Scripted(self.time)
        super().__init__(GenericRest("erp", model), self.script, the_delivery or delivery(), self.time)

    async def get(self, *replies: Reply | NoReply):
        outcome = None
        for reply in replies:
            self.script.reply = reply
            outcome = await self.step()
        return outcome

    def wait(self) -> float:
        """Wait as long as asked; give how long that was."""
        asked = self.next()
        assert isinstance(asked, Wait), asked
        seconds = (asked.until - self.time.now()).total_seconds()
        self.time.elapsed_s += seconds
        return seconds


async def test_after_a_doubt_look_ups_come_with_growing_waits_until_the_quiet_period_ends() -> None:
    scene = Scene(look_up_waits_s=("1", "4", "15"), quiet_period_s="60")
    await scene.get(NOTHING, LOST)
    waits = []
    for _ in range(4):
        waits.append(scene.wait())
        await scene.get(NOTHING)

    assert waits == [1, 3, 11, 45]
    assert scene.next().step == "create"


async def test_a_failed_look_up_proves_nothing() -> None:
    scene = Scene(look_up_waits_s=(), quiet_period_s=60)
    await scene.get(NOTHING, LOST)
    scene.wait()
    for failed in (Reply(503), Reply(200, b"<html>sorry"), Reply(200, b"{}"), Reply(200, b"[1"), LOST):
        assert isinstance(await scene.get(failed), Transient)
        assert scene.next().step == "look_up"
    await scene.get(NOTHING)
    assert scene.next().step == "create"


async def test_a_request_under_way_when_we_died_gets_its_whole_time_before_the_quiet_period() -> None:
    scene = Scene(look_up_waits_s=(1,), quiet_period_s=60, timeout_s=20)
    await scene.get(NOTHING)
    scene.crash()

    assert scene.wait() == 1
    await scene.get(NOTHING)
    assert scene.wait() == 79


async def test_the_quiet_period_doubles_with_each_doubt_up_to_a_quarter_of_an_hour() -> None:
    scene = Scene(look_up_waits_s=(), quiet_period_s=60, doubts_max=100)
    await scene.get(NOTHING)
    waits = []
    for _ in range(6):
        await scene.get(LOST)
        waits.append(scene.wait())
        await scene.get(NOTHING)

    assert waits == [60, 120, 240, 480, 900, 900]


async def test_too_many_doubts_need_a_person_whose_retry_creates_once_more() -> None:
    scene = Scene(look_up_waits_s=(), quiet_period_s=0, doubts_max=2)
    await scene.get(NOTHING, LOST, NOTHING, LOST, NOTHING)

    stuck = scene.next()
    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "ERP-IN-DOUBT"
    scene.time.elapsed_s += 3_600
    assert scene.next().step == "look_up"
    await scene.get(NOTHING)
    assert scene.next().step == "create"


async def test_what_was_surely_not_done_is_sent_again_without_another_look_up() -> None:
    scene = Scene()
    await scene.get(NOTHING, Reply(503), Reply(429), NoReply("none", "no connection"))

    assert scene.next().step == "create"


async def test_a_500_is_a_doubt_unless_the_endpoint_says_that_it_is_safe() -> None:
    careful, told = Scene(), Scene(unprocessed_statuses=["429", "500", "503"])

    assert isinstance(await careful.get(NOTHING, Reply(500)), InDoubt)
    assert await told.get(NOTHING, Reply(500)) == Transient("status 500")


async def test_a_conflict_that_no_look_up_explains_needs_a_person() -> None:
    scene = Scene(unique_reference=True, look_up="after_doubt", look_up_waits_s=(1,), quiet_period_s=5)
    conflict = Reply(409, b'{"errors": [{"field": "number", "message": "is taken"}]}')
    assert isinstance(await scene.get(conflict), InDoubt)
    for _ in range(2):
        scene.wait()
        await scene.get(NOTHING)

    stuck = scene.next()
    assert isinstance(stuck, Stuck)
    assert str(stuck.findings[0]) == "erp number: is taken [ERP-409]"


async def test_without_a_unique_reference_a_conflict_is_a_refusal() -> None:
    assert isinstance(await Scene().get(NOTHING, Reply(409)), Rejected)


def test_skipping_the_look_up_needs_an_erp_that_refuses_doubles() -> None:
    with pytest.raises(ValueError, match="needs unique_reference"):
        GenericRestSettings.model_validate({"base": "https://erp.example", "look_up": "after_doubt"})


async def test_a_person_may_retry_after_a_refusal() -> None:
    scene = Scene()
    assert isinstance(await scene.get(NOTHING, Reply(422)), Rejected)
    assert scene.next().step == "create"


async def test_an_adopted_document_ends_the_matter_with_its_number_and_lines() -> None:
    scene = Scene()
    await scene.get(
        found("4711", lines=[{"sequence": 1, "id": 10}, {"id": 20}, {"sequence": True, "id": "x"}])
    )

    end = scene.next()
    assert isinstance(end, Finished)
    assert end.reference == "4711"
    assert [(alias.line, alias.line_number) for alias in end.aliases] == [(None, None), ("1", "10")]


@pytest.mark.parametrize(
    "field, value, code",
    [
        ("document_key", "order:1|hospital|OTHER", "ERP-REF-MISMATCH"),
        ("content_hash", "0" * 64, "ERP-REF-MISMATCH"),
        ("reference", "someone-elses", "ERP-LOOKUP-FILTER"),
        ("number", None, "ERP-REPLY-NUMBER"),
    ],
)
async def test_a_find_that_is_not_ours_is_never_adopted(field: str, value: str | None, code: str) -> None:
    outcome = await Scene().get(found(**({"number": "PO-9"} | {field: value})))

    assert isinstance(outcome, Rejected)
    assert outcome.findings[0].code == code


async def test_a_look_up_by_path_may_say_404_for_nothing_and_a_filter_may_not() -> None:
    by_path = Scene(look_up_path="documents/by-reference/{reference}", missing_statuses=["404"])
    assert await by_path.get(Reply(404)) == Accepted()
    assert by_path.next().step == "create"
    assert isinstance(await Scene().get(Reply(404)), Rejected)


async def test_replies_of_another_shape_are_read_by_their_paths() -> None:
    scene = Scene(
        path="api/{document_type}s",
        look_up_path="api/{document_type}s?q=Ref='{reference}'",
        reply={
            "items": "d.results",
            "number": "PurchaseOrder",
            "reference": "Ref",
            "document_key": "",
            "content_hash": "",
            "lines": "to_Item.results",
            "line_sequence": "Seq",
            "line_number": "Item",
        },
        body={"reference": "Ref", "document": "", "document_key": "", "order_key": "", "content_hash": ""},
    )
    assert scene.next().address == f"api/purchase_orders?q=Ref='{REFERENCE}'"
    await scene.get(Reply(200, b'{"d": {"results": []}}'))
    request = scene.next()
    assert json.loads(request.body) | {"lines": []} == {
        "Ref": REFERENCE,
        "document_type": "purchase_order",
        "schema_version": "1.0",
        "number": "PO-0001",
        "lines": [],
    }
    reply = b'{"PurchaseOrder": 4500000001, "to_Item": {"results": [{"Seq": "1", "Item": "00010"}]}}'
    outcome = await scene.get(Reply(201, reply))
    assert isinstance(outcome, Accepted)
    assert outcome.reference == "4500000001"
    assert outcome.aliases[1].line_number == "00010"


@pytest.mark.parametrize(
    "transmitter, body, told",
    [
        ("none", {}, {"transmitter": "none"}),
        ("erp", {"transmitter": "SentBy"}, {"SentBy": "erp"}),
        ("erp", {"transmitter": ""}, {}),
        (None, {}, {}),
    ],
)
async def test_a_create_tells_the_erp_who_sends_the_order_to_the_supplier(
    transmitter: str | None, body: dict[str, str], told: dict[str, str]
) -> None:
    scene = Scene(replace(delivery(), transmitter=transmitter), body=body)
    await scene.get(NOTHING)

    sent = json.loads(scene.next().body)

    assert {name: sent[name] for name in ("transmitter", "SentBy") if name in sent} == told
    without = Scene(body=body)
    await without.get(NOTHING)
    assert sent["content_hash"] == json.loads(without.next().body)["content_hash"]


async def test_a_success_without_a_number_is_looked_up() -> None:
    assert isinstance(await Scene().get(NOTHING, Reply(202, b"{}")), InDoubt)
    assert isinstance(await Scene().get(NOTHING, Reply(204, b"")), InDoubt)
    assert await Scene(reply={"number": ""}).get(NOTHING, Reply(204, b"")) == Accepted(REFERENCE)


async def test_a_replay_says_the_same_to_the_letter() -> None:
    first = Scene(delivery())
    document = first.delivery.document
    assert document is not None
    again = Scene(
        replace(
            first.delivery,
            canonical=to_json(document.model_copy(update={"provenance": Provenance(message_id="m-2")})),
            message_id="m-2",
            delivery_id="d-2",
        )
    )
    await first.get(NOTHING)
    await again.get(NOTHING)

    assert first.next() == again.next()


async def test_a_delivery_of_bytes_or_of_an_odd_key_does_no_harm() -> None:
    stuck = Scene(delivery(canonical=None)).next()
    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "ERP-NO-DOCUMENT"
    odd = Scene(delivery(correlation_id="a\r\nX: y")).next()
    assert all("\n" not in text for _, text in odd.headers)


@pytest.mark.parametrize(
    "path", ["/documents", "https://evil.example/x", "a/../b", "{number}", "{reference.x}", "a b"]
)
def test_a_path_that_leaves_the_base_or_asks_for_the_unknown_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"base|hold|plain"):
        GenericRestSettings.model_validate({"base": "https://erp.example", "path": path})


REPLIES = st.one_of(
    st.sampled_from([NOTHING, LOST, created()]),
    st.builds(
        NoReply, st.sampled_from(["none", "maybe"]), st.just("x"), st.sampled_from(["outage", "credential"])
    ),
    st.builds(
        Reply,
        st.integers(200, 599),
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(
                [b'{"items": []}', b'{"number": "1"}', b"<html>log in", b"<!doctype html>sorry", b"null"]
            ),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["items", "number", "lines", "errors", "error"]), inner, max_size=3
                    )
                ),
            ).map(lambda value: json.dumps(value).encode()),
        ),
        st.lists(
            st.tuples(st.sampled_from(["Retry-After", "Location", "X"]), st.text(max_size=8)), max_size=2
        ).map(tuple),
    ),
)


@given(st.lists(REPLIES, max_size=25), st.lists(st.sampled_from([0.0, 1.0, 30.0]), min_size=25, max_size=25))
async def test_whatever_comes_back_a_create_in_doubt_is_never_followed_by_one_without_a_clean_look_up(
    replies, pauses
) -> None:
    scene = Scene(quiet_period_s=60)
    for reply, pause_s in zip(replies, pauses, strict=False):
        scene.time.elapsed_s += pause_s
        if isinstance(scene.next(), Wait):
            scene.wait()
        asked = scene.next()
        if not isinstance(asked, Request):
            break
        outcome = scene.record(asked, reply, scene.time.now())
        if asked.effect is Effect.READ:
            assert not isinstance(outcome, InDoubt)

    creates = [at for at, step in enumerate(scene.done) if step.step == "create"]
    for before, after in pairwise(creates):
        if scene.done[before].is_in_doubt:
            quiet_until = (scene.done[before].ended_at or scene.time.now()) + timedelta(seconds=60)
            clean = [step for step in scene.done[before + 1 : after] if step.outcome == Accepted()]
            assert any(step.started_at >= quiet_until for step in clean)
    if creates:
        assert any(step.outcome == Accepted() for step in scene.done[: creates[0]])


def about(purpose: str) -> Delivery:
    """Give an order document of some purpose on its way."""
    fields = json.loads(delivery().canonical or b"")
    return delivery(canonical=to_json(parse_document({**fields, "purpose": purpose})))


@pytest.mark.parametrize("purpose", ["cancellation", "change", "replace", "information_copy"])
def test_what_opens_no_order_is_never_sent_where_orders_are_created(purpose: str) -> None:
    asked = GenericRest("erp", GenericRestSettings(base="https://erp.example")).next_request(
        about(purpose), (), FakeClock().now()
    )

    assert isinstance(asked, Stuck)
    assert asked.findings[0].code == "ERP-PURPOSE"


def test_a_cancellation_goes_where_the_settings_say() -> None:
    paths = {"purchase_order": "orders", "purchase_order.cancellation": "orders/cancel"}
    settings = GenericRestSettings(
        base="https://erp.example", paths=paths, look_up="after_doubt", idempotent_create=True
    )
    target = GenericRest("erp", settings)

    asked = [
        target.next_request(about(purpose), (), FakeClock().now())
        for purpose in ("cancellation", "resubmission")
    ]
    assert [each.address for each in asked if isinstance(each, Request)] == ["orders/cancel", "orders"]
