"""When to look next: intervals, cron, windows, and the two odd nights of the year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sftp_files.schedule import check_cron, next_look, opened, read_window
from tests.adapters.sftp_files.rig import RacingPort, Rig

CHICAGO = "America/Chicago"
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "window", "expected"),
    [
        ("2026-03-02T09:00-06:00", "06:00-18:30", "2026-03-02T09:00-06:00"),  # inside
        ("2026-03-02T05:00-06:00", "06:00-18:30", "2026-03-02T06:00-06:00"),
        ("2026-03-02T18:30-06:00", "06:00-18:30", "2026-03-03T06:00-06:00"),  # its end is outside
        ("2026-03-06T19:00-06:00", "mon-fri 06:00-18:30", "2026-03-09T06:00-05:00"),  # over a weekend and DST
        ("2026-03-02T23:30-06:00", "22:00-02:00", "2026-03-02T23:30-06:00"),
        ("2026-03-03T01:59-06:00", "22:00-02:00", "2026-03-03T01:59-06:00"),
        ("2026-03-03T02:00-06:00", "22:00-02:00", "2026-03-03T22:00-06:00"),
        ("2026-03-03T01:00-06:00", "mon 22:00-02:00", "2026-03-03T01:00-06:00"),  # began on Monday
        ("2026-03-04T01:00-06:00", "mon 22:00-02:00", "2026-03-09T22:00-05:00"),
        ("2026-03-01T12:00-06:00", "fri-mon 00:00-24:00", "2026-03-01T12:00-06:00"),
        ("2026-03-03T12:00-06:00", "fri-mon 00:00-24:00", "2026-03-06T00:00-06:00"),
    ],
)
def test_a_window_opens_in_the_partners_zone(now: str, window: str, expected: str) -> None:
    assert opened(at(now), [read_window(window)], CHICAGO) == at(expected)


def test_of_several_windows_the_next_counts() -> None:
    windows = [read_window("12:00-13:00"), read_window("06:00-07:00")]

    assert opened(at("2026-03-02T07:30-06:00"), windows, CHICAGO) == at("2026-03-02T12:00-06:00")


@given(MOMENTS, st.sampled_from(["06:00-18:30", "sun 02:15-02:45", "mon-wed 22:00-02:00", "sat 00:00-24:00"]))
def test_a_moment_that_is_given_is_open_and_none_before_it_is(moment: datetime, text: str) -> None:
    windows = [read_window(text)]
    found = opened(moment, windows, CHICAGO)

    assert found >= moment
    assert opened(found, windows, CHICAGO) == found
    if found > moment:
        just_before = found - timedelta(seconds=1)
        assert opened(just_before, windows, CHICAGO) > just_before


@pytest.mark.parametrize(
    ("now", "cron", "expected"),
    [
        ("2026-03-02T05:07-06:00", "*/15 6-18 * * mon-fri", "2026-03-02T06:00-06:00"),
        ("2026-03-02T06:00-06:00", "*/15 6-18 * * mon-fri", "2026-03-02T06:15-06:00"),
        ("2026-03-07T12:00-06:00", "30 2 * * *", "2026-03-08T03:00-05:00"),  # the night without 02:30
        ("2026-10-31T12:00-05:00", "30 1 * * *", "2026-11-01T01:30-05:00"),  # the night with two
        ("2026-11-01T01:30-05:00", "30 1 * * *", "2026-11-02T01:30-06:00"),  # once is enough
    ],
)
def test_cron_counts_in_the_partners_zone(now: str, cron: str, expected: str) -> None:
    found = next_look(at(now), poll_s=5, cron=cron, windows=(), zone=CHICAGO, goes_on=False)

    assert found == at(expected)


def test_a_look_by_cron_that_waits_for_files_goes_on_by_the_interval() -> None:
    now = at("2026-03-02T06:00-06:00")

    assert next_look(
        now, poll_s=5, cron="0 6 * * *", windows=(), zone=CHICAGO, goes_on=True
    ) == now + timedelta(seconds=5)


@pytest.mark.parametrize(
    "text",
    ["", "6-18", "06:00-25:00", "06:00-06:00", "xyz 06:00-07:00", "mon-xyz 06:00-07:00", "24:00-06:00"],
)
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic tells its text with the field
        read_window(text)


@pytest.mark.parametrize("text", ["", "* * * *", "61 * * * *", "0 0 30 2 *", "every day"])
def test_a_cron_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="five fields"):
        check_cron(text)


async def test_a_folder_is_looked_at_in_its_windows_only(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "inbox", settings={"windows": ["06:00-06:01"], "poll": "20s"})
    listed: list[datetime] = []
    folder_port = rig.port()

    class Listening:
        def __getattr__(self, name: str) -> object:
            if name == "list":
                listed.append(rig.clock.now())
            return getattr(folder_port, name)

    rig.put("po.850")
    await rig.run(3_000, port=Listening())  # type: ignore[arg-type]

    assert len(rig.taken) == 1
    assert len(listed) > 3
    assert {moment.strftime("%H:%M") for moment in listed} == {"06:00"}
    assert len({moment.date() for moment in listed}) > 1


async def test_a_look_by_cron_goes_on_until_a_file_is_complete(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "inbox", settings={"cron": "0 6 * * *", "poll": "10s", "ready": {"stable": "30s"}})
    looks: list[datetime] = []

    def look(path: str) -> None:
        if path == "":
            looks.append(rig.clock.now())
            if len(looks) == 3:  # at the start, on the first morning, and now on the second
                rig.put("po.850", age_s=-(10**6))  # never old by the folder's clock: it is watched

    await rig.run(6_000, port=RacingPort(rig.port(), list=look))

    assert [name for name, _ in rig.taken] == ["po.850"]
    (morning, *later) = looks[2:]
    assert {(each - morning).total_seconds() for each in later[:3]} == {10, 20, 30}
    assert rig.origins[0].received_at == morning + timedelta(seconds=30)
    assert {each.strftime("%H:%M:%S") for each in (morning, *later[3:])} == {"06:00:00"}
