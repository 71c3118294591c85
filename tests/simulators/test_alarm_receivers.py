from __future__ import annotations

import asyncio
import json
import smtplib
import urllib.request
from email.message import EmailMessage

import pytest

from simulators.alarms import Mailbox, Pager


def send(address: str, text: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = (
        "late",
        "bridge@mercy.example",
        "a@x.example, b@x.example",
    )
    message.set_content(text)
    host, _, port = address.partition(":")
    with smtplib.SMTP(host, int(port), timeout=5) as server:
        server.send_message(message)


async def test_the_mail_server_keeps_sender_recipients_and_text_with_dots_at_its_lines() -> None:
    mailbox = Mailbox()
    await mailbox.start()
    await asyncio.to_thread(send, mailbox.address, "first\n.dotted\n.\nlast\n")
    await mailbox.stop()

    (mail,) = mailbox.mails
    assert mail.sender == "bridge@mercy.example"
    assert mail.recipients == ("a@x.example", "b@x.example")
    assert mail.text.replace("\r\n", "\n").endswith("\n\nfirst\n.dotted\n.\nlast\n")


async def test_the_mail_server_refuses_what_it_does_not_know_and_goes_on() -> None:
    mailbox = Mailbox()
    await mailbox.start()

    def converse() -> int:
        host, _, port = mailbox.address.partition(":")
        with smtplib.SMTP(host, int(port), timeout=5) as server:
            return server.docmd("STARTTLS")[0]

    assert await asyncio.to_thread(converse) == 502
    await asyncio.to_thread(send, mailbox.address, "after")
    await mailbox.stop()

    assert len(mailbox.mails) == 1


async def test_a_sender_that_goes_away_leaves_no_mail() -> None:
    mailbox = Mailbox()
    await mailbox.start()
    host, _, port = mailbox.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nhalf a")
    writer.write_eof()
    await reader.read()  # until the server has ended the conversation
    writer.close()
    await mailbox.stop()

    assert mailbox.mails == []


async def test_the_pager_keeps_what_is_posted() -> None:
    pager = Pager()
    await pager.start()
    body = json.dumps({"event": "orders_overdue"}).encode()
    request = urllib.request.Request(f"http://{pager.address}/alarms", data=body, method="POST")
    reply = await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=5).status)
    await pager.stop()

    assert reply == 200
    assert pager.alarms == [{"event": "orders_overdue"}]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
