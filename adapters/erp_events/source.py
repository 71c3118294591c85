"""The feed as a source: asks the ERP's API what changed, and yields each change as an event.

The cursor moves only once the journal has what was found before it, so a killed gateway asks again, and the
arrival key recognises what it has. Failing is no news here: the next question comes after `every`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from adapters.base.registry import SourceSetup
from adapters.base.transport import Inbound, Origin, Reply, Settlement
from adapters.erp_events.config import ErpEventsEndpoint, Feed
from adapters.erp_events.feed import PAGE, Change, changes, event_body, event_id, question, settled

log = logging.getLogger("legacy_bridge.erp_events")

PAGES_MAX = 1_000  # in one go; more wait for the next


class FeedSource:
    """The changes of one ERP's orders."""

    def __init__(self, setup: SourceSetup, settings: ErpEventsEndpoint, feed: Feed) -> None:
        self._setup = setup
        self._settings = settings
        self._feed = feed
        self._scope = f"erp-feed/{setup.endpoint.name}"
        self._unsettled = 0
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Say what the newest question failed with, until one is answered."""
        return self._trouble

    @classmethod
    def of(cls, setup: SourceSetup) -> FeedSource | None:
        """Give the source of an endpoint, None where it has no feed."""
        settings = setup.endpoint.settings
        if not isinstance(settings, ErpEventsEndpoint) or settings.feed is None:
            return None
        return cls(setup, settings, settings.feed)

    async def receive(self) -> AsyncIterator[Inbound]:
        """Give what changed, for ever."""
        clock = self._setup.endpoint.clock
        while True:
            async for each in self._round():
                yield each
            await clock.sleep(self._feed.every.total_seconds())

    async def _round(self) -> AsyncIterator[Inbound]:
        memory, self._unsettled = self._setup.memory, 0
        cursor = await memory.cursor(self._scope)
        since = cursor or self._feed.since or self._setup.endpoint.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        for _ in range(PAGES_MAX):
            page = await self._asked(since)
            found = settled(page, self._setup.endpoint.clock.now() - self._feed.quiet)
            for change in found:
                yield self._inbound(change)
            last = max((each.at for each in found), default=since)
            if self._unsettled:
                return  # the cursor stays: what the journal did not take is found again
            if last != cursor:
                await memory.set_cursor(self._scope, last, cursor)
                cursor = last
            if len(found) < PAGE or last == since:
                if len(found) >= PAGE:  # more changes in one moment than a page holds
                    log.error("erp_feed.stuck endpoint=%s at=%s", self._setup.endpoint.name, since)
                return
            since = last

    async def _asked(self, since: str) -> list[Change]:
        settings, feed = self._settings, self._feed
        sink = self._setup.endpoint.outlet_of(feed.endpoint)
        reply = await sink.send(question(settings.erp, feed.field, since))
        if not isinstance(reply, Reply) or reply.status != 200:
            told = f"status {reply.status}" if isinstance(reply, Reply) else reply.reason
            log.warning("erp_feed.unanswered endpoint=%s reason=%s", self._setup.endpoint.name, told)
            self._trouble = self._told(f"asked what changed, it says: {told}")
            return []
        try:
            found = changes(settings.erp, feed.field, reply.body)
        except ValueError as error:
            log.error("erp_feed.unreadable endpoint=%s reason=%s", self._setup.endpoint.name, error)
            self._trouble = self._told(f"its answer about what changed cannot be read: {error}")
            return []
        self._trouble = None
        return found

    def _told(self, what: str) -> str:
        every_s = self._feed.every.total_seconds()
        return f"endpoint '{self._feed.endpoint}': {what}; it is asked again every {every_s:g} s by itself"

    def _inbound(self, change: Change) -> Inbound:
        settings, setup = self._settings, self._setup
        self._unsettled += 1

        async def body() -> AsyncIterator[bytes]:
            yield event_body(settings.erp, settings.fields, change)

        async def settle(settlement: Settlement) -> None:
            self._unsettled -= 1  # taken, or refused and the finding kept: either way it is known

        return Inbound(
            route=setup.route,
            arrival_key=f"{settings.erp}/{event_id(change)}",
            origin=Origin(
                "erp_events",
                setup.endpoint.clock.now(),
                name=f"feed of {self._feed.endpoint}",
                identity=settings.erp,
                content_type="application/json",
                facts={"hand_over.purchase_order": setup.route, "erp": settings.erp},
            ),
            body=body(),
            settle=settle,
            partner=setup.partner,
        )
