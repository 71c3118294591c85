"""What the command says of a retry: what it can and cannot do, and where to find what comes of it."""

from __future__ import annotations

import json

from adapters.base import Finding, Position, Rejected
from tests.gateway.commands.conftest import Command
from tests.gateway.commands.documents import order_set
from tests.gateway.commands.orders_parked import arrived, one_line, parked
from tests.gateway.commands.running import Running
from tests.gateway.operations.bench import TAKEN, UNCLEAR

DOUBT = Rejected((Finding("LEGACY-IN-DOUBT", Position("erp"), "nobody knows whether erp took this"),))


def test_a_retried_conflict_says_what_legacy_gets_and_under_which_id_the_rest_is_parked(
    bridge: Command, gateway: Running
) -> None:
    bridge("routes", "set", "po.one", "legacy", "--why", "x")
    arrived(gateway, order_set("PO-1"))
    other = arrived(gateway, order_set("PO-1", quantity="13"), translate=False)

    retried = bridge("exceptions", "retry", other, "--why", "both hold", "--who", "ann")
    gateway.do(gateway.bench.pipeline.translate(other))
    while gateway.do(gateway.bench.deliver(legacy=TAKEN)):
        pass
    listed = bridge("exceptions", "list")

    assert retried.out.splitlines()[0] == f"{other}: its message is translated again"
    assert "in stage legacy: the legacy system gets these bytes as they are" in one_line(retried.out)
    assert f"the first set as {other}/0" in one_line(retried.out)
    assert listed.out.splitlines()[0] == f"{other}/0"
    assert "legacy has it all the same (as 4711): it went on as received" in one_line(listed.out)
    assert f"parked since ann retried {other} at 20" in one_line(listed.out)
    assert f"parked of its message now: {other}/0" in bridge("exceptions", "show", other).err


def test_a_retry_of_what_cannot_be_looked_up_says_that_it_decides_nothing_and_what_does(
    bridge: Command, gateway: Running
) -> None:
    message = arrived(gateway, order_set("PO-1"))
    gateway.do(gateway.bench.deliver(erp=UNCLEAR))
    gateway.bench.clock.elapsed_s += 3600
    gateway.do(gateway.bench.deliver(erp=DOUBT))
    (item,) = json.loads(bridge("exceptions", "list", "--json").out)

    retried = bridge("exceptions", "retry", item["exception_id"], "--why", "again")

    told = one_line(retried.out)
    assert told.startswith(f"{item['exception_id']}: it is taken up again A retry cannot decide this: erp ")
    assert f"exceptions resolve {item['exception_id']} --done-elsewhere REF" in told
    assert f"messages replay {message} --resend" in told
    assert "looked up at its target first" not in told


def test_a_retry_that_can_decide_comes_without_advice(bridge: Command, gateway: Running) -> None:
    exception = parked(gateway, order_set("PO-1"))

    assert bridge("exceptions", "retry", exception, "--why", "x").out == f"{exception}: it is sent again\n"
