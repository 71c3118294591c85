"""pyx12 accepts what we write: 850, 855 and 810, in both versions, by maps that our own guides emit.

The rules come from our guides, the judgement does not: pyx12 walks, measures and counts by itself. On
damaged sets both must find fault, or neither may.
"""

from __future__ import annotations

import functools
import io
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import pyx12.map_if
import pyx12.params
import pyx12.x12n_document

from adapters.base import Level
from adapters.edi_x12.guide import Guide, guide_for
from benchmarks.pyx12_maps.generate import write_maps
from canonical.document import CanonicalDocument
from tests.adapters.edi_x12.random_sets import Maker
from tests.adapters.edi_x12.rig import FORMAT, context, read
from tests.adapters.edi_x12.test_golden import CASES, read_case
from tests.adapters.edi_x12.test_roundtrip import SETS, decoded, envelope, interchange_of, partner
from tests.scale import scaled

KINDS = ("850", "855", "810")


def guide_of(kind: str, version: str) -> Guide:
    guide = guide_for(kind, version, partner(version))
    assert guide is not None
    return guide


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Write maps of our guides; keep what pyx12 parses of them, and its log quiet."""
    folders = {version: tmp_path_factory.mktemp(version) for version in ("004010", "005010")}
    for version, folder in folders.items():
        write_maps(folder, [guide_of(kind, version) for kind in KINDS])
    logging.getLogger("pyx12").setLevel(logging.CRITICAL + 1)
    load = pyx12.map_if.load_map_file
    kept = functools.cache(lambda name, path: load(name, pyx12.params.ParamsBase(), path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyx12.map_if, "load_map_file", lambda name, _, path=None: kept(name, path))
        yield folders


def accepts(body: bytes, folder: Path) -> bool:
    parameters = pyx12.params.ParamsBase()
    parameters.set("charset", "E")
    return bool(
        pyx12.x12n_document.x12n_document(
            parameters, io.StringIO(body.decode()), None, None, map_path=str(folder)
        )
    )


def documents(kind: str, version: str, count: int, start: int = 0) -> Iterator[CanonicalDocument]:
    for seed in range(start, start + count):
        body = interchange_of(Maker(guide_of(kind, version), seed, 0.25).segments(), kind, version)
        document = decoded(body, partner(version))
        if document is not None:
            yield document


@pytest.mark.parametrize(("kind", "version"), SETS)
def test_the_witness_accepts_what_we_write(maps: dict[str, Path], kind: str, version: str) -> None:
    written = [
        FORMAT.encode([each], envelope(partner(version))) for each in documents(kind, version, scaled(10))
    ]

    assert len(written) >= 5
    for body in written:
        assert accepts(body, maps[version]), body.decode()


def test_the_witness_accepts_the_golden_cases_that_we_write(maps: dict[str, Path]) -> None:
    count = 0
    for case in CASES:
        if case.with_suffix(".partner.json").exists() or case.name == "po_every_place.edi":
            continue  # what only a partner's guide allows, and segments that no guide knows
        version = "005010" if b"*005010" in case.read_bytes() else "004010"
        for each in read_case(case).sets:
            if each.document is None or any(f.level is not Level.NOTE for f in each.findings):
                continue
            body = FORMAT.encode([each.document], envelope(partner(version)))
            if body.isascii():  # the witness knows no other characters
                assert accepts(body, maps[version]), case.name
                count += 1
    assert count > 40


@pytest.mark.parametrize("kind", KINDS)
def test_both_fault_the_same_damaged_sets(maps: dict[str, Path], kind: str) -> None:
    chance = random.Random(f"damage {kind}")
    of, verdicts = partner(), []
    for document in documents(kind, "004010", scaled(8), 500):
        segments = FORMAT.encode([document], envelope(of)).decode().split("~")
        at = chance.randrange(3, len(segments) - 4)
        broken = _damaged(segments[at], guide_of(kind, "004010"), chance)
        damaged = "~".join([*segments[:at], broken, *segments[at + 1 :]]).encode()
        findings = [each for each in read(damaged, context(of)).findings if each.level is not Level.NOTE]
        ours = {each.code for each in findings} - OURS_ALONE
        assert bool(ours) == (not accepts(damaged, maps["004010"])), broken
        verdicts.append(bool(ours))
    assert any(verdicts)


OURS_ALONE = {"X12-UOM", "X12-MEANING", "X12-VALUE", "X12-CTT", "X12-CTT-HASH", "X12-TDS"}
"""What only we look at: meanings, units, totals."""


def _damaged(segment: str, guide: Guide, chance: random.Random) -> str:
    elements = segment.split("*")
    is_needed = any(use.is_mandatory for use in guide.shapes[elements[0]].uses)
    match chance.randrange(3 if is_needed else 2):
        case 0:
            return "*".join([*elements, *[""] * 30, "X"])  # too many elements
        case 1:
            return "*".join([elements[0], "X" * 90, *elements[2:]])  # far too long
        case _:
            return elements[0]  # nothing but its id
