from __future__ import annotations

from gateway.operations import Hooks, Operations
from tests.gateway.commands.documents import interchange, order_set
from tests.gateway.operations.bench import OUTAGE, Bench


async def test_it_counts_what_waits_per_target_with_the_reasons(bench: Bench) -> None:
    message = await bench.arrive(interchange(order_set("PO-1"), order_set("PO-2"), order_set("PO-3")))
    await bench.park(message)
    await bench.arrive(interchange(order_set("PO-4"), control="000000008"))
    await bench.deliver(erp=OUTAGE)
    await bench.arrive(interchange(order_set("PO-5"), control="000000009"), translate=False)

    status = await bench.ask("status")

    targets = {each["target"]: each for each in status["targets"]}
    assert (status["is_running"], status["to_translate"], status["exceptions"]) == (False, 1, 3)
    assert targets["erp"]["states"] == {"waiting": 1, "parked": 3}
    assert {(each["state"], each["deliveries"]) for each in targets["erp"]["reasons"]} == {
        ("parked", 3), ("waiting", 1),
    }  # fmt: skip
    assert "no connection" in str(targets["erp"]["reasons"])


async def test_a_running_gateway_tells_of_its_process(bench: Bench) -> None:
    hooks = Hooks(process=lambda: {"pid": 42})

    status = await Operations(bench.journal, lambda: bench.configuration, bench.clock, hooks).status()

    assert (status["is_running"], status["process"]) == (True, {"pid": 42})
