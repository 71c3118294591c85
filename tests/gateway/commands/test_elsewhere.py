"""The command line asks a gateway elsewhere over its admin API, with a token and nothing of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from tests.gateway.api.admin_rig import ISSUER, AdminSite, in_a_thread


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    keys = tmp_path / "keys"
    keys.mkdir()
    monkeypatch.chdir(tmp_path)  # no routes.yaml here
    with in_a_thread(keys) as running:
        monkeypatch.setenv("LEGACY_BRIDGE_URL", f"http://127.0.0.1:{running.port}")
        monkeypatch.setenv("LEGACY_BRIDGE_TOKEN", running.issuer.token("movers", at=running.clock))
        yield running


def test_a_route_is_moved_over_the_api_in_the_tokens_name(
    site: AdminSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routes", "set", "po.one", "legacy", "--why", "ERP slow"]) == 0
    assert "po.one: cloud -> legacy" in capsys.readouterr().out

    assert main(["audit", "list", "--json"]) == 0
    last = json.loads(capsys.readouterr().out)[-1]
    assert (last["action"], last["who"], last["why"]) == ("routes.set", f"ann at {ISSUER}", "ERP slow")


def test_what_can_be_listed_here_can_be_listed_there(
    site: AdminSite, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["routes", "list"], ["messages", "list"], ["exceptions", "list"], ["orders", "list"]):
        assert main([*command, "--json"]) == 0
        assert isinstance(json.loads(capsys.readouterr().out), list)


def test_a_refusal_reads_as_it_does_at_home(site: AdminSite, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes", "show", "nowhere"]) == 2
    assert "there is no route 'nowhere'" in capsys.readouterr().err


def test_a_token_is_sent_to_no_other_machine_in_the_clear(
    site: AdminSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routes", "list", "--url", "http://gateway.example"]) == 2
    assert "http only to this machine" in capsys.readouterr().err


def test_without_a_token_nothing_is_asked(
    site: AdminSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LEGACY_BRIDGE_TOKEN")

    assert main(["routes", "list"]) == 2
    assert "LEGACY_BRIDGE_TOKEN" in capsys.readouterr().err


def test_a_token_may_stand_in_a_file(
    site: AdminSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text(site.issuer.token("readers", at=site.clock) + "\n")
    monkeypatch.delenv("LEGACY_BRIDGE_TOKEN")
    monkeypatch.setenv("LEGACY_BRIDGE_TOKEN_FILE", str(tmp_path / "token"))

    assert main(["routes", "list"]) == 0
