"""Development certificates: good for the purpose, closed to others, the CA kept."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from gateway.security.certificates import write_development_certificates
from gateway.security.secrets import SecretStore
from gateway.security.settings import TlsSettings
from gateway.security.tls import certificate_findings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_folder_holds_a_ca_the_gateway_and_each_client(tmp_path: Path) -> None:
    written = write_development_certificates(tmp_path / "certs", NOW, clients=("acme", "erp"))

    assert [path.name for path in written] == [
        "ca.pem", "ca.key", "gateway.pem", "gateway.key", "acme.pem", "acme.key", "erp.pem", "erp.key",
    ]  # fmt: skip
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in written if path.suffix == ".key")
    for name in ("gateway", "acme", "erp"):
        settings = TlsSettings(certificate=f"file:{name}.pem", key=f"file:{name}.key", ca="file:ca.pem")
        assert certificate_findings(settings, SecretStore(tmp_path / "certs"), NOW) == []


def test_a_second_run_keeps_the_ca_and_renews_the_rest(tmp_path: Path) -> None:
    write_development_certificates(tmp_path, NOW)
    ca, gateway = (tmp_path / "ca.pem").read_bytes(), (tmp_path / "gateway.pem").read_bytes()

    written = write_development_certificates(tmp_path, NOW)

    assert (tmp_path / "ca.pem").read_bytes() == ca
    assert (tmp_path / "gateway.pem").read_bytes() != gateway
    assert tmp_path / "ca.pem" not in written
    assert not list(tmp_path.glob("*.new"))


def test_a_ca_near_its_end_is_replaced(tmp_path: Path) -> None:
    write_development_certificates(tmp_path, NOW)
    ca = (tmp_path / "ca.pem").read_bytes()
    write_development_certificates(tmp_path, NOW + timedelta(days=850))
    assert (tmp_path / "ca.pem").read_bytes() != ca


def test_the_gateways_certificate_names_this_machine_and_may_last_seconds(tmp_path: Path) -> None:
    write_development_certificates(tmp_path, NOW, duration=timedelta(seconds=5))
    certificate = x509.load_pem_x509_certificate((tmp_path / "gateway.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert certificate.not_valid_after_utc == NOW + timedelta(seconds=5)
