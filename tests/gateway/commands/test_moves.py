"""The commands that move orders: what they print, what they refuse, and with which exit code they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.commands.orders import print_order
from gateway.journal.moves import Move
from gateway.journal.types import LedgerEntry, Side, Transmitter
from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.commands.running import Running
from tests.gateway.operations.bench import TAKEN


@pytest.fixture
def gateway_with_orders(gateway: Running) -> Running:
    gateway.do(gateway.bench.arrive(interchange(order_set("PO-1"), order_set("PO-2")), "june.850"))
    gateway.do(gateway.bench.deliver(erp=TAKEN))
    return gateway


def test_an_order_that_cannot_move_is_refused_with_the_reason_and_nothing_is_asked(
    bridge: Command, gateway_with_orders: Running
) -> None:
    refused = bridge("orders", "move", "PO-1", "--to", "legacy", "--why", "back")

    assert refused.code == 2
    assert "Nothing was asked for" in refused.err
    assert "no orders" not in bridge("orders", "moves").err
    assert "nothing was asked to be moved" in bridge("orders", "moves").err


def test_what_could_be_converted_is_shown_and_what_cannot_ends_with_1(
    bridge: Command, gateway_with_orders: Running, folder: Path
) -> None:
    dry = bridge("orders", "convert", "--route", "po.one", "--to", "cloud", "--dry-run")
    assert (dry.code, dry.out.splitlines()[0]) == (0, "0 orders can be moved to cloud")

    (folder / "lines.csv").write_text("order_number,line,ordered\nPO-9,1,4\n")
    asked = bridge(
        "orders", "convert", "--route", "po.one", "--to", "cloud", "--file", "lines.csv", "--dry-run"
    )
    assert asked.code == 1
    assert "the ledger has no open order of this key; import it first" in " ".join(asked.out.split())


def test_a_conversion_without_a_reason_and_a_file_with_mistakes_change_nothing(
    bridge: Command, gateway_with_orders: Running, folder: Path
) -> None:
    (folder / "lines.csv").write_text("order_number,line,ordered\nPO-9,,4\n")
    words = ("orders", "convert", "--route", "po.one", "--to", "cloud")

    assert "add --why TEXT" in bridge(*words).err
    mistaken = bridge(*words, "--file", "lines.csv", "--why", "x")
    assert (mistaken.code, "lines.csv:2" in mistaken.err) == (1, True)
    unknown = bridge("orders", "agree", "b1", "--why", "x")
    assert (unknown.code, "there is no batch 'b1'; orders moves shows them" in unknown.err) == (2, True)


def test_reconciling_says_what_both_sides_have_and_that_nothing_is_committed_twice(
    bridge: Command, gateway_with_orders: Running
) -> None:
    text = bridge("orders", "reconcile")
    as_json = json.loads(bridge("orders", "reconcile", "--json").out)

    assert text.out.splitlines()[0].startswith("2 open orders, 0 moving; read from")
    assert text.out.splitlines()[-1] == "no order is committed twice"
    assert as_json["committed_twice"] == []
    assert text.code == (1 if as_json["difference_count"] else 0)


def test_a_roll_back_with_recall_says_how_many_orders_are_decided_anew(
    bridge: Command, gateway: Running
) -> None:
    gateway.do(gateway.bench.arrive(interchange(order_set("PO-1"), order_set("PO-2")), "june.850"))

    moved = bridge("routes", "set", "po.one", "legacy", "--recall", "--why", "ERP down")

    assert moved.code == 0, moved.err
    assert moved.out.splitlines()[:2] == [
        "po.one: cloud -> legacy (stage revision 2)",
        "2 orders of which nothing was attempted: decided anew",
    ]
    assert "No open order remains in the cloud ERP." in moved.out


def test_a_proof_says_that_nothing_is_proven_while_the_orders_are_still_under_way(
    bridge: Command, gateway_with_orders: Running
) -> None:
    bench = gateway_with_orders.bench
    (entry, *_) = gateway_with_orders.do(bench.journal.orders(route="po.one"))
    now = bench.clock.now()
    move = Move("v1", entry.order_key, "po.one", Side.CLOUD, Side.LEGACY, "ann", now, "wave", "b1")
    gateway_with_orders.do(bench.journal.ask_moves([move], "ann", "wave", now))

    asked = bridge("orders", "proof", "b1")
    assert asked.code == 1
    assert asked.out.splitlines() == [
        "batch b1: 1 order (1 asked)",
        "not proven yet: 1 order is still under way",
    ]

    gateway_with_orders.do(bench.journal.drop_moves(["v1"], "ann", "not now", now))
    dropped = bridge("orders", "proof", "b1")
    assert (dropped.code, dropped.out.splitlines()) == (
        0,
        [
            "batch b1: 1 order (1 ended)",
            f"not moved {entry.order_key}: dropped by ann",
            "nothing was moved, so there is nothing to prove",
        ],
    )


def test_a_roll_back_with_recall_says_how_many_orders_stay_and_why(
    bridge: Command, gateway_with_orders: Running
) -> None:
    moved = bridge("routes", "set", "po.one", "legacy", "--recall", "--why", "ERP down")

    told = " ".join(moved.out.split())
    assert "0 orders of which nothing was attempted: decided anew 2 orders stay: something of" in told
    assert "a copy that was delivered counts, and so does a connection that was refused" in told


def test_an_order_older_than_the_gateway_is_told_as_one_that_cannot_be_read_from_here(
    bridge: Command, gateway: Running
) -> None:
    bench = gateway.bench
    key = "order:1|HB|0500"
    now = bench.clock.now()
    old = LedgerEntry(key, Side.LEGACY, Transmitter.LEGACY, "po.one", "imported", "older", now)
    gateway.do(bench.journal.import_orders([old], {}, "ann", "open in MMS", now))

    told = " ".join(bridge("orders", "reconcile", "--route", "po.one").out.split())

    assert f"{key} on legacy could not be read: it came before the gateway" in told
    assert "compare it there by hand" in told


def test_a_quantity_in_words_is_told_with_its_column_and_what_was_expected(
    bridge: Command, gateway_with_orders: Running, folder: Path
) -> None:
    (folder / "lines.csv").write_text("order_number,line,ordered\nPO-1,1,two\n")

    words = ("orders", "convert", "--route", "po.one", "--to", "legacy", "--file", "lines.csv", "--dry-run")
    told = " ".join(bridge(*words).err.split())

    assert "ordered 'two' is no number; expected plain digits, such as 12.5" in told


def test_what_a_move_waits_for_is_shown_whole_on_a_terminal_of_80_columns(
    bridge: Command, gateway_with_orders: Running
) -> None:
    bench = gateway_with_orders.bench
    (entry, *_) = gateway_with_orders.do(bench.journal.orders(route="po.one"))
    now, who = bench.clock.now(), "rosalind.van-den-berg"
    batch = "b260302-1f0c22aa"
    move = Move("v1", entry.order_key, "po.one", Side.CLOUD, Side.LEGACY, who, now, "wave", batch)
    gateway_with_orders.do(bench.journal.ask_moves([move], who, "wave", now))

    listed = bridge("orders", "moves", columns=80).out

    assert max(map(len, listed.splitlines())) <= 80
    table = [each for each in listed.splitlines()[2:] if not each.startswith("    2")]
    waits = [each[listed.index("WAITS FOR") :].strip() for each in table]
    assert " ".join(waits) == f"a person other than {who} to agree"
    assert f"{now:%Y-%m-%d %H:%MZ} by {who}: wave" in listed


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("reconcile", "--route", "po.nope"), "'po.nope' is no route that opens orders; those are: po.one"),
        (("reconcile", "--route", "ack.one"), "'ack.one' is no route that opens orders; those are: po.one"),
        (("reconcile", "PO-404"), "order 'PO-404' has no entry in the ledger"),
        (("moves", "--batch", "zzz"), "there is no batch 'zzz'; orders moves shows them"),
        (("moves", "--order", "PO-404"), "order 'PO-404' has no entry in the ledger"),
        (("proof", "zzz"), "there is no batch 'zzz'; orders moves shows them"),
        (("drop", "zzz", "--why", "x"), "there is no batch 'zzz'; orders moves shows them"),
    ],
)
def test_a_mistyped_route_batch_or_number_is_refused_and_is_no_all_clear(
    bridge: Command, gateway_with_orders: Running, words: tuple[str, ...], told: str
) -> None:
    refused = bridge("orders", *words)

    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err


def test_a_side_that_could_not_be_read_has_no_sums_and_nobody_says_that_nothing_is_committed_twice(
    bridge: Command, gateway_with_orders: Running
) -> None:
    assert "no order is committed twice" in bridge("orders", "reconcile").out
    bench = gateway_with_orders.bench
    now = bench.clock.now()
    keys = ["order:1|HB|0500", "order:1|HB|0501"]
    old = [
        LedgerEntry(key, Side.LEGACY, Transmitter.LEGACY, "po.one", "imported", "older", now) for key in keys
    ]
    gateway_with_orders.do(bench.journal.import_orders(old, {}, "ann", "open in MMS", now))

    told = bridge("orders", "reconcile", "--route", "po.one")

    lines = told.out.splitlines()
    assert (told.code, lines[0]) == (1, "4 open orders, 0 moving; read from 6 times journal")
    assert lines[1] == "legacy   2 orders could not be read"
    assert lines[2].startswith("cloud    2 orders: committed ")
    assert lines[-1] == "whether an order is committed twice cannot be told: 2 orders could not be read", (
        told.out
    )


def test_a_file_of_another_separator_is_told_which_it_has(
    bridge: Command, gateway_with_orders: Running, folder: Path
) -> None:
    (folder / "lines.csv").write_text("order_number;line;ordered\nPO-1;1;2\n")

    told = bridge(
        "orders", "convert", "--route", "po.one", "--to", "cloud", "--file", "lines.csv", "--dry-run"
    )

    assert (told.code, told.err) == (
        2,
        "legacy-bridge: lines.csv:1: the columns are separated by semicolons; save the file with commas\n",
    )


def test_one_order_of_a_file_that_cannot_be_read_is_told_as_one(
    bridge: Command, gateway_with_orders: Running, folder: Path
) -> None:
    words = ("orders", "convert", "--route", "po.one", "--to", "legacy", "--file", "lines.csv", "--dry-run")
    (folder / "lines.csv").write_text("order_number,line,ordered\nPO-1,1,two\n")
    assert "1 order of the file cannot be read: " in bridge(*words).err

    (folder / "lines.csv").write_text("order_number,line,ordered\nPO-1,1,two\nPO-2,1,two\n")
    assert "2 orders of the file cannot be read: " in bridge(*words).err


def test_a_list_of_moves_that_is_narrowed_does_not_say_that_nothing_was_ever_asked(
    bridge: Command, gateway_with_orders: Running
) -> None:
    assert "no move is like that" in bridge("orders", "moves", "--state", "closing").err


def test_an_order_that_is_moving_is_printed_with_where_to_and_its_numbers_with_whose_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [("erp", "PO-1", "", ["mms"]), ("left", "E-7", "2", ["erp"]), ("imported", "S-9", "", [])]
    order = {
        "order_key": "order:1|HB|1",
        "ledger": {
            "side": "cloud",
            "sent_by": "nobody (the supplier has it already)",
            "route": "po",
            "opened_at": "2026-01-02T08:00:00+00:00",
            "closed_at": None,
            "reason": "stage cloud",
        },
        "moving": {"to": "legacy", "batch": "b1"},
        "aliases": [
            {"kind": kind, "number": number, "line": line, "line_number": line and "20", "told_by": told_by}
            for kind, number, line, told_by in names
        ],
        "documents": [],
        "deliveries": [],
    }

    print_order(order)

    lines = capsys.readouterr().out.splitlines()
    side = "cloud, moving to legacy (b1), sent to the supplier by nobody (the supplier has it already)"
    assert lines[1] == f"side      {side}"
    assert [each for each in lines if each.startswith("known as")] == [
        "known as  PO-1 (at mms)",
        "known as  E-7 (at erp, until it moved away, line 2 is 20)",
        "known as  S-9 (imported)",
    ]


def test_a_move_that_never_began_is_printed_with_its_order_and_what_to_do(
    bridge: Command, gateway_with_orders: Running
) -> None:
    bench = gateway_with_orders.bench
    (entry, *_) = gateway_with_orders.do(bench.journal.orders(route="po.one"))
    now = bench.clock.now()
    move = Move("v1", entry.order_key, "po.one", entry.side, Side.LEGACY, "ann", now, "wave", "b1")
    gateway_with_orders.do(bench.journal.ask_moves([move], "ann", "wave", now))
    gateway_with_orders.do(bench.journal.agree_moves(["v1"], "bob", "checked", now))
    gateway_with_orders.do(bench.journal.end_move("v1", "it cannot be written for mms", now))

    listed = " ".join(bridge("exceptions", "list").out.split())
    shown = bridge("exceptions", "show", "v1")
    dismissed = bridge("exceptions", "resolve", "v1", "--dismiss", "--why", "it may stay")

    assert f"move that never began of {entry.order_key} on route po.one" in listed
    assert "it cannot be written for mms. Mend that and retry" in listed
    assert shown.code == 0
    assert "a move that never began on route po.one" in shown.out
    assert dismissed.out == "v1: closed, dismissed\n"


def test_orders_of_a_route_that_is_gone_are_printed_by_route_and_end_with_1(
    bridge: Command, gateway_with_orders: Running
) -> None:
    bench = gateway_with_orders.bench
    now = bench.clock.now()
    keys = ["order:1|HB|0500", "order:1|HB|0501"]
    old = [LedgerEntry(key, Side.CLOUD, Transmitter.ERP, "po.old", "cloud", "all of it", now) for key in keys]
    gateway_with_orders.do(bench.journal.import_orders(old, {}, "ann", "of an older file", now))

    told = bridge("orders", "reconcile")

    words = " ".join(told.out.split())
    assert told.code == 1
    assert "2 open orders came by route 'po.old', which is not configured any more" in words
    assert "orders list --route po.old" in words
    assert keys[0] not in told.out
    assert "no order is committed twice" not in told.out
