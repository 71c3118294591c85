"""`x12 guide show` and `x12 guide check`: a guide as a page, and a new partner's overrides from its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.base import Level
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.guide_infer import infer
from gateway.config import Configuration, load
from tests.adapters.edi_x12.rig import context, interchange, read
from tests.gateway.commands.conftest import Command, bridge, folder

__all__ = ["bridge", "folder"]  # fixtures

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "edi_x12"
CONFIGURED = """
version: 1
gateway: {environment: test, organisation: mercy}
endpoints:
  out: {kind: sftp_files, environment: test, folder: .}
  old: {kind: sftp_files, environment: test, folder: .}
partners:
  acme:
    environment: test
    edi_x12:
      guides: {"850": {elements: {"355": "ID 2/5"}, limits: {"N1/N3": "O/4"}, extra: {BEG: [ZZX O/1]},
        segments: {ZZX: M352 O350}, codes: {"353": ["00", "01"]}}}
      units: {BOX12: BX}
routes:
  - id: po.one
    from: {endpoint: out, format: edi_x12, partner: acme, set: "850", identity: control_numbers}
    targets: {legacy: old}
    stage: legacy
"""


@pytest.mark.parametrize("kind", ["850", "855", "810", "997"])
@pytest.mark.parametrize("version", ["004010", "005010"])
def test_every_guide_is_shown_in_80_columns(bridge: Command, kind: str, version: str) -> None:
    ended = bridge("x12", "guide", "show", kind, "--release", version, columns=80)

    assert ended.code == 0
    assert ended.out.startswith(f"{kind} ")
    assert max(map(len, ended.out.splitlines())) <= 80


def test_a_partners_guide_says_what_it_changes(bridge: Command, folder: Path) -> None:
    (folder / "routes.yaml").write_text(CONFIGURED)

    ended = bridge("x12", "guide", "show", "850", "--partner", "acme")

    assert ended.code == 0, ended.err
    for line in (
        "850 purchase order, 004010, as acme uses it",
        "changed: element 355: ID 2/5",
        "changed: N1/N3: O/4",
        "changed: behind BEG: ZZX O/1",
        "changed: codes of element 353: 00, 01",
        "changed: unit BOX12: BX",
        "ZZX            O    1       kept as sent",
        "  BEG01  M   353  code 2, purpose of the set: 00, 01",
    ):
        assert line in ended.out


def test_one_segment_is_shown_alone_and_as_json(bridge: Command) -> None:
    shown = bridge("x12", "guide", "show", "855", "--segment", "ACK")
    as_json = json.loads(bridge("x12", "guide", "show", "855", "--segment", "ACK", "--json").out)

    assert shown.out.splitlines()[:2] == ["ACK", "  ACK01  M   668  code 2, line status"]
    assert as_json["segments"]["ACK"][0] == "ACK01  M   668  code 2, line status"
    assert {"place": "ACK loop", "usage": "O", "repeats": "104", "document": "read"} in as_json["structure"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "856"), "there is no guide for set '856' in 004010; there are 810, 850, 855"),
        (("show", "850", "--release", "006010"), "no guide for set '850' in 006010"),
        (("show", "850", "--segment", "TDS"), "a 850 has no segment 'TDS'"),
        (("show", "850", "--partner", "acme"), "routes.yaml"),
        (("check", "none.edi"), "none.edi: cannot be read"),
        (("check", "empty.edi"), "no transaction set was found"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(
    bridge: Command, folder: Path, arguments: tuple[str, ...], told: str
) -> None:
    (folder / "empty.edi").write_bytes(b"")

    ended = bridge("x12", "guide", *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


def test_clean_files_need_no_override(bridge: Command) -> None:
    ended = bridge("x12", "guide", "check", FIXTURES / "po_two_lines.edi")

    assert ended.code == 0
    assert "# read: 1 x 850 004010" in ended.out
    assert "# no override is needed" in ended.out


ODD = interchange(
    "BEG*00*SA*PO1**20260304|ZZX*OWN SEGMENT*1|N1*ST*X*92*0001|N3*A|N3*B|N3*C|N4*OAKLAND*CALIF|"
    "PO1*1*5*EA*9.99**VN*1|SLN*1**IX|CTT*1"
)


def test_what_is_inferred_makes_the_same_file_clean() -> None:
    assert [each.level for each in read(ODD).findings].count(Level.ERROR) >= 3

    found = infer([("odd.edi", ODD)], X12Partner())

    assert found.left == []
    override = found.profile.guides["850"]
    assert override.extra == {"BEG": ["ZZX O/>1"]}
    assert override.limits == {"N1/N3": "O/3"}
    assert override.elements == {"156": "ID 2/5 state or province", "662": "ID 1/2 relationship"}
    result = read(ODD, context(found.profile))
    assert result.codes == []
    assert len(result.sets[0].document.extensions["x12"]) == 1  # type: ignore[union-attr]


def test_what_is_printed_is_a_configuration_that_loads(bridge: Command, folder: Path) -> None:
    (folder / "odd.edi").write_bytes(ODD)
    ended = bridge("x12", "guide", "check", "odd.edi")
    printed = "\n".join(line for line in ended.out.splitlines() if not line.startswith("#"))
    head, _, tail = CONFIGURED.partition("partners:")
    inferred = printed.replace("  NAME:\n", "  acme:\n    environment: test\n")
    (folder / "routes.yaml").write_text(f"{head}{inferred}\nroutes:{tail.partition('routes:')[2]}")

    loaded = load(folder / "routes.yaml")

    assert isinstance(loaded, Configuration), loaded
    settings = loaded.partners["acme"].adapters["edi_x12"]
    assert isinstance(settings, X12Partner)
    assert read(ODD, context(settings)).codes == []


def test_what_no_override_can_answer_is_left_to_people(bridge: Command, folder: Path) -> None:
    bad = interchange("BEG*09*SA*PO1**20260304|PO1*1*x*EA|CTT*7")
    (folder / "bad.edi").write_bytes(bad)

    ended = bridge("x12", "guide", "check", "bad.edi", "--partner", "acme")
    assert ended.code == 2  # there is no configuration

    ended = bridge("x12", "guide", "check", "bad.edi")

    assert ended.code == 1
    assert "# no override is needed" in ended.out
    for code in ("X12-CODE", "X12-CHAR", "X12-CTT"):
        assert f"[{code}]" in ended.err
    assert "a person must talk to the partner" in ended.err


def test_a_document_is_refused_by_the_guide_that_was_narrowed() -> None:
    """Narrower usage holds on the way in and on the way out."""
    strict = X12Partner.model_validate(
        {"guides": {"850": {"limits": {"REF": "M/1"}, "elements": {"127": "AN 1/5"}}}}
    )

    codes = read(
        interchange("BEG*00*SA*PO1**20260304|REF*IA*123456|REF*IA*1|PO1*1*1*EA"), context(strict)
    ).codes
    missing = read(interchange("BEG*00*SA*PO1**20260304|PO1*1*1*EA"), context(strict)).codes

    assert codes == ["X12-LONG", "X12-SEG-MAX"]
    assert missing == ["X12-SEG-MISSING"]
