from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.commands.check import CONNECTED
from tests.gateway.commands.conftest import Command

GOOD = """\
version: 1
gateway: {environment: test, organisation: mercy, journal: "sqlite:var/journal.db"}
endpoints:
  erp: {kind: generic_rest, environment: test, base: "http://127.0.0.1:9", plaintext: true}
  drop: {kind: sftp_files, environment: test, folder: var/in, pattern: "*.850", ready: rename}
routes:
  - id: po.one
    from: {endpoint: drop, format: edi_x12, set: "850"}
    targets: {cloud: erp}
    stage: cloud
"""


def test_a_good_configuration_is_called_good_and_ends_with_0(bridge: Command, folder: Path) -> None:
    (folder / "routes.yaml").write_text(GOOD)

    ended = bridge("check")

    assert ended.code == 0
    assert ended.out.startswith("routes.yaml: good (1 route, 2 endpoints, 0 partners")


def test_ten_mistakes_are_shown_together_with_line_and_column(bridge: Command, folder: Path) -> None:
    broken = GOOD
    for right, wrong in (
        ("environment: test, org", "environment: testing, org"),
        ("kind: generic_rest", "kind: generic_rust"),
        ("kind: sftp_files", "kind: sftp_file"),
        ("format: edi_x12", "format: edi_x13"),
        ("cloud: erp", "cloud: erq"),
        ("stage: cloud", "stage: clouds"),
        ("endpoint: drop", "endpoint: dorp"),
    ):
        broken = broken.replace(right, wrong)
    broken += "    urgent: maybe\n    wrong_key: 1\n    losing_side: everything\n"
    (folder / "routes.yaml").write_text(broken)

    ended = bridge("check")

    assert ended.code == 2
    lines = ended.err.splitlines()
    assert len(lines) >= 8
    assert all(line.split(":")[1].isdecimal() and line.split(":")[2].split()[0].isdecimal() for line in lines)
    assert f"{len(lines)} errors; nothing would start" in ended.out


def test_machines_get_every_finding_as_json(bridge: Command, folder: Path) -> None:
    (folder / "routes.yaml").write_text(GOOD.replace("stage: cloud", "stage: clouds"))

    told = json.loads(bridge("check", "--json").out)

    assert told["is_good"] is False
    assert {each["at"]["line"] for each in told["findings"]} == {10}


def test_live_contacts_endpoints_and_names_those_that_do_not_answer(bridge: Command, folder: Path) -> None:
    (folder / "routes.yaml").write_text(GOOD)

    ended = bridge("check", "--live")

    assert ended.code == 2
    assert "endpoint 'erp': no connection to 127.0.0.1:9" in ended.err


def test_live_tries_what_is_used_at_night_only_alarms_and_token_endpoints(
    bridge: Command, folder: Path
) -> None:
    alarms = (
        "  alarms:\n    webhook: {url: 'http://127.0.0.1:9/hook'}\n"
        "    email: {smtp: '127.0.0.1:9', from: a@example.org, to: [b@example.org]}\n"
    )
    oauth2 = (
        ", oauth2: {token_url: 'http://127.0.0.1:9/token', plaintext: true, client_id: me, "
        "client_secret: 'env:TOKEN'}}"
    )
    text = GOOD.replace("\nendpoints:", f"\n{alarms}endpoints:").replace(
        "plaintext: true}", f"plaintext: true{oauth2}"
    )
    text = text.replace(
        'gateway: {environment: test, organisation: mercy, journal: "sqlite:var/journal.db"}',
        'gateway:\n  environment: test\n  organisation: mercy\n  journal: "sqlite:var/journal.db"',
    )
    (folder / "routes.yaml").write_text(text)

    told = bridge("check", "--live").err

    for what in ("the alarms' webhook", "the alarms' mail server", "the token endpoint of 'erp'"):
        assert f"{what}: no connection to 127.0.0.1:9" in told


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("base", ["http://127.0.0.1:{}", "env:ERP_ADDRESS"])
def test_live_says_which_endpoint_takes_connections(
    bridge: Command, folder: Path, listening: int, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_ADDRESS", f"http://127.0.0.1:{listening}")
    (folder / "var" / "in").mkdir(parents=True)
    (folder / "routes.yaml").write_text(GOOD.replace("http://127.0.0.1:9", base.format(listening)))

    ended = bridge("check", "--live")

    assert "no connection" not in ended.err
    assert f"{CONNECTED}: erp" in " ".join(ended.err.split())
    assert "reached: erp" not in ended.err
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("value, told", [("", "ERP_ADDRESS is not set"), ("nonsense", "holds no address")])
def test_live_names_an_address_that_is_none(
    bridge: Command, folder: Path, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_ADDRESS", value)
    (folder / "var" / "in").mkdir(parents=True)
    (folder / "routes.yaml").write_text(GOOD.replace("http://127.0.0.1:9", "env:ERP_ADDRESS"))

    ended = bridge("check", "--live")

    assert (ended.code, told in ended.err) == (2, True), ended.err


@pytest.mark.parametrize(
    "content", [None, b"", b"\x00\x01\xff" * 99, b"- a list\n", b"gateway: [", "folder"], ids=repr
)
def test_what_is_no_configuration_is_told_in_a_sentence(
    bridge: Command, folder: Path, content: bytes | str | None
) -> None:
    if isinstance(content, bytes):
        (folder / "routes.yaml").write_bytes(content)
    elif content == "folder":
        (folder / "routes.yaml").mkdir()

    ended = bridge("check")

    assert ended.code == 2
    assert "routes.yaml" in ended.err
