"""Nobody finds out too late: alarms about late orders and canaries that went back, until someone hears them.

What is due and what it says is pure; ``AlarmLoop`` asks the journal, sends by webhook and e-mail,
and remembers what went out. An alarm names orders and reasons, never prices or free text.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from adapters.base import Clock
from gateway.journal.base import Journal, JournalBusyError
from gateway.journal.types import Overdue, RolledBack

log = logging.getLogger("legacy_bridge.alarms")

CHECK_S = 10.0
OVERDUE_MAX = 20_000  # looked at in one check
SHOWN_MAX = 3  # routes in a subject
ENTRIES_MAX = 200  # of one alarm, urgent ones first; the rest is counted
PARKED_REASON = "a person must look; explain says why"  # a finding's words may be another system's


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: about all orders that are due now, about routes that went back, or certificates that end."""

    at: datetime
    entries: tuple[Overdue, ...]
    tell: tuple[str, ...]  # who is to act, by the routes' configuration
    certificates: tuple[str, ...] = ()  # a sentence for each that ends within thirty days
    rolled_back: tuple[RolledBack, ...] = ()

    @property
    def subject(self) -> str:
        """Give one line that a pager shows."""
        if self.certificates:
            count = len(self.certificates)
            return f"legacy-bridge: {count} certificate{'s end' if count > 1 else ' ends'} within 30 days"
        if self.rolled_back:
            names = ", ".join(f"{each.route} to {each.stage}" for each in self.rolled_back[:SHOWN_MAX])
            more = len(self.rolled_back) - SHOWN_MAX
            return f"legacy-bridge: went back by itself: {names}{f' and {more} more' if more > 0 else ''}"
        urgent = sum(1 for entry in self.entries if entry.is_urgent)
        rush = f", {urgent} of them urgent" if urgent else ""
        count = len(self.entries)
        return f"legacy-bridge: {count} order{'s' if count > 1 else ''} past the deadline{rush}"


Send = Callable[[Alarm], Awaitable[None]]


class AlarmLoop:
    """Looks for overdue work and sends alarms until it is acknowledged, done or resolved."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        senders: Sequence[Send],
        *,
        repeat: timedelta,
        patience: Callable[[str, bool], timedelta],
        patience_least: timedelta,
        tell: Callable[[str], tuple[str, ...]],
    ) -> None:
        """``patience`` of a route and urgency, for what has no deadline: never below ``patience_least``."""
        self._journal = journal
        self._clock = clock
        self._senders = senders
        self._repeat = repeat
        self._patience = patience
        self._patience_least = patience_least
        self._tell = tell

    async def run(self) -> None:
        """Check until cancelled. Errors: JournalError."""
        while True:
            try:
                await self.check()
                await self.check_roll_backs()
            except JournalBusyError:
                log.warning("alarm.journal_busy looked again later")
            await self._clock.sleep(CHECK_S)

    async def check(self) -> Alarm | None:
        """Send one alarm about all orders that are due; None where nothing is."""
        now = self._clock.now()
        missing = await self._journal.mark_unacknowledged(now)
        if missing:
            log.error("acknowledgment.missing count=%d", missing)
        found = await self._journal.overdue(now, now - self._patience_least, OVERDUE_MAX)
        overdue = [self._by_own_route(entry) for entry in found]
        due = alarms_due([each for each in overdue if each.deadline_at <= now], now, self._repeat)
        if not due:
            return None
        tell = tuple(dict.fromkeys(name for entry in due for name in self._tell(entry.route)))
        alarm = Alarm(now, due, tell)
        log.error(
            "alarm.overdue count=%d routes=%s", len(due), ",".join(sorted({each.route for each in due}))
        )
        if await self._is_sent(alarm):
            await self._journal.alarm_sent(due, now)
        return alarm

    async def check_roll_backs(self) -> Alarm | None:
        """Send one alarm about the routes that went back by themselves; None where none is due."""
        now = self._clock.now()
        found = await self._journal.rolled_back()
        due = tuple(each for each in found if is_due(each.last_alarm_at, now, self._repeat))
        if not due:
            return None
        tell = tuple(dict.fromkeys(name for each in due for name in self._tell(each.route)))
        alarm = Alarm(now, (), tell, rolled_back=due)
        log.error("alarm.rolled_back routes=%s", ",".join(each.route for each in due))
        if await self._is_sent(alarm):
            await self._journal.alarm_sent(due, now)
        return alarm

    async def _is_sent(self, alarm: Alarm) -> bool:
        """Send an alarm in every way. One that worked is enough to pause; else the next check sends it."""
        results = await asyncio.gather(*(send(alarm) for send in self._senders), return_exceptions=True)
        problems = [result for result in results if isinstance(result, BaseException)]
        for problem in problems:
            log.error("alarm.not_sent reason=%s", f"{type(problem).__name__}: {problem}")
        return len(problems) < len(results) or not results

    def _by_own_route(self, entry: Overdue) -> Overdue:
        """Give a message as a whole the deadline of its route; the journal was asked with the shortest."""
        if entry.delivery_id is not None or entry.document_index is not None:
            return entry
        longer = self._patience(entry.route, entry.is_urgent) - self._patience_least
        return replace(entry, deadline_at=entry.deadline_at + longer)


def alarms_due(overdue: Sequence[Overdue], now: datetime, repeat: timedelta) -> tuple[Overdue, ...]:
    """Give what an alarm is due for, urgent ones first: never told, or told longer ago than the pause."""
    due = (entry for entry in overdue if is_due(entry.last_alarm_at, now, repeat))
    return tuple(sorted(due, key=lambda entry: (not entry.is_urgent, entry.deadline_at)))


def is_due(last_at: datetime | None, now: datetime, repeat: timedelta) -> bool:
    """Tell whether an alarm goes out again."""
    return last_at is None or last_at + repeat <= now


def reason_of(entry: Overdue) -> str:
    """Say why it is late, in words that hold nothing of what it is about."""
    return PARKED_REASON if entry.state == "parked" else entry.reason or "no reason recorded"


def webhook_body(alarm: Alarm) -> bytes:
    """Give an alarm as JSON for a pager service."""
    if alarm.certificates:
        told = {
            "event": "certificates_ending",
            "at": alarm.at.isoformat(),
            "subject": alarm.subject,
            "count": len(alarm.certificates),
            "certificates": list(alarm.certificates[:ENTRIES_MAX]),
        }
        return json.dumps(told).encode()
    if alarm.rolled_back:
        return json.dumps(_roll_backs(alarm)).encode()
    entries: list[dict[str, Any]] = [
        {
            "message_id": entry.message_id,
            "route": entry.route,
            "orders": list(entry.order_keys),
            "deadline_at": entry.deadline_at.isoformat(),
            "state": entry.state,
            "reason": reason_of(entry),
            "urgent": entry.is_urgent,
        }
        for entry in alarm.entries[:ENTRIES_MAX]
    ]
    body = {
        "event": "orders_overdue",
        "at": alarm.at.isoformat(),
        "subject": alarm.subject,
        "count": len(alarm.entries),
        "tell": list(alarm.tell),
        "overdue": entries,
    }
    return json.dumps(body).encode()


def _roll_backs(alarm: Alarm) -> dict[str, Any]:
    routes = [
        {"route": each.route, "stage": each.stage, "at": each.at.isoformat(), "reason": each.why}
        for each in alarm.rolled_back[:ENTRIES_MAX]
    ]
    return {
        "event": "routes_rolled_back",
        "at": alarm.at.isoformat(),
        "subject": alarm.subject,
        "count": len(alarm.rolled_back),
        "tell": list(alarm.tell),
        "routes": routes,
    }


def signature(body: bytes, secret: str) -> str:
    """Sign a webhook body: HMAC-SHA-256 (RFC 2104), hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def mail_text(alarm: Alarm) -> str:
    """Give an alarm as the text of a mail, with what to do."""
    lines = [alarm.subject + ".", ""]
    if alarm.certificates:
        advice = "Replace the files; no restart is needed. See all: legacy-bridge check --live"
        return "\n".join([*lines, *alarm.certificates[:ENTRIES_MAX], "", advice]) + "\n"
    if alarm.tell:
        lines += [f"For: {', '.join(alarm.tell)}", ""]
    if alarm.rolled_back:
        return "\n".join([*lines, *_roll_back_lines(alarm)]) + "\n"
    for entry in alarm.entries[:ENTRIES_MAX]:
        orders = ", ".join(entry.order_keys) or "not translated yet"
        lines += [
            f"{'URGENT  ' if entry.is_urgent else ''}{orders}",
            f"    route {entry.route}, message {entry.message_id}, due {entry.deadline_at:%Y-%m-%d %H:%M}Z",
            f"    {entry.state}: {reason_of(entry)}",
        ]
    left = len(alarm.entries) - ENTRIES_MAX
    if left > 0:
        lines.append(f"... and {left} more")
    lines += [
        "",
        "See what happened:       legacy-bridge explain MESSAGE",
        "Place orders by phone:   legacy-bridge exceptions export --downtime",
        "Stop these alarms:       legacy-bridge exceptions acknowledge MESSAGE --why TEXT",
    ]
    return "\n".join(lines) + "\n"


def _roll_back_lines(alarm: Alarm) -> list[str]:
    lines = []
    for each in alarm.rolled_back[:ENTRIES_MAX]:
        lines += [
            f"{each.route}: in stage {each.stage} since {each.at:%Y-%m-%d %H:%M}Z, for new orders",
            f"    {each.why}",
        ]
    return [
        *lines,
        "",
        "Orders of before stay on the side that they are on.",
        "",
        "See why:                 legacy-bridge readiness ROUTE",
        "Send it forward again:   legacy-bridge routes set ROUTE canary --why TEXT",
        "Stop these alarms:       legacy-bridge exceptions acknowledge ROUTE --why TEXT",
    ]
