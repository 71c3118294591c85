"""What must hold for any bytes at all: findings, never an exception; the same whatever the chunks.

Used by the property tests and by the fuzzer (`python -m tests.fuzz`).
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from adapters.base import EncodeError, Level
from adapters.edi_x12.config import X12Partner
from tests.adapters.edi_x12.rig import ENVELOPE, FORMAT, Read, context, read

CAREFUL = X12Partner(
    se_count="reject", envelope_counts="reject", duplicates="reject", unknown_segments="reject",
    unique=("ISA13", "GS06", "ST02"), interchange_acknowledgment="always",
)  # fmt: skip


def judge_anything(body: bytes, cuts: tuple[int, ...] = ()) -> Read:
    """Read bytes, answer them, wrap them again. Errors: AssertionError where a promise does not hold."""
    FORMAT.recognises(body[:4096])
    FORMAT.is_urgent(body[:4096])
    FORMAT.identity(body[:4096])
    result = read(body)
    _judged(result, body)
    if cuts:
        again = read(body, cuts=tuple(sorted(cut % (len(body) + 1) for cut in cuts)))
        assert (again.sets, again.summary) == (result.sets, result.summary)
    _answered(read(body, context(CAREFUL)))
    _answered(result)
    return result


def _judged(result: Read, body: bytes) -> None:
    for finding in result.findings:
        assert finding.at.line is not None
        assert finding.at.offset is not None
        assert 0 <= finding.at.offset <= len(body)
        assert finding.text
        assert len(finding.text) < 2_000
    for each in result.sets:
        is_rejected = any(finding.level is Level.REJECTED for finding in each.findings)
        assert (each.document is None) or not is_rejected
        assert each.document is not None or each.is_passed_through or is_rejected
        assert each.raw in body


def _answered(result: Read) -> None:
    for position, about in enumerate(result.summary.interchanges):
        for kind in ("997", "999"):
            made = FORMAT.acknowledge(about, {}, replace(ENVELOPE, acknowledgment=kind))
            if made is not None:
                assert all(finding.level is not Level.REJECTED for finding in read(made).summary.findings)
        own = [each.raw for each in result.sets if each.interchange == position and each.raw]
        if own:
            with contextlib.suppress(EncodeError):  # such as parties that no ISA names
                FORMAT.control_keys(FORMAT.wrap(own, about, ENVELOPE))
