"""Commands that talk to a running gateway, and what they do where none runs."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Finding, Origin, Position
from gateway import cli
from gateway.control import ControlServer
from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.commands.running import Running, running
from tests.gateway.operations.bench import OUTAGE, TAKEN

READS = [
    ("routes", "list"), ("routes", "diff"), ("routes", "show", "po.one"), ("orders", "list"),
    ("orders", "show", "PO-1"), ("messages", "list"), ("explain", "PO-1"), ("exceptions", "list"),
    ("exceptions", "export", "--downtime", "--all"), ("crosswalk", "show"), ("audit", "list"),
    ("audit", "verify"),
]  # fmt: skip


def arrived(gateway: Running, *orders: str, name: str = "june.850") -> str:
    message: str = gateway.do(gateway.bench.arrive(interchange(*orders), name))
    return message


def narrow(text: str) -> bool:
    return max(map(len, text.splitlines()), default=0) <= 80


def test_what_only_reads_works_while_the_gateway_runs_and_while_it_is_stopped_alike(
    bridge: Command, folder: Path
) -> None:
    with running(folder) as gateway:
        arrived(gateway, order_set("PO-1"))
        gateway.do(gateway.bench.deliver(erp=OUTAGE))
        alive = {command: (bridge(*command, columns=80), bridge(*command, "--json")) for command in READS}

    stopped = {command: (bridge(*command, columns=80), bridge(*command, "--json")) for command in READS}

    for command in READS:
        text, as_json = alive[command]
        assert text.code == 0, text.err
        assert narrow(text.out), text.out
        assert (stopped[command][0].code, stopped[command][0].out) == (0, text.out)
        assert "no gateway is running" in stopped[command][0].err
        assert json.loads(as_json.out) == json.loads(stopped[command][1].out)


CHANGES = [
    ("routes", "set", "po.one", "legacy"), ("messages", "replay", "m1"), ("exceptions", "retry", "m1"),
    ("exceptions", "resolve", "m1", "--dismiss"), ("exceptions", "acknowledge", "m1"),
    ("explain", "PO-1", "--unmasked"), ("orders", "close", "PO-1"),
]  # fmt: skip


def test_what_changes_something_is_refused_without_a_gateway_with_how_to_start_one(
    bridge: Command, folder: Path
) -> None:
    with running(folder) as gateway:
        arrived(gateway, order_set("PO-1"))

    for command in CHANGES:
        ended = bridge(*command, "--why", "x")

        assert ended.code == 2
        assert "nothing was changed; start it with: legacy-bridge serve -c routes.yaml" in ended.err


def test_a_route_is_moved_and_the_answer_says_what_stays(bridge: Command, gateway: Running) -> None:
    arrived(gateway, order_set("PO-1"), order_set("PO-2"))

    moved = bridge("routes", "set", "po.one", "canary", "--share", "25%", "--why", "too fast")
    again = bridge("routes", "set", "po.one", "canary", "--share", "25%", "--why", "too fast")

    assert moved.code == 0, moved.err
    assert moved.out.splitlines()[0] == "po.one: cloud -> canary 25% (stage revision 2)"
    assert "2 open orders remain in the cloud ERP" in moved.out
    assert (again.code, "share 25% already" in again.err) == (2, True)
    assert bridge("routes", "diff").code == 1


def test_a_stale_move_is_refused(bridge: Command, gateway: Running) -> None:
    ended = bridge("routes", "set", "po.one", "legacy", "--from", "shadow", "--why", "x")

    assert (ended.code, ended.out) == (2, "")
    assert "is in stage cloud, not shadow" in ended.err


def test_a_stage_that_the_configuration_forbids_is_refused_with_its_line(
    bridge: Command, gateway: Running
) -> None:
    ended = bridge("routes", "set", "po.two", "cloud", "--why", "x")

    assert ended.code == 2
    assert "targets.cloud" in ended.err
    assert "does not allow stage cloud" in ended.err


def test_open_orders_are_imported_after_a_dry_run_that_changed_nothing(
    bridge: Command, gateway: Running
) -> None:
    arrived(gateway, order_set("PO-9"))
    Path("open.csv").write_bytes(
        b"\xef\xbb\xbforder_number,side,transmitter,aliases\n0001,,,\n0002,cloud,,S-1|S-2\nPO-9,legacy,,\n"
    )

    tried = bridge("orders", "import", "open.csv", "--route", "po.one", "--dry-run")
    nothing = bridge("orders", "show", "0002")
    done = bridge("orders", "import", "open.csv", "--route", "po.one", "--why", "before canary")

    assert (tried.code, nothing.code, done.code) == (1, 2, 1)
    assert "1 for legacy and 1 for cloud would be new" in tried.out
    assert "the ledger says cloud, the file legacy; it stays as it is" in tried.err
    assert "1 known already" in done.out
    assert "cloud, sent to the supplier by erp" in bridge("orders", "show", "S-2").out


def test_orders_are_open_until_they_are_closed_by_number_or_file(bridge: Command, gateway: Running) -> None:
    arrived(gateway, order_set("PO-1"), order_set("PO-2"), order_set("PO-3"))
    Path("closed.csv").write_text("order_number,paid\nPO-2,yes\nPO-3,yes\n")

    one = bridge("orders", "close", "PO-1", "--why", "paid")
    wrong = bridge("orders", "close", "PO-2", "PO-404", "--why", "paid")
    rest = bridge("orders", "close", "PO-1", "--file", "closed.csv", "--why", "paid")

    assert (one.code, one.out) == (0, "1 order is closed now\n")
    assert (wrong.code, "PO-404 (no entry in the ledger)" in wrong.err) == (2, True)
    assert (rest.code, rest.out) == (0, "2 orders are closed now; 1 closed before\n")
    assert ", closed 20" in bridge("orders", "show", "PO-2").out
    assert "orders.close" in bridge("audit", "list").out
    assert bridge("orders", "close", "--why", "x").code == 2


@pytest.mark.parametrize(
    "content, code, told",
    [
        (b"order_number\n", 1, "there is no row below the heading line"),
        (b"", 2, "column 'order_number' is missing"),
        (b"number,side\n1,legacy\n", 2, "there is no column 'number'"),
        (b"order_number,side\n1,moon\n,legacy\n3\n", 1, "open.csv:2 side: 'moon' is no side"),
        (b"order_number\n1\n\n1\n", 2, "line 4: order 1 stands in the file before"),
        (b'order_number\n"1\n', 1, "breaks off"),
        (b"order_number\n\xff\xfe\n", 2, "open.csv:2: byte 13 is not UTF-8"),
        (None, 2, "open.csv: cannot be read (No such file or directory)"),
        ("folder", 2, "open.csv: cannot be read (Is a directory)"),
    ],
)
def test_a_file_with_mistakes_is_refused_with_all_of_them(
    bridge: Command, gateway: Running, content: bytes | str | None, code: int, told: str
) -> None:
    if content == "folder":
        Path("open.csv").mkdir()
    elif isinstance(content, bytes):
        Path("open.csv").write_bytes(content)

    ended = bridge("orders", "import", "open.csv", "--route", "po.one", "--why", "x")

    assert (ended.code, told in ended.err) == (code, True), ended.err
    assert bridge("orders", "list").err.endswith("no order is known\n")


def test_an_import_without_a_reason_is_refused(bridge: Command, gateway: Running) -> None:
    Path("open.csv").write_text("order_number\n1\n")

    ended = bridge("orders", "import", "open.csv", "--route", "po.one")

    assert (ended.code, "add --why TEXT" in ended.err) == (2, True)


def test_a_story_is_told_in_80_columns_and_never_shows_prices_or_free_text(
    bridge: Command, gateway: Running
) -> None:
    message = arrived(gateway, order_set("PO-1", note="for Jane Doe"), order_set("PO-2", quantity="three"))
    gateway.do(gateway.bench.deliver(erp=TAKEN))

    told = bridge("explain", message, "--documents", columns=80)

    assert told.code == 0, told.err
    assert narrow(told.out)
    for part in ("june.850", "sha256", "stage cloud", "delivered as 4711", "PO102", "A person must look"):
        assert part in told.out
    for secret in ("17.25", "Jane Doe", "hunter2", "987.65"):
        assert secret not in told.out


def test_free_text_is_shown_to_who_gives_a_reason_and_that_is_audited(
    bridge: Command, gateway: Running
) -> None:
    message = arrived(gateway, order_set("PO-1", note="for Jane Doe"))

    without = bridge("explain", message, "--unmasked")
    told = bridge("explain", message, "--unmasked", "--why", "supplier asks")

    assert (without.code, "add --why TEXT" in without.err) == (2, True)
    assert "for Jane Doe" in told.out
    assert "17.25" not in told.out
    assert "messages.unmask" in bridge("audit", "list").out


def test_messages_are_shown_and_translated_again(bridge: Command, gateway: Running) -> None:
    message = arrived(gateway, order_set("PO-1"))

    replayed = bridge("messages", "replay", message, "--why", "table mended")

    assert replayed.out == f"{message} is translated again, as generation 2\n"
    assert message in bridge("messages", "list", "--state", "accepted").out
    assert narrow(bridge("messages", "show", message, columns=80).out)


def test_a_name_of_several_messages_lists_them_to_choose_from(bridge: Command, gateway: Running) -> None:
    first = arrived(gateway, order_set("PO-1"), name="orders.850")
    other = interchange(order_set("PO-2"), control="000000008")
    second = gateway.do(gateway.bench.arrive(other, "orders.850"))

    told = bridge("explain", "orders.850")

    heading, table, *rows = told.out.splitlines()
    assert heading == "'orders.850' means 2 messages, newest first. Ask for one of them by its id."
    assert table.split() == ["MESSAGE", "ACCEPTED", "ROUTE", "STATE", "FROM"]
    assert [row.split()[0] for row in rows] == [second, first]
    assert bridge("explain", first[:16]).out.startswith(f"message {first} on route po.one: delivering")


def test_an_exception_is_listed_shown_retried_and_resolved(bridge: Command, gateway: Running) -> None:
    message = arrived(gateway, order_set("PO-1"), order_set("PO-2", quantity="three"))
    parked = gateway.do(gateway.bench.park(message))

    listed = bridge("exceptions", "list")
    retried = bridge("exceptions", "retry", parked, "--why", "supplier added")
    gateway.do(gateway.bench.park(message))
    resolved = bridge("exceptions", "resolve", parked, "--placed-by-phone", "Ann 10:40", "--why", "urgent")
    dismissed = bridge("exceptions", "resolve", f"{message}/1", "--dismiss", "--why", "a test")

    assert parked in listed.out.splitlines()
    assert "unknown supplier [ERP-422]" in listed.out
    assert retried.out == f"{parked}: it is sent again\n"
    assert resolved.out.splitlines()[0] == f"{parked}: closed, placed by phone (Ann 10:40)"
    assert f"legacy-bridge messages replay {message}" in " ".join(resolved.out.split())
    assert dismissed.code == 0
    assert "sent to the supplier by a person, by phone" in bridge("orders", "show", "PO-1").out
    assert bridge("exceptions", "list").err == "nothing is parked\n"


def test_a_list_of_exceptions_names_the_database_row_or_file_that_each_arrived_as(
    bridge: Command, gateway: Running
) -> None:
    parked = gateway.do(gateway.bench.park(arrived(gateway, order_set("PO-1"), name="po_hdr[660001]")))

    lines = bridge("exceptions", "list").out.splitlines()
    (item,) = json.loads(bridge("exceptions", "list", "--json").out)

    assert lines[0] == parked
    assert lines[1].endswith("delivery to erp on route po.one, po_hdr[660001]")
    assert item["name"] == "po_hdr[660001]"


def test_a_list_of_routes_shows_whole_who_changed_each(bridge: Command, gateway: Running) -> None:
    who = "rosalind.van-den-berg"
    bridge("routes", "set", "po.one", "canary", "--why", "a clean week", "--who", who)

    listed = bridge("routes", "list", columns=80)

    assert narrow(listed.out), listed.out
    assert f" {who}" in listed.out


def test_an_order_that_waits_is_closed_by_the_id_that_the_call_sheet_shows(
    bridge: Command, gateway: Running
) -> None:
    arrived(gateway, order_set("PO-1"))
    gateway.do(gateway.bench.deliver(erp=OUTAGE))
    shown = bridge("exceptions", "export", "--downtime", "--all").out
    table = bridge("exceptions", "export", "--downtime", "--all", "--csv").out
    (row,) = csv.DictReader(io.StringIO(table))

    resolved = bridge("exceptions", "resolve", row["ids"], "--placed-by-phone", "Ann 10:40", "--why", "down")

    assert f"  id        {row['ids']}" in shown.splitlines()
    assert "created there by itself" in " ".join(shown.split())
    first, second = resolved.out.splitlines()
    assert first == f"{row['ids']}: closed, placed by phone (Ann 10:40)"
    assert second == "The ERP gets it now, or once it is back; nobody sends it to the supplier."
    assert bridge("exceptions", "export", "--downtime", "--all").out == ""
    assert "sent to the supplier by a person, by phone" in bridge("orders", "show", "PO-1").out


def test_exactly_one_way_to_resolve_is_taken(bridge: Command, gateway: Running) -> None:
    assert bridge("exceptions", "resolve", "x", "--why", "y").code == 2
    assert bridge("exceptions", "resolve", "x", "--dismiss", "--done-elsewhere", "7", "--why", "y").code == 2


def test_the_call_sheet_is_printed_from_the_file_with_the_gateway_stopped(
    bridge: Command, folder: Path
) -> None:
    with running(folder) as gateway:
        arrived(gateway, order_set("PO-1"), order_set("PO-2", kind="RO"), order_set("PO-3", quantity="x"))
        gateway.do(gateway.bench.deliver(erp=OUTAGE))

    late = bridge("exceptions", "export", "--downtime", columns=80)
    table = bridge("exceptions", "export", "--downtime", "--all", "--csv")

    assert late.code == 0, late.err
    assert narrow(late.out)
    assert late.out.splitlines()[0] == "ORDER PO-2  URGENT"  # the fake clock's orders are long overdue
    for part in ("Acme Medical (4411)", "555-0100", "GLV-100", "Mercy Facility 04", "exceptions resolve"):
        assert part in late.out
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [each["order_number"] for each in rows] == ["PO-2", "PO-1", "PO-3"]
    assert (rows[0]["phone"], rows[0]["item"], rows[0]["quantity"]) == ("555-0100", "GLV-100", "12")


def test_a_cell_that_a_spreadsheet_would_calculate_is_made_text(bridge: Command, folder: Path) -> None:
    with running(folder) as gateway:
        arrived(gateway, order_set("=1+2"))

    table = bridge("exceptions", "export", "--downtime", "--all", "--csv")

    assert table.out.splitlines()[1].startswith("'=1+2,")


def test_code_tables_are_compared_loaded_and_shown(bridge: Command, gateway: Running) -> None:
    Path("s.csv").write_text(
        "legacy,cloud,valid_from,valid_to,phone\n4411,S-1,2026-01-01,,555-0199\n4412,S-2,,,\n"
    )

    before = bridge("crosswalk", "diff", "s.csv", "--table", "supplier")
    tried = bridge("crosswalk", "load", "s.csv", "--table", "supplier", "--dry-run")
    loaded = bridge("crosswalk", "load", "s.csv", "--table", "supplier", "--why", "June")
    after = bridge("crosswalk", "diff", "s.csv", "--table", "supplier")

    assert (before.code, tried.code, loaded.code, after.code) == (1, 0, 0, 0), loaded.err
    assert "+ 4411 = S-1, 2026-01-01 to for ever (phone 555-0199)" in before.out
    assert "supplier has version 1 now" in loaded.out
    assert "555-0199" in bridge("crosswalk", "show", "supplier").out


@pytest.mark.parametrize(
    "content, told",
    [
        ("legacy,cloud\n1,\n", "s.csv:2 cloud: the cloud word is blank"),
        ("legacy,cloud,valid_from\n1,a,31.12.2026\n", "'31.12.2026' is no date"),
        ("legacy,cloud,valid_from,valid_to\n1,a,2026-02-01,2026-01-01\n", "expected a day after valid_from"),
        ("legacy,cloud\n1,a\n2,b\n1,c\n", "s.csv:4 legacy: '1' is translated on line 2"),
        ("legacy,legacy,cloud\n1,1,a\n", "column 'legacy' is there twice"),
    ],
)
def test_a_table_with_mistakes_is_refused(bridge: Command, gateway: Running, content: str, told: str) -> None:
    Path("s.csv").write_text(content)

    ended = bridge("crosswalk", "load", "s.csv", "--table", "supplier", "--why", "June")

    assert (ended.code in (1, 2), told in ended.err) == (True, True), ended.err
    assert "no code table 'supplier' yet" in bridge("crosswalk", "show", "supplier").err


def test_rows_of_one_word_may_follow_each_other_in_time(bridge: Command, gateway: Running) -> None:
    Path("s.csv").write_text(
        "legacy,cloud,valid_from,valid_to\n1,a,,2026-01-01\n1,b,2026-01-01,2026-06-01\n1,c,2026-06-01,\n"
    )

    ended = bridge("crosswalk", "load", "s.csv", "--table", "supplier", "--why", "June")

    assert ended.code == 0, ended.err


def test_the_status_shows_process_queues_and_reasons(bridge: Command, gateway: Running) -> None:
    arrived(gateway, order_set("PO-1"))
    gateway.do(gateway.bench.deliver(erp=OUTAGE))

    shown = bridge("status")

    assert shown.code == 0
    for part in ("the test gateway is running", "pid: 42", "erp: 1 waiting", "no connection", "breaker open"):
        assert part in shown.out
    assert "s4 needs a person: the password of BRIDGE was refused" in shown.out
    assert "po.mms takes nothing for now: the log-in is refused [DB-CREDENTIAL]" in shown.out


def test_the_status_names_the_command_that_looks_closer(bridge: Command, gateway: Running) -> None:
    message = arrived(gateway, order_set("PO-1"))
    gateway.do(gateway.bench.deliver(erp=OUTAGE))
    at, finding = gateway.bench.clock.now(), Finding("FILE-EMPTY", Position("a.850"), "zero bytes")
    gateway.do(gateway.bench.journal.refuse("po.one", Origin("sftp_files", at, "a.850"), finding, at))

    lines = bridge("status").out.splitlines()

    refused = "refused       1 input in the last 24 hours (legacy-bridge messages list --state refused)"
    assert refused in lines
    assert f"      the oldest: legacy-bridge explain {message}" in lines
    assert lines[-1] == "Look closer, on the gateway's machine: legacy-bridge check --live"


def test_every_command_that_status_names_asks_the_gateway_that_was_asked(
    bridge: Command, gateway: Running, folder: Path
) -> None:
    arrived(gateway, order_set("PO-1"))
    gateway.do(gateway.bench.deliver(erp=OUTAGE))
    (folder / "the hospital.yaml").write_text((folder / "routes.yaml").read_text())

    shown = bridge("status", "-c", "the hospital.yaml")

    named = re.findall(r"legacy-bridge ([^()\n]+)", shown.out)
    assert len(named) >= 3, shown.out
    for each in named:
        arguments = shlex.split(each)
        parsed = cli._parser(arguments).parse_args(arguments)
        assert parsed.config == Path("the hospital.yaml"), each


def test_the_call_sheet_names_the_command_for_the_gateway_that_was_asked(
    bridge: Command, gateway: Running, folder: Path
) -> None:
    arrived(gateway, order_set("PO-1"))
    (folder / "night.yaml").write_text((folder / "routes.yaml").read_text())

    sheet = bridge("exceptions", "export", "--downtime", "--all", "-c", "night.yaml")

    assert "resolve ID --placed-by-phone REF --why TEXT -c night.yaml. One of" in sheet.out


def test_a_status_of_an_older_gateway_is_shown_without_what_it_does_not_tell(
    bridge: Command, gateway: Running, folder: Path
) -> None:
    status = gateway.do(gateway.bench.ask("status"))

    class Older:
        async def perform(self, verb: str, arguments: Any) -> Any:
            return {name: value for name, value in status.items() if name != "refused"}

    server = ControlServer(folder / "older.sock", Older())
    gateway.do(server.start())
    shown = bridge("status", "--socket", "older.sock")
    gateway.do(server.stop())

    assert "refused" not in shown.out
    assert "overdue       0" in shown.out


def test_a_stopped_gateway_ends_status_with_1(bridge: Command, folder: Path) -> None:
    with running(folder):
        pass

    ended = bridge("status")

    assert ended.code == 1
    assert "the test gateway is stopped" in ended.out


def test_a_changed_audit_log_is_found(bridge: Command, folder: Path) -> None:
    with running(folder) as gateway:
        gateway.do(gateway.bench.journal.append_audit("ann", "a", "b", {}, "c", gateway.bench.clock.now()))
    assert bridge("audit", "verify").code == 0
    head = Path("var/journal.db.audit-head")
    head.write_text(head.read_text().replace(head.read_text().split()[0], "99", 1))

    ended = bridge("audit", "verify")

    assert ended.code == 1
    assert "NOT WHOLE" in ended.out


@pytest.mark.parametrize(
    "content", [b"", b"not a database at all" * 100, b"\x00" * 5000], ids=["empty", "text", "nul"]
)
def test_a_file_that_is_no_journal_is_told(bridge: Command, folder: Path, content: bytes) -> None:
    with running(folder):
        pass
    for file in Path("var").iterdir():
        file.unlink()
    Path("var/journal.db").write_bytes(content)

    ended = bridge("messages", "list")

    assert ended.code == 2
    assert "var/journal.db" in ended.err


def test_without_a_journal_the_command_says_how_it_begins(bridge: Command, folder: Path) -> None:
    with running(folder):
        pass
    for file in Path("var").iterdir():
        file.unlink()

    ended = bridge("messages", "list")

    assert (ended.code, "it begins with: legacy-bridge serve" in ended.err) == (2, True)
