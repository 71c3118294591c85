"""What a card counts of a route: attempts of its own messages, whoever else uses its endpoint."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.base import Accepted, Outcome, Transient
from gateway.config import Configuration, load_text
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import DeliveryState, Settled, StageState
from gateway.readiness import Attempts
from gateway.readiness_facts import card_of, limits_card
from tests.gateway.journal.builders import T0, Scene, after, delivery, document, result
from tests.gateway.operations.bench import ROUTES
from tests.gateway.support import FakeClock

SHARED = ROUTES.replace("endpoint: answers, format", "endpoint: drop, format").replace(
    "    losing_side: nothing\n",
    "    losing_side: nothing\n    gates: {roll_back: {error_rate: 2%, over: 15m, to: shadow}}\n",
)
STATE = StageState("po.one", "canary", "5", 2, T0, "ann", "go")
FAILED = Transient("status 503")


@pytest.fixture
def configuration() -> Configuration:
    loaded = load_text(SHARED)
    assert isinstance(loaded, Configuration), [str(each) for each in loaded]
    return loaded


class Traffic:
    """Messages of several routes, each with one delivery to the one ERP."""

    def __init__(self) -> None:
        self.scene = Scene(MemoryJournal(clock=FakeClock()))
        self._count = 0

    async def answered(self, route: str, outcome: Outcome, set_type: str = "850") -> None:
        self._count += 1
        name, order = f"m{self._count}", f"O-{self._count}"
        await self.scene.accept(name, route=route)
        planned = [delivery(f"{name}-d", 0, order)]
        await self.scene.plan(name, [document(0, order, set_type=set_type)], planned)
        (claimed,) = await self.scene.claim()
        step = result(outcome=outcome, at=self.scene.now)
        await self.scene.journal.settle(claimed.claim, Settled(DeliveryState.DONE, step), self.scene.now)

    async def parked(self, route: str, set_type: str | None) -> None:
        """Park a set, or an input of which no set could be read."""
        self._count += 1
        name, order = f"m{self._count}", f"O-{self._count}"
        await self.scene.accept(name, route=route)
        if set_type is None:
            await self.scene.plan(name, parks=True)
        else:
            await self.scene.plan(name, [document(0, order, set_type=set_type, is_parked=True, side=None)])

    async def open_exceptions(self, configuration: Configuration, route: str = "po.one") -> int:
        own, now = configuration.routes[route], after(60)
        limits = await limits_card(self.scene.journal, configuration, own, STATE, now)
        card = await card_of(self.scene.journal, configuration, own, STATE, now)
        assert limits.open_exceptions == card.open_exceptions
        return card.open_exceptions

    async def cloud(self, configuration: Configuration) -> Attempts:
        route = configuration.routes["po.one"]
        card = await limits_card(self.scene.journal, configuration, route, STATE, after(60))
        return card.cloud[timedelta(minutes=15)]


async def test_another_route_s_failures_at_the_same_erp_are_none_of_this_route_s(
    configuration: Configuration,
) -> None:
    traffic = Traffic()
    await traffic.answered("po.one", Accepted())
    for _ in range(5):
        await traffic.answered("po.two", FAILED)

    assert await traffic.cloud(configuration) == Attempts(1, 0, (1.0,))


async def test_of_a_mailbox_that_several_routes_share_each_counts_its_own_sets(
    configuration: Configuration,
) -> None:
    traffic = Traffic()
    await traffic.answered("po.one", FAILED)
    await traffic.answered("po.one", Accepted())
    for _ in range(5):
        await traffic.answered("po.one", FAILED, set_type="855")  # ack.one's, which comes in the same files

    assert await traffic.cloud(configuration) == Attempts(1, 1, (1.0, 1.0))


async def test_of_a_mailbox_that_several_routes_share_each_counts_its_own_exceptions(
    configuration: Configuration,
) -> None:
    traffic = Traffic()
    await traffic.parked("po.one", "850")
    for _ in range(3):
        await traffic.parked("po.one", "855")  # ack.one's, which comes in the same files
    await traffic.parked("po.two", "purchase_order")

    assert await traffic.open_exceptions(configuration) == 1
    assert await traffic.open_exceptions(configuration, "ack.one") == 3
    assert await traffic.open_exceptions(configuration, "po.two") == 1


async def test_an_input_of_which_no_set_could_be_read_counts_for_each_route_of_its_mailbox(
    configuration: Configuration,
) -> None:
    traffic = Traffic()
    await traffic.parked("po.one", None)

    assert await traffic.open_exceptions(configuration) == 1
    assert await traffic.open_exceptions(configuration, "ack.one") == 1
    assert await traffic.open_exceptions(configuration, "po.two") == 0
