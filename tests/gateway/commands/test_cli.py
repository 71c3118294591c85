from __future__ import annotations

import argparse
import getpass
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.base import registry
from adapters.base.commands import CommandError
from adapters.base.registry import Adapter, AdapterError, commands_module
from gateway import cli
from gateway.commands import check, status
from gateway.commands.desk import GatewayDesk
from gateway.commands.options import user_name
from tests.gateway.commands.conftest import Command
from tests.gateway.commands.running import Running

BELOW = {
    "routes": ("list", "show", "set", "diff"),
    "orders": ("list", "show", "import"),
    "messages": ("list", "show", "replay"),
    "exceptions": ("list", "show", "retry", "resolve", "acknowledge", "export"),
    "crosswalk": ("show", "diff", "load"),
    "audit": ("list", "verify"),
}
COMMANDS = [(name,) for name in cli.COMMANDS] + [(name, each) for name in BELOW for each in BELOW[name]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example_in_80_columns(
    bridge: Command, command: tuple[str, ...]
) -> None:
    ended = bridge(*command, "--help", columns=80)

    assert ended.code == 0
    assert f"  legacy-bridge {command[0]}" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def helps(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from helps(below)


def test_no_line_of_any_help_is_wider_than_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    texts = [text for name in cli.COMMANDS for text in helps(cli._parser([name]))]

    assert [line for text in texts for line in text.splitlines() if len(line) > 80] == []


def test_the_first_help_names_every_command_and_the_exit_codes(bridge: Command) -> None:
    ended = bridge("--help", columns=80)

    assert ended.code == 0
    for name, summary in cli.COMMANDS.items():
        assert f"    {name} " in ended.out
        assert summary in ended.out
    assert "exit codes: 0 good, 1 findings" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "arguments", [(), ("fly",), ("check", "--no-such-option"), ("routes",), ("routes", "fly"), ("translate",)]
)
def test_a_wrong_command_line_ends_with_2_and_says_what_was_expected(
    bridge: Command, arguments: tuple[str, ...]
) -> None:
    ended = bridge(*arguments)

    assert ended.code == 2
    assert "usage: legacy-bridge" in ended.err


def test_the_version_is_told(bridge: Command) -> None:
    ended = bridge("--version")

    assert (ended.code, ended.out.split()[0]) == (0, "legacy-bridge")


def test_a_bug_is_one_sentence_and_a_traceback_only_where_it_was_asked_for(
    bridge: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("patient Jane Doe")

    monkeypatch.setattr(check, "run", broken)

    ended = bridge("check")

    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "this is a bug (RuntimeError)" in ended.err
    assert "Jane Doe" not in ended.err
    assert cli.main(["check", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_control_c_ends_it_quietly(bridge: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "run", interrupted)

    ended = bridge("status")

    assert (ended.code, ended.text) == (130, "")


def test_control_c_ends_a_real_process_quietly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "translate", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    # More than a pipe holds: when this is written, the command is reading, and then it waits for more.
    process.stdin.write(b"ISA*" + b"A" * 200_000)
    process.stdin.flush()

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (130, b"")


@pytest.mark.parametrize(
    "command",
    [
        ("status",), ("routes", "list"), ("orders", "list"), ("messages", "list"), ("explain", "x"),
        ("exceptions", "list"), ("crosswalk", "show"), ("audit", "list"), ("test",),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("content", [None, b"\x00\xff\x00", b"", "folder"], ids=repr)
def test_a_configuration_that_cannot_be_read_is_told_and_ends_with_2(
    bridge: Command, folder: Path, command: tuple[str, ...], content: bytes | str | None
) -> None:
    if content == "folder":
        (folder / "routes.yaml").mkdir()
    elif isinstance(content, bytes):
        (folder / "routes.yaml").write_bytes(content)

    ended = bridge(*command)

    assert ended.code == 2
    assert "routes.yaml" in ended.err
    assert ended.out == ""


def test_who_does_it_is_the_user_of_the_machine_unless_somebody_else_is_named(
    bridge: Command, gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "root-of-it-all")
    bridge("routes", "set", "po.one", "legacy", "--why", "one")
    bridge("routes", "set", "po.one", "cloud", "--why", "two", "--who", "ann")

    listed = bridge("audit", "list").out

    assert "root-of-it-all: routes.set po.one" in listed
    assert "ann: routes.set po.one" in listed


def test_a_socket_can_be_named_where_the_configuration_is_broken(bridge: Command, gateway: Running) -> None:
    Path("routes.yaml").write_text("gateway: [")

    assert "--socket var/journal.db.sock" in bridge("routes", "set", "po.one", "legacy", "--why", "x").err
    ended = bridge("routes", "list", "--socket", "var/journal.db.sock")

    assert ended.code == 0, ended.err
    assert "po.one" in ended.out


def test_a_socket_where_nobody_listens_is_told(bridge: Command, folder: Path) -> None:
    ended = bridge("status", "--socket", "none.sock")

    assert (ended.code, "no gateway is running" in ended.err) == (2, True)


def test_a_user_without_a_name_goes_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", unknown)

    assert user_name() == f"uid {os.getuid()}"


PROBE = """
def add(subparsers, desk):
    summary = "look whether an endpoint answers"
    parser = desk.command(subparsers, "probe", summary, run, example="legacy-bridge probe old")
    parser.add_argument("endpoint")
    desk.add_configuration(parser)

def run(arguments, desk):
    setup = desk.endpoint(arguments.config, arguments.endpoint, "sftp_files")
    desk.print_text(f"probing {setup.name} in {setup.environment}: {setup.settings.folder}")
    return 1
"""
CONFIGURED = """
version: 1
gateway: {environment: test, organisation: mercy}
endpoints:
  old: {kind: sftp_files, environment: test, folder: .}
  erp: {kind: raw_http, environment: test, base: "https://erp.example.org"}
partners:
  acme: {environment: test, zone: America/Chicago, edi_x12: {version: "005010"}}
routes:
  - id: po.one
    from: {endpoint: old, format: edi_x12, partner: acme, set: "850", identity: control_numbers}
    targets: {legacy: erp}
    stage: legacy
"""


@pytest.fixture
def probing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Bring an adapter whose commands.py is the text above, and a configuration for it."""
    (folder / "made_up").mkdir()
    (folder / "made_up/__init__.py").touch()
    (folder / "made_up/commands.py").write_text(PROBE)
    (folder / "routes.yaml").write_text(CONFIGURED)
    monkeypatch.syspath_prepend(folder)
    made = Adapter("made_up", "", commands={"probe": "look whether an endpoint answers"}, package="made_up")
    monkeypatch.setattr(cli, "commands_of_adapters", lambda: {"probe": made})
    yield folder
    sys.modules.pop("made_up.commands", None)
    sys.modules.pop("made_up", None)


def test_an_adapter_brings_its_own_commands(bridge: Command, probing: Path) -> None:
    ended = bridge("probe", "old")

    assert (ended.code, ended.out) == (1, f"probing old in test: {probing}\n"), ended.err
    assert "Look whether an endpoint answers.\n" in bridge("probe", "--help").out


def test_the_first_help_names_the_commands_of_adapters_and_imports_none(
    bridge: Command, probing: Path
) -> None:
    out = bridge("--help").out

    assert re.search(r"^    probe +look whether an endpoint answers$", out, re.MULTILINE)
    assert "made_up.commands" not in sys.modules


@pytest.mark.parametrize(
    ("name", "told"),
    [("none", "there is no endpoint 'none' in routes.yaml"), ("erp", "is of kind raw_http")],
)
def test_an_adapters_command_that_names_a_wrong_endpoint_ends_with_a_sentence(
    bridge: Command, probing: Path, name: str, told: str
) -> None:
    ended = bridge("probe", name)

    assert (ended.code, told in ended.err) == (2, True), ended.err


def test_a_command_reads_a_partner_with_the_zone_that_holds_for_it(probing: Path) -> None:
    setup = GatewayDesk().partner(probing / "routes.yaml", "acme", "edi_x12")

    assert (setup.environment, setup.zone) == ("test", "America/Chicago")
    assert setup.settings is not None
    with pytest.raises(CommandError, match=r"there is no partner 'nobody'.*it declares: acme"):
        GatewayDesk().partner(probing / "routes.yaml", "nobody", "edi_x12")


def test_commands_that_cannot_be_loaded_are_told_in_a_sentence(bridge: Command, probing: Path) -> None:
    (probing / "made_up/commands.py").write_text("import no_such_module_at_all")

    ended = bridge("probe", "old")

    assert (ended.code, "the commands of adapter 'made_up' cannot be loaded" in ended.err) == (2, True)


def test_two_adapters_that_bring_the_same_command_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {name: Adapter(name, "", commands={"probe": "look"}) for name in ("one", "two")}
    monkeypatch.setattr(registry, "adapters", lambda: both)

    with pytest.raises(AdapterError, match="'one' and 'two' both bring 'probe'"):
        registry.commands()


def parsers(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from parsers(below, (*words, name))


def test_every_command_of_every_adapter_explains_itself_with_an_example_in_80_columns(
    bridge: Command,
) -> None:
    for name, made in registry.commands().items():
        top = argparse.ArgumentParser()
        commands_module(made).add(top.add_subparsers(), GatewayDesk())
        found = {words for words in parsers(top, ()) if words[:1] == (name,)}
        assert (name,) in found, f"{made.name}'s commands.py does not add '{name}'"
        for words in found:
            ended = bridge(*words, "--help", columns=80)
            assert ended.code == 0
            assert f"  legacy-bridge {name}" in ended.out
            assert max(map(len, ended.out.splitlines())) <= 80, words


def test_an_adapter_that_is_broken_is_told_in_a_sentence(
    bridge: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> dict[str, Adapter]:
        raise AdapterError("adapter 'made_up' cannot be loaded: no module named x")

    monkeypatch.setattr(registry, "adapters", broken)

    ended = bridge("--help")

    assert (ended.code, "adapter 'made_up' cannot be loaded" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "prog", "told"),
    [
        (
            ("orders", "list", "--limt", "3"),
            "orders list",
            "there is no option '--limt'; did you mean '--limit'?",
        ),
        (
            ("orders", "move", "7", "--too", "legacy", "--why", "x"),
            "orders move",
            "there is no option '--too'; did you mean '--to'?",
        ),
        (("orders", "list", "--limt=3"), "orders list", "did you mean '--limit'?"),
        (("orders", "list", "--zzz"), "orders list", "there is no option '--zzz'; there are: --config, "),
        (("orders", "--jsn", "list"), "orders", "there is no option '--jsn'; there are: --help"),
        (("--versoin",), "", "there is no option '--versoin'; did you mean '--version'?"),
        (("orders", "list", "more"), "orders list", "error: unrecognized arguments: more"),
    ],
)
def test_a_mistyped_option_is_answered_with_the_commands_own_usage_and_the_one_that_was_meant(
    bridge: Command, arguments: tuple[str, ...], prog: str, told: str
) -> None:
    ended = bridge(*arguments)

    assert (ended.code, told in ended.err) == (2, True), ended.err
    assert ended.err.startswith(f"usage: legacy-bridge {prog} [".replace("  ", " "))


@pytest.mark.parametrize(
    "arguments",
    [
        ("orders", "list", "--limi", "x"),  # the beginning of an option stands for it
        ("orders", "close", "7", "--why", "--no option", "--limit-of-none", "--help"),
        ("simulate", "nowhere", "--anything", "3"),  # the system's own options
        ("orders", "show", "--", "--odd"),
    ],
)
def test_what_argparse_takes_is_not_taken_for_a_mistyped_option(
    bridge: Command, arguments: tuple[str, ...]
) -> None:
    assert "there is no option" not in bridge(*arguments).err


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(bridge: Command) -> None:
    ended = bridge("rotues", "list")

    assert (ended.code, ended.err) == (
        2,
        "legacy-bridge: there is no command 'rotues'; did you mean routes?\n",
    )
