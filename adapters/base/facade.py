"""Facades: what an adapter serves on the gateway's one HTTP application, in the form that its callers know.

A facade is pure: it judges a whole request before the gateway takes it, and words whatever became of it.
The gateway does everything else: bounds, client certificates, the source memory, the journal, waiting,
passing on. So a legacy client may change one address and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from adapters.base.findings import Finding
from adapters.base.transport import Reply


@dataclass(frozen=True, slots=True)
class FacadeCall:
    """One request, whole. ``base``: how the caller reaches us, such as ``https://gateway:8443``.

    ``partner`` and ``identity`` are told by the client certificate. ``passes_on``: the routes whose
    requests go on to legacy unchanged for now; what legacy judges by itself need not be judged here.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    base: str
    at: datetime  # aware, UTC
    peer: str = ""
    partner: str | None = None
    identity: str = ""
    passes_on: frozenset[str] = frozenset()

    def header(self, name: str) -> str | None:
        """Give the first header of that name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class FacadeAnswer:
    """What a caller gets. ``finding``: why it is not the answer that it should be, for our own log."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """Something that may be seen once only (a nonce), to be remembered before the request is taken.

    The same content again is a repeat of the same request; another content is a replay. ``finding`` says so.
    """

    key: str
    content_hash: str
    expires_at: datetime
    finding: Finding


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be taken. ``state`` is the facade's own, for wording the answer.

    ``body``: what is taken in place of the bytes that came, where those cannot be read again (they were
    encrypted for us). ``is_proven``: the request itself shows who sent it, so that no certificate must.
    """

    route: str
    arrival_key: str | None
    state: object
    partner: str | None = None
    identity: str = ""  # who sent it, kept with the message: no secret
    is_proven: bool = False
    body: bytes | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # kept with the message: what passing on needs
    once: tuple[Once, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """A request that is not taken: the finding is kept, the body is not."""

    finding: Finding
    answer: FacadeAnswer
    route: str = ""  # where it would have gone, "" where that is not known


@dataclass(frozen=True, slots=True)
class WasAccepted:
    """The gateway has the message, durably; nobody waits for more."""

    message_id: str
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class WasDelivered:
    """Everything is delivered. ``references``: target -> its number. ``reply``: the live target's last."""

    message_id: str
    references: Mapping[str, str]
    reply: Reply | None = None
    is_legacy: bool = False  # the reply is the legacy system's own, to this request's bytes


@dataclass(frozen=True, slots=True)
class IsPending:
    """Time is up, the message is kept and goes on by itself."""

    message_id: str


@dataclass(frozen=True, slots=True)
class WasRefused:
    """Nobody took it: it is parked for a person (with a message id), or was refused."""

    message_id: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class IsInDoubt:
    """Legacy did not answer in time, and may have done it. It is never sent again by us."""

    message_id: str


@dataclass(frozen=True, slots=True)
class WasReplayed:
    """Something that may be seen once only came with another content."""

    once: Once


@dataclass(frozen=True, slots=True)
class WasUnavailable:
    """The gateway could not take it: busy, stopping, a journal that cannot write. Nothing was kept."""

    finding: Finding
    status: int = 503


CallOutcome = WasAccepted | WasDelivered | IsPending | WasRefused | IsInDoubt | WasReplayed | WasUnavailable


class Facade(Protocol):
    """What is served under one endpoint's paths. Building one may read files and take a second."""

    paths: tuple[str, ...]
    size_bytes_max: int
    takes_options: bool  # an OPTIONS request is a handshake of its senders, answered by ``look``

    def look(self, call: FacadeCall) -> FacadeAnswer | Denied:
        """Answer a GET: what is served here, and how."""
        ...

    def admit(self, call: FacadeCall) -> Admitted | Denied:
        """Judge a POST before it is taken: form, sender, schema."""
        ...

    def answer(self, admitted: Admitted, outcome: CallOutcome) -> FacadeAnswer:
        """Word what became of an admitted request."""
        ...

    def compare(self, route: str, legacy: Reply, cloud: Reply) -> tuple[Finding, ...]:
        """Say where the answers of two systems to one question differ; nothing where they say the same."""
        ...

    def refusal(self, call: FacadeCall, finding: Finding, status: int) -> FacadeAnswer:
        """Word why the gateway refuses a request by its head, or could not read its body."""
        ...
