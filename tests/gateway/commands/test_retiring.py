"""``routes revoke``, ``routes dossier`` and ``dossier verify``, from a running gateway to another desk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from tests.gateway.commands.running import Running, running


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with running(tmp_path) as made:
        yield made


def test_a_dossier_is_exported_and_verified_where_no_gateway_is(
    gateway: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (
        ["routes", "set", "po.one", "retired", "--why", "moved", "--who", "ann"],
        ["routes", "revoke", "po.one", "endpoint drop", "--why", "account closed", "--who", "bob"],
    ):
        assert main(command) == 0
    capsys.readouterr()

    assert main(["routes", "dossier", "po.one", "--out", "po.dossier", "--why", "end", "--json"]) == 1
    head = json.loads(capsys.readouterr().out)["head"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "po.dossier").write_bytes((tmp_path / "po.dossier").read_bytes())
    monkeypatch.chdir(elsewhere)

    assert main(["dossier", "verify", "po.dossier", "--head", head]) == 1  # whole, and not complete
    told = capsys.readouterr().out
    assert "po.dossier: whole" in told
    assert "MISSING silence" in told
    assert "ok      credentials" in told
    assert head in told


def test_a_touched_dossier_is_told_as_such(
    gateway: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["routes", "dossier", "po.one", "--out", "po.dossier", "--why", "end"])
    file = tmp_path / "po.dossier"
    file.write_bytes(file.read_bytes().replace(b'"open":0', b'"open":1'))
    capsys.readouterr()

    assert main(["dossier", "verify", "po.dossier"]) == 1
    assert "NOT WHOLE: record 3 was altered" in capsys.readouterr().out


def test_an_existing_dossier_is_never_written_over(
    gateway: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "po.dossier").write_text("an older one")

    assert main(["routes", "dossier", "po.one", "--out", "po.dossier", "--why", "end"]) == 2
    assert (tmp_path / "po.dossier").read_text() == "an older one"


def test_a_dossier_that_cannot_be_made_leaves_no_file(
    gateway: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routes", "dossier", "ack.one", "--out", "ack.dossier", "--why", "end"]) == 2
    assert not (tmp_path / "ack.dossier").exists()


def test_a_file_that_is_no_dossier_and_a_hash_that_is_not_whole_are_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (("routes.yaml", b"version: 1\nroutes: []\n"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        assert main(["dossier", "verify", str(tmp_path / name)]) == 1
        assert "it is no dossier" in " ".join(capsys.readouterr().out.split())

    assert main(["dossier", "verify", str(tmp_path / "empty"), "--head", "48af57f9"]) == 2
    assert "--head 48af57f9: expected the whole hash" in capsys.readouterr().err
