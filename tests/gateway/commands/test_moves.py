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
    assert (unknown.code, "orders moves shows it" in unknown.err) == (2, True)


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
    assert asked.out.splitlines()[-1] == "not proven yet: 1 order is still under way"

    gateway_with_orders.do(bench.journal.drop_moves(["v1"], "ann", "not now", now))
    assert bridge("orders", "proof", "b1").out.splitlines()[-1] == "the proof holds"


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
    waits = [each[listed.index("WAITS FOR") :].strip() for each in listed.splitlines()[1:]]
    assert " ".join(waits) == f"a person other than {who} to agree"


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
