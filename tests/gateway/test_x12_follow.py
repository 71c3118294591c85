"""855 and 810 follow their orders, translated or not; an 850 goes out where the gateway transmits."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from adapters.base import DecodeContext, Level, Verdict
from adapters.edi_x12.config import InterchangeId, X12Partner
from adapters.edi_x12.profile import Outbound
from gateway.journal.types import Acceptance, Side, Transmitter
from gateway.program import Program, UnknownOrder, Writing
from gateway.stage import Stage
from tests.adapters.edi_x12.rig import numbered
from tests.gateway.rig import RULE, Rig, order, program

SUPPLIER = DecodeContext("rig", "test", partner="acme", partner_settings=X12Partner())
MMS = DecodeContext(
    "rig", "test", partner="mms",
    partner_settings=X12Partner.model_validate({"order_types": {"ZZ": "bill_only"}}),
)  # fmt: skip


def envelope(body: str, gs: str, control: int) -> bytes:
    return (
        "ISA*00*          *00*          *ZZ*ACME           *ZZ*MERCYMMS       *260304*0930*U*00401"
        f"*{control:09}*0*T*>~GS*{gs}*ACME*MERCYMMS*20260304*0930*{control}*X*004010~{body}"
        f"GE*1*{control}~IEA*1*{control:09}~"
    ).encode()


def x850(text: str, control: int = 1) -> bytes:
    return envelope(numbered(1, text), "PO", control)


def x855(number: str, ack: str = "ACK*IA*5*EA", control: int = 900, seller: str = "") -> bytes:
    bak = f"BAK*00*AC*{number}*20260305****{seller}*20260306".rstrip("*")
    return envelope(numbered(1, f"{bak}|PO1*1*5*EA*9.99**VN*A-1|{ack}|CTT*1", "855"), "PR", control)


def x810(*numbers: str, control: int = 950) -> bytes:
    lines = "|".join(f"IT1*{n}*5*EA*9.99**VN*A-1*PO*{number}" for n, number in enumerate(numbers, 1))
    body = f"BIG*20260310*INV-1*20260304*{numbers[0]}|{lines}|TDS*{4995 * len(numbers)}|CTT*{len(numbers)}"
    return envelope(numbered(1, body, "810"), "IN", control)


def originating(**rule: object) -> Program:
    made = program("po", format_name="edi_x12", context=MMS, partner="mms")
    return replace(made, rule=replace(made.rule, **rule))  # type: ignore[arg-type]


def following(route: str = "ack") -> Program:
    unknown = UnknownOrder(Side.LEGACY, 0.05)
    return program(route, follows="po", unknown=unknown, format_name="edi_x12", context=SUPPLIER)


async def opened(rig: Rig, number: str, facility: str) -> Acceptance | None:
    """Let an order arrive; facility 04 is the cloud's in stage canary."""
    text = f"BEG*00*SA*{number}**20260304|N1*ST*X*92*{facility}|PO1*1*5*EA*9.99**VN*A-1"
    message = await rig.take(x850(text, int(number)))
    await rig.settled(message)
    return message


def cloud_documents(rig: Rig) -> list[dict[str, object]]:
    return [json.loads(body) for body in rig.targets["erp"].bodies]


async def test_an_855_and_an_810_reach_the_erp_translated_where_their_order_is_the_clouds() -> None:
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        for body in (x855("4701"), x810("4701")):
            await rig.settled(await rig.take(body, route="ack"))

        _, answer, invoice = cloud_documents(rig)
        assert (answer["document_type"], answer["response"]) == ("acknowledgment", "accepted_with_changes")
        assert answer["lines"][0]["accepted"] == {"value": "5", "unit": "EA"}  # type: ignore[index]
        assert (invoice["document_type"], invoice["number"]) == ("invoice", "INV-1")
        assert invoice["totals"] == {"gross": "49.95"}
        assert rig.targets["mms"].sent == []


async def test_an_855_and_an_810_reach_legacy_byte_for_byte_where_their_order_is_legacys() -> None:
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4702", "01")
        for body in (x855("4702"), x810("4702")):
            await rig.settled(await rig.take(body, route="ack"))

        assert rig.targets["mms"].bodies[1:] == [x855("4702"), x810("4702")]
        assert rig.targets["erp"].sent == []


async def test_an_855_for_an_order_that_the_erp_numbered_itself_finds_it_by_the_legacy_number() -> None:
    """Issue: the ERP called it ERP-1; the supplier answers with the number that legacy gave it."""
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        entry = (await rig.journal.orders())[0]
        assert ("erp", "ERP-1", "", "") in await rig.journal.aliases(entry.order_key)

        by_legacy = await rig.take(x855("4701", control=901), route="ack")
        by_erp = await rig.take(x855("ERP-1", control=902), route="ack")
        await rig.settled(by_legacy, by_erp)

        for message in (by_legacy, by_erp):
            (document,) = await rig.documents(message)
            assert document.plan.order_keys == (entry.order_key,)
            assert document.plan.side is Side.CLOUD
        assert len(cloud_documents(rig)) == 3


async def test_an_855_for_an_order_older_than_the_gateway_goes_to_legacy_after_its_wait() -> None:
    async with Rig(originating(), following(), stage="cloud").running() as rig:
        message = await rig.take(x855("1999"), route="ack")
        await rig.settled(message)

        assert rig.targets["mms"].bodies == [x855("1999")]
        (document,) = await rig.documents(message)
        assert document.plan.decision == "order unknown: declared to go to legacy"


@pytest.mark.parametrize("stage", ["legacy", "canary", "cloud"])
async def test_what_cannot_be_translated_goes_on_to_legacy_where_its_order_is_legacys(stage: str) -> None:
    async with Rig(originating(), following(), stage="legacy").running() as rig:
        await opened(rig, "4702", "01")
        if stage != "legacy":
            now = rig.clock.now()
            await rig.journal.set_stage("po", "legacy", Stage(stage).value, "100", "ann", "moving", now)
        body = x855("4702", "ACK*ZA*5*EA")  # what ZA means nobody told
        message = await rig.take(body, route="ack")
        await rig.settled(message)

        assert rig.targets["mms"].bodies[1:] == [body]
        assert "X12-MEANING" in await rig.codes(message)


async def test_what_cannot_be_translated_goes_nowhere_where_its_order_is_the_clouds() -> None:
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        message = await rig.take(x855("4701", "ACK*ZA*5*EA"), route="ack")
        await rig.settled(message)

        assert rig.targets["mms"].sent == []
        assert len(cloud_documents(rig)) == 1
        assert "X12-MEANING" in await rig.codes(message)


async def test_an_invoice_for_orders_of_both_sides_is_never_split() -> None:
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        await opened(rig, "4702", "01")
        message = await rig.take(x810("4701", "4702"), route="ack")
        await rig.settled(message)

        assert await rig.codes(message) == ["INVOICE-BOTH-SIDES"]
        assert len(cloud_documents(rig)) == 1


async def test_the_same_855_twice_is_one_and_another_answer_is_another() -> None:
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        first = await rig.take(x855("4701", control=901), route="ack")
        await rig.settled(first)
        again = await rig.take(x855("4701", control=902), route="ack")
        other = await rig.take(x855("4701", "ACK*IB*5*EA", control=903), route="ack")
        await rig.settled(again, other)

        plans = [(await rig.documents(each))[0].plan for each in (first, again, other)]
        assert [plan.repeats is not None for plan in plans] == [False, True, False]


# -- orders that the supplier has already


@pytest.mark.parametrize("beg", ["BEG*06*SA*4701**20260304", "BEG*00*ZZ*4701**20260304"])
async def test_a_confirmed_or_bill_only_order_is_created_and_transmitted_by_nobody(beg: str) -> None:
    rule = {"supplier_target": "supplier", "cloud_transmitter": Transmitter.GATEWAY}
    async with Rig(originating(**rule), stage="cloud").running() as rig:
        message = await rig.take(x850(f"{beg}|PO1*1*5*EA*.01"))
        await rig.settled(message)

        (entry,) = await rig.journal.orders()
        assert (entry.transmitter, entry.side) == (Transmitter.NONE, Side.CLOUD)
        assert cloud_documents(rig)[0]["already_placed"] is True
        assert rig.targets["supplier"].sent == []


async def test_a_confirmation_of_an_order_that_the_erp_has_creates_nothing() -> None:
    async with Rig(originating(), stage="cloud").running() as rig:
        await opened(rig, "4701", "04")
        message = await rig.take(x850("BEG*06*SA*4701**20260304|PO1*1*5*EA*9.99", 77))
        await rig.settled(message)

        assert len(cloud_documents(rig)) == 1
        (document,) = await rig.documents(message)
        assert [each.code for each in document.plan.findings] == ["ORDER-CONFIRMED"]


@pytest.mark.parametrize("code", ["01", "05"])
async def test_a_cancel_or_replace_never_opens_a_second_order(code: str) -> None:
    async with Rig(originating(), stage="cloud").running() as rig:
        await opened(rig, "4701", "04")
        message = await rig.take(x850(f"BEG*{code}*SA*4701**20260304|PO1*1*3*EA*9.99", 78))
        await rig.settled(message)

        assert len(await rig.journal.orders()) == 1


@pytest.mark.parametrize("code", ["07", "15"])
async def test_a_duplicate_is_a_repeat_and_one_with_other_content_goes_to_a_person(code: str) -> None:
    async with Rig(originating(), stage="cloud").running() as rig:
        await opened(rig, "4701", "04")
        text = f"BEG*{code}*SA*4701**20260304|N1*ST*X*92*04|PO1*1*5*EA*9.99**VN*A-1"
        other = await rig.take(x850(text.replace("PO1*1*5", "PO1*1*6"), 79))
        await rig.settled(other)

        assert len(cloud_documents(rig)) == 1
        assert await rig.codes(other) == ["DOCUMENT-CHANGED"]


# -- an order that the gateway transmits


def transmitting(profile: X12Partner) -> Program:
    made = program("po", partner="portal")
    rule = replace(
        RULE, supplier_target="supplier", cloud_transmitter=Transmitter.GATEWAY, writes_supplier=True
    )
    writing = Writing(
        "edi_x12", "acme>supplier", None, profile, "America/Chicago", content_type="application/edi-x12"
    )
    return replace(made, rule=rule, writes={"supplier": writing})


ACME = X12Partner(
    isa=(InterchangeId(qualifier="01", id="001122334"),),
    us=InterchangeId(qualifier="ZZ", id="MERCYHUB"),
    outbound=Outbound(terminator="!", line_break="none"),
)
LINES = [
    {"sequence": 1, "line_id": "1", "quantity": {"value": "5", "unit": "EA"}, "price": {"amount": "9.99"}}
]


async def test_an_order_goes_out_as_x12_where_the_gateway_transmits() -> None:
    async with Rig(transmitting(ACME), stage="cloud").running() as rig:
        for number in ("4701", "4702"):
            day = {"date": "2026-03-04"}
            await rig.settled(await rig.take(order(number, lines=LINES, order_date=day)))

        first, second = (body.decode() for body in rig.targets["supplier"].bodies)
        assert first.startswith("ISA*00*          *00*          *ZZ*MERCYHUB       *01*001122334      *")
        assert "!ST*850*0001!BEG*00*SA*4701**20260304!PO1*1*5*EA*9.99!CTT*1!SE*5*0001!GE*1*1!" in first
        assert [text[90:99] for text in (first, second)] == ["000000001", "000000002"]
        assert first[102] == "T"
        assert len(rig.targets["erp"].sent) == 2


async def test_what_an_order_says_and_its_850_does_not_is_told_with_the_order_and_stops_nothing() -> None:
    lines = [{**LINES[0], "category": "IMPLANTS"}, {**LINES[0], "sequence": 2, "category": "GLOVES"}]
    async with Rig(transmitting(ACME), stage="cloud").running() as rig:
        day = {"date": "2026-03-04"}
        message = await rig.take(order("4701", lines=lines, order_date=day, department="OR"))
        await rig.settled(message)

        (document,) = await rig.documents(message)
        told = [(each.code, each.at.path, each.level) for each in document.plan.findings]
        assert ("X12-OUT-LEFT", "lines[0].category", Level.NOTE) in told
        assert not [path for _, path, _ in told if "department" in path]  # a REF says it
        assert document.plan.verdict is Verdict.ACCEPTED
        assert len(rig.targets["supplier"].sent) == len(rig.targets["erp"].sent) == 1


async def test_an_order_that_the_suppliers_guide_does_not_allow_parks_and_goes_nowhere() -> None:
    strict = ACME.model_copy(
        update={"guides": X12Partner.model_validate({"guides": {"850": {"limits": {"REF": "M/1"}}}}).guides}
    )
    async with Rig(transmitting(strict), stage="cloud").running() as rig:
        message = await rig.take(order("4701", lines=LINES, order_date={"date": "2026-03-04"}))
        await rig.settled(message)

        assert await rig.codes(message) == ["X12-SEG-MISSING"]
        assert rig.targets["supplier"].sent == rig.targets["erp"].sent == []


# -- what the supplier calls an order


def by_seller(number: str, invoice: str = "INV-9", control: int = 960) -> bytes:
    """An invoice that names its order by the supplier's number alone."""
    body = f"BIG*20260310*{invoice}|REF*VN*{number}|IT1*1*5*EA*9.99**VN*A-1|TDS*4995|CTT*1"
    return envelope(numbered(1, body, "810"), "IN", control)


async def test_an_invoice_that_carries_only_the_suppliers_number_finds_the_order_of_an_earlier_855() -> None:
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        await rig.settled(await rig.take(x855("4701", seller="SO-881"), route="ack"))
        message = await rig.take(by_seller("SO-881"), route="ack")
        await rig.settled(message)

        entry = (await rig.journal.orders())[0]
        assert ("seller", "SO-881 of acme", "", "") in await rig.journal.aliases(entry.order_key)
        (document,) = await rig.documents(message)
        assert document.plan.order_keys == (entry.order_key,)
        assert document.plan.side is Side.CLOUD
        assert [each["document_type"] for each in cloud_documents(rig)[1:]] == ["acknowledgment", "invoice"]


async def test_a_later_855_whose_order_number_nobody_knows_finds_its_order_by_the_suppliers() -> None:
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        await rig.settled(await rig.take(x855("4701", seller="SO-881"), route="ack"))
        message = await rig.take(x855("UNKNOWN", "ACK*IB*5*EA", 901, seller="SO-881"), route="ack")
        await rig.settled(message)

        (document,) = await rig.documents(message)
        assert document.plan.order_keys == ((await rig.journal.orders())[0].order_key,)
        assert document.plan.side is Side.CLOUD


async def test_without_an_855_that_told_it_the_suppliers_number_is_of_no_order_that_is_known() -> None:
    async with Rig(originating(), following(), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        await rig.settled(await rig.take(x855("4701"), route="ack"))
        message = await rig.take(by_seller("SO-881"), route="ack")
        await rig.settled(message)

        assert rig.targets["mms"].bodies == [by_seller("SO-881")]
        (document,) = await rig.documents(message)
        assert document.plan.decision == "order unknown: declared to go to legacy"


async def test_an_invoice_that_came_before_the_855_waits_for_the_name_that_it_tells() -> None:
    unknown = UnknownOrder(Side.LEGACY, 3_600.0)
    async with Rig(originating(), replace(following(), unknown=unknown), stage="canary").running() as rig:
        await opened(rig, "4701", "04")
        early = await rig.take(by_seller("SO-881"), route="ack")
        await rig.settled(await rig.take(x855("4701", seller="SO-881"), route="ack"))
        await rig.settled(early)

        (document,) = await rig.documents(early)
        assert document.plan.side is Side.CLOUD


async def test_a_name_told_by_an_855_that_waited_for_its_order_is_known_from_then_on() -> None:
    unknown = UnknownOrder(Side.LEGACY, 3_600.0)
    async with Rig(originating(), replace(following(), unknown=unknown), stage="canary").running() as rig:
        early = await rig.take(x855("4701", seller="SO-881"), route="ack")
        while not (documents := await rig.documents(early)) or documents[0].plan.awaits is None:
            await asyncio.sleep(0.005)
        await opened(rig, "4701", "04")
        await rig.settled(early)

        entry = (await rig.journal.orders())[0]
        assert ("seller", "SO-881 of acme", "", "") in await rig.journal.aliases(entry.order_key)
