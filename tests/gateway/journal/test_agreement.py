"""The journals agree: the same seeded calls on both give the same answers and show the same things.

The driver chooses by what the memory journal shows, calls both, and compares at once; a difference
prints the seed and the last calls. What may differ (fences, an audit entry's details) is left out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from random import Random

import pytest

from adapters.base import Unit, Verdict
from gateway.journal.base import Journal, RefusedError, StaleClaimError, StaleStageError, UnknownError
from gateway.journal.types import (
    FINISHED,
    Acceptance,
    Claim,
    ClaimedDelivery,
    DeliveryPlan,
    DeliveryState,
    DeliveryView,
    DocumentPlan,
    DocumentView,
    Expected,
    LedgerEntry,
    MessageState,
    Moved,
    Plan,
    Planned,
    Settled,
    Side,
    Want,
)
from tests.gateway.journal.builders import (
    ROUTE,
    T0,
    after,
    alias,
    arrival,
    awaited,
    delivery,
    document,
    entry,
    finding,
    group,
    in_doubt,
    request,
    result,
)
from tests.gateway.journal.conftest import SetClock, open_journal
from tests.scale import scaled

SEEDS = 10
CALLS = 200
LEASE_S = 30.0
TARGETS = ("erp", "legacy")
ORDERS = ("O-1", "O-2", "O-3")
EXPECTED_ERRORS = (UnknownError, RefusedError, StaleClaimError, StaleStageError, ValueError)


@dataclass
class Twins:
    """Two journals that are told the same."""

    memory: Journal
    other: Journal
    rng: Random
    now_s: float = 0.0
    ids: int = 0
    claims: list[tuple[Claim, Claim]] = field(default_factory=list)
    revision: int = 0
    history: deque[str] = field(default_factory=lambda: deque(maxlen=30))
    met: Counter[str] = field(default_factory=Counter)

    @property
    def now(self) -> datetime:
        return after(self.now_s)

    async def both(self, name: str, call: Callable[[Journal], Awaitable[object]]) -> object:
        """Call both, compare, give the memory journal's answer (None where both raised the same)."""
        answers = [await outcome(call, journal) for journal in (self.memory, self.other)]
        self.history.append(f"{self.now_s:g} s {name}: {answers[0]!r}"[:300])
        assert comparable(answers[0]) == comparable(answers[1]), self.story()
        self.met.update(kinds_of(answers[0]))
        return None if isinstance(answers[0], type) else answers[0]

    def new_id(self, prefix: str) -> str:
        self.ids += 1
        return f"{prefix}{self.ids:03}"

    def story(self) -> str:
        return "\n".join(self.history)


async def outcome(call: Callable[[Journal], Awaitable[object]], journal: Journal) -> object:
    try:
        return await call(journal)
    except EXPECTED_ERRORS as error:
        return type(error)


def comparable(value: object) -> object:
    """Leave out what journals may do each in its own way."""
    match value:
        case Claim():
            return replace(value, fence=0)
        case ClaimedDelivery():
            return replace(
                value, claim=replace(value.claim, fence=0), aliases=tuple(sorted(value.aliases, key=repr))
            )
        case list():
            return [comparable(each) for each in value]
    return value


def kinds_of(answer: object) -> list[str]:
    """Name what an answer shows of the rules it met."""
    match answer:
        case type():
            return [answer.__name__]
        case Moved(what):
            return [what]
        case Planned(overtaken) if overtaken:
            return ["overtaken"]
        case Acceptance(kind=kind):
            return [kind.value]
        case str():
            return [answer]
        case list():
            return ["in doubt" for each in answer if isinstance(each, ClaimedDelivery) and each.is_in_doubt]
    return []


# -- what is done ----------------------------------------------------------------------------


async def accept(twins: Twins) -> None:
    rng = twins.rng
    told = arrival(
        twins.new_id("m"),
        key=rng.choice([None, "K1", "K2", "K3", "K4", "K5"]),
        accepted_at=twins.now,
        is_urgent=rng.random() < 0.2,
    )
    body = rng.choice([b"ISA*1", b"ISA*2", b"ISA*3", told.message_id.encode()])
    if twins.ids % 4:
        await twins.both("accept", lambda journal: journal.accept(told, body))
        return
    again = replace(told, message_id=twins.new_id("m"), arrival_key="K1")
    await twins.both("accept", lambda journal: journal.accept_together([(told, body), (again, body)]))


async def plan(twins: Twins) -> None:
    rng = twins.rng
    open_states = [MessageState.ACCEPTED, MessageState.TRANSLATING]
    waiting = await twins.memory.messages(states=() if rng.random() < 0.05 else open_states)
    if not waiting:
        return
    chosen = rng.choice(waiting)
    if len(waiting) % 2:
        ids = [each.message_id for each in waiting[:4]]
        await twins.both("begin some", lambda journal: journal.begin_together(ids, twins.revision))
    await twins.both("begin", lambda journal: journal.begin_translation(chosen.message_id, twins.revision))
    message = await twins.memory.message(chosen.message_id)
    first = max(0, message.planned_through - (rng.random() < 0.2))
    documents = [
        random_document(rng, index, message.message_id) for index in range(first, first + rng.randint(0, 3))
    ]
    generation = message.generation - (rng.random() < 0.03)
    chunk = Plan(
        message.message_id,
        generation,
        await random_expectation(twins, documents),
        tuple(documents),
        tuple(random_deliveries(twins, documents, message.generation)),
        opens=tuple(random_entries(rng, documents, message.message_id)),
        aliases={
            key: (alias(f"PO-{key}"),) for each in documents for key in each.order_keys if rng.random() < 0.2
        },
        is_last=rng.random() < 0.6,
        rejected_units=frozenset(unit for unit in (group("1"), group("2")) if rng.random() < 0.15),
        findings=(finding(),) if rng.random() < 0.1 else (),
        parks=rng.random() < 0.1,
    )
    await twins.both(f"plan {chunk}", lambda journal: journal.plan(chunk, twins.now))


def random_document(rng: Random, index: int, message_id: str) -> DocumentPlan:
    own_group = group(rng.choice("12"))
    made = document(
        index,
        *rng.sample(ORDERS, rng.choice([1, 1, 1, 2])),
        units=(Unit(own_group.kind, f"set-{index}"), own_group),
        document_key=rng.choice([None, "D1", "D2", f"{message_id}/{index}"]),
        content_hash=rng.choice("ab"),
        deadline_at=after(rng.randint(0, 500)) if rng.random() < 0.3 else None,
    )
    match rng.randint(0, 9):
        case 0:
            return replace(made, is_parked=True, findings=(finding("XW-MISS"),))
        case 1:
            return replace(made, verdict=Verdict.REJECTED, findings=(finding(),))
        case 2:
            numbers = rng.sample(["PO-O-1", "PO-O-2", "PO-9", *ORDERS], 2)
            return replace(made, awaits=awaited(*numbers, until=after(rng.randint(0, 600))))
        case 3:
            return replace(made, repeats="m001")
    return made


def random_deliveries(twins: Twins, documents: Sequence[DocumentPlan], generation: int) -> list[DeliveryPlan]:
    rng, made = twins.rng, []
    for each in documents:
        if each.is_parked or each.awaits or each.repeats or each.verdict is Verdict.REJECTED:
            continue
        for target in rng.sample(TARGETS, rng.choice([1, 1, 2])):
            made.append(
                delivery(
                    twins.new_id("d"),
                    each.index,
                    *each.order_keys,
                    target=target,
                    role=rng.choice(["live", "live", "live", "copy", "pass_through"]),
                    reference=f"REF-{each.index}",
                    unit=each.units[1] if rng.random() < 0.4 else None,
                    is_urgent=rng.random() < 0.2,
                    deadline_at=after(rng.randint(0, 500)) if rng.random() < 0.5 else None,
                    not_before=after(rng.randint(0, 500)) if rng.random() < 0.1 else None,
                    body=rng.choice([None, b"<order/>"]),
                )
            )
    if rng.random() < 0.2:
        made.append(
            delivery(
                twins.new_id("d"),
                None,
                *rng.sample(ORDERS, 2),
                target="legacy",
                role=rng.choice(["live", "acknowledgment"]),
                reference=f"REF-whole-{rng.randint(0, 2)}",
            )
        )
    return made


def random_entries(rng: Random, documents: Sequence[DocumentPlan], message_id: str) -> list[LedgerEntry]:
    keys = {key for each in documents for key in each.order_keys if rng.random() < 0.4}
    return [
        entry(key, Side.LEGACY if rng.random() < 0.1 else Side.CLOUD, message_id=message_id)
        for key in sorted(keys)
    ]


async def random_expectation(twins: Twins, documents: Sequence[DocumentPlan]) -> Expected:
    keys = [each.document_key for each in documents if each.document_key]
    facts = await twins.memory.facts(ORDERS, keys, [])
    ledger = {key: facts.ledger[key].revision if key in facts.ledger else None for key in ORDERS}
    holders = {key: facts.documents[key].message_id if key in facts.documents else None for key in keys}
    stages = {route: state.revision for route, state in (await twins.memory.stages()).items()}
    match twins.rng.randint(0, 24):
        case 0:
            return Expected(twins.revision + 1, stages, ledger, holders)
        case 1:
            return Expected(
                twins.revision, {route: revision + 1 for route, revision in stages.items()}, ledger, holders
            )
        case 2:
            return Expected(twins.revision, stages, {"O-1": 7}, holders)
        case 3:
            return Expected(twins.revision, stages, ledger, {"D1": "m999"})
    return Expected(twins.revision, stages, ledger, holders)


async def decide_awaited(twins: Twins) -> None:
    ready = await twins.both("awaiting", lambda journal: journal.awaiting(twins.now))
    if not isinstance(ready, list) or not ready:
        return
    view = twins.rng.choice(ready)
    decided = replace(view.plan, awaits=None, is_parked=twins.rng.random() < 0.2)
    deliveries = random_deliveries(twins, [decided], view.generation)
    expected = await random_expectation(twins, [decided])
    await twins.both(
        f"plan_awaited {view.message_id}/{decided.index}",
        lambda journal: journal.plan_awaited(view.message_id, decided, deliveries, expected, twins.now),
    )


async def claim(twins: Twins) -> None:
    rng = twins.rng
    wants = [Want(target, rng.randint(0, 3), rng.randint(0, 1)) for target in TARGETS]
    found: list[list[ClaimedDelivery]] = []

    async def call(journal: Journal) -> list[ClaimedDelivery]:
        claimed = await journal.claim("w1", wants, LEASE_S, twins.now, twins.now_s)
        found.append(claimed)
        return claimed

    await twins.both(f"claim {wants}", call)
    twins.claims += [(mine.claim, its.claim) for mine, its in zip(*found, strict=True)]


async def claim_one(twins: Twins) -> None:
    views = await twins.memory.deliveries()
    if not views:
        return
    chosen = twins.rng.choice(views).delivery_id
    found: list[ClaimedDelivery | None] = []

    async def call(journal: Journal) -> ClaimedDelivery | None:
        claimed = await journal.claim_one(chosen, "c1", LEASE_S, twins.now, twins.now_s)
        found.append(claimed)
        return claimed

    await twins.both(f"claim_one {chosen}", call)
    mine, its = found
    if mine is not None and its is not None:
        twins.claims.append((mine.claim, its.claim))


async def work(twins: Twins) -> None:
    """Go on with a claim, perhaps one that is stale by now."""
    if not twins.claims:
        return
    oldest = 0 if twins.rng.random() < 0.2 else max(0, len(twins.claims) - 4)
    place = twins.rng.randrange(oldest, len(twins.claims))
    mine, its = twins.claims[place]

    def own(journal: Journal) -> Claim:
        return mine if journal is twins.memory else its

    is_under_way = await state_of(twins, mine.delivery_id) is DeliveryState.ATTEMPTING
    match twins.rng.randint(0, 9):
        case 0 | 1 | 2:
            sent = request(twins.rng.choice(["look_up", "create"]))
            await twins.both(f"start {mine}", lambda j: j.attempt_started(own(j), sent, twins.now))
        case 3 if is_under_way:
            answered = twins.rng.choice([result("create", at=twins.now), in_doubt()])
            await twins.both(f"step_done {mine}", lambda j: j.step_done(own(j), answered, twins.now))
        case 4:
            await twins.both(f"still_mine {mine}", lambda j: j.still_mine(own(j), twins.now_s))
        case 5:
            await renew(twins, place)
        case _:
            settled = random_settlement(twins, is_under_way)
            await twins.both(f"settle {mine} {settled}", lambda j: j.settle(own(j), settled, twins.now))


async def state_of(twins: Twins, delivery_id: str) -> DeliveryState:
    views = await twins.memory.deliveries(limit=10_000)
    return next(view.state for view in views if view.delivery_id == delivery_id)


async def renew(twins: Twins, place: int) -> None:
    mine, its = twins.claims[place]
    renewed: list[Claim] = []

    async def call(journal: Journal) -> Claim:
        renewed.append(await journal.renew(mine if journal is twins.memory else its, LEASE_S, twins.now_s))
        return renewed[-1]

    await twins.both(f"renew {mine}", call)
    if len(renewed) == 2:
        twins.claims[place] = (renewed[0], renewed[1])


def random_settlement(twins: Twins, is_under_way: bool) -> Settled:
    rng = twins.rng
    state = rng.choice(["ready", "waiting", "in_doubt", "parked", "parked", "done", "done", "void"])
    return Settled(
        DeliveryState(state),
        rng.choice([None, result(at=twins.now), in_doubt()]) if is_under_way else None,
        not_before=after(twins.now_s + rng.randint(0, 60)) if rng.random() < 0.5 else None,
        reason=rng.choice(["", "outage"]),
        findings=(finding("ERP-422"),) if state == "parked" else (),
        spends_attempt=rng.random() < 0.5,
        reference="ERP-1",
        aliases=(alias(rng.choice(["4500001", "PO-9"])),) if rng.random() < 0.3 else (),
    )


async def let_time_pass(twins: Twins) -> None:
    twins.now_s += twins.rng.choice([0.5, 5, 20, LEASE_S, 100])


async def be_a_person(twins: Twins) -> None:
    rng, now = twins.rng, twins.now
    parked = await twins.memory.exceptions()
    kind = rng.choice(["delivery", "delivery", "document", "message"])
    chosen = rng.choice([item.exception_id for item in parked if item.kind == kind] or ["m999"])
    known = [message.message_id for message in await twins.memory.messages()] + ["m999"]
    message_id = rng.choice(known)
    resend = rng.random() < 0.3
    resolution = rng.choice(["dismissed", "placed_by_phone:Kim"])
    match rng.randint(0, 7):
        case 0:
            open_one = rng.choice([view.delivery_id for view in await unfinished(twins)] or ["m999"])
            await twins.both(f"close {open_one}", lambda j: j.resolve(open_one, resolution, "ann", "x", now))
        case 1:
            await twins.both(f"retry {chosen}", lambda j: j.retry(chosen, "ann", "fixed", now))
        case 2 | 3:
            await twins.both(f"resolve {chosen}", lambda j: j.resolve(chosen, resolution, "ann", "done", now))
        case 4:
            await twins.both(
                f"replay {message_id}",
                lambda j: j.replay(message_id, resend=resend, who="ann", why="x", now=now),
            )
        case 5:
            await twins.both("acknowledge", lambda j: j.acknowledge_alarm(message_id, "ann", "known", now))
        case 6:
            share = str(rng.randint(0, 100))
            stage = rng.choice(["legacy", "canary"])
            await twins.both(
                "set_stage", lambda j: j.set_stage(ROUTE, stage, "canary", share, "ann", "x", now)
            )
        case _:
            text = rng.choice(["a", "b", "c"])
            loaded = await twins.both("load", lambda j: j.load_configuration(text, text, "ops", now))
            assert isinstance(loaded, int)
            twins.revision = loaded


async def unfinished(twins: Twins) -> list[DeliveryView]:
    return [view for view in await twins.memory.deliveries(limit=10_000) if view.state not in FINISHED]


async def keep_books(twins: Twins) -> None:
    rng = twins.rng
    order_key = rng.choice(ORDERS)
    match rng.randint(0, 3):
        case 0:
            await twins.both("close", lambda j: j.close_orders([order_key], "ann", "done", twins.now))
        case 1:
            imported = [entry(order_key, Side.LEGACY, stage="imported", message_id=None)]
            await twins.both(
                "import", lambda j: j.import_orders(imported, {order_key: ["PO-9"]}, "ann", "seed", twins.now)
            )
        case 2:
            await twins.both("number", lambda j: j.next_control_number("G", "interchange", 1, 3))
        case _:
            await twins.both("recover", lambda j: j.recover(twins.now))


DEEDS = [accept] * 3 + [plan] * 5 + [decide_awaited, claim_one] + [claim] * 4 + [work] * 10
DEEDS += [let_time_pass] * 3 + [be_a_person] * 3 + [keep_books]


# -- what is shown ---------------------------------------------------------------------------


async def show(journal: Journal, twins: Twins) -> dict[str, object]:
    """Give everything a journal shows, in an order that does not depend on ties."""
    now = twins.now
    facts = await journal.facts(ORDERS, ["D1", "D2"], ["PO-9", "4500001", "PO-O-1"])
    return {
        "messages": await journal.messages(limit=10_000),
        "documents": sorted(await journal.documents(limit=10_000), key=place_of),
        "unsent calls": sorted(await journal.unsent_calls()),
        "deliveries": sorted(await journal.deliveries(limit=10_000), key=delivery_id_of),
        "orders": await journal.orders(),
        "open orders": dict(await journal.open_orders(ROUTE)),
        "aliases": {key: sorted(await journal.aliases(key)) for key in ORDERS},
        "known": dict(facts.documents),
        "resolved": facts.resolved,
        "exceptions": sorted(await journal.exceptions(), key=lambda item: item.exception_id),
        "overdue": sorted(await journal.overdue(now, after(twins.now_s - 300)), key=repr),
        "to translate": sorted(await journal.routes_to_translate()),
        "awaiting": await journal.awaiting(now, limit=1_000),
        "audit": [(e.number, e.at, e.who, e.action, e.subject, e.why) for e in await journal.audit()],
        "audit fault": await journal.verify_audit(),
    }


def delivery_id_of(view: DeliveryView) -> str:
    return view.delivery_id


def place_of(view: DocumentView) -> tuple[str, int, int]:
    return view.message_id, view.generation, view.plan.index


def difference(mine: object, its: object) -> str:
    """Say where two shown things part."""
    if isinstance(mine, list) and isinstance(its, list):
        pairs = zip_longest(mine, its)
        return next((f"\n  memory: {a}\n  other:  {b}" for a, b in pairs if a != b), "")
    return f"\n  memory: {mine}\n  other:  {its}"


async def play(twins: Twins) -> None:
    """Do what the seed says, and compare what is shown again and again."""
    await twins.both("declare", lambda journal: journal.declare_stages({ROUTE: ("canary", "10")}, T0))
    loaded = await twins.both("load", lambda journal: journal.load_configuration("a", "a", "ops", T0))
    assert isinstance(loaded, int)
    twins.revision = loaded
    for call in range(CALLS):
        await twins.rng.choice(DEEDS)(twins)
        if call % 10 == 0:
            mine, its = await show(twins.memory, twins), await show(twins.other, twins)
            parted = [
                f"{what}: {difference(mine[what], its[what])}" for what in mine if mine[what] != its[what]
            ]
            assert not parted, "\n".join([twins.story(), *parted])


@pytest.mark.parametrize("seed", range(scaled(SEEDS)))
async def test_the_journals_agree_on_every_call_and_on_what_they_show(
    seed: int, clock: SetClock, tmp_path: Path
) -> None:
    memory = await open_journal("memory", clock, tmp_path)
    other = await open_journal("sqlite", clock, tmp_path)

    await play(Twins(memory, other, Random(seed)))

    await other.close()


async def test_the_histories_meet_what_is_rare(clock: SetClock, tmp_path: Path) -> None:
    """Keep the driver honest: agreement on nothing but the usual would prove little."""
    met = Counter[str]()
    for seed in range(scaled(SEEDS)):
        journals = [await open_journal("memory", clock, tmp_path) for _ in range(2)]
        twins = Twins(journals[0], journals[1], Random(seed))
        await play(twins)
        met += twins.met
        met.update(view.state for view in await twins.memory.deliveries(limit=10_000))

    rare = [
        *("config", "stage", "ledger", "document key", "generation", "overtaken"),
        *("same", "conflict", "StaleClaimError", "StaleStageError", "UnknownError", "ValueError"),
        "RefusedError",
        *("look up", "deliver", "translate", "in doubt"),
        *("void", "superseded", "done", "parked", "held"),
    ]
    assert [name for name in rare if not met[name]] == []
