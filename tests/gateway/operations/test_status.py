from __future__ import annotations

from datetime import timedelta

from adapters.base import Finding, Origin, Position
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


async def test_each_reason_names_the_oldest_message_that_waits_for_it(bench: Bench) -> None:
    for number in (1, 2):
        await bench.arrive(interchange(order_set(f"PO-{number}"), control=f"00000000{number}"))
        bench.clock.elapsed_s += 60
    await bench.deliver(erp=OUTAGE)

    (reason,) = (await bench.ask("status"))["targets"][0]["reasons"]

    (first,) = [each.message_id for each in await bench.journal.messages() if each.sequence == 1]
    assert (reason["deliveries"], reason["oldest_message_id"]) == (2, first)


async def test_what_was_refused_in_the_last_day_is_counted(bench: Bench) -> None:
    finding = Finding("FILE-EMPTY", Position("empty.850"), "the file has zero bytes")
    for age_h in (30, 23, 1):
        at = bench.clock.now() - timedelta(hours=age_h)
        await bench.journal.refuse("po.one", Origin("sftp_files", at, "empty.850"), finding, at)

    assert (await bench.ask("status"))["refused"] == {"count": 2, "hours": 24}


async def test_a_running_gateway_tells_of_its_process(bench: Bench) -> None:
    hooks = Hooks(process=lambda: {"pid": 42})

    status = await Operations(bench.journal, lambda: bench.configuration, bench.clock, hooks).status()

    assert (status["is_running"], status["process"]) == (True, {"pid": 42})
