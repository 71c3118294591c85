"""Asking both sides for orders as they stand there, a bounded number at a time, through their own targets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from adapters.base import Clock, Finding
from adapters.base.orders import OrderAt, OrderThere, keeper_of
from gateway.destination import Destination

TOGETHER = 8


class OrderReading:
    """Reads orders at destinations. Nothing of it is journaled: it changes nothing, and is asked anew."""

    def __init__(self, destinations: Callable[[], Mapping[str, Destination]], clock: Clock) -> None:
        self._destinations = destinations
        self._clock = clock
        self._slots = asyncio.Semaphore(TOGETHER)

    def can_read(self, target: str) -> bool:
        """Tell whether a target can be asked at all."""
        destination = self._destinations().get(target)
        keeper = keeper_of(destination.target) if destination is not None else None
        return keeper is not None and keeper.read_order(OrderAt("", "0", "0")) is not None

    async def read(self, target: str, order: OrderAt) -> OrderThere | Finding | None:
        """Give an order as it stands at a target; None where it has none. Ask only where it can be read."""
        destination = self._destinations()[target]
        keeper = keeper_of(destination.target)
        asked = replace(order, asked_at=self._clock.now())
        request = keeper.read_order(asked) if keeper is not None else None
        if keeper is None or request is None:
            raise LookupError(f"{target} cannot be asked for orders")
        if isinstance(request, Finding):
            return request
        async with self._slots:
            reply = await destination.sink.send(request, still_mine=_always)
        return keeper.order_read(reply)


async def _always() -> bool:
    return True
