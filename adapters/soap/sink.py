"""The SOAP sink: puts the Security header on, lets the gateway's HTTP sink send, judges the answer's.

It decides nothing else and never sends twice. The journal keeps the request without its Security header,
as it keeps no Authorization header: what proves who we are is made anew for each sending, and a password
or a proof that still counts is not stored.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from lxml import etree

from adapters.base import Clock, DecodeError, NoReply, Reply, Request, Rng
from adapters.base.transport import Sink
from adapters.soap.requests import is_written
from adapters.soap.wsse import SecurityFault, Verifier, verifier
from adapters.soap.wsse_settings import OutboundSecurity
from adapters.soap.wsse_write import NONCE_BYTES, Seal, seal, secure
from adapters.xml import Keep, XmlBounds, parse_xml

ClaimCheck = Callable[[], Awaitable[bool]]


CONNECT_S = 5.0
LOOK_EVERY_S = 1.0  # secrets and keys that change are taken up without a restart


class SoapSink:
    """An outlet to one service. Secrets are resolved when they are needed: they may come after the start."""

    def __init__(
        self,
        name: str,
        inner: Sink,
        *,
        clock: Clock,
        rng: Rng,
        bounds: XmlBounds,
        security: OutboundSecurity | None,
        secret: Callable[[str], str],
    ) -> None:
        self._name = name
        self._inner = inner
        self._clock = clock
        self._rng = rng
        self._bounds = bounds
        self._security = security
        self._secret = secret
        self._material: tuple[Seal, Verifier | None] | None = None
        self._looked_at = -math.inf

    async def send(self, request: Request, *, still_mine: ClaimCheck | None = None) -> Reply | NoReply:
        """Write one request and wait for its reply. Bytes that pass through are not touched."""
        if self._security is None or not is_written(request):
            return await self._inner.send(request, still_mine=still_mine)
        try:
            seal_, answers = self._resolved(self._security)
        except Exception as error:  # noqa: BLE001 - a secret or key that is not there (yet): nothing was sent
            return NoReply("none", str(error), "credential")
        sealed = replace(request, body=self._sealed(request.body, seal_, self._clock.now()))
        reply = await self._inner.send(sealed, still_mine=still_mine)
        if answers is None or not isinstance(reply, Reply) or not reply.body.strip():
            return reply
        return self._judged(reply, answers)

    def _resolved(self, security: OutboundSecurity) -> tuple[Seal, Verifier | None]:
        now_s = self._clock.monotonic()
        if self._material is None or now_s - self._looked_at >= LOOK_EVERY_S:
            answers = security.answers
            judge = verifier(answers, self._secret) if answers is not None else None
            self._material, self._looked_at = (seal(security, self._secret), judge), now_s
        return self._material

    async def close(self) -> None:
        """Let go of connections."""
        await self._inner.close()

    def _sealed(self, body: bytes, seal: Seal, now: datetime) -> bytes:
        envelope = parse_xml(body, self._name, XmlBounds(size_bytes_max=max(len(body), 1)))
        # Uniqueness is what counts here; the token's 80 bits are chance, the time keeps restarts apart.
        drawn = f"{self._rng.token()}{self._rng.token()}{now.isoformat()}".encode()
        secure(envelope, seal, now, hashlib.sha256(drawn).digest()[:NONCE_BYTES])
        return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")

    def _judged(self, reply: Reply, answers: Verifier) -> Reply | NoReply:
        """Give an answer that shows what it must, decrypted; anything else is no answer to believe."""
        try:
            envelope = parse_xml(reply.body, self._name, self._bounds, Keep.EVERYTHING)
        except DecodeError:
            return reply  # no message at all: its status says what it is worth
        digest = hashlib.sha256(reply.body).hexdigest()
        found = answers.verify(envelope, self._name, self._clock.now(), digest)
        if isinstance(found, SecurityFault):
            return NoReply("maybe", f"the answer's security does not hold: {found.finding.text}")
        if answers.decrypts:
            return replace(reply, body=etree.tostring(found.envelope, encoding="UTF-8"))
        return reply  # byte for byte, as it came


async def unreachable(address: str) -> list[str]:
    """Say why a service cannot be reached: it connects, and sends nothing."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        opening = asyncio.open_connection(parts.hostname, port)
        _, writer = await asyncio.wait_for(opening, CONNECT_S)
    except TimeoutError:
        return [f"no connection to {parts.hostname}:{port} within {CONNECT_S:.0f} s"]
    except OSError as error:
        return [f"no connection to {parts.hostname}:{port} ({error.strerror or error})"]
    writer.close()
    return []
