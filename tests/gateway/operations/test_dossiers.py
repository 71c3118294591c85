"""A route's dossier from the journal: what it says while something is left, and when nothing is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.dossier import fault, records_of
from gateway.operations import OperationError
from tests.gateway.operations.bench import Bench
from tests.gateway.test_x12_through import interchange


async def moved(bench: Bench, stage: str, who: str = "ann") -> None:
    await bench.ask("routes.set", route="po.one", stage=stage, who=who, why="no more orders")


async def made(bench: Bench) -> tuple[dict[str, bool], dict]:
    dossier = await bench.ask("routes.dossier", route="po.one", who="ann", why="end of MMS")
    return {each["name"]: each["holds"] for each in dossier["checks"]}, dossier


async def approved(bench: Bench, who: str) -> None:
    await bench.ask("routes.approve", route="po.one", stage="retired", role="audit", who=who, why="looked")


async def test_a_route_of_which_nothing_is_left_has_a_complete_dossier(bench: Bench) -> None:
    await moved(bench, "retired")
    await approved(bench, "bob")
    await bench.ask(
        "routes.revoke", route="po.one", credential="endpoint drop", who="cy", why="account closed"
    )
    bench.clock.elapsed_s += timedelta(days=95).total_seconds()

    checks, dossier = await made(bench)

    assert all(checks.values()), dossier["checks"]
    assert dossier["complete"] is True
    content = dossier["content"].encode()
    assert fault(content, dossier["head"]) is None
    assert records_of(content)[0].data["route"] == "po.one"


async def test_the_head_of_a_dossier_is_in_the_audit_log(bench: Bench) -> None:
    _, dossier = await made(bench)

    entry = (await bench.journal.audit())[-1]
    assert (entry.action, entry.subject, entry.detail["head"]) == (
        "routes.dossier",
        "po.one",
        dossier["head"],
    )
    assert await bench.journal.verify_audit() is None


async def test_a_route_in_use_lacks_what_it_lacks(bench: Bench) -> None:
    await bench.arrive(interchange(["04"]))
    await bench.arrive(
        interchange(["04"], control=43).replace(b"*12*EA*", b"*x*EA*").replace(b"4700", b"4799")
    )
    checks, dossier = await made(bench)

    assert {name for name, holds in checks.items() if holds} == {"unacknowledged interchanges", "audit log"}
    assert dossier["complete"] is False
    assert fault(dossier["content"].encode()) is None  # what is missing is told truly


async def test_a_straggler_ends_the_silence(bench: Bench) -> None:
    await moved(bench, "retired")
    bench.clock.elapsed_s += timedelta(days=95).total_seconds()
    assert (await made(bench))[0]["silence"] is True

    await bench.arrive(interchange(["04"]))
    checks, dossier = await made(bench)

    assert checks["silence"] is False
    silence = next(each.data for each in records_of(dossier["content"].encode()) if each.kind == "silence")
    assert silence["stragglers"] == {"mms": 1}


async def test_only_a_credential_of_the_route_can_be_told_to_be_revoked(bench: Bench) -> None:
    with pytest.raises(OperationError, match="it has: endpoint drop"):
        await bench.ask("routes.revoke", route="po.one", credential="certificate x", who="a", why="b")


@pytest.mark.parametrize("route", ["ack.one", "nowhere"])
async def test_a_route_without_orders_of_its_own_has_no_dossier(bench: Bench, route: str) -> None:
    with pytest.raises(OperationError):
        await bench.ask("routes.dossier", route=route, who="ann", why="end")
