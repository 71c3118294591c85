"""The demo's last pages: what arrived, where it went, how it ended. Text of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from adapters.base import Level
from gateway.commands.layout import paragraph
from gateway.commands.terminal import counted, printable
from gateway.demo.demo_evidence import Found
from gateway.demo.demo_ground import WIDTH
from gateway.journal.types import DeliveryState, DeliveryView
from simulators.scenario import Checked

LOG_LINES_MAX = 20
COLUMNS = (2, 30, 25, 17)
GAP = "  "
ROLES = {
    "acknowledgment": "997",
    "pass_through": "passed through",
    "shadow": "shadow, not sent",
    "live": "",
}


def messages_table(found: Iterable[Found]) -> list[str]:
    """Give a row for each message."""
    lines = heading("What arrived, where it went, how it ended")
    lines += _row(("#", "arrived", "went to", "ended"))
    lines.append(GAP.join("-" * width for width in COLUMNS))
    for each in found:
        lines += _row((str(each.number), _arrived(each), _went(each), _ended(each)))
    return lines


def acknowledgments(found: Iterable[Found], folder: Path) -> list[str]:
    """Give the text of each 997 that the gateway wrote into a folder."""
    lines = heading(f"The acknowledgments written ({folder.relative_to(folder.parents[2])})")
    for path in sorted(folder.glob("*.997")):
        segments = [each.strip() for each in path.read_text(encoding="latin-1").split("~") if each.strip()]
        own = [each for each in segments if not each.startswith(("ISA", "IEA", "GS", "GE", "ST", "SE"))]
        refused = " (refuses a set)" if any(each.startswith("AK5*R") for each in own) else ""
        lines.append(f"{path.name}{refused}")
        shown = [f"{each}~" for each in segments] if refused else ["~ ".join(own) + "~"]
        lines += [line for each in shown for line in _wrapped(each, "    ")]
    return lines


def parked(found: Iterable[Found]) -> list[str]:
    """Give what a person must look at, with the reason."""
    lines = heading("Parked: a person must look")
    for each in found:
        if each.sent.ending.is_known:
            continue
        for item in each.parked:
            lines.append(f"#{each.number} {each.sent.name.rpartition('/')[2]}, exception {item.exception_id}")
            for finding in item.findings:
                if finding.level is not Level.NOTE:
                    place = f"{finding.at.path}: " if finding.at.path else ""
                    lines += _wrapped(f"{place}{finding.text} [{finding.code}]", "    ")
    return lines


def checks(checked: Iterable[Checked]) -> list[str]:
    """Give what the simulators say that they saw."""
    lines = heading("What the systems around the gateway say")
    for each in checked:
        mark = "ok " if each.holds else "NOT"
        found = f": {each.found}" if not each.holds and each.found else ""
        lines += _wrapped(f"{mark}  {each.text}{found}", "", "     ")
    return lines


def differences(texts: Sequence[str]) -> list[str]:
    """Give what did not end as the scenario says."""
    lines = heading("NOT AS EXPECTED")
    return [*lines, *(line for text in texts for line in _wrapped(text, "", "    "))]


def log_lines(log: str) -> list[str]:
    """Give what the gateway's log says beyond notes, where something differs."""
    told = [
        line for line in log.splitlines() if " WARNING " in line or " ERROR " in line or "CRITICAL" in line
    ]
    lines = heading("The last warnings and errors of the gateway's log")
    return [*lines, *(part for line in told[-LOG_LINES_MAX:] for part in _wrapped(line, "", "    "))]


def closing(
    found: Sequence[Found], checked: Sequence[Checked], differences_: int, elapsed_s: float
) -> list[str]:
    """Give the last word."""
    if differences_:
        return [
            "",
            f"demo: {counted(differences_, 'difference')} from what was expected, after {elapsed_s:.1f} s",
        ]
    told = f"{counted(len(found), 'message')} and {counted(len(checked), 'check')}"
    return [
        "",
        f"demo: all ended as it must ({told}) in {elapsed_s:.1f} s",
        "Read next: README.md, for a first route of your own. To look around in this",
        "demo with everything left running: legacy-bridge demo --keep (make demo KEEP=1)",
    ]


def heading(text: str) -> list[str]:
    """Give a heading."""
    return ["", text, "=" * len(text)]


def _arrived(found: Found) -> str:
    named = f"{found.sent.route} {found.sent.name}" if found.sent.way == "folder" else found.sent.name
    return f"{found.sent.label}\n{named}"


def _went(found: Found) -> str:
    if found.sent.ending.is_known:
        return "nowhere: it is known"
    told = [_destination(each) for each in found.deliveries]
    return "\n".join(told) or "nowhere"


def _destination(view: DeliveryView) -> str:
    role = ROLES.get(view.role, view.role)
    has_number = view.document_index is not None and view.target_reference
    number = f" as {view.target_reference}" if has_number else ""
    orders = f", {len(view.lanes)} orders" if len(view.lanes) > 1 else ""
    parked = ": parked" if view.state is DeliveryState.PARKED else ""
    return f"{view.target}{f' ({role})' if role else ''}{number}{orders}{parked}"


def _ended(found: Found) -> str:
    if found.sent.ending.is_known:
        return "answered as the first was" if found.sent.way == "HTTP" else "put away"
    if found.message is None:
        return "NOT IN THE JOURNAL"
    told = [*found.troubles]
    if found.sent.status is not None:
        told.append(f"answered {found.sent.status}")
    if not found.is_over:
        told.append("NOT OVER")
    elif found.parked:
        told += ["parked", *found.codes]
    elif any(each.plan.repeats for each in found.documents):
        told.append("a repeat: acknowledged")
    else:
        told.append("delivered")
    return "\n".join(told)


def _row(cells: Sequence[str]) -> list[str]:
    columns = [
        [line for part in cell.split("\n") for line in textwrap.wrap(printable(part), width) or [""]]
        for cell, width in zip(cells, COLUMNS, strict=True)
    ]
    height = max(len(column) for column in columns)
    padded = [[*column, *[""] * (height - len(column))] for column in columns]
    return [
        GAP.join(part.ljust(width) for part, width in zip(parts, COLUMNS, strict=True)).rstrip()
        for parts in zip(*padded, strict=True)
    ]


def _wrapped(text: str, indent: str, hanging: str | None = None) -> list[str]:
    return paragraph(printable(text), WIDTH, indent, hanging)
