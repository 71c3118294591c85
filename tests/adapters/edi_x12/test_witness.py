"""pyx12 as an independent witness: where it can read a file, it counts the same envelopes and faults."""

from __future__ import annotations

import io
import random

import pytest
import pyx12.errors
import pyx12.x12file

from tests.adapters.edi_x12.rig import ENVELOPE, FORMAT, ORDER, interchange, read

# Ours -> pyx12's code of the same fault: envelope errors that its reader reports by itself.
DAMAGES = {
    "X12-SE01": (b"SE*5*0002", b"SE*6*0002"),
    "X12-SE02": (b"SE*5*0002", b"SE*5*0009"),
    "X12-GE01": (b"GE*3*", b"GE*9*"),
    "X12-GE02": (b"GE*3*101", b"GE*3*109"),
    "X12-IEA01": (b"IEA*1*", b"IEA*7*"),
    "X12-IEA02": (b"IEA*1*000000101", b"IEA*1*000000109"),
    "X12-DUP-ST02": (b"ST*850*0002", b"ST*850*0001"),
}


def witness(body: bytes) -> tuple[int, list[str]]:
    """Give what pyx12's reader counts: segments, and its error codes."""
    reader = pyx12.x12file.X12Reader(io.StringIO(body.decode()))
    segments = 0
    errors: list[str] = []
    for _ in reader:
        segments += 1
        errors.extend(str(error[1]) for error in reader.pop_errors())
    reader.cleanup()
    errors.extend(str(error[1]) for error in reader.pop_errors())
    return segments, errors


def test_both_find_nothing_wrong_with_a_clean_interchange() -> None:
    body = interchange(ORDER, ORDER, ORDER)

    assert witness(body) == (body.count(b"~"), [])
    assert read(body).codes == []


@pytest.mark.parametrize("code", sorted(DAMAGES))
def test_both_find_a_damaged_envelope(code: str) -> None:
    old, new = DAMAGES[code]
    body = interchange(ORDER, ORDER, ORDER)
    assert old in body
    damaged = body.replace(old, new)

    assert witness(damaged)[1]
    assert code in read(damaged).codes


def test_both_agree_on_random_damage_to_counts() -> None:
    chance = random.Random(4010)
    for _ in range(60):
        body = interchange(*[ORDER] * 4)
        for _ in range(chance.randrange(3)):
            old, new = chance.choice(sorted(DAMAGES.values()))
            body = body.replace(old, new)
        assert bool(witness(body)[1]) == bool(read(body).codes)


def test_the_witness_reads_what_we_write() -> None:
    about = read(interchange(ORDER, "BEG*00*SA*PO1**20260304|PO1*1*x*EA"))
    made = FORMAT.acknowledge(about.summary.interchanges[0], {}, ENVELOPE)
    wrapped = FORMAT.wrap([each.raw for each in about.sets], about.summary.interchanges[0], ENVELOPE)

    assert made is not None
    assert witness(made)[1] == []
    assert witness(wrapped)[1] == []
