"""A dossier of which anything was altered, removed, added or cut off does not verify."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dossier import FORMAT, Entry, fault, month_ends, records_of, sealed, written

HEAD = {"format": FORMAT, "route": "po", "stage": "retired", "approvals_asked": ["audit"]}
LOG = {"entries": 7, "head": "ab", "fault": None}
SILENCE = {"zone": "UTC", "since": "2026-01-10T00:00:00+00:00", "until": "2026-07-02T00:00:00+00:00"}


def evidence(**changes: object) -> list[Entry]:
    parts: list[Entry] = [
        ("dossier", HEAD),
        ("silence", SILENCE),
        ("orders", {"open": 0, "closed": 40}),
        ("interchanges", {"unacknowledged": 0}),
        ("work", {"unfinished": 0}),
        ("credential", {"name": "certificate cn:mms", "revoked": {"number": 3}}),
        ("approval", {"role": "audit", "who": "ann"}),
        ("approval", {"role": "supply-chain", "who": "bob"}),
        ("change", {"number": 3, "action": "routes.revoke", "why": "CHG-81"}),
        ("audit log", LOG),
    ]
    return [(kind, {**data, **changes.get(kind, {})}) for kind, data in parts]  # type: ignore[dict-item]


def checks(entries: list[Entry]) -> dict[str, bool]:
    return {each["name"]: each["holds"] for each in sealed(entries)[-1].data["checks"]}


FILE = written(sealed(evidence()))


def test_a_whole_dossier_verifies_and_is_complete() -> None:
    assert fault(FILE) is None
    assert records_of(FILE)[-1].data["complete"] is True
    assert fault(FILE, records_of(FILE)[-1].hash) is None


@given(st.data())
def test_any_altered_byte_is_detected(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(FILE) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda each: each != FILE[at]))

    assert fault(FILE[:at] + bytes([other]) + FILE[at + 1 :]) is not None


@given(st.integers(0, len(FILE) - 1))
def test_any_cut_off_end_is_detected(length: int) -> None:
    assert fault(FILE[:length]) is not None


@given(st.data())
def test_any_removed_repeated_or_exchanged_record_is_detected(data: st.DataObject) -> None:
    lines = FILE.splitlines(keepends=True)
    one = data.draw(st.integers(0, len(lines) - 1))
    other = data.draw(st.integers(0, len(lines) - 1).filter(lambda each: each != one))
    exchanged = list(lines)
    exchanged[one], exchanged[other] = exchanged[other], exchanged[one]

    assert fault(b"".join(lines[:one] + lines[one + 1 :])) is not None
    assert fault(b"".join([*lines[:one], lines[one], *lines[one:]])) is not None
    assert fault(b"".join(exchanged)) is not None


@given(st.data())
def test_a_record_that_is_altered_with_its_own_hash_made_anew_is_detected(data: st.DataObject) -> None:
    """The hash of the next record, or of the seal, is another one then."""
    lines = FILE.decode().splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    before = [(each.kind, each.data) for each in records_of(FILE)]
    kind, content = before[at]
    forged = sealed([*before[:at], (kind, {**content, "forged": True})])[at]
    lines[at] = forged.line
    changed = "".join(f"{line}\n" for line in lines).encode()

    assert fault(changed, records_of(FILE)[-1].hash) is not None


def test_one_that_was_written_anew_as_a_whole_has_another_head_than_the_audit_log() -> None:
    forged = written(sealed(evidence(orders={"open": 0, "closed": 4_000})))

    assert fault(forged) is None
    assert "written anew" in str(fault(forged, records_of(FILE)[-1].hash))


def test_a_conclusion_that_the_records_do_not_bear_is_detected() -> None:
    """Negative control: the chain alone would take it."""
    records = sealed(evidence(orders={"open": 3}))
    seal = dict(records[-1].data)
    seal["complete"] = True
    seal["checks"] = [{**each, "holds": True} for each in seal["checks"]]
    from gateway.dossier import _next

    forged = written([*records[:-1], _next(records[:-1], "seal", seal)])

    assert "conclusions" in str(fault(forged))


@pytest.mark.parametrize(
    "kind, change, check",
    [
        ("dossier", {"stage": "cloud"}, "retired"),
        ("dossier", {"approvals_asked": ["audit", "finance"]}, "approvals"),
        ("silence", {"since": "2026-04-01T00:00:00+00:00", "until": "2026-06-30T23:00:00+00:00"}, "silence"),
        ("silence", {"since": "2026-06-10T00:00:00+00:00"}, "silence"),
        ("orders", {"open": 1}, "open orders"),
        ("interchanges", {"unacknowledged": 2}, "unacknowledged interchanges"),
        ("work", {"unfinished": 1}, "unfinished deliveries and exceptions"),
        ("credential", {"revoked": None}, "credentials"),
        ("approval", {"who": "ann"}, "approvals"),
        ("audit log", {"fault": "entry 4 was changed"}, "audit log"),
    ],
)
def test_each_lack_of_evidence_is_told_by_its_check(kind: str, change: dict, check: str) -> None:
    found = checks(evidence(**{kind: change}))

    assert [name for name, holds in found.items() if not holds] == [check]


def test_one_person_in_two_roles_is_one_of_those_who_approved() -> None:
    asked = {"approvals_asked": ["audit", "supply-chain"]}
    entries = [*evidence(dossier=asked)]
    assert checks(entries)["approvals"]

    entries[7] = ("approval", {"role": "supply-chain", "who": "Ann"})
    assert not checks(entries)["approvals"]
    entries.append(("approval", {"role": "", "who": "cid"}))  # who set the stage
    assert not checks(entries)["approvals"]


def test_evidence_that_is_not_there_is_no_evidence() -> None:
    held = [name for name, holds in checks([]).items() if holds]

    assert held == ["credentials"]  # a route may have none; each that it has is a record


def test_months_end_by_the_gateways_own_calendar() -> None:
    since = datetime(2026, 1, 31, 12, tzinfo=UTC)

    assert [str(each) for each in month_ends(since, since + timedelta(days=60))] == [
        "2026-02-28",
        "2026-03-31",
    ]
    assert not list(month_ends(since, since + timedelta(days=27)))


def test_every_line_is_json_that_other_programs_can_read() -> None:
    lines = [json.loads(line) for line in FILE.decode().splitlines()]

    assert [each["number"] for each in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["kind"] == "seal"
