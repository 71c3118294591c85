"""Transports: how bytes come in (Source) and how they go out (Sink).

A Source yields what arrived and settles it only after the gateway has it on disk. A Sink
writes one request and says what came back; it decides nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from adapters.base.findings import Finding


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an input came from; kept for ever with the message, so no secrets and no content."""

    transport: str  # the adapter's folder name, or "http"
    received_at: datetime  # aware, UTC
    name: str = ""  # file name, request path, table: names the input in positions
    peer: str = ""  # address or host
    identity: str = ""  # who sent it: certificate subject, user, partner id
    content_type: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)  # mtime, SOAPAction, row id ...


@dataclass(frozen=True, slots=True)
class Taken:
    """The gateway has the bytes, durably. ``is_repeat``: it had them already."""

    message_id: str
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """The gateway has the bytes and a reply for the caller (synchronous sources only)."""

    message_id: str
    body: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    is_theirs: bool = field(default=False, compare=False)  # the legacy system's own reply, byte for byte


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway does not have the bytes and will not take them; the finding is kept."""

    finding: Finding
    status: int = 400  # for HTTP sources


Settlement = Taken | Answered | Refused


@dataclass(frozen=True, slots=True)
class Inbound:
    """One input that arrived and is not ours yet.

    ``arrival_key`` is what the route's ``identity:`` declares, None where it declares none: the
    same key with the same bytes is the same message. ``body`` is read once. ``settle`` is called
    exactly once, after the journal's commit; a source that dies before it offers the same input
    again.
    """

    route: str
    arrival_key: str | None
    origin: Origin
    body: AsyncIterator[bytes]
    settle: Callable[[Settlement], Awaitable[None]]
    partner: str | None = None
    correlation_id: str | None = None


class Source(Protocol):
    """An inlet. ``receive`` runs until it is cancelled; reconnecting is its own affair."""

    def receive(self) -> AsyncIterator[Inbound]:
        """Give what arrives, one by one. Bad input is settled as Refused, not raised."""
        ...


@runtime_checkable
class BatchSource(Protocol):
    """A source of many small inputs, some of which may be taken at the same time."""

    def receive_batches(self) -> AsyncGenerator[Sequence[Inbound]]:
        """Give what arrives, in groups whose inputs need no order among each other.

        Asking for the next group says that each input of this one was settled, or given up.
        """
        ...


@runtime_checkable
class TroubledSource(Protocol):
    """A source that can tell that it stands still at the moment, though it goes on trying."""

    @property
    def trouble(self) -> str | None:
        """Say what keeps it from taking anything, for ``status``; None: nothing does."""
        ...


@runtime_checkable
class TroubledSink(Protocol):
    """A sink that can tell that it sends nothing until a person has put something right."""

    @property
    def trouble(self) -> str | None:
        """Say what that is, for ``status`` and ``explain``; None: nothing."""
        ...


QUERY = "query"
"""The step of a question that changes nothing: it is asked in stage shadow, too, to compare the answers."""


class Effect(StrEnum):
    """What an unanswered request may have done."""

    READ = "read"  # nothing: ask again
    REPEATABLE = "repeatable"  # the receiver treats the same bytes under the same key as one
    WRITE = "write"  # perhaps everything: in doubt until looked up


@dataclass(frozen=True, slots=True)
class Request:
    """One request, frozen before it is sent: the journal keeps it as it went out, secrets excepted.

    ``address`` is relative to the endpoint; ``method`` is the transport's verb (an HTTP method;
    ``stage``, ``publish``, ``probe`` for files). Credentials are added by the Sink and never stand here.
    """

    step: str  # the target's own word: "look_up", "create", "submit" ...
    effect: Effect
    method: str
    address: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered; ``status`` is HTTP's, or 200/404/409 and kin for other transports."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str | None:
        """Give the first header of that name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing came back. ``written`` says whether the request may have reached the other side."""

    written: Literal["none", "maybe"]
    reason: str
    kind: Literal["outage", "credential", "stale_claim"] = "outage"


class Sink(Protocol):
    """An outlet to one endpoint."""

    async def send(
        self, request: Request, *, still_mine: Callable[[], Awaitable[bool]] | None = None
    ) -> Reply | NoReply:
        """Write one request and wait for its reply; never raises for what the other side does.

        ``still_mine`` is asked right before the first byte is written; on False nothing is, and the
        answer is ``NoReply("none", ..., "stale_claim")``.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
