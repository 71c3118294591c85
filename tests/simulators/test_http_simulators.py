"""The HTTP simulators as witnesses: what they committed they still know after kill -9."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from simulators.cloud_erp import CloudErp, Settings
from simulators.faults import Action, Fault, FaultScript, FaultScriptError
from simulators.ledger import LineFile
from simulators.legacy_http import LegacyHttp
from simulators.legacy_http import Settings as LegacySettings

ORDER = {
    "reference": "R1",
    "document_key": "K1",
    "order_key": "O1",
    "document": {"number": "7", "lines": [{"sequence": 1}, {"sequence": 2}]},
}


async def post(url: str, body: object, path: str = "/documents/purchase_order") -> tuple[int, dict]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url + path, data=json.dumps(body), timeout=aiohttp.ClientTimeout(total=5)) as response,
    ):
        return response.status, json.loads(await response.read() or b"{}")


async def get(url: str, path: str) -> dict:
    async with aiohttp.ClientSession() as session, session.get(url + path) as response:
        return json.loads(await response.read())


async def test_a_create_is_numbered_kept_and_found_by_its_reference(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    async with CloudErp(Settings(ledger)) as erp:
        status, reply = await post(erp.url, ORDER)
        found = await get(erp.url, "/documents/purchase_order?reference=R1")
        nothing = await get(erp.url, "/documents/purchase_order?reference=R2")

    assert status == 201
    assert reply["number"] == "PO-000001"
    assert reply["lines"] == [
        {"sequence": "1", "id": "PO-000001-10"},
        {"sequence": "2", "id": "PO-000001-20"},
    ]
    assert [each["number"] for each in found["items"]] == ["PO-000001"]
    assert nothing == {"items": []}
    [entry] = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert (entry["reference"], entry["document_key"], entry["order_key"]) == ("R1", "K1", "O1")
    assert entry["sha256"] == hashlib.sha256(json.dumps(ORDER).encode()).hexdigest()


async def test_doubles_show_unless_references_are_enforced() -> None:
    async with CloudErp() as erp:
        await post(erp.url, ORDER)
        await post(erp.url, ORDER)
        assert [each.number for each in erp.committed] == ["PO-000001", "PO-000002"]
    async with CloudErp(Settings(enforce_unique=True)) as strict:
        await post(strict.url, ORDER)
        status, problem = await post(strict.url, ORDER)
        assert (status, problem["errors"][0]["field"]) == (409, "reference")
        assert len(strict.committed) == 1


async def test_a_committed_document_shows_only_after_the_lag() -> None:
    async with CloudErp(Settings(lag_s=0.2)) as erp:
        await post(erp.url, ORDER)
        assert (await get(erp.url, "/documents/purchase_order?reference=R1"))["items"] == []
        await asyncio.sleep(0.25)
        assert len((await get(erp.url, "/documents/purchase_order?reference=R1"))["items"]) == 1


@pytest.mark.parametrize("body", [{}, [], {"reference": "R"}, {"document": {"number": "1"}}])
async def test_what_is_no_document_is_refused_and_not_committed(body: object) -> None:
    async with CloudErp() as erp:
        status, problem = await post(erp.url, body)
        assert (status, erp.committed) == (422, [])
        assert problem["errors"]


async def test_a_process_killed_right_after_its_reply_still_knows_what_it_said(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"

    def start() -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "simulators.cloud_erp", "--ledger", str(ledger)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, process.stdout.readline().split()[-1]

    process, url = start()
    _, first = await post(url, ORDER)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    process, url = start()
    found = await get(url, "/documents/purchase_order?reference=R1")
    _, second = await post(url, {**ORDER, "reference": "R2"})
    process.terminate()
    process.communicate(timeout=10)

    assert found["items"][0]["number"] == first["number"]
    assert second["number"] == "PO-000002"
    assert process.returncode == 0


def test_a_last_line_that_was_cut_off_is_dropped_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2')
    ledger = LineFile(path)
    ledger.append({"n": 3})
    ledger.close()

    assert ledger.entries == [{"n": 1}, {"n": 3}]
    assert path.read_bytes() == b'{"n":1}\n{"n":3}\n'


async def test_the_legacy_endpoint_keeps_bytes_as_they_came_and_over_a_restart(tmp_path: Path) -> None:
    body = bytes(range(256))
    async with (
        LegacyHttp(LegacySettings(tmp_path, body=b"ACK")) as legacy,
        aiohttp.ClientSession() as session,
        session.post(f"{legacy.url}/in/po?x=1", data=body, headers={"SOAPAction": "S"}) as response,
    ):
        assert await response.read() == b"ACK"
    again = LegacyHttp(LegacySettings(tmp_path))

    assert (tmp_path / "000001.body").read_bytes() == body
    assert again.bodies == [body]
    [received] = again.received
    assert (received.path, received.sha256) == ("/in/po?x=1", hashlib.sha256(body).hexdigest())
    assert received.headers["SOAPAction"] == "S"
    await again.stop()


# --- fault scripts ------------------------------------------------------------------------------------


def test_a_rule_fires_on_the_requests_that_it_counts() -> None:
    script = FaultScript((Fault(Action.THROTTLE, method="POST", key="^R7$", nth=(2, 3)),))
    fired = [script.next("POST", "/documents/x", "R7") is not None for _ in range(4)]
    others = [script.next("GET", "/documents/x", "R7"), script.next("POST", "/documents/x", "R8")]

    assert fired == [False, True, True, False]
    assert others == [None, None]


def test_the_first_rule_that_fires_decides_and_may_fire_a_number_of_times() -> None:
    script = FaultScript((Fault(Action.THROTTLE, times=1), Fault(Action.UNAVAILABLE, path="b$")))
    actions = [fault and fault.action for fault in (script.next("GET", path) for path in ("/a", "/b", "/a"))]
    assert actions == [Action.THROTTLE, Action.UNAVAILABLE, None]


def test_one_seed_gives_one_history() -> None:
    def history(seed: int) -> list[bool]:
        script = FaultScript((Fault(Action.STATUS, share=0.5),), seed)
        return [script.next("GET", "/") is not None for _ in range(200)]

    assert history(1) == history(1) != history(2)
    assert 60 < sum(history(1)) < 140


@pytest.mark.parametrize(
    "text, problem",
    [
        ("{", "is not JSON"),
        ("7", "expected"),
        ("[7]", "a rule is a JSON object"),
        ('[{"action": "explode"}]', "explode"),
        ("[{}]", "action"),
        ('[{"action": "delay", "when": 1}]', "unknown words in a rule: when"),
        ('[{"action": "delay", "seconds": -1}]', "expected 0 to 3600"),
        ('[{"action": "delay", "path": "("}]', "rule"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused(text: str, problem: str) -> None:
    with pytest.raises(FaultScriptError, match=problem):
        FaultScript.from_json(text)


async def test_faults_change_while_it_runs_and_a_bad_script_changes_nothing() -> None:
    async with CloudErp() as erp:
        status, _ = await post(
            erp.url, [{"action": "unauthorized", "method": "POST", "path": "^/documents"}], "/_faults"
        )
        assert status == 200
        assert (await post(erp.url, ORDER))[0] == 401
        assert (await post(erp.url, [{"action": "?"}], "/_faults"))[0] == 400
        assert (await post(erp.url, ORDER))[0] == 401
        await post(erp.url, [], "/_faults")
        assert (await post(erp.url, ORDER))[0] == 201
        assert [seen["fault"] for seen in await get(erp.url, "/_requests")] == [
            "unauthorized",
            "unauthorized",
            "",
        ]


async def test_work_goes_on_after_its_client_has_gone() -> None:
    async with CloudErp(faults=FaultScript((Fault(Action.DELAY, seconds=0.2),))) as erp:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.05)) as session:
            with pytest.raises(TimeoutError):
                await session.post(f"{erp.url}/documents/purchase_order", data=json.dumps(ORDER))
        assert erp.committed == []
        await asyncio.sleep(0.4)
        assert len(erp.committed) == 1
