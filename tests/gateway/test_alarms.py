"""Alarms: when, about what, to whom, how often, in which words, and over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.base import Finding, Position
from gateway.alarm_senders import Mail, Webhook
from gateway.alarms import ENTRIES_MAX, Alarm, AlarmLoop, Send, alarms_due, mail_text, webhook_body
from gateway.journal.base import JournalBusyError
from gateway.journal.memory import MemoryJournal
from gateway.journal.types import ROLL_BACK, ControlNumber, DeliveryState, Overdue, RolledBack, Settled
from tests.gateway.journal.builders import T0, Scene, after, delivery, document, in_doubt
from tests.gateway.smtp_sink import SmtpSink
from tests.gateway.support import Certificates
from tests.gateway.timeline import Timeline

REPEAT = timedelta(minutes=15)
PATIENCE = {"orders_in": 10, "slow": 60}  # minutes for what has no deadline of its own
OVERDUE = Overdue("m1", 0, "m1-d", "orders_in", ("order:1|HB|4711",), T0, "waiting", "status 503", True)
ALARM = Alarm(after(60), (OVERDUE,), ("scm-oncall",))


class Bench:
    """An alarm loop on the memory journal."""

    def __init__(self, *senders: Send) -> None:
        self.clock = Timeline()
        self.journal = MemoryJournal(clock=self.clock)
        self.scene = Scene(self.journal)
        self.sent: list[Alarm] = []
        self.loop = self.anew(*senders)

    def anew(self, *senders: Send) -> AlarmLoop:
        """Give a loop that knows only what the journal does."""
        return AlarmLoop(
            self.journal,
            self.clock,
            senders or (self.keep,),
            repeat=REPEAT,
            patience=lambda route, is_urgent: timedelta(minutes=PATIENCE[route] / (1 + is_urgent)),
            patience_least=timedelta(minutes=5),
            tell=lambda route: (f"owner of {route}",),
        )

    async def keep(self, alarm: Alarm) -> None:
        self.sent.append(alarm)

    async def order(self, name: str = "m1", due_s: float = 60, **changes: Any) -> str:
        return await self.scene.order(name, f"order:1|HB|{name}", deadline_at=after(due_s), **changes)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Bench]:
        task = asyncio.create_task(self.loop.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_an_order_raises_an_alarm_once_its_deadline_has_passed() -> None:
    async with Bench().running() as bench:
        await bench.order(due_s=60)
        await bench.clock.pass_(55)
        assert bench.sent == []

        await bench.clock.pass_(20)
        (alarm,) = bench.sent
        assert [entry.order_keys for entry in alarm.entries] == [("order:1|HB|m1",)]
        assert alarm.tell == ("owner of orders_in",)


async def test_an_alarm_is_repeated_until_somebody_acknowledges_it() -> None:
    async with Bench().running() as bench:
        await bench.order()
        await bench.clock.pass_(60 + 15 * 60 * 3 + 30)
        assert len(bench.sent) == 4

        await bench.journal.acknowledge_alarm("m1", "ann", "on it", bench.clock.now())
        await bench.clock.pass_(60 * 60)
        assert len(bench.sent) == 4


async def test_no_alarm_is_raised_about_what_was_delivered() -> None:
    async with Bench().running() as bench:
        await bench.order()
        claimed = await bench.scene.claim_only()
        await bench.scene.deliver(claimed.claim)
        await bench.clock.pass_(60 * 60)

        assert bench.sent == []


async def test_a_parked_order_raises_an_alarm_too() -> None:
    async with Bench().running() as bench:
        await bench.order()
        await bench.scene.park((await bench.scene.claim_only()).claim)
        await bench.clock.pass_(80)

        assert [entry.state for entry in bench.sent[0].entries] == ["parked"]


async def test_an_order_in_doubt_raises_an_alarm_too() -> None:
    async with Bench().running() as bench:
        await bench.order()
        claim = (await bench.scene.claim_only()).claim
        await bench.scene.start(claim)
        doubt = Settled(DeliveryState.IN_DOUBT, in_doubt(), not_before=after(9_999), reason="lost")
        await bench.journal.settle(claim, doubt, bench.clock.now())
        await bench.clock.pass_(80)

        assert [entry.state for entry in bench.sent[0].entries] == ["in_doubt"]


async def test_a_parked_set_raises_an_alarm_too() -> None:
    async with Bench().running() as bench:
        await bench.scene.accept("m1")
        await bench.scene.plan("m1", [document(is_parked=True, deadline_at=after(60))])
        await bench.clock.pass_(80)

        assert [entry.state for entry in bench.sent[0].entries] == ["parked"]


async def went_back(bench: Bench) -> None:
    await bench.journal.declare_stages({"orders_in": ("canary", "5")}, T0)
    await bench.journal.set_stage("orders_in", "canary", "shadow", "5", ROLL_BACK, "5% failed", after(1))


async def test_a_canary_that_went_back_by_itself_raises_an_alarm_until_somebody_acknowledges_it() -> None:
    async with Bench().running() as bench:
        await went_back(bench)
        await bench.clock.pass_(15 * 60 * 2 + 30)
        assert [alarm.tell for alarm in bench.sent] == [("owner of orders_in",)] * 3
        assert {alarm.subject for alarm in bench.sent} == {
            "legacy-bridge: went back by itself: orders_in to shadow"
        }

        await bench.journal.acknowledge_alarm("orders_in", "ann", "on it", bench.clock.now())
        await bench.clock.pass_(60 * 60)
        assert len(bench.sent) == 3


async def test_a_roll_back_that_could_not_be_told_is_told_at_the_next_check_after_a_restart_too() -> None:
    async def away(alarm: Alarm) -> None:
        raise ConnectionError("no network")

    async with Bench(away).running() as bench:
        await went_back(bench)
        await bench.clock.pass_(30)
    bench.loop = bench.anew()
    async with bench.running():
        await bench.clock.pass_(20)

    assert [[each.route for each in alarm.rolled_back] for alarm in bench.sent] == [["orders_in"]]


async def test_a_route_that_a_person_moves_on_is_told_no_more() -> None:
    async with Bench().running() as bench:
        await went_back(bench)
        await bench.clock.pass_(20)
        await bench.journal.set_stage("orders_in", "shadow", "legacy", "0", "ann", "wait", bench.clock.now())
        await bench.clock.pass_(60 * 60)

        assert len(bench.sent) == 1


def test_an_alarm_about_a_roll_back_says_why_and_what_to_do() -> None:
    back = RolledBack("po.acme", "shadow", 7, T0, "5% of attempts failed; expected at most 2%")
    alarm = Alarm(after(9), (), ("scm-oncall",), rolled_back=(back,))
    told, text = json.loads(webhook_body(alarm)), mail_text(alarm)

    assert (told["event"], told["count"], told["tell"]) == ("routes_rolled_back", 1, ["scm-oncall"])
    assert told["routes"] == [
        {"route": "po.acme", "stage": "shadow", "at": T0.isoformat(), "reason": back.why}
    ]
    assert "For: scm-oncall" in text
    assert back.why in text
    assert "exceptions acknowledge ROUTE" in text


def test_the_webhook_of_the_how_to_page_is_what_is_sent_but_for_its_numbers() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/alarms.md").read_text()
    shown = json.loads(page.partition("```json\n")[2].partition("```")[0])
    (order,) = shown["overdue"]
    entry = replace(OVERDUE, state="parked", reason="PO1 of patient X")
    sent = json.loads(webhook_body(Alarm(ALARM.at, (entry,), ALARM.tell)))

    assert list(sent) == list(shown)
    assert list(sent["overdue"][0]) == list(order)
    assert (sent["event"], sent["subject"], sent["tell"]) == (shown["event"], shown["subject"], shown["tell"])
    assert (sent["overdue"][0]["state"], sent["overdue"][0]["reason"]) == (order["state"], order["reason"])


async def test_a_message_that_was_never_translated_raises_an_alarm_too() -> None:
    async with Bench().running() as bench:
        await bench.scene.accept("m1")
        await bench.clock.pass_(599)
        assert bench.sent == []
        await bench.clock.pass_(20)

        assert [entry.message_id for entry in bench.sent[0].entries] == ["m1"]
        assert "not translated yet" in mail_text(bench.sent[0])


async def test_a_message_that_was_never_translated_is_late_by_its_own_routes_deadline() -> None:
    async with Bench().running() as bench:
        await bench.scene.accept("m1", route="slow")
        await bench.scene.accept("m2", route="slow", is_urgent=True)
        await bench.clock.pass_(29 * 60)
        assert bench.sent == []
        await bench.clock.pass_(2 * 60)
        assert [entry.message_id for alarm in bench.sent for entry in alarm.entries] == ["m2"]
        assert bench.sent[0].entries[0].deadline_at == after(30 * 60)
        await bench.journal.acknowledge_alarm("m2", "ann", "on it", bench.clock.now())
        await bench.clock.pass_(30 * 60)

        assert [entry.message_id for entry in bench.sent[-1].entries] == ["m1"]
        assert len(bench.sent) == 2


async def test_a_later_order_raises_its_own_alarm_while_an_earlier_one_pauses() -> None:
    async with Bench().running() as bench:
        await bench.order("m1", due_s=60)
        await bench.clock.pass_(80)
        bench.scene.now = bench.clock.now()
        await bench.order("m2", due_s=120)
        await bench.clock.pass_(60)

        assert [[entry.message_id for entry in alarm.entries] for alarm in bench.sent] == [["m1"], ["m2"]]


async def test_a_sender_that_fails_does_not_stop_the_other() -> None:
    kept: list[Alarm] = []

    async def fails(alarm: Alarm) -> None:
        raise ConnectionError("nobody answers")

    async def keeps(alarm: Alarm) -> None:
        kept.append(alarm)

    async with Bench(fails, keeps).running() as bench:
        await bench.order()
        await bench.clock.pass_(60 + 15 * 60 + 30)

        assert len(kept) == 2


async def test_an_alarm_that_no_sender_took_is_tried_again_at_the_next_look() -> None:
    failures = 3
    kept: list[Alarm] = []

    async def fails_first(alarm: Alarm) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ConnectionError("nobody answers")
        kept.append(alarm)

    async with Bench(fails_first).running() as bench:
        await bench.order()
        await bench.clock.pass_(60 + 40)

        assert len(kept) == 1


async def test_a_busy_journal_delays_an_alarm_and_ends_nothing() -> None:
    async with Bench().running() as bench:
        await bench.order()
        overdue, busy = bench.journal.overdue, 2

        async def at_times(*args: Any) -> Any:
            nonlocal busy
            busy -= 1
            if busy >= 0:
                raise JournalBusyError("later")
            return await overdue(*args)

        bench.journal.overdue = at_times  # type: ignore[assignment, method-assign]
        await bench.clock.pass_(100)

        assert busy < 0
        assert len(bench.sent) == 1


def test_urgent_orders_are_named_before_a_long_list_of_others() -> None:
    batch = [replace(OVERDUE, message_id=f"n{n}", is_urgent=False) for n in range(500)]
    due = alarms_due([*batch, replace(OVERDUE, deadline_at=after(9))], after(10), REPEAT)
    alarm = Alarm(T0, due, ())

    told = json.loads(webhook_body(alarm))
    assert told["count"] == 501
    assert len(told["overdue"]) == ENTRIES_MAX
    assert told["overdue"][0]["message_id"] == "m1"
    assert "URGENT" in mail_text(alarm)
    assert "... and 301 more" in mail_text(alarm)
    assert alarm.subject == "legacy-bridge: 501 orders past the deadline, 1 of them urgent"


async def test_an_alarm_repeats_no_words_of_the_document_or_of_another_system() -> None:
    private = "price 12.34 refused for Jane Doe"
    async with Bench().running() as bench:
        await bench.order()
        claim = (await bench.scene.claim_only()).claim
        await bench.scene.start(claim)
        findings = (Finding("ERP-422", Position("erp"), private),)
        parked = Settled(DeliveryState.PARKED, findings=findings, reason=private)
        await bench.journal.settle(claim, parked, bench.clock.now())
        await bench.scene.accept("m2")
        await bench.scene.plan("m2", findings=findings, parks=True)
        await bench.scene.accept("m3")
        parked_set = document(0, "O-3", is_parked=True, findings=findings, deadline_at=after(60))
        await bench.scene.plan("m3", [parked_set])
        await bench.clock.pass_(700)

        told = {entry.message_id for alarm in bench.sent for entry in alarm.entries}
        assert told == {"m1", "m2", "m3"}
        for alarm in bench.sent:
            for text in (mail_text(alarm), webhook_body(alarm).decode(), alarm.subject):
                assert "12.34" not in text
                assert "Jane" not in text


@contextlib.asynccontextmanager
async def receiver(status: int = 204) -> AsyncIterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """Serve a pager service; give its address and what it got."""
    got: list[tuple[bytes, dict[str, str]]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((await request.read(), dict(request.headers)))
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/alarms", got
    finally:
        await runner.cleanup()


async def test_a_webhook_is_signed_over_the_bytes_that_are_sent() -> None:
    async with receiver() as (url, got):
        await Webhook(url, "s3cret")(ALARM)

    ((body, headers),) = got
    expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["X-Legacy-Bridge-Signature"] == f"sha256={expected}"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["overdue"][0]["orders"] == ["order:1|HB|4711"]


async def test_a_webhook_without_a_secret_is_not_signed() -> None:
    async with receiver() as (url, got):
        await Webhook(url, None)(ALARM)

    assert "X-Legacy-Bridge-Signature" not in got[0][1]


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_webhook_that_is_not_taken_is_an_error(status: int) -> None:
    async with receiver(status) as (url, got):
        with pytest.raises(ConnectionError, match=str(status)):
            await Webhook(url, None)(ALARM)

    assert len(got) == 1  # it is not sent to wherever a redirect points


def mail(sink: SmtpSink, **changes: Any) -> Mail:
    return Mail("localhost", sink.port, "bridge@mercy.example", ("a@x.example", "b@x.example"), **changes)


@pytest.fixture
def server_tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.pem("server"), certificates.key("server"))
    return context


@pytest.fixture
def client_tls(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.pem("ca")))


async def test_a_mail_names_the_order_and_what_to_do() -> None:
    async with SmtpSink() as sink:
        await mail(sink, tls="none")(ALARM)

    ((to, text, is_secured, _),) = sink.mails
    assert to == ("a@x.example", "b@x.example")
    assert not is_secured
    message = email.message_from_string(text, policy=email.policy.default)
    assert message["Subject"] == ALARM.subject
    assert message["Date"] is not None
    assert message["Message-ID"] is not None
    content = message.get_content()
    assert "4711" in content
    assert "scm-oncall" in content
    assert "legacy-bridge exceptions acknowledge MESSAGE --why TEXT" in content


@pytest.mark.parametrize("way", ["starttls", "tls"])
async def test_a_mail_goes_over_tls_with_the_password(
    way: str, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    secured = SmtpSink(server_tls, ("bridge", "pass word"), is_secured_at_once=way == "tls")
    async with secured as sink:
        await mail(sink, tls=way, user="bridge", password="pass word", context=client_tls)(ALARM)

    ((_, _, is_secured, user),) = sink.mails
    assert is_secured
    assert user == "bridge"


async def test_a_server_that_offers_no_tls_gets_neither_password_nor_mail() -> None:
    async with SmtpSink(password=("bridge", "secret")) as sink:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            await mail(sink, user="bridge", password="secret")(ALARM)

    assert sink.mails == []


async def test_a_server_of_another_authority_gets_neither_password_nor_mail(
    server_tls: ssl.SSLContext, certificates: Certificates
) -> None:
    stranger = ssl.create_default_context(cafile=str(certificates.pem("other_ca")))
    async with SmtpSink(server_tls, ("bridge", "secret")) as sink:
        with pytest.raises(ssl.SSLCertVerificationError):
            await mail(sink, user="bridge", password="secret", context=stranger)(ALARM)

    assert sink.mails == []


async def test_a_mail_that_is_not_taken_is_an_error() -> None:
    async with SmtpSink(takes_mail=False) as sink:
        with pytest.raises(smtplib.SMTPException):
            await mail(sink, tls="none")(ALARM)


async def test_an_overdue_order_reaches_pager_and_mailbox_until_it_is_acknowledged() -> None:
    async with receiver() as (url, got), SmtpSink() as sink:
        bench = Bench(Webhook(url, "s3cret"), mail(sink, tls="none"))
        await bench.scene.accept("m1")
        await bench.scene.plan("m1", [document()], [delivery("m1-d", deadline_at=after(60))])
        bench.clock.elapsed_s = 61
        await bench.loop.check()
        await bench.loop.check()  # within the pause
        bench.clock.elapsed_s += REPEAT.total_seconds()
        await bench.loop.check()
        await bench.journal.acknowledge_alarm("m1", "ann", "on it", bench.clock.now())
        bench.clock.elapsed_s += REPEAT.total_seconds()
        await bench.loop.check()

        assert len(got) == len(sink.mails) == 2


async def test_the_loop_makes_an_exception_of_a_missing_acknowledgment() -> None:
    async with Bench().running() as bench:
        await bench.scene.accept("m1")
        numbers = (ControlNumber("GS06/PO/A/B/1", delivery_id="d1", due_at=after(60)),)
        sent = delivery("d1", None, body=b"ISA", deadline_at=None)
        await bench.scene.plan("m1", [document()], [sent], controls=numbers)
        await bench.scene.deliver((await bench.scene.claim_only()).claim)
        await bench.clock.pass_(50)
        assert await bench.journal.exceptions() == []

        await bench.clock.pass_(30)
        assert [each.kind for each in await bench.journal.exceptions()] == ["acknowledgment"]
