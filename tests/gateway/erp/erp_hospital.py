"""The hospital of `tests/gateway/order_hospital.py` with a simulated cloud ERP on a socket as its cloud side.

Connector, readings around it, and HTTP sink are the real ones, as a running gateway has them. Time is the
hospital's own, for the ERP too.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.base import NoReply, Reply, Request, Sink
from canonical.registry import to_json
from gateway.destination import Destination
from gateway.erp.http import HttpSink
from gateway.erp.limits import TargetHealth
from gateway.erp.readers import READERS
from gateway.erp.reading import ReadingTarget
from gateway.journal.types import Side, Transmitter
from gateway.outcome import RetryPolicy
from gateway.security.secrets import SecretStore
from simulators.cloud_erp.base.erp import Behaviour, SimulatedErp
from simulators.faults import Fault, FaultScript
from tests.gateway.erp.bench import KilledError
from tests.gateway.erp.erps import ErpUnderTest
from tests.gateway.erp.paper import SUPPLIER, order
from tests.gateway.order_hospital import RULE, Hospital
from tests.gateway.support import SeededRng


class ErpHospital(Hospital):
    """`async with ErpHospital(erp, fault, setting=...) as hospital: await hospital.place("7")`."""

    def __init__(self, erp: ErpUnderTest, *faults: Fault, stage: str = "cloud", **settings: Any) -> None:
        self.under_test, self._settings = erp, settings
        self.through: Sink | None = None  # what stands in front of the HTTP sink until a restart
        self._http: HttpSink | None = None
        super().__init__(stage=stage, rule=replace(RULE, cloud_transmitter=Transmitter.GATEWAY))
        self.script = FaultScript(tuple(faults))
        behaviour = Behaviour(None, token_path=erp.token_path)
        self.tenant: SimulatedErp = erp.simulator(behaviour, self.script, None, self.clock.monotonic)

    async def __aenter__(self) -> ErpHospital:
        await self.tenant.start()
        values = {"base": self.tenant.url, "plaintext": True, "timeout_s": 2.0, **self._settings}
        settings = self.under_test.settings(**values)
        self._connector = ReadingTarget(
            "erp", READERS[self.under_test.kind](settings), self.under_test.target(settings)
        )
        secret = SecretStore(Path(), {"ERP_SECRET": "s3cret"})
        self._http = HttpSink("erp", settings, clock=self.clock, rng=SeededRng(), secret=secret)
        self._limits = settings.limits
        self.start()
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()
        await self.tenant.stop()

    def start(self) -> None:
        """Build what a process has."""
        super().start()
        if self._http is None:
            return
        health = TargetHealth(self._limits, self.clock.monotonic())
        policy = RetryPolicy(attempts_max=6, backoff_lowest_s=1, backoff_highest_s=60, jitter="none")
        sink = self.through or self._http
        self.destinations["erp"] = Destination("erp", self._connector, sink, health, policy)

    def wrap(self, sink: type[Any], *words: Any, **more: Any) -> Any:
        """Put a sink in front of the real one."""
        assert self._http is not None
        self.through = sink(self._http, *words, **more)
        self.start()
        return self.through

    async def restart(self) -> None:
        """Drop the process, and start another one on what it left."""
        self.through = None
        await super().restart()

    async def killed(self) -> bool:
        """Go on until the process dies and is started again; False where it came to rest before."""
        try:
            await self.settle()
        except KilledError:
            await self.restart()
            return True
        return False

    async def place(self, number: str, lines: int = 2) -> None:
        """Let an order be placed: 10 of its first line, 20 of its second."""
        await self.take(json.loads(to_json(order(number, lines))))
        await self.settle()
        await self.is_well()

    async def receive(self, number: str, name: str, line: str, quantity: int) -> None:
        """Let goods come in, through the gateway."""
        await self.take(goods(number, name, line, quantity), "receipts")
        await self.settle()
        await self.is_well()

    async def is_well(self) -> None:
        """See that nothing waits for a person. Errors: AssertionError with all that does."""
        found = [str(each) for item in await self.journal.exceptions() for each in item.findings]
        if found:
            raise AssertionError("; ".join(found))

    async def move_away(self, *numbers: str, batch: str = "b") -> None:
        """Move orders to legacy, as far as it goes."""
        await self.move(*numbers, to=Side.LEGACY, batch=batch)
        await self.settle()


def goods(number: str, name: str, line: str, quantity: int) -> dict[str, Any]:
    """Give a receipt of one line of an order of `paper.order`."""
    item = {"scheme": "buyer", "value": f"TG{int(line) // 10}"}
    received = {
        "sequence": 1,
        "order_line_id": line,
        "item_ids": [item],
        "quantity": {"value": str(quantity), "unit": "EA"},
    }
    return {
        "document_type": "goods_receipt",
        "number": name,
        "orders": [{"number": number}],
        "seller": SUPPLIER,
        "received": {"date": "2026-01-02"},
        "lines": [received],
    }


class Deaf(Sink):
    """A sink that answers some requests itself: the ERP never hears of them."""

    def __init__(self, sink: Sink, hears_not: Any, answer: Reply) -> None:
        self._sink, self._hears_not, self._answer = sink, hears_not, answer

    async def send(self, request: Request, *, still_mine: Any = None) -> Reply | NoReply:
        if self._hears_not(request):
            return self._answer
        return await self._sink.send(request, still_mine=still_mine)

    async def close(self) -> None:
        await self._sink.close()
