from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from adapters.base import Finding, Level
from gateway.config import Configuration, check, load_text
from tests.gateway.config.sample import CATALOGUE, changed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = ("CONFIG-SECRET", "CONFIG-CERTIFICATE", "CONFIG-FILE")


def pem(begins: datetime, ends: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "erp.example")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begins).not_valid_after(ends)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def findings(text: str, folder: Path, *, live: bool = False) -> list[Finding]:
    configuration = load_text(text, folder=folder, catalogue=CATALOGUE)
    assert isinstance(configuration, Configuration), configuration
    found = check(configuration, live=live, now=NOW, catalogue=CATALOGUE)
    return [each for each in found if each.code in WORDS]


def with_token(reference: str) -> str:
    return changed('base: "http://127.0.0.1:9"', f'base: "http://127.0.0.1:9", token: "{reference}"')


@pytest.mark.parametrize(("live", "level"), [(False, Level.NOTE), (True, Level.REJECTED)])
def test_a_secret_that_is_not_there_yet_is_a_note_and_live_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live: bool, level: Level
) -> None:
    monkeypatch.delenv("ERP_TOKEN", raising=False)
    for reference in ("env:ERP_TOKEN", "file:secrets/erp"):
        (found,) = findings(with_token(reference), tmp_path, live=live)

        assert (found.code, found.level) == ("CONFIG-SECRET", level)
        assert str(found.at) == "routes.yaml:12:68 endpoints.erp.token"


def test_secrets_that_are_there_say_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERP_TOKEN", "t0p")
    (tmp_path / "erp").write_text("t0p\n")

    assert findings(with_token("env:ERP_TOKEN"), tmp_path, live=True) == []
    assert findings(with_token("file:erp"), tmp_path, live=True) == []


def test_an_empty_secret_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "erp").write_text("\n")

    assert [each.code for each in findings(with_token("file:erp"), tmp_path)] == ["CONFIG-SECRET"]


@pytest.mark.parametrize(
    ("begins", "ends", "told", "level"),
    [
        (-30, -1, "ended on 2026-02-28", Level.REJECTED),
        (1, 30, "begins on 2026-03-02", Level.REJECTED),
        (-30, 10, "ends on 2026-03-11", Level.NOTE),
        (-30, 31, None, None),
    ],
)
def test_certificates_are_judged_by_their_dates(
    tmp_path: Path, begins: int, ends: int, told: str | None, level: Level | None
) -> None:
    (tmp_path / "erp.pem").write_bytes(pem(NOW + timedelta(days=begins), NOW + timedelta(days=ends)))

    found = findings(with_token("file:erp.pem"), tmp_path, live=True)

    assert [each.level for each in found] == ([level] if level else [])
    assert all(told is not None and told in each.text for each in found)


def test_a_broken_certificate_is_found(tmp_path: Path) -> None:
    (tmp_path / "erp.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    assert [each.code for each in findings(with_token("file:erp.pem"), tmp_path)] == ["CONFIG-CERTIFICATE"]


def test_files_of_route_tests_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("{}")
    text = changed(
        "stage: cloud", "stage: cloud\n    tests: [{given: [there.json, gone.json], expect: {side: cloud}}]"
    )

    (found,) = findings(text, tmp_path)

    assert (found.code, found.at.path) == ("CONFIG-FILE", "routes[2].tests[0].given[1]")
