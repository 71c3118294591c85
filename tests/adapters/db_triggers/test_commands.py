"""`legacy-bridge db render|verify|snapshot` as a person runs them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cli import main
from simulators.legacy_db.__main__ import main as simulate

Run = Callable[..., tuple[int, str, str]]
ROUTES = """
version: 1
gateway: {environment: test, organisation: mercy}
endpoints:
  mms-db:
    kind: db_triggers
    environment: test
    dialect: sqlite
    file: legacy.db
    tables: {item: {key: item_no}}
  erp: {kind: sftp_files, environment: test, folder: erp}
  other: {kind: sftp_files, environment: test, folder: other}
mappings: {item: item.yaml}
partners: {mms: {environment: test}}
routes:
  - id: items
    from: {endpoint: mms-db, format: db_triggers, partner: mms, set: item, settings: {mappings: {item: item}}}
    targets: {cloud: erp}
    stage: cloud
    acknowledge: {type: none}
"""
ITEM = """
mapping: item
document: item
direction: read
trim: both
fields:
  number: item_no
  description: descr
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("routes.yaml").write_text(ROUTES)
    Path("item.yaml").write_text(ITEM)
    simulate(["--file", "legacy.db", "--items", "30"])
    capsys.readouterr()

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(["db", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def apply(script: str) -> None:
    with closing(sqlite3.connect("legacy.db")) as database:
        database.executescript(script)


def count(query: str) -> int:
    with closing(sqlite3.connect("legacy.db")) as database:
        return int(database.execute(query).fetchone()[0])


def test_what_render_prints_applies_and_verify_is_then_content(run: Run) -> None:
    assert run("verify", "items")[0] == 1
    code, ddl, _ = run("render", "items")
    assert code == 0
    assert (
        count("select count(*) from sqlite_master where name like 'legacy_bridge%'") == 0
    )  # nothing applied
    apply(ddl)

    assert run("verify", "mms-db") == (0, "all of it is there, as it would be rendered now\n", "")


def test_render_prints_the_same_for_a_route_and_for_its_endpoint_each_time(run: Run) -> None:
    assert run("render", "items")[0] == 0
    assert run("render", "items") == run("render", "mms-db") == run("render", "items")


def test_render_tells_what_becomes_of_the_rows_by_the_first_route_s_settings(run: Run) -> None:
    own = "settings: {mappings: {item: item}, updates: {item: item_change}}"
    changed = ROUTES.replace("settings: {mappings: {item: item}}", own)
    Path("routes.yaml").write_text(
        changed.replace("item: item.yaml}", "item: item.yaml, item_change: c.yaml}")
    )
    Path("c.yaml").write_text(ITEM.replace("mapping: item", "mapping: item_change"))

    script = run("render", "mms-db")[1]

    comments = " ".join(line.removeprefix("-- ") for line in script.splitlines() if line.startswith("--"))
    assert "item: a new row is read by mapping 'item'; an updated row is read by mapping" in comments
    assert "'item_change', as a change (settings.updates)" in comments
    apply(script)
    assert run("verify", "mms-db")[0] == 0


def test_verify_tells_as_json_and_by_its_exit_code(run: Run) -> None:
    apply(run("render", "items")[1])
    apply("drop trigger legacy_bridge_item_del; alter table item add extra text;")

    code, out, _ = run("verify", "items", "--json")

    assert code == 1
    assert [(each["code"], each["at"]["path"]) for each in json.loads(out)] == [
        ("DB-DIFFERS", "legacy_bridge_item_ins"),
        ("DB-DIFFERS", "legacy_bridge_item_upd"),
        ("DB-MISSING", "legacy_bridge_item_del"),
        ("DB-SCHEMA", "item"),
    ]


def test_snapshot_fills_the_outbox_and_says_how_much(run: Run) -> None:
    apply(run("render", "items")[1])

    assert run("snapshot", "items", "--rows", "7")[:2] == (
        0,
        "30 rows are in the outbox; the feed hands them on\n",
    )
    first = f"I{11:07d}".ljust(12)
    assert run("snapshot", "items", "--table", "item", "--from", first, "--why", "lost")[1].startswith(
        "20 rows"
    )
    assert count("select count(*) from legacy_bridge_outbox where operation = 'R'") == 50


@pytest.mark.parametrize("rows", ["0", "-5", "many"])
def test_a_snapshot_by_ranges_of_no_rows_is_refused_and_nothing_is_ordered(run: Run, rows: str) -> None:
    apply(run("render", "items")[1])

    code, _, err = run("snapshot", "items", f"--rows={rows}")

    assert code == 2
    assert "is no whole number; expected 1 to" in " ".join(err.split())
    assert count("select count(*) from legacy_bridge_snapshot") == 0


def test_a_snapshot_that_somebody_asked_for_in_the_database_is_what_is_done(run: Run) -> None:
    apply(run("render", "items")[1])
    apply("insert into legacy_bridge_snapshot (source_table, state, to_key, rows_done) "
          "values ('item', 'wanted', '[\"I0000003    \"]', 0)")  # fmt: skip

    assert run("snapshot", "items")[1].startswith("3 rows")


def test_check_live_tells_what_hinders_the_feed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("erp").mkdir()
    Path("other").mkdir()
    codes, told = [main(["check", "--live"])], [capsys.readouterr().err]
    apply(run("render", "items")[1])
    codes.append(main(["check", "--live"]))
    apply("alter table item add extra text")
    codes.append(main(["check", "--live"]))
    told.append(capsys.readouterr().err)

    assert codes == [2, 0, 2]
    assert "DB-MISSING" in told[0]
    assert "DB-SCHEMA" in told[1]


def test_check_live_tells_a_trigger_that_was_applied_and_is_gone_but_not_hand_written_ones(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("erp").mkdir()
    Path("other").mkdir()
    apply(run("render", "items")[1])
    apply("drop trigger legacy_bridge_item_upd")
    assert main(["check", "--live"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "the trigger legacy_bridge_item_upd of item is not there" in told

    apply("delete from legacy_bridge_shape")  # as if somebody wrote triggers of their own
    assert main(["check", "--live"]) == 0


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("render", "nowhere"), "there is no endpoint 'nowhere'"),
        (("render", "other"), "is of kind sftp_files"),
        (("snapshot", "items", "--table", "vendor"), "vendor is not fed"),
        (("snapshot", "items"), "DB-MISSING"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(run: Run, arguments: tuple[str, ...], told: str) -> None:
    code, _, err = run(*arguments)

    assert code == 2
    assert told in " ".join(err.split())


@pytest.mark.parametrize(
    "password, told",
    [("env:NOT_SET", "env:NOT_SET: the environment variable is not set"), ("scrampw", "env:NAME or file:")],
)
@pytest.mark.parametrize("command", ["render", "verify", "snapshot"])
def test_a_password_that_cannot_be_had_is_said_in_a_sentence(
    run: Run, command: str, password: str, told: str
) -> None:
    # Nothing listens there: the password is looked for before anything is connected.
    server = "dialect: postgresql\n    host: 127.0.0.1\n    port: 9\n    database: mms\n    user: bridge\n"
    where = "dialect: sqlite\n    file: legacy.db\n"
    login = "    password: env:NOT_SET\n    plaintext: true\n"
    Path("routes.yaml").write_text(ROUTES.replace(where, server + login))

    code, _, err = run(command, "items", "--user", "dba", "--password", password)

    assert code == 2
    assert told in " ".join(err.split())
    assert "bug" not in err


@pytest.mark.parametrize("command", ["render", "verify", "snapshot"])
def test_a_mistyped_file_is_said_to_be_missing_and_no_database_is_made(run: Run, command: str) -> None:
    Path("legacy.db").unlink()

    code, _, err = run(command, "items")

    assert code != 0
    assert "there is no file" in " ".join(err.split())
    assert not Path("legacy.db").exists()


def test_check_live_says_that_the_file_is_missing_and_makes_none(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("legacy.db").unlink()

    assert main(["check", "--live"]) == 2
    assert "there is no file" in " ".join(capsys.readouterr().err.split())
    assert not Path("legacy.db").exists()
