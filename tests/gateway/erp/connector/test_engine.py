"""A series against the journal's record: what is asked next after every reply, doubt, crash and wait."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import ClassVar

from adapters.base import Accepted, Finished, InDoubt, NoReply, Rejected, Reply, Request, Stuck, Wait
from gateway.erp.connector.errors import ErpError
from gateway.erp.connector.series import Call, Hit, Hold, LookUp, Poll, Read, Series, Write
from gateway.erp.connector.settings import ErpSettings
from gateway.erp.connector.target import Connector, MakeSeries
from tests.gateway.support import Course, FakeClock, delivery

NOTHING = Reply(200, b'{"items": []}')
LOST = NoReply("maybe", "no reply in time")


def found(*numbers: str, quantity: str = "5") -> Reply:
    items = [{"number": number, "quantity": quantity} for number in numbers]
    return Reply(200, json.dumps({"items": items}).encode())


def created(number: str = "PO-9") -> Reply:
    return Reply(201, json.dumps({"number": number}).encode())


class Small(Connector):
    """A connector of two writes and a poll, as short as can be."""

    needs: ClassVar[dict[str, tuple[str, ...]]] = {"create": ("number",)}
    makes: ClassVar[dict[str, MakeSeries]] = {"purchase_order": lambda self, delivery, now: self.series()}

    def __init__(self, settings: ErpSettings, is_movement: bool = False) -> None:
        super().__init__("erp", settings)
        self.is_movement = is_movement
        self.bodies_written = 0
        self.other: Callable[[], Series] | None = None

    def series(self) -> Series:
        return self.order() if self.other is None else self.other()

    def errors(self, request: Request, reply: Reply) -> Sequence[ErpError]:
        return [ErpError("E1", "refused", "/quantity")]

    def number(self, request: Request, fields) -> str:
        return (fields or {}).get("number", "")

    def order(self) -> Series:
        made = yield Write(
            "create",
            Call("POST", "orders", self.body),
            LookUp(Call("GET", "orders?ref=1"), self.hits),
            looks_first=True,
            is_movement=self.is_movement,
        )
        number = made.fields["number"]
        yield Write("submit", Call("POST", f"orders/{number}/submit"))
        yield Poll(
            "state", Call("GET", f"orders/{number}"), lambda a: a.fields["done"], (1.0, 2.0), "not yet"
        )
        return Finished(number)

    def body(self) -> bytes:
        self.bodies_written += 1
        return b"{}"

    @staticmethod
    def hits(answer) -> Sequence[Hit] | str:
        if "items" not in answer.fields:
            return "no list"
        return [
            Hit(each["number"], each, () if each["quantity"] == "5" else ("quantity",))
            for each in answer.fields["items"]
        ]


class Scripted:
    reply: Reply | NoReply = NOTHING

    async def send(self, request: Request, *, still_mine=None) -> Reply | NoReply:
        return self.reply

    async def close(self) -> None:
        pass


class Scene(Course):
    def __init__(self, is_movement: bool = False, **settings) -> None:
        values = {"base": "https://erp.example", "look_up_waits_s": (2, 5), "quiet_period_s": 60, **settings}
        self.time = FakeClock()
        self.script = Scripted()
        self.small = Small(ErpSettings.model_validate(values), is_movement)
        super().__init__(self.small, self.script, delivery(), self.time)

    async def get(self, *replies: Reply | NoReply):
        outcome = None
        for reply in replies:
            self.script.reply = reply
            outcome = await self.step()
        return outcome

    def wait(self) -> float:
        asked = self.next()
        assert isinstance(asked, Wait), asked
        seconds = (asked.until - self.time.now()).total_seconds()
        self.time.elapsed_s += seconds
        return seconds


async def test_a_series_goes_through_its_steps_and_writes_each_body_once() -> None:
    scene = Scene()
    steps = []
    for reply in (NOTHING, created(), Reply(200, b"{}"), Reply(200, b'{"done": true}')):
        steps.append(scene.next().step)
        scene.small.bodies_written = 0
        await scene.get(reply)

    assert steps == ["create.look_up", "create", "submit", "state"]
    assert scene.next() == Finished("PO-9")
    assert scene.small.bodies_written == 0


async def test_what_a_first_look_up_finds_is_adopted_and_the_series_goes_on_behind_it() -> None:
    scene = Scene()
    await scene.get(found("PO-7"))

    assert scene.next().address == "orders/PO-7/submit"


async def test_after_a_doubt_it_looks_with_growing_waits_and_sends_again_after_the_quiet_period() -> None:
    scene = Scene()
    await scene.get(NOTHING, LOST)
    waits = []
    for _ in range(3):
        waits.append(scene.wait())
        await scene.get(NOTHING)

    assert waits == [2, 3, 55]
    assert scene.next().step == "create"


async def test_a_crash_while_a_write_was_under_way_is_a_doubt() -> None:
    scene = Scene()
    await scene.get(NOTHING)
    scene.crash()

    assert scene.wait() == 2
    await scene.get(found("PO-8"))
    assert scene.next().address == "orders/PO-8/submit"


async def test_after_a_second_create_a_last_look_up_finds_the_double_of_a_paused_node() -> None:
    scene = Scene(look_up_waits_s=())
    await scene.get(NOTHING, LOST)
    scene.wait()
    await scene.get(NOTHING, created("PO-2"))
    assert scene.wait() == 60
    await scene.get(found("PO-1", "PO-2"))

    stuck = scene.next()
    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "ERP-DOUBLE"
    scene.time.elapsed_s += 3600  # a person has cancelled one, and retries
    await scene.get(found("PO-2"))
    assert scene.next().step == "submit"


async def test_a_hit_that_says_something_else_is_parked_and_looked_at_anew_after_a_retry() -> None:
    scene = Scene()
    await scene.get(found("PO-7", quantity="6"))
    stuck = scene.next()
    assert isinstance(stuck, Stuck)
    assert (stuck.findings[0].code, stuck.findings[0].facts["differences"]) == (
        "ERP-REF-MISMATCH",
        "quantity",
    )

    scene.time.elapsed_s += 3600
    assert scene.next().step == "create.look_up"


async def test_a_movement_of_unknown_outcome_is_never_sent_again_but_by_a_person() -> None:
    scene = Scene(is_movement=True, look_up_waits_s=())
    await scene.get(NOTHING, LOST)
    scene.wait()
    await scene.get(NOTHING)
    stuck = scene.next()
    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "ERP-MOVEMENT-IN-DOUBT"

    scene.time.elapsed_s += 3600
    await scene.get(NOTHING)
    assert scene.next().step == "create"


async def test_a_write_that_cannot_be_looked_up_is_parked_when_in_doubt() -> None:
    scene = Scene()
    await scene.get(NOTHING, created(), LOST)

    stuck = scene.next()
    assert isinstance(stuck, Stuck)
    assert stuck.findings[0].code == "ERP-IN-DOUBT"


async def test_after_a_refusal_it_looks_again_before_it_sends_again() -> None:
    scene = Scene()
    refused = await scene.get(NOTHING, Reply(422, b"{}"))

    assert isinstance(refused, Rejected)
    assert refused.findings[0].facts == {"erp_code": "E1", "field": "/quantity"}
    assert scene.next().step == "create.look_up"
    await scene.get(NOTHING)
    assert scene.next().step == "create"


async def test_a_good_reply_without_the_number_is_a_doubt() -> None:
    assert isinstance(await Scene().get(NOTHING, Reply(201, b"{}")), InDoubt)


async def test_a_poll_asks_again_until_it_is_settled_or_its_waits_are_used_up() -> None:
    scene = Scene()
    await scene.get(NOTHING, created(), Reply(200, b"{}"))
    for expected in (1.0, 2.0):
        await scene.get(Reply(200, b'{"done": false}'))
        assert scene.wait() == expected
    await scene.get(Reply(200, b'{"done": false}'))

    assert scene.next() == Finished("PO-9")


async def test_a_read_is_asked_once_and_again_after_a_failure() -> None:
    scene = Scene()

    def series() -> Series:
        yield Hold(scene.time.now(), "at once")
        answer = yield Read("supplier", Call("GET", "suppliers"))
        return Finished(answer.fields["name"])

    scene.small.other = series
    await scene.get(Reply(500))
    assert isinstance(await scene.get(Reply(200, b'{"name": "Acme"}')), Accepted)
    assert scene.next() == Finished("Acme")


async def test_a_finding_that_rests_on_an_old_read_is_judged_anew_after_a_retry() -> None:
    scene = Scene()

    def series() -> Series:
        answer = yield Read("supplier", Call("GET", "suppliers"))
        if not answer.fields["name"]:
            raise scene.small.place.stuck("ERP-SUPPLIER-UNKNOWN", "no such supplier")
        return Finished(answer.fields["name"])

    scene.small.other = series
    await scene.get(Reply(200, b'{"name": ""}'))
    assert isinstance(scene.next(), Stuck)

    scene.time.elapsed_s += 600  # the supplier was created meanwhile
    await scene.get(Reply(200, b'{"name": "Acme"}'))
    assert scene.next() == Finished("Acme")


def asking(scene: Scene, word: str) -> Callable[[], Series]:
    """Give a series that asks for a supplier and is stuck without one."""

    def series() -> Series:
        answer = yield Read("supplier", Call("GET", f"suppliers/{word}"))
        if not answer.fields["name"]:
            raise scene.small.place.stuck("ERP-SUPPLIER-UNKNOWN", f"no supplier {word}")
        return Finished(answer.fields["name"])

    return series


async def test_the_answer_to_another_question_is_not_believed() -> None:
    scene = Scene()
    scene.small.other = asking(scene, "BETA7")
    await scene.get(Reply(200, b'{"name": ""}'))
    scene.small.other = asking(scene, "10300001")

    assert scene.next().address == "suppliers/10300001"


async def test_the_answer_to_another_body_is_not_believed() -> None:
    scene = Scene()
    words = [b"one"]

    def series() -> Series:
        yield Read("validate", Call("POST", "checks", lambda: words[-1]))
        return Finished("checked")

    scene.small.other = series
    await scene.get(Reply(200, b"{}"))
    assert scene.next() == Finished("checked")
    words.append(b"two")

    assert scene.next().body == b"two"


async def test_a_persons_retry_asks_again_however_young_the_answer_is() -> None:
    scene = Scene()
    scene.small.other = asking(scene, "BETA7")
    await scene.get(Reply(200, b'{"name": ""}'))
    assert isinstance(scene.next(), Stuck)

    scene.delivery = delivery(steps_before_retry=1)
    assert scene.next().address == "suppliers/BETA7"
    await scene.get(Reply(200, b'{"name": ""}'))
    assert isinstance(scene.next(), Stuck)  # asked once, not for ever


async def test_a_persons_retry_looks_again_for_a_double_however_young_the_look_up_is() -> None:
    scene = Scene()
    await scene.get(found("PO-1", "PO-2"))
    assert isinstance(scene.next(), Stuck)

    scene.delivery = delivery(steps_before_retry=1)
    assert scene.next().step == "create.look_up"


async def test_that_nothing_is_there_counts_for_its_own_question_alone_and_a_hit_for_any() -> None:
    questions = ["invoices?supplier=BETA7"]

    def series() -> Series:
        look_up = LookUp(Call("GET", questions[-1]), Small.hits)
        made = yield Write("create", Call("POST", "invoices"), look_up, looks_first=True)
        return Finished(made.fields["number"])

    nothing, hit = Scene(), Scene()
    for scene, reply in ((nothing, NOTHING), (hit, found("PO-7"))):
        scene.small.other = series
        await scene.get(reply)
    assert nothing.next().step == "create"
    questions.append("invoices?supplier=10300001")

    assert nothing.next().address == "invoices?supplier=10300001"
    assert hit.next() == Finished("PO-7")
