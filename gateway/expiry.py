"""Certificates that end within thirty days are announced, each day anew, in the ways that alarms take.

What ends is `gateway.config.presence`'s to find, over every certificate that the configuration names: those
shown to ERPs, listeners and partners. A certificate that was replaced is not announced any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from adapters.base import Clock, Finding
from gateway.alarms import Alarm, Send

log = logging.getLogger("legacy_bridge.expiry")

LOOK_EVERY_S = 6 * 3_600.0
REPEAT = timedelta(days=1)
CODE = "CONFIG-CERTIFICATE"

Look = Callable[[datetime], Sequence[Finding]]


class ExpiryLoop:
    """Looks at certificates and announces those that end soon, or have ended."""

    def __init__(self, look: Look, clock: Clock, senders: Sequence[Send]) -> None:
        self._look = look
        self._clock = clock
        self._senders = senders
        self._told: tuple[str, ...] = ()
        self._told_at: datetime | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.check()
            await self._clock.sleep(LOOK_EVERY_S)

    async def check(self) -> Alarm | None:
        """Announce what ends; None where nothing does, or where it was told within a day."""
        now = self._clock.now()
        findings = await asyncio.to_thread(self._look, now)
        texts = tuple(dict.fromkeys(each.text for each in findings if each.code == CODE))
        if not texts or (texts == self._told and self._told_at is not None and now - self._told_at < REPEAT):
            return None
        alarm = Alarm(now, (), (), certificates=texts)
        log.error("certificate.ending count=%d", len(texts))
        results = await asyncio.gather(*(send(alarm) for send in self._senders), return_exceptions=True)
        problems = [each for each in results if isinstance(each, BaseException)]
        for problem in problems:
            log.error("certificate.not_announced reason=%s", f"{type(problem).__name__}: {problem}")
        if len(problems) < len(results) or not results:
            self._told, self._told_at = texts, now
        return alarm
