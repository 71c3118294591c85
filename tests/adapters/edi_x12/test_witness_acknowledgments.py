"""pyx12's own maps of the 997 and 999 accept what we write, and its validation faults the sets that we fault.

The maps ship with pyx12 and know only the sets of health insurance in AK101 and AK201. So an acknowledgment
under test says HC and 837 where ours says PO and 850; nothing else is changed. For orders pyx12
has no map: it reads the one that our guide gave the benchmarks.
"""

from __future__ import annotations

import functools
import io
import logging
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import pyx12.map_if
import pyx12.params
import pyx12.x12n_document

from adapters.base import Level
from tests.adapters.edi_x12.rig import ENVELOPE, FORMAT, interchange, read
from tests.adapters.edi_x12.test_golden import CASES, read_case
from tests.scale import scaled

OUR_850_MAP = Path(__file__).resolve().parents[3] / "benchmarks" / "pyx12_maps"
ORDER = "BEG*00*SA*PO1**20260304|PO1*1*5*EA*9.99**VN*A1|CTT*1*5"
DAMAGES = (  # what both can see: structure, lengths, types, syntax notes
    ("PO1*1*5*EA", "PO1*1*five*EA"),
    ("PO1*1*5*EA*9.99", "PO1*1*5*EA*9.9.9"),
    ("**VN*A1", "**VN"),
    ("BEG*00*SA*PO1**20260304", "BEG*00*SA***20260304"),
    ("BEG*00*SA*PO1**20260304", "BEG*00*SA*PO1**20261304"),
    ("BEG*00*SA*PO1**20260304|", ""),
    ("BEG*00*SA*PO1**", "BEG*00*SA*A-NUMBER-LONGER-THAN-22-CHARACTERS**"),
)


@pytest.fixture(autouse=True, scope="module")
def parsed_once() -> Iterator[None]:
    """Keep pyx12's maps, which it parses anew for every file, and its log quiet."""
    logging.getLogger("pyx12").setLevel(logging.CRITICAL)
    load = pyx12.map_if.load_map_file

    @functools.cache
    def kept(name: str, maps: str | None) -> object:
        return load(name, pyx12.params.ParamsBase(), maps)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyx12.map_if, "load_map_file", lambda name, param, path=None: kept(name, path))
        yield


def verdict(body: bytes, maps: Path | None = None) -> tuple[bool, str]:
    """Let pyx12 validate an interchange; give its verdict and the acknowledgment that it would send."""
    answer = io.StringIO()
    is_good = pyx12.x12n_document.x12n_document(
        pyx12.params.ParamsBase(), io.StringIO(body.decode()), answer, None,
        map_path=str(maps) if maps else None,
    )  # fmt: skip
    return bool(is_good), answer.getvalue()


def acknowledgments(kind: Literal["997", "999"]) -> list[tuple[str, bytes]]:
    """Give our acknowledgments of all golden cases that have ASCII delimiters of one character."""
    made = []
    for case in CASES:
        for about in read_case(case).summary.interchanges:
            envelope = replace(ENVELOPE, acknowledgment=kind)
            body = FORMAT.acknowledge(about, {}, envelope)
            if body is None or b"~\n" not in body or b"*" not in body[:4] or b"GS*" not in body:
                continue
            if kind == "997" and b"004010" not in body:
                continue  # pyx12 ships the 997 of 004010 only
            made.append((case.stem, body))
    return made


def as_of_health_insurance(body: bytes) -> bytes:
    return re.sub(rb"(?m)^AK2\*\d{3}", b"AK2*837", re.sub(rb"(?m)^AK1\*\w+", b"AK1*HC", body))


@pytest.mark.parametrize("kind", ["997", "999"])
def test_the_shipped_maps_accept_every_acknowledgment_of_ours(kind: Literal["997", "999"]) -> None:
    made = acknowledgments(kind)
    assert len(made) > 20

    for name, body in made:
        assert verdict(as_of_health_insurance(body))[0], f"{name}: {body.decode()}"


def test_the_shipped_map_refuses_an_acknowledgment_that_is_damaged() -> None:
    _, body = acknowledgments("997")[0]
    health = as_of_health_insurance(body)

    assert verdict(health)[0]
    assert not verdict(health.replace(b"AK9*", b"AK9*?", 1))[0]


def refused_by_pyx12(body: bytes) -> list[bool]:
    """Tell set by set whether pyx12's own 997 refuses it."""
    _, answer = verdict(body, OUR_850_MAP)
    return [code != "A" for code in re.findall(r"AK5\*([AER])", answer)]


def faulted_by_us(body: bytes) -> list[bool]:
    return [any(finding.level is not Level.NOTE for finding in each.findings) for each in read(body).sets]


@pytest.mark.parametrize("damage", DAMAGES, ids=[new or "no BEG" for _, new in DAMAGES])
def test_both_fault_the_damaged_set_and_only_that(damage: tuple[str, str]) -> None:
    bad = ORDER.replace(*damage)
    assert bad != ORDER
    body = interchange(ORDER, bad, ORDER)

    assert faulted_by_us(body) == [False, True, False]
    assert refused_by_pyx12(body) == [False, True, False]


def test_both_fault_the_same_sets_of_interchanges_damaged_at_random() -> None:
    chance = random.Random(997)
    for _ in range(scaled(6)):
        damaged = [chance.random() < 0.4 for _ in range(8)]
        sets = [ORDER.replace(*chance.choice(DAMAGES)) if is_bad else ORDER for is_bad in damaged]
        body = interchange(*sets)

        assert faulted_by_us(body) == damaged
        assert refused_by_pyx12(body) == damaged
