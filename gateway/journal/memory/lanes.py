"""Lanes and queues: which delivery may go next at each target.

A lane is one order at one target; its oldest unfinished delivery holds it. A queue is one target's
deliveries that hold all their lanes. Queues are heaps whose entries are judged when they come up:
an entry may be out of date, but whatever became claimable has one.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from gateway.journal.types import DeliveryState, Want

if TYPE_CHECKING:
    from gateway.journal.memory.records import DeliveryRecord

LaneKey = tuple[int, int, int]  # message sequence, document index, order of planning

CLAIMABLE = frozenset({DeliveryState.READY, DeliveryState.WAITING, DeliveryState.IN_DOUBT})


@dataclass(slots=True)
class Lane:
    """Unfinished deliveries in their order, and how far the target has been asked already."""

    keys: list[LaneKey] = field(default_factory=list)
    deliveries: dict[LaneKey, DeliveryRecord] = field(default_factory=dict)
    attempted_through: tuple[int, int] = (-1, -1)

    @property
    def head(self) -> DeliveryRecord | None:
        """Give who holds the lane."""
        return self.deliveries[self.keys[0]] if self.keys else None

    def behind(self, key: LaneKey) -> list[DeliveryRecord]:
        """Give the deliveries after a place in the lane."""
        return [self.deliveries[later] for later in self.keys[bisect_left(self.keys, key) :] if later != key]


@dataclass(slots=True)
class Queue:
    """One target's claimable deliveries: due ones by age, later ones by time, leased ones by expiry."""

    urgent: list[tuple[LaneKey, DeliveryRecord]] = field(default_factory=list)
    usual: list[tuple[LaneKey, DeliveryRecord]] = field(default_factory=list)
    later: list[tuple[datetime, LaneKey, DeliveryRecord]] = field(default_factory=list)
    leased: list[tuple[float, LaneKey, int, DeliveryRecord]] = field(default_factory=list)  # with its fence

    def put_due(self, delivery: DeliveryRecord) -> None:
        """Queue a delivery that needs no waiting."""
        heappush(self.urgent if delivery.plan.is_urgent else self.usual, (delivery.key, delivery))


class Lanes:
    """All lanes and queues of a store."""

    def __init__(self) -> None:
        self.lanes: dict[tuple[str, str], Lane] = {}
        self.queues: dict[str, Queue] = {}

    def is_head(self, delivery: DeliveryRecord) -> bool:
        """Tell whether it holds all its lanes."""
        return all(lane.head is delivery for lane in self._lanes_of(delivery))

    def overtaken_order(
        self, target: str, order_keys: Sequence[str], sequence: int, index: int
    ) -> str | None:
        """Give the order of which a later document was attempted or done at the target, if there is one."""
        for order_key in order_keys:
            lane = self.lanes.get((target, order_key))
            if lane is not None and lane.attempted_through > (sequence, index):
                return order_key
        return None

    def enter(self, delivery: DeliveryRecord) -> None:
        """Put a delivery in its lanes; a younger one that was leased and sent nothing must let go."""
        for lane in self._lanes_of(delivery):
            insort(lane.keys, delivery.key)
            lane.deliveries[delivery.key] = delivery
            for younger in lane.behind(delivery.key):
                if younger.state is DeliveryState.CLAIMED and not younger.is_attempted:
                    younger.end_lease()
                    younger.state = DeliveryState.READY
        self.offer(delivery)

    def attempted(self, delivery: DeliveryRecord) -> None:
        """Note that a target has been asked, or is done."""
        sequence, index, _ = delivery.key
        for lane in self._lanes_of(delivery):
            lane.attempted_through = max(lane.attempted_through, (sequence, index))

    def leave(self, delivery: DeliveryRecord) -> None:
        """Take a finished delivery out of its lanes and let the next ones come up."""
        for lane in self._lanes_of(delivery):
            del lane.keys[bisect_left(lane.keys, delivery.key)]
            del lane.deliveries[delivery.key]
        for lane in self._lanes_of(delivery):
            if lane.head is not None:
                self.offer(lane.head)

    def offer(self, delivery: DeliveryRecord) -> None:
        """Queue a delivery, if workers may claim it now or later."""
        if (
            delivery.plan.role == "pass_through"
            or delivery.state not in CLAIMABLE
            or not self.is_head(delivery)
        ):
            return
        queue = self._queue(delivery.plan.target)
        if delivery.not_before is None:
            queue.put_due(delivery)
        else:
            heappush(queue.later, (delivery.not_before, delivery.key, delivery))

    def leased(self, delivery: DeliveryRecord) -> None:
        """Queue a delivery for when its lease expires."""
        if delivery.plan.role != "pass_through":
            entry = (delivery.expires_at, delivery.key, delivery.fence, delivery)
            heappush(self._queue(delivery.plan.target).leased, entry)

    def take(self, want: Want, now: datetime, monotonic: float) -> list[DeliveryRecord]:
        """Take what a worker wants out of the queue: urgent first, then oldest first."""
        queue = self.queues.get(want.target)
        if queue is None:
            return []
        self._bring_up(queue, now, monotonic)
        urgent = self._pop(queue, queue.urgent, want.slots + want.urgent_slots, now, monotonic)
        usual = self._pop(queue, queue.usual, want.slots - len(urgent), now, monotonic)
        return urgent + usual

    def next_due(self, target: str) -> datetime | None:
        """Give when the first waiting delivery of a target can be claimed."""
        queue = self.queues.get(target)
        while queue is not None and queue.later:
            at, _, delivery = queue.later[0]
            if delivery.not_before == at and delivery.state in CLAIMABLE and self.is_head(delivery):
                return at
            heappop(queue.later)
        return None

    def is_claimable(self, delivery: DeliveryRecord, now: datetime, monotonic: float) -> bool:
        """Tell whether a lease can be given: it holds all its lanes, and is due or its last lease is over."""
        if delivery.is_leased:
            is_free = delivery.expires_at <= monotonic
        else:
            is_due = delivery.not_before is None or delivery.not_before <= now
            is_free = delivery.state in CLAIMABLE and is_due
        return is_free and self.is_head(delivery)

    def _bring_up(self, queue: Queue, now: datetime, monotonic: float) -> None:
        while queue.later and queue.later[0][0] <= now:
            queue.put_due(heappop(queue.later)[2])
        while queue.leased and queue.leased[0][0] <= monotonic:
            expires_at, _, fence, delivery = heappop(queue.leased)
            if delivery.is_leased and (delivery.expires_at, delivery.fence) == (expires_at, fence):
                delivery.lose_lease()
                self.offer(delivery)

    def _pop(
        self,
        queue: Queue,
        due: list[tuple[LaneKey, DeliveryRecord]],
        count: int,
        now: datetime,
        monotonic: float,
    ) -> list[DeliveryRecord]:
        taken: dict[str, DeliveryRecord] = {}
        while due and len(taken) < count:
            delivery = heappop(due)[1]
            if self.is_claimable(delivery, now, monotonic):
                taken[delivery.delivery_id] = delivery
            elif not delivery.is_leased:
                self.offer(delivery)  # put off since the entry was made; anything else comes back by itself
        return list(taken.values())

    def _lanes_of(self, delivery: DeliveryRecord) -> list[Lane]:
        target = delivery.plan.target
        return [self.lanes.setdefault((target, order_key), Lane()) for order_key in delivery.plan.lanes]

    def _queue(self, target: str) -> Queue:
        return self.queues.setdefault(target, Queue())
