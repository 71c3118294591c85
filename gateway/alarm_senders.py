"""The two ways an alarm goes out: a webhook and a mail. I/O only; what they say is ``alarms.py``'s."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Literal

import aiohttp

from gateway.alarms import Alarm, mail_text, signature, webhook_body

TIMEOUT_S = 15.0


class Webhook:
    """Posts alarms as JSON, signed where there is a secret."""

    def __init__(self, url: str, secret: str | None) -> None:
        self._url = url
        self._secret = secret

    async def __call__(self, alarm: Alarm) -> None:
        """Post one alarm. Errors: ConnectionError where the receiver does not say 2xx."""
        body = webhook_body(alarm)
        headers = {"Content-Type": "application/json"}
        if self._secret is not None:
            headers["X-Legacy-Bridge-Signature"] = f"sha256={signature(body, self._secret)}"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(self._url, data=body, headers=headers, allow_redirects=False) as reply,
        ):
            if not 200 <= reply.status < 300:
                raise ConnectionError(f"the webhook answered {reply.status}")


class Mail:
    """Mails alarms over SMTP (RFC 5321), with STARTTLS (RFC 3207) unless told otherwise."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        to: tuple[str, ...],
        *,
        tls: Literal["starttls", "tls", "none"] = "starttls",
        user: str | None = None,
        password: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._to = to
        self._tls = tls
        self._user = user
        self._password = password
        self._context = context

    async def __call__(self, alarm: Alarm) -> None:
        """Mail one alarm. Errors: smtplib.SMTPException, OSError."""
        message = EmailMessage()
        message["Subject"] = alarm.subject
        # Source: RFC 5322, 3.6: a mail without them is refused, or taken for junk.
        message["Date"] = format_datetime(alarm.at)
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].strip(" >") or "localhost")
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message.set_content(mail_text(alarm))
        await asyncio.to_thread(self._send, message)  # smtplib blocks; it waits for the network, not the CPU

    def _send(self, message: EmailMessage) -> None:
        context = self._context or ssl.create_default_context()
        if self._tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        with server:
            if self._tls == "starttls":
                server.starttls(context=context)
            if self._user is not None and self._password is not None:
                server.login(self._user, self._password)
            server.send_message(message)
