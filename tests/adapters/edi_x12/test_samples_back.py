"""Real files of others, read and written back: the same segments, or the reason why not.

Line breaks and blanks around segments are tolerated on the way in and never written, so segments are
compared, not bytes; the envelope is always our own. Whole files are compared in `test_roundtrip.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import Decoded
from adapters.edi_x12.config import X12Partner
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.encode import WrittenSet, write_set
from adapters.edi_x12.read_in import READINGS
from tests.adapters.edi_x12.test_corpus import read_sample
from tests.samples import sample_files

JOINED = "lines wrapped inside of elements are joined"
REFUSED = "it was accepted with errors, and we write nothing that our guide faults"
REASONS = {
    "edinet-850.edi": "empty elements at the end of a segment are not written",
    "edinet-850a.edi": REFUSED,
    "x12t-850-aafes-a.edi": JOINED,
    "x12t-850-aafes-b.edi": JOINED,
    "x12t-850-rk-10.edi": REFUSED,
    "x12t-850-rk-11.edi": REFUSED,
    "x12t-850-rk-12.edi": JOINED,
    "x12t-855-dandh.edi": REFUSED,
}
NOT_TRANSLATED = {  # their findings stand in the table of outcomes
    "edinet-810-mandatory-conditions.edi",
    "edinet-810c.edi",
    "edinet-810d.edi",
    "edinet-issue101.edi",
    "x12p-810-ex5-walmart.edi",
}


def segments(raw: bytes, delimiters: Delimiters) -> list[bytes]:
    parts = (each.strip(b"\r\n\t ") for each in raw.split(delimiters.terminator))
    return [each for each in parts if each]


def back(decoded: Decoded, delimiters: Delimiters, version: str) -> WrittenSet | None:
    """Give the set as we write it, with its own delimiters and control number; None where we refuse."""
    document = decoded.document
    assert document is not None
    assert document.provenance is not None
    control = document.provenance.control_numbers["ST02"]
    written = write_set(document, control, X12Partner(version=version), delimiters, "America/Chicago")
    return written if isinstance(written, WrittenSet) else None


@pytest.mark.parametrize("path", sample_files("x12/*.edi"))
def test_a_real_set_is_written_back_or_has_a_reason_why_not(path: Path) -> None:
    result = read_sample(path)
    sets = [each for each in result.sets if each.set_type in READINGS]
    same = []
    for each in sets:
        if each.document is None:
            assert path.name in NOT_TRANSLATED
            continue
        facts: dict[str, object] = dict(result.summary.interchanges[each.interchange].facts)
        delimiters = Delimiters.from_json(facts["delimiters"])  # type: ignore[arg-type]
        version = next((group["gs"][7] for group in facts["groups"] if group["gs"]), "004010")  # type: ignore[attr-defined]
        written = back(each, delimiters, version)
        assert (written is None) == (REASONS.get(path.name) == REFUSED)
        if written is not None:
            same.append(segments(written.body, delimiters) == segments(each.raw, delimiters))
    if same:
        assert all(same) == (path.name not in REASONS)
