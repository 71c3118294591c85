"""A retired route's dossier: evidence that nothing depends on it any more, as a chain of hashes. Pure.

One JSON object a line. Each record's hash covers the record and the hash of the one before, and the last
one, the seal, says how many there are: a record that is altered, removed, added or cut off does not verify.
Who rewrites all of it makes another seal; that the first one was made, with its hash, stands in the audit
log. ``judged`` draws the conclusions from the records alone, so anybody can do it again, years later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.four_eyes import name_of, unfilled

FORMAT = "legacy-bridge dossier 1"
GENESIS = ""
SEAL = "seal"
PEOPLE_LEAST = 2  # who approved, and another one
QUARTERS = (3, 6, 9, 12)

Entry = tuple[str, Mapping[str, Any]]  # kind, what it says


@dataclass(frozen=True, slots=True)
class Record:
    """One line."""

    number: int
    kind: str
    data: Mapping[str, Any]
    previous: str
    hash: str

    @property
    def line(self) -> str:
        """Give it as it is written; any other spelling of the same is not taken."""
        return _json(
            {
                "number": self.number,
                "kind": self.kind,
                "data": self.data,
                "previous": self.previous,
                "hash": self.hash,
            }
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so before a route is gone for good."""

    name: str
    holds: bool
    text: str


def sealed(entries: Iterable[Entry]) -> list[Record]:
    """Chain what is evident, and seal it with the conclusions."""
    records: list[Record] = []
    for kind, data in entries:
        records.append(_next(records, kind, data))
    checks = judged(records)
    seal = {
        "records": len(records),
        "complete": all(each.holds for each in checks),
        "checks": [{"name": each.name, "holds": each.holds, "text": each.text} for each in checks],
    }
    records.append(_next(records, SEAL, seal))
    return records


def written(records: Iterable[Record]) -> bytes:
    """Give the file."""
    return "".join(f"{each.line}\n" for each in records).encode()


def fault(content: bytes, head: str | None = None) -> str | None:
    """Say what is wrong with a file, or None. ``head``: the seal's hash as it is known from elsewhere."""
    records: list[Record] = []
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        return f"byte {error.start} is no UTF-8: the file was damaged"
    if not any(_read(line) for line in lines):
        return "it is no dossier: none of its lines is a record; expected a file that routes dossier wrote"
    if lines[-1]:
        return "the last line has no end: the file was cut off"
    for number, line in enumerate(lines[:-1], 1):
        record = _read(line)
        if record is None or record.line != line:
            return f"line {number} is no record as this program writes it: it was altered"
        if records and records[-1].kind == SEAL:
            return f"line {number} stands behind the seal: it was added"
        if wrong := _broken(record, records):
            return wrong
        records.append(record)
    return _unsealed(records, head)


def records_of(content: bytes) -> list[Record]:
    """Read a file that has no fault."""
    return [each for line in content.decode().splitlines() if (each := _read(line)) is not None]


def _broken(record: Record, before: Sequence[Record]) -> str | None:
    expected = _next(before, record.kind, record.data)
    if record.number != expected.number:
        return f"record {expected.number} is missing; record {record.number} stands in its place"
    if record.previous != expected.previous:
        return f"record {record.number} does not follow the one before it: one of the two was exchanged"
    if record.hash != expected.hash:
        return f"record {record.number} was altered: its hash is not the one of its content"
    return None


def _unsealed(records: Sequence[Record], head: str | None) -> str | None:
    if not records or records[-1].kind != SEAL:
        return "there is no seal at the end: the file was cut off"
    if records[0].data.get("format") != FORMAT:
        return f"it is no {FORMAT}; use the version of legacy-bridge that wrote it"
    seal = records[-1].data
    if seal.get("records") != len(records) - 1:
        return f"the seal speaks of {seal.get('records')} records, and there are {len(records) - 1}"
    told = [(each.name, each.holds, each.text) for each in judged(records[:-1])]
    if [(each["name"], each["holds"], each["text"]) for each in seal["checks"]] != told:
        return "the seal's conclusions are not those of the records"
    if head is not None and records[-1].hash != head:
        return (
            f"its head is {records[-1].hash[:12]}, and {head[:12]} was expected: it was written anew, "
            "or it is another dossier"
        )
    return None


def _read(line: str) -> Record | None:
    try:
        found = json.loads(line)
        return Record(found["number"], found["kind"], found["data"], found["previous"], found["hash"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _next(before: Sequence[Record], kind: str, data: Mapping[str, Any]) -> Record:
    number, previous = len(before) + 1, before[-1].hash if before else GENESIS
    covered = _json([FORMAT, previous, number, kind, data])
    return Record(number, kind, data, previous, hashlib.sha256(covered.encode("ascii")).hexdigest())


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)


# -- conclusions -------------------------------------------------------------------------------


def judged(records: Sequence[Record]) -> list[Check]:
    """Draw the conclusions from the evidence."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for each in records:
        by_kind.setdefault(each.kind, []).append(each.data)
    return [
        _is_retired(by_kind),
        _is_silent(by_kind),
        _has_none(by_kind, "orders", "open", "open orders", "no order of it is open"),
        _has_none(by_kind, "interchanges", "unacknowledged", "unacknowledged interchanges",
                  "every interchange of ours is acknowledged"),
        _has_none(by_kind, "work", "unfinished", "unfinished deliveries and exceptions",
                  "nothing is on its way, and no exception is open"),
        _is_revoked(by_kind),
        _is_approved(by_kind),
        _is_audited(by_kind),
    ]  # fmt: skip


def _one(by_kind: Mapping[str, Sequence[Mapping[str, Any]]], kind: str) -> Mapping[str, Any]:
    found = by_kind.get(kind, ())
    return found[0] if found else {}


def _is_retired(by_kind: Mapping[str, Sequence[Mapping[str, Any]]]) -> Check:
    stage = _one(by_kind, "dossier").get("stage", "unknown")
    return Check("retired", stage == "retired", f"the route is in stage {stage}")


def _is_silent(by_kind: Mapping[str, Sequence[Mapping[str, Any]]]) -> Check:
    silence = _one(by_kind, "silence")
    try:
        zone = ZoneInfo(silence["zone"])
        since, until = (datetime.fromisoformat(silence[name]) for name in ("since", "until"))
    except (KeyError, ValueError, TypeError):
        return Check("silence", False, "there is no evidence of silence")
    months = list(month_ends(since.astimezone(zone), until.astimezone(zone)))
    quarters = [each for each in months if each.month in QUARTERS]
    days = (until - since).days
    told = f"silent for {days} days, since {since:%Y-%m-%d}"
    others = [each for each in months if each.month not in QUARTERS]
    if quarters and others:
        return Check("silence", True, f"{told}: across {others[-1]} and the quarter's end {quarters[-1]}")
    missing = "a quarter's end" if not quarters else "the end of another month"
    return Check("silence", False, f"{told}: {missing} was not yet among these days")


def month_ends(since: datetime, until: datetime) -> Iterator[date]:
    """Give the last days of months that lie whole between two instants of one zone."""
    day = since.date()
    while (day := day + timedelta(days=1)) < until.date():
        if (day + timedelta(days=1)).day == 1:
            yield day


def _has_none(
    by_kind: Mapping[str, Sequence[Mapping[str, Any]]], kind: str, field: str, name: str, good: str
) -> Check:
    count = _one(by_kind, kind).get(field)
    if count == 0:
        return Check(name, True, good)
    return Check(name, False, f"{count if isinstance(count, int) else 'an unknown number of'} {name}")


def _is_revoked(by_kind: Mapping[str, Sequence[Mapping[str, Any]]]) -> Check:
    open_ones = [str(each.get("name")) for each in by_kind.get("credential", ()) if not each.get("revoked")]
    if open_ones:
        return Check("credentials", False, f"not told to be revoked: {', '.join(open_ones)}")
    count = len(by_kind.get("credential", ()))
    return Check(
        "credentials", True, f"{count} credentials, each revoked" if count else "it has no credential"
    )


def _is_approved(by_kind: Mapping[str, Sequence[Mapping[str, Any]]]) -> Check:
    approvals = by_kind.get("approval", ())
    asked = _one(by_kind, "dossier").get("approvals_asked", [])
    given = [(str(each.get("role")), str(each.get("who"))) for each in approvals]
    people = {name_of(who): who for _, who in given}
    if lacking := unfilled(asked, given):
        return Check("approvals", False, lacking)
    if len(people) < PEOPLE_LEAST:
        return Check("approvals", False, f"{len(people)} people approved; expected {PEOPLE_LEAST} at least")
    return Check("approvals", True, f"approved by {', '.join(sorted(people.values()))}")


def _is_audited(by_kind: Mapping[str, Sequence[Mapping[str, Any]]]) -> Check:
    log = _one(by_kind, "audit log")
    if log.get("fault") is None and log.get("head"):
        return Check("audit log", True, f"the audit log was whole, {log.get('entries')} entries")
    return Check("audit log", False, f"the audit log was not whole: {log.get('fault') or 'nothing is known'}")
