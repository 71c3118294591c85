"""Which later changes say only what was written, and which are news."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.db_triggers.echo import Remembered, RowImages, content_hash, judge, row_hash

BEFORE = {"po_no": "P-1       ", "ack_sts": None, "ack_dt": "00000000", "note_txt": "x", "chg_user": "ENTRY"}
WRITTEN = Remembered(10, {"ack_sts": content_hash("AC"), "ack_dt": content_hash("20261121")}, ("chg_user",))


def update(id_: int = 11, **changed: object) -> RowImages:
    return RowImages(id_, "U", BEFORE, {**BEFORE, **changed})


@pytest.mark.parametrize(
    "change",
    [
        update(ack_sts="AC"),
        update(ack_sts="AC", ack_dt="20261121"),
        update(ack_sts="AC", chg_user="BATCH"),  # declared beside it
        update(),  # a job that writes what stands there
        RowImages(11, "I", None, {**BEFORE, "ack_sts": "AC", "ack_dt": "20261121"}),
    ],
)
def test_a_job_that_makes_the_written_change_once_more_is_an_echo(change: RowImages) -> None:
    assert judge(change, WRITTEN).is_echo
    assert judge(change, WRITTEN).remembered == WRITTEN


@pytest.mark.parametrize(
    "change",
    [
        update(note_txt="call me"),
        update(ack_sts="AC", note_txt="call me"),
        update(ack_sts="RJ"),
        update(10, ack_sts="AC"),  # made before we wrote
        RowImages(11, "D", BEFORE, None),
        RowImages(11, "R", None, {**BEFORE, "ack_sts": "AC", "ack_dt": "20261121"}),
        RowImages(11, "I", None, {**BEFORE, "ack_sts": "AC"}),
        RowImages(11, "U", None, {**BEFORE, "ack_sts": "AC"}),  # nobody can say what it changed
    ],
)
def test_anything_else_is_news(change: RowImages) -> None:
    assert not judge(change, WRITTEN).is_echo


def test_a_user_who_changes_a_value_and_changes_it_back_is_heard_both_times() -> None:
    away = judge(update(11, ack_sts="RJ"), WRITTEN)
    assert away.remembered is not None
    back = judge(
        RowImages(12, "U", {**BEFORE, "ack_sts": "RJ"}, {**BEFORE, "ack_sts": "AC"}), away.remembered
    )

    assert not away.is_echo
    assert not back.is_echo


def test_a_deleted_row_is_forgotten() -> None:
    assert judge(RowImages(11, "D", BEFORE, None), WRITTEN).remembered is None


def test_what_is_stored_reads_back() -> None:
    assert Remembered.from_json(10, WRITTEN.to_json()) == WRITTEN


def test_padding_and_trailing_zeros_do_not_make_another_value() -> None:
    assert content_hash(Decimal("5.000")) == content_hash("5") == content_hash(5.0) == content_hash("5.00")
    assert content_hash("AC  ") == content_hash("AC")
    assert content_hash(datetime(2026, 11, 20, 8, 30)) == content_hash("2026-11-20T08:30:00.000000")
    assert content_hash(None) != content_hash("")
    assert row_hash("po_line", ["P-1   ", "1"]) == row_hash("po_line", ["P-1", 1])


@given(st.dictionaries(st.sampled_from(sorted(BEFORE)), st.text(max_size=3)))
def test_a_change_of_a_column_that_was_not_written_is_never_an_echo(changed: dict[str, str]) -> None:
    change = update(11, **changed)
    touched = {name for name in changed if (changed[name].rstrip(" ")) != str(BEFORE[name] or "").rstrip(" ")}
    if touched - {"ack_sts", "ack_dt", "chg_user"}:
        assert not judge(change, WRITTEN).is_echo
