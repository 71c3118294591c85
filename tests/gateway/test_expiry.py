"""Certificates that end soon: announced thirty days before, once a day, until the file is replaced."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.base import Finding, Position
from gateway.alarms import Alarm, mail_text, webhook_body
from gateway.config import Configuration, check, load_text
from gateway.expiry import ExpiryLoop
from gateway.security.certificates import Validity, issue_client
from tests.gateway.support import Certificates, FakeClock

SOON = (
    Finding(
        "CONFIG-CERTIFICATE", Position("routes.yaml"), "certificate CN=acme in 'a.pem' ends on 2026-01-20"
    ),
)

ROUTES = """\
version: 1
gateway: {environment: test, organisation: mercy, journal: "memory:"}
endpoints:
  fusion:
    kind: oracle_fusion
    environment: test
    base: https://pod.example
    tls: {certificate: "file:client.pem", key: "file:client.key", ca: "file:ca.pem"}
"""


class Desk:
    """Keeps what was announced; fails while `is_down`."""

    def __init__(self) -> None:
        self.got: list[Alarm] = []
        self.is_down = False

    async def __call__(self, alarm: Alarm) -> None:
        if self.is_down:
            raise ConnectionError("down")
        self.got.append(alarm)


def loop(clock: FakeClock, desk: Desk, found: list[Sequence[Finding]]) -> ExpiryLoop:
    return ExpiryLoop(lambda now: found[0], clock, (desk,))


async def test_what_ends_soon_is_told_once_a_day_and_no_more_once_it_was_replaced() -> None:
    clock, desk = FakeClock(), Desk()
    found: list[Sequence[Finding]] = [SOON]
    watch = loop(clock, desk, found)
    for hours in (0, 6, 12, 19):
        clock.elapsed_s = hours * 3_600.0
        await watch.check()
    assert len(desk.got) == 1

    clock.elapsed_s = 25 * 3_600.0
    await watch.check()
    assert len(desk.got) == 2
    found[0] = ()
    clock.elapsed_s = 60 * 3_600.0
    assert await watch.check() is None


async def test_an_announcement_that_reached_nobody_is_tried_again_at_the_next_look() -> None:
    clock, desk = FakeClock(), Desk()
    watch = loop(clock, desk, [SOON])
    desk.is_down = True
    await watch.check()
    desk.is_down = False
    await watch.check()

    assert [each.certificates for each in desk.got] == [(SOON[0].text,)]


async def test_another_certificate_is_told_at_once() -> None:
    clock, desk = FakeClock(), Desk()
    found: list[Sequence[Finding]] = [SOON]
    watch = loop(clock, desk, found)
    await watch.check()
    found[0] = (
        *SOON,
        Finding("CONFIG-CERTIFICATE", Position(""), "certificate CN=b in 'b.pem' ends on 2026-01-09"),
    )
    await watch.check()

    assert [len(each.certificates) for each in desk.got] == [1, 2]


def test_the_webhook_and_the_mail_say_which_and_what_to_do() -> None:
    alarm = Alarm(datetime(2026, 1, 2, tzinfo=UTC), (), (), certificates=(SOON[0].text,))
    told = json.loads(webhook_body(alarm))

    assert (told["event"], told["certificates"]) == ("certificates_ending", [SOON[0].text])
    assert alarm.subject == "legacy-bridge: 1 certificate ends within 30 days"
    assert "no restart is needed" in mail_text(alarm)


@pytest.mark.parametrize(("days", "is_told"), [(29, True), (31, False)])
async def test_an_endpoints_certificate_is_found_thirty_days_before_its_end(
    tmp_path: Path, days: int, is_told: bool
) -> None:
    certificates = Certificates(tmp_path)
    now = certificates.now
    ends_at = now + timedelta(days=days)
    certificates.write(
        "client", issue_client(certificates.ca, "acme", Validity(now - timedelta(minutes=1), ends_at))
    )
    loaded = load_text(ROUTES, folder=tmp_path)
    assert isinstance(loaded, Configuration), loaded
    desk = Desk()
    await ExpiryLoop(lambda at: check(loaded, live=False, now=at), FakeClock(now), (desk,)).check()

    assert bool(desk.got) is is_told
