from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from adapters.base import NoReply, Reply, Request
from gateway.delivering import Means, deliver_once
from gateway.destination import Destination
from gateway.erp.limits import TargetHealth
from gateway.erp.settings import LimitSettings
from gateway.journal.types import Want
from gateway.operations import Hooks, OperationError, Operations
from gateway.proven_times import ProvenTimes
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import OUTAGE, REFUSED, TAKEN, UNCLEAR, Answering, Bench

SECRETS = ("hunter2", "987.65", "17.25", "Jane Doe")


async def story(bench: Bench, subject: str) -> list[tuple[str, str]]:
    told = await bench.ask("explain", subject=subject)
    return [(each["kind"], each["text"]) for message in told["messages"] for each in message["timeline"]]


async def test_the_story_goes_from_the_bytes_to_the_reply_that_closed_it(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")), "june.850")
    bench.clock.elapsed_s += 5
    await bench.deliver(erp=OUTAGE)
    bench.clock.elapsed_s += 600
    await bench.deliver(erp=TAKEN, legacy=TAKEN)

    told = await bench.ask("explain", subject=message)

    (only,) = told["messages"]
    kinds = [each["kind"] for each in only["timeline"]]
    texts = " ".join(each["text"] for each in only["timeline"])
    assert kinds[:5] == ["arrived", "identity", "translated", "document", "decided"]
    for part in (
        "june.850",
        "sha256",
        "stage cloud",
        "belongs to cloud",
        "not now (outage)",
        "delivered as 4711",
    ):
        assert part in texts
    assert kinds.count("attempt") == 3  # two for the ERP, one for the acknowledgment
    assert only["conclusion"] == "Everything of it is delivered."
    times = [each["at"] for each in only["timeline"] if each["at"] and each["kind"] != "ledger"]
    assert times == sorted(times)


async def test_the_story_of_an_order_is_found_by_its_number_and_holds_every_message(bench: Bench) -> None:
    first = await bench.arrive(interchange(order_set("0004711")))
    bench.clock.elapsed_s += 60
    second = await bench.arrive(interchange(order_set("0004711"), control="000000008"), "again.850")

    told = await bench.ask("explain", subject="4711")

    assert told["orders"] == ["order:1|mercy|4711"]
    assert [each["message_id"] for each in told["messages"]] == [first, second]
    repeats = [each["text"] for each in told["messages"][1]["timeline"] if each["kind"] == "repeat"]
    assert any(first in text for text in repeats)


async def test_a_delivery_and_an_exception_lead_to_the_story_of_their_message(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2", quantity="three")))
    parked = await bench.park(message)

    assert await story(bench, parked) == await story(bench, message) == await story(bench, f"{message}/1")


async def test_what_a_person_has_in_the_hand_leads_to_the_story_of_its_message(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")), "in/june.850")
    await bench.arrive(interchange(order_set("PO-2"), control="000000008"), "in/july.850")
    await bench.deliver(erp=TAKEN)
    reference = (await bench.journal.deliveries(message_id=message, target="erp"))[0].reference
    known = await bench.journal.message(message)

    for name in (
        message[:12],
        reference,
        reference[:12],
        f"{reference[:20]}.0123456789ab",
        known.correlation_id,
        "in/june.850",
        "june.850",
        "000000007",
        known.sha256,
    ):
        assert await story(bench, name) == await story(bench, message), name


async def test_a_name_of_several_messages_lists_them_newest_first_and_tells_none(bench: Bench) -> None:
    first = await bench.arrive(interchange(order_set("PO-1")), "orders.850")
    second = await bench.arrive(interchange(order_set("PO-2"), control="000000008"), "orders.850")

    told = await bench.ask("explain", subject="orders.850")

    assert (told["messages"], told["orders"], told["more"]) == ([], [], False)
    assert [(each["message_id"], each["progress"]) for each in told["several"]] == [
        (second, "delivering"),
        (first, "delivering"),
    ]


async def test_a_path_as_a_shell_completes_it_means_the_file_that_arrived(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")), "orders.850")

    for path in ("./orders.850", "out/orders.850", "/srv/out/.done/orders.850"):
        (told,) = (await bench.ask("explain", subject=path))["messages"]
        assert told["message_id"] == message
    with pytest.raises(OperationError):
        await bench.ask("explain", subject="out/")


async def test_of_a_name_that_very_many_messages_bear_the_newest_are_listed_and_that_is_said(
    bench: Bench,
) -> None:
    every = [await bench.arrive(b"%d" % number, "/v1/orders", translate=False) for number in range(25)]

    told = await bench.ask("explain", subject="/v1/orders")

    assert [each["message_id"] for each in told["several"]] == every[:4:-1]
    assert told["more"]


async def test_a_name_is_looked_for_in_all_that_is_older_than_one_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.operations.subjects.STRETCH", 2)
    monkeypatch.setattr("gateway.operations.subjects.LOOKED_THROUGH_MAX", 4)
    every = [await bench.arrive(b"%d" % number, f"{number}.850", translate=False) for number in range(5)]

    for number in range(1, 5):
        (told,) = (await bench.ask("explain", subject=f"{number}.850"))["messages"]
        assert told["message_id"] == every[number]
    with pytest.raises(OperationError, match=r"'0\.850' is no message"):
        await bench.ask("explain", subject="0.850")


async def test_a_name_that_nothing_has_is_answered_with_the_kinds_of_names_that_are_understood(
    bench: Bench,
) -> None:
    await bench.arrive(interchange(order_set("PO-1")))

    with pytest.raises(OperationError) as unknown:
        await bench.ask("explain", subject="m26010")  # too short to tell one message of a day from others

    assert unknown.value.code == "unknown"
    for kind in ("its first 8 characters", "number of an order", "reference", "correlation id", "path"):
        assert kind in str(unknown.value)


async def test_findings_doubt_and_what_people_did_are_in_the_story(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2", quantity="three")))
    await bench.deliver(erp=UNCLEAR)
    await bench.ask(
        "exceptions.resolve", exception=f"{message}/1", resolution="dismissed", who="ann", why="test"
    )

    told = await story(bench, message)

    texts = " ".join(text for _, text in told)
    assert "PO102" in texts
    assert "in doubt: the connection broke off" in texts
    assert any(kind == "action" and "ann" in text and "since: test" in text for kind, text in told)


async def test_prices_secrets_and_free_text_are_nowhere_in_a_story_or_a_list(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1", note="for Jane Doe, room 7")))
    parked = await bench.park(message)

    shown = [
        await bench.ask("explain", subject=message),
        await bench.ask("messages.show", message=message),
        await bench.ask("messages.list"),
        await bench.ask("messages.documents", message=message),
        await bench.ask("orders.show", order="PO-1"),
        await bench.ask("exceptions.list"),
        await bench.ask("exceptions.show", exception=parked),
        await bench.ask("exceptions.call_sheet", everything=True),
        await bench.ask("status"),
    ]

    text = json.dumps(shown)
    assert not [secret for secret in SECRETS if secret in text]
    assert "PO-1" in text


async def test_free_text_is_shown_where_it_was_asked_for_and_that_is_audited_prices_never(
    bench: Bench,
) -> None:
    message = await bench.arrive(interchange(order_set("PO-1", note="for Jane Doe, room 7")))

    shown = await bench.ask("messages.documents_unmasked", message=message, who="ann", why="they ask")

    text = json.dumps(shown)
    assert "Jane Doe" in text
    assert "17.25" not in text
    (*_, entry) = await bench.ask("audit.list")
    assert (entry["who"], entry["action"], entry["subject"]) == ("ann", "messages.unmask", message)


async def test_a_message_is_translated_again_and_says_so(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))

    replayed = await bench.ask("messages.replay", message=message, who="ann", why="table mended")
    await bench.pipeline.translate(message)

    assert replayed["generation"] == 2
    assert bench.woken == 1
    texts = [text for kind, text in await story(bench, message) if kind == "translated"]
    assert any("again (generation 2)" in text for text in texts)


async def test_messages_are_listed_by_route_and_state_newest_first(bench: Bench) -> None:
    first = await bench.arrive(interchange(order_set("PO-1")))
    second = await bench.arrive(interchange(order_set("PO-2"), control="000000008"), translate=False)

    async def listed(**parts) -> list[str]:
        return [each["message_id"] for each in await bench.ask("messages.list", **parts)]

    assert await listed() == [second, first]
    assert await listed(states=["accepted"]) == [second]
    assert await listed(route="po.two") == []
    with pytest.raises(OperationError, match="there is no state 'lost'"):
        await listed(states=["lost"])


@pytest.mark.parametrize("verb", ["messages.show", "messages.documents"])
async def test_an_unknown_message_is_told(bench: Bench, verb: str) -> None:
    with pytest.raises(OperationError, match="there is no message 'm404'"):
        await bench.ask(verb, message="m404")
    with pytest.raises(OperationError, match="no message, delivery or order"):
        await bench.ask("explain", subject="m404")


@pytest.mark.parametrize(
    "outcome, told",
    [
        (TAKEN, "Everything of it is delivered"),
        (REFUSED, "A person must look: 1 parked"),
        (OUTAGE, "0 of 1 live deliveries are done; the others go on"),
    ],
)
async def test_the_story_ends_with_where_it_stands(bench: Bench, outcome, told: str) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=outcome, legacy=TAKEN)

    (only,) = (await bench.ask("explain", subject=message))["messages"]

    assert told in only["conclusion"]


async def test_a_story_that_waits_for_a_person_says_so_and_names_no_time_that_is_past(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=OUTAGE, legacy=TAKEN)
    bench.clock.elapsed_s += 86_400
    facts: dict[str, dict[str, str]] = {}
    hooks = Hooks(process=lambda: facts)
    operations = Operations(bench.journal, lambda: bench.configuration, bench.clock, hooks)

    async def told() -> tuple[str, str]:
        (only,) = (await operations.perform("explain", {"subject": message}))["messages"]
        states = [each["text"] for each in only["timeline"] if each["kind"] == "state"]
        return next(each for each in states if "to erp" in each), only["conclusion"]

    state, conclusion = await told()
    assert "goes on when its turn comes" in state
    assert "go on by themselves" in conclusion
    facts["targets_that_need_a_person"] = {"erp": "the password was refused; restart"}
    state, conclusion = await told()

    assert "waits until a person has put erp right: the password was refused; restart" in state
    assert "goes on" not in state
    assert conclusion.endswith("done; erp needs a person: the password was refused; restart.")


async def ending(bench: Bench, message: str) -> str:
    (only,) = (await bench.ask("explain", subject=message))["messages"]
    return only["conclusion"]


async def test_an_acknowledgment_that_is_not_delivered_is_told_though_every_order_is(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=TAKEN)

    assert "still on its way: acknowledgment to legacy" in await ending(bench, message)


async def test_what_a_person_closed_asks_nobody_to_look_any_more(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2", quantity="TWELVE")))
    await bench.deliver(erp=TAKEN, legacy=TAKEN)
    assert "A person must look: 1 parked" in await ending(bench, message)
    (item,) = await bench.ask("exceptions.list")
    resolution = {"resolution": "dismissed", "who": "ann", "why": "sent again"}
    await bench.ask("exceptions.resolve", exception=item["exception_id"], **resolution)

    assert await ending(bench, message) == (
        "It is closed: 1 delivered, 0 void or superseded, 1 closed by a person."
    )


async def test_what_is_sent_again_waits_behind_what_is_parked_and_says_so(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=REFUSED)
    (item,) = await bench.ask("exceptions.list")
    again = {"message": message, "who": "ann", "why": "not there", "resend": True}

    replayed = await bench.ask("messages.replay", **again)
    await bench.pipeline.translate(message)

    assert replayed["parked"] == [item["exception_id"]]
    assert await bench.deliver(erp=TAKEN) == 0
    behind = f"set 1 to erp: waits behind {item['exception_id']}, which is parked"
    assert any(behind in text for _, text in await story(bench, message))

    resolution = {"resolution": "dismissed", "who": "ann", "why": "sent again"}
    await bench.ask("exceptions.resolve", exception=item["exception_id"], **resolution)

    assert not any("waits behind" in text for _, text in await story(bench, message))
    assert await bench.deliver(erp=TAKEN) == 1


async def by_phone(bench: Bench, exception: str) -> None:
    bench.clock.elapsed_s += 60
    resolution = {"resolution": "placed_by_phone", "reference": "Kim 10:40", "who": "ann", "why": "down"}
    await bench.ask("exceptions.resolve", exception=exception, **resolution)
    bench.clock.elapsed_s += 60


async def test_orders_of_one_file_placed_in_one_call_each_have_their_own_moment(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2")))
    await bench.deliver(erp=OUTAGE, legacy=TAKEN)
    calls = await bench.ask("exceptions.call_sheet", everything=True)
    placed_at = {}
    for call in calls:
        await by_phone(bench, call["exception_ids"][0])
        placed_at[call["order_number"]] = (bench.clock.now() - timedelta(seconds=60)).isoformat()

    told = {}
    for number in ("PO-1", "PO-2"):
        (message,) = (await bench.ask("explain", subject=number))["messages"]
        for each in message["timeline"]:
            if "was placed by phone" in each["text"]:
                told[each["order_key"].rpartition("|")[2]] = each["at"]

    assert len(set(placed_at.values())) == 2
    assert told == placed_at


async def test_the_story_of_an_order_placed_by_phone_says_when_by_whose_word_and_where_it_belongs(
    bench: Bench,
) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    opened_at = bench.clock.now()
    await bench.deliver(erp=OUTAGE, legacy=TAKEN)
    (call,) = await bench.ask("exceptions.call_sheet", everything=True)
    await by_phone(bench, call["exception_ids"][0])
    await bench.pipeline.translate(message)

    (told,) = (await bench.ask("explain", subject="PO-1"))["messages"]

    ledger = [(each["at"], each["text"]) for each in told["timeline"] if each["kind"] == "ledger"]
    key = "order:1|mercy|PO-1"
    assert ledger == [
        (opened_at.isoformat(), f"order {key} belongs to cloud: stage cloud"),
        (
            (opened_at + timedelta(seconds=60)).isoformat(),
            f"order {key} was placed by phone, reference Kim 10:40 (told by ann); it belongs to cloud, and "
            "nobody sends it to the supplier",
        ),
    ]
    texts = [each["text"] for each in told["timeline"]]
    closed = "set 1 to erp: closed by a person: placed by phone, reference Kim 10:40"
    again = next(each for each in texts if each.startswith("translated again"))
    assert texts.index(ledger[0][1]) < texts.index(ledger[1][1]) < texts.index(closed) < texts.index(again)
    (order,) = await bench.ask("orders.show", order="PO-1")
    assert order["ledger"]["sent_by"] == "a person, by phone"
    assert [each["resolution"] for each in order["deliveries"]] == [
        "placed by phone, reference Kim 10:40",
        "",
    ]


async def test_an_order_placed_by_phone_and_created_later_is_delivered_and_nothing_of_it_is_left(
    bench: Bench,
) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=OUTAGE, legacy=TAKEN)
    (call,) = await bench.ask("exceptions.call_sheet", everything=True)
    await by_phone(bench, call["exception_ids"][0])
    await bench.pipeline.translate(message)
    assert await ending(bench, message) == "0 of 1 live deliveries are done; the others go on by themselves."

    await bench.deliver(erp=TAKEN)

    assert await ending(bench, message) == "Everything of it is delivered."


async def test_an_order_of_legacy_placed_by_phone_is_said_to_be_missing_there(bench: Bench) -> None:
    stage, now = (await bench.journal.stages())["po.one"].stage, bench.clock.now()
    await bench.journal.set_stage("po.one", stage, "legacy", "0", "ann", "back", now)
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(legacy=OUTAGE)
    (call,) = await bench.ask("exceptions.call_sheet", everything=True)
    await by_phone(bench, call["exception_ids"][0])

    told = await ending(bench, message)

    assert told.endswith("What was placed by phone is not in legacy, unless a person entered it there.")


async def test_what_is_told_of_a_message_that_waits_to_be_translated_again_is_what_came_before(
    bench: Bench,
) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.ask("messages.replay", message=message, who="ann", why="table mended")

    kinds = [kind for kind, _ in await story(bench, message)]

    assert kinds[:6] == ["arrived", "identity", "translated", "document", "decided", "ledger"]


async def test_only_the_newest_translation_is_told_with_its_configuration_revision(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=REFUSED)
    await bench.ask("messages.replay", message=message, who="ann", why="table mended")
    await bench.pipeline.translate(message)

    texts = [text for kind, text in await story(bench, message) if kind == "translated"]
    assert ["configuration revision" in text for text in texts] == [False, True]


async def test_the_story_of_a_request_under_way_says_that_there_is_no_answer_yet(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")), "june.850")
    told: list[tuple[str, str]] = []

    class Asking(Answering):
        async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
            told.extend(await story(bench, message))
            return await super().send(request, still_mine=still_mine)

    claimed = await bench.journal.claim(
        "w", [Want("erp", 1, 100)], 60.0, bench.clock.now(), bench.clock.monotonic()
    )
    asking = Asking(TAKEN)
    destination = Destination("erp", asking, asking, TargetHealth(LimitSettings(), 0.0))
    means = Means(bench.journal, bench.clock, bench.rng, 60.0, ProvenTimes(bench.clock))
    await deliver_once(claimed[0], destination, means)

    assert [text for kind, text in told if kind == "reply"] == ["set 1 to erp: no answer yet"]
