"""The call sheet, as it is made of the journal."""

from __future__ import annotations

from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import OUTAGE, TAKEN, UNCLEAR, Bench


async def sheet(bench: Bench, *, everything: bool = False) -> list[dict]:
    return await bench.ask("exceptions.call_sheet", everything=everything)


async def test_the_call_sheet_has_what_a_person_needs_at_the_phone(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1")), "june.850")
    await bench.deliver(erp=OUTAGE)

    (call,) = await sheet(bench, everything=True)

    assert call["order_number"] == "PO-1"
    assert call["supplier"] == "Acme Medical (4411)"
    assert call["phone"] == "555-0100"
    assert call["ship_to"] == "Mercy Facility 04 (04)"
    (line,) = call["lines"]
    assert (line["quantity"], line["unit"], line["item"], line["our_item"]) == (
        "12",
        "BX",
        "GLV-100",
        "88123",
    )
    assert "erp: waiting (no connection)" in call["why"]
    assert (call["message_id"], call["source"]) == (message, "june.850")


async def test_only_orders_past_their_deadline_are_on_the_sheet_unless_all_are_wanted(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2", kind="RO")))

    assert await sheet(bench) == []
    assert [each["order_number"] for each in await sheet(bench, everything=True)] == ["PO-2", "PO-1"]
    bench.clock.elapsed_s += 16 * 60
    assert [each["order_number"] for each in await sheet(bench)] == ["PO-2"]
    bench.clock.elapsed_s += 2 * 3600
    assert [(each["order_number"], each["is_urgent"]) for each in await sheet(bench)] == [
        ("PO-2", True), ("PO-1", False),
    ]  # fmt: skip


async def test_what_is_delivered_leaves_the_sheet(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=TAKEN)

    assert await sheet(bench, everything=True) == []


async def test_what_may_be_there_already_says_ask_before_you_order(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1")))
    await bench.deliver(erp=UNCLEAR)

    (call,) = await sheet(bench, everything=True)

    assert "ask before you order" in call["why"]


async def test_a_set_that_cannot_be_read_and_a_message_not_translated_are_on_the_sheet(bench: Bench) -> None:
    await bench.arrive(interchange(order_set("PO-1", quantity="three")), "bad.850")
    await bench.arrive(interchange(order_set("PO-2"), control="000000008"), "new.850", translate=False)
    await bench.arrive(b"this is no interchange", "letter.txt")

    calls = await sheet(bench, everything=True)

    told = {each["source"]: each["why"] for each in calls}
    assert "'three' is not a number" in told["bad.850"]
    assert told["new.850"] == "not translated yet: look into new.850"
    assert "look into letter.txt" in told["letter.txt"]


async def test_what_legacy_got_in_its_own_bytes_is_not_on_the_sheet_though_we_cannot_read_it(
    bench: Bench,
) -> None:
    await bench.ask("routes.set", route="po.one", stage="legacy", who="ann", why="x")
    await bench.arrive(interchange(order_set("PO-1", quantity="three")), "bad.850")
    await bench.arrive(b"this is no interchange", "letter.txt")

    assert {each["source"] for each in await sheet(bench, everything=True)} == {"bad.850", "letter.txt"}
    while await bench.deliver(legacy=TAKEN):
        pass
    assert await sheet(bench, everything=True) == []
    assert len(await bench.ask("exceptions.list")) == 2


async def test_a_phone_number_comes_from_the_table_of_suppliers_where_it_has_one(bench: Bench) -> None:
    row = {"legacy": "4411", "cloud": "S-1", "valid_from": "", "valid_to": "", "facts": {"phone": "555-0199"}}
    await bench.ask("crosswalk.load", table="supplier", rows=[row], who="ann", why="phones")
    await bench.arrive(interchange(order_set("PO-1")))

    (call,) = await sheet(bench, everything=True)

    assert call["phone"] == "555-0199"
