"""Golden files: every `fixtures/edi_x12/<case>.edi` with what must come of it.

Beside a case stand `.canonical.json` (the documents), `.findings.txt` and `.ack.edi`, each only where there
is something to say, and `.partner.json` where the partner's profile matters. Regenerate them with
LEGACY_BRIDGE_REGENERATE=1 and read the diff as carefully as code.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from adapters.edi_x12.config import X12Partner
from canonical.registry import parse_document, to_json
from tests.adapters.edi_x12.rig import ENVELOPE, FORMAT, Read, context, read

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "edi_x12"
CASES = sorted(path for path in FIXTURES.glob("*.edi") if not path.name.endswith(".ack.edi"))
REGENERATE = os.environ.get("LEGACY_BRIDGE_REGENERATE") == "1"


def read_case(path: Path) -> Read:
    settings = path.with_suffix(".partner.json")
    partner = X12Partner.model_validate_json(settings.read_text()) if settings.exists() else None
    return read(path.read_bytes(), context(partner, source=path.name))


def expectations(result: Read) -> dict[str, bytes]:
    documents = [json.loads(to_json(each.document)) for each in result.sets if each.document is not None]
    findings = "".join(f"{finding.level.value}: {finding}\n" for finding in result.findings)
    acks = [FORMAT.acknowledge(each, {}, ENVELOPE) or b"" for each in result.summary.interchanges]
    made = {
        ".canonical.json": (json.dumps(documents, indent=2, ensure_ascii=False) + "\n").encode()
        if documents
        else b"",
        ".findings.txt": findings.encode(),
        ".ack.edi": b"".join(acks),
    }
    return {suffix: content for suffix, content in made.items() if content}


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_case_gives_its_documents_findings_and_acknowledgment(case: Path) -> None:
    made = expectations(read_case(case))
    for suffix in (".canonical.json", ".findings.txt", ".ack.edi"):
        expected = case.with_suffix(suffix)
        if REGENERATE:
            expected.unlink(missing_ok=True)
            if suffix in made:
                expected.write_bytes(made[suffix])
        assert (expected.read_bytes() if expected.exists() else b"") == made.get(suffix, b"")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_case_says_something(case: Path) -> None:
    assert expectations(read_case(case)) or read_case(case).summary.interchanges


def test_every_expectation_belongs_to_a_case() -> None:
    expected = {path.name.split(".")[0] for path in FIXTURES.iterdir()}

    assert expected == {case.stem for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_documents_survive_their_own_json(case: Path) -> None:
    for each in read_case(case).sets:
        if each.document is not None:
            assert parse_document(to_json(each.document)) == each.document
