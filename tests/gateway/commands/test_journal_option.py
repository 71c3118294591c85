"""``--journal PATH``: what only reads works with a routes.yaml that cannot be read."""

from __future__ import annotations

import asyncio
import base64
import shutil
from pathlib import Path

import pytest

from gateway.commands.connection import socket_of
from gateway.config import Configuration, load_text
from gateway.journal.sqlite import SqliteJournal
from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.commands.running import Running, running
from tests.gateway.operations.bench import OUTAGE
from tests.gateway.support import FakeClock

JOURNAL = "var/journal.db"
READS = [
    ("status",), ("routes", "list"), ("routes", "show", "po.one"), ("orders", "list"),
    ("orders", "show", "PO-1"), ("orders", "moves"), ("messages", "list"), ("explain", "PO-1"),
    ("exceptions", "list"), ("exceptions", "export", "--downtime", "--all"), ("crosswalk", "show"),
    ("audit", "list"), ("audit", "verify"), ("diffs", "list"),
]  # fmt: skip
BARE = "version: 1\ngateway: {environment: test, organisation: mercy%s}\n"


def keep(path: Path, text: str, key: bytes | None = None) -> None:
    """Leave a journal as a gateway does that ran with a configuration."""

    async def kept() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        journal = await SqliteJournal.open(path, clock=FakeClock(), key=key)
        await journal.load_configuration(text, "0" * 64, "ann", FakeClock().now())
        await journal.close()

    asyncio.run(kept())


@pytest.mark.parametrize("content", ["gateway: [", "", None], ids=["broken", "empty", "gone"])
def test_what_only_reads_says_by_the_journal_alone_what_it_says_by_the_configuration(
    bridge: Command, folder: Path, content: str | None
) -> None:
    with running(folder) as gateway:
        gateway.do(gateway.bench.arrive(interchange(order_set("PO-1")), "june.850"))
        gateway.do(gateway.bench.deliver(erp=OUTAGE))
    before = {command: bridge(*command) for command in READS}
    routes = folder / "routes.yaml"
    routes.unlink() if content is None else routes.write_text(content)

    after = {command: bridge(*command, "--journal", JOURNAL) for command in READS}

    for command in READS:
        out = after[command].out.replace(f" --journal {JOURNAL}", "")  # in commands to be typed next
        assert (after[command].code, out) == (before[command].code, before[command].out)
        assert (
            f"this is what {JOURNAL} holds, read by the configuration that it keeps, revision 1"
            in after[command].err
        )


@pytest.mark.parametrize(
    "content, journal",
    [
        ("gateway: [", JOURNAL),
        ("gateway:\n\tjournal: sqlite:elsewhere.db\n", "elsewhere.db"),
        (
            "gateway: {journal: 'sqlite:my journal.db', organisation: m, environment: nonsense}\n",
            "'my journal.db'",
        ),
        ("gateway: {journal: sqlite:moved_away.db", "PATH"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_told_with_the_option_and_the_path_of_its_journal(
    bridge: Command, folder: Path, content: str, journal: str
) -> None:
    keep(folder / JOURNAL, BARE % "")
    for name in ("elsewhere.db", "my journal.db"):
        shutil.copy(folder / JOURNAL, folder / name)
    (folder / "routes.yaml").write_text(content)

    ended = bridge("exceptions", "list")

    assert ended.code == 2
    assert ended.err.rstrip().endswith(f"until it is mended, add: --journal {journal}") or (
        journal == "PATH" and "add: --journal PATH, the file that gateway.journal names" in ended.err
    )


def test_what_changes_something_takes_no_journal_and_names_the_socket(bridge: Command, folder: Path) -> None:
    keep(folder / JOURNAL, BARE % "")
    (folder / "routes.yaml").write_text("gateway: [")
    change = ("routes", "set", "po.one", "legacy", "--why", "x")

    assert f"--socket {JOURNAL}.sock" in bridge(*change).err
    assert "there is no option '--journal'" in bridge(*change, "--journal", JOURNAL).err


def test_a_reading_that_must_be_audited_is_refused_without_a_gateway(bridge: Command, folder: Path) -> None:
    with running(folder) as gateway:
        gateway.do(gateway.bench.arrive(interchange(order_set("PO-1")), "june.850"))

    ended = bridge("explain", "PO-1", "--unmasked", "--why", "x", "--journal", JOURNAL)

    assert (ended.code, "nothing was changed" in ended.err) == (2, True)


def test_the_gateway_of_a_journal_is_asked_where_it_runs(bridge: Command, gateway: Running) -> None:
    Path("routes.yaml").write_text("gateway: [")

    ended = bridge("status", "--journal", JOURNAL)

    assert (ended.code, ended.err) == (0, "")
    assert "the test gateway is running" in ended.out


def test_a_journal_that_is_named_is_read_whatever_gateway_elsewhere_the_environment_names(
    bridge: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(folder / JOURNAL, BARE % "")
    monkeypatch.setenv("LEGACY_BRIDGE_URL", "http://127.0.0.1:1")

    assert bridge("messages", "list", "--journal", JOURNAL).code == 0


def test_a_copy_of_a_journal_is_never_answered_for_by_the_gateway_of_the_first(tmp_path: Path) -> None:
    text = BARE % ", journal: 'sqlite:first.db', control_socket: '/run/bridge.sock'"
    configuration = load_text(text, folder=tmp_path)
    assert isinstance(configuration, Configuration)

    assert socket_of(configuration, tmp_path / "first.db") == Path("/run/bridge.sock")
    assert socket_of(configuration, tmp_path / "copy.db") == tmp_path / "copy.db.sock"


def test_the_key_of_a_journal_is_looked_for_by_the_reference_that_the_journal_keeps(
    bridge: Command, folder: Path
) -> None:
    key = bytes(range(32))
    keep(folder / "kept/journal.db", BARE % ", journal_key: 'file:journal.key'", key)
    (folder / "etc").mkdir()
    (folder / "etc/journal.key").write_text(base64.b64encode(key).decode())

    found = bridge("messages", "list", "--journal", "kept/journal.db", "-c", "etc/routes.yaml")
    missed = bridge("messages", "list", "--journal", "kept/journal.db")

    assert found.code == 0, found.err
    assert missed.code == 2
    assert f"{folder}/journal.key: the file is not there" in missed.err
    assert "a relative path counts from the folder of -c FILE" in missed.err


def test_a_journal_whose_configuration_a_newer_version_refuses_is_read_all_the_same(
    bridge: Command, folder: Path
) -> None:
    with running(folder) as gateway:
        gateway.do(gateway.bench.arrive(interchange(order_set("PO-1")), "june.850"))
        gateway.do(gateway.bench.deliver(erp=OUTAGE))
        journal, clock = gateway.bench.journal, gateway.bench.clock
        text = f"{gateway.bench.configuration.text}  - {{id: of_an_older_version, was: known}}\n"
        gateway.do(journal.load_configuration(text, "1" * 64, "ann", clock.now()))

    ended = bridge("exceptions", "export", "--downtime", "--all", "--journal", JOURNAL)

    assert ended.code == 0, ended.err
    assert "ORDER PO-1" in ended.out
    assert "read by the configuration that it keeps, revision 2. This version refuses it" in ended.err


@pytest.mark.parametrize(
    "content, told",
    [
        (None, "there is no journal here"),
        (b"not a database" * 100, "is not a journal"),
        ("new", "no gateway has run"),
    ],
)
def test_a_file_that_no_gateway_ran_on_is_told(
    bridge: Command, folder: Path, content: bytes | str | None, told: str
) -> None:
    async def new() -> None:
        await (await SqliteJournal.open(folder / "j.db", clock=FakeClock())).close()

    if content == "new":
        asyncio.run(new())
    elif isinstance(content, bytes):
        (folder / "j.db").write_bytes(content)

    ended = bridge("exceptions", "list", "--journal", "j.db")

    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
