"""What a person gets wrong with a rehearsal system is told in a sentence, not as a bug."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main
from simulators.legacy_db.__main__ import main as legacy_db


def test_orders_that_are_in_the_database_already_are_a_sentence_that_names_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "legacy.db")
    legacy_db(["--file", file, "--orders", "2"])

    assert main(["simulate", "legacy_db", "--file", file, "--orders", "1"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "order 880001 is in" in told
    assert "choose another --first" in told
    assert "bug" not in told


def test_a_file_that_is_no_database_of_the_simulators_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.db").write_text("no database")

    assert main(["simulate", "legacy_db", "--file", str(tmp_path / "other.db"), "--orders", "1"]) == 2
    assert "cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize("system", ["oracle_fusion", "cloud_erp", "legacy_http", "soap_mms"])
@pytest.mark.parametrize(
    "text, told",
    [
        ("{nix", "is not JSON"),
        ('[{"action": "nonsense"}]', "there are: "),
        ('[{"action": "throttle", "body": "x"}]', "unknown words in a rule: body; there are: "),
    ],
)
def test_a_fault_script_that_is_none_is_a_sentence(
    system: str, text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f.json").write_text(text)

    assert main(["simulate", system, "--faults", str(tmp_path / "f.json")]) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert told in shown
    assert "f.json" in shown
    assert "bug" not in shown
