"""Message ids: one form, in the order of time, no two alike."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.message_ids import new_message_id

TOKEN = "abcdefghijklmnop"
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))
STEP = timedelta(microseconds=125)


def test_an_id_has_the_day_the_time_and_ten_letters_of_chance() -> None:
    first = new_message_id(datetime(2026, 11, 27, tzinfo=UTC), TOKEN)
    second = new_message_id(datetime(2026, 11, 27, microsecond=125, tzinfo=UTC), TOKEN)

    assert first == "m261127222222abcdefghij"
    assert second == "m261127222223abcdefghij"


@given(MOMENTS)
def test_every_id_has_one_form(at: datetime) -> None:
    assert re.fullmatch(r"m\d{6}[a-z2-7]{16}", new_message_id(at, TOKEN))


@given(MOMENTS, st.timedeltas(STEP, timedelta(days=300)))
def test_ids_are_sorted_by_time(at: datetime, later: timedelta) -> None:
    assert new_message_id(at, "z" * 16) < new_message_id(at + later, "2" * 16)


def test_ids_of_one_moment_differ_by_chance() -> None:
    at = datetime(2026, 11, 27, 8, 30, tzinfo=UTC)

    assert new_message_id(at, TOKEN) != new_message_id(at, TOKEN[::-1])
