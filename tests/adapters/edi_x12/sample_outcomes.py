"""What each real file comes to, as text that a person can check: `sample_outcomes.txt`, a block per file.

Regenerate it with ``LEGACY_BRIDGE_REGENERATE=1`` and the corpus test, then read the diff as carefully as
code.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from adapters.base import Decoded, Finding, Level
from tests.adapters.edi_x12.rig import ENVELOPE, FORMAT, Read

TABLE = Path(__file__).with_suffix(".txt")
HEAD = """\
# Every sample and what comes of it: its sets, its findings by level and code, our acknowledgment.
# A set is translated, passed through (no guide, bytes unchanged), understood (an acknowledgment) or rejected.
# Read as its own partner would be: named by the caller, no profile, ISA15 as the file says.
"""


def outcome(name: str, result: Read) -> str:
    """Give the block of one file."""
    lines = [name]
    lines += [f"  {count} x {text}" if count > 1 else f"  {text}" for text, count in _sets(result)]
    lines += [f"  understood, {receipt.text}" for receipt in result.summary.receipts]
    findings = Counter((finding.level, finding.code) for finding in result.findings)
    order = (Level.REJECTED, Level.ERROR, Level.NOTE)
    for (level, code), count in sorted(
        findings.items(), key=lambda each: (order.index(each[0][0]), each[0][1])
    ):
        times = f" ({count})" if count > 1 else ""
        lines.append(f"  {level.value}: {code}{times}")
    answers = [answer for each in result.summary.interchanges if (answer := _answer(each))]
    lines += [f"  answer: {answer}" for answer in answers]
    return "\n".join(lines) + "\n"


def blocks(text: str) -> dict[str, str]:
    """Give the blocks of a table by file."""
    found = re.findall(r"(?m)^(\S+\.edi)\n((?:  .*\n)*)", text)
    return {name: f"{name}\n{rest}" for name, rest in found}


def table(made: dict[str, str]) -> str:
    """Give the whole table."""
    return HEAD + "\n" + "\n".join(made[name] for name in sorted(made))


def _sets(result: Read) -> list[tuple[str, int]]:
    return list(Counter(f"{each.set_type}: {_fate(each)}" for each in result.sets).items())


def _fate(each: Decoded) -> str:
    if each.document is not None:
        return f"translated to {each.document.document_type}"
    if any(finding.level is Level.REJECTED for finding in each.findings):
        return f"rejected ({', '.join(_codes(each.findings))})"
    return f"understood, {each.receipts[0].text}" if each.receipts else "passed through"


def _codes(findings: tuple[Finding, ...]) -> list[str]:
    return sorted({finding.code for finding in findings if finding.level is Level.REJECTED})


def _answer(about: object) -> str:
    made = FORMAT.acknowledge(about, {}, ENVELOPE)  # type: ignore[arg-type]
    if made is None:
        return ""
    separator = re.escape(made[3:4])
    told = re.search(rb"TA1(?:%b[^%b]*){3}%b([AER])%b(\d{3})" % ((separator,) * 4), made)
    groups = re.findall(rb"AK9%b([AEPR])" % separator, made)
    parts = [f"TA1 {told[1].decode()} {told[2].decode()}"] if told else []
    return ", ".join([*parts, *(f"997 {code.decode()}" for code in groups)])
