"""What one route takes over HTTP, and every decision about a request that needs no I/O. Pure.

A request is refused before its body is read wherever its head says enough: who sends it, in what
form, how large. Every refusal is a Finding with the status that HTTP has for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.base import Finding, Position

HttpIdentity = Literal["idempotency_key", "control_numbers", "none"]
ReplyMode = Literal["accepted", "wait", "pass_through", "query"]

KEY_CHARACTERS_MAX = 200
CORRELATION_CHARACTERS_MAX = 128
ANY_CONTENT_TYPE = ("*/*",)
_CORRELATION_ID = re.compile(rf"[A-Za-z0-9._:/-]{{1,{CORRELATION_CHARACTERS_MAX}}}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a client certificate. ``identity`` is kept with each message, so it is no secret."""

    identity: str  # the certificate's subject or the name it is mapped to
    fingerprint: str  # SHA-256 of the certificate, hex, lower case
    partner: str | None = None


@dataclass(frozen=True, slots=True)
class HttpInlet:
    """One route that messages reach over HTTP, as plain values.

    ``document``: the canonical document type it takes (then the body is canonical JSON, validated
    before it is accepted); None: raw bytes. ``partners`` and ``fingerprints``: who may send, empty
    for everybody who may connect. ``pending``: what a caller of ``wait`` gets when time is up, with
    ``{message_id}`` replaced; None for our own JSON.
    """

    route: str
    document: str | None = None
    identity: HttpIdentity = "none"
    partner: str | None = None
    needs_certificate: bool = False
    partners: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()
    content_types: tuple[str, ...] = ANY_CONTENT_TYPE
    size_bytes_max: int = 64 * 1024 * 1024
    reply: ReplyMode = "accepted"
    reply_within_s: float = 30.0
    pending: bytes | None = None
    pending_content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()  # with every answer: how long the contract holds


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused, and HTTP's word for it. ``headers`` go with the answer."""

    status: int
    finding: Finding
    headers: tuple[tuple[str, str], ...] = ()
    problems: tuple[tuple[str, str], ...] = ()  # (path, what was expected) in a canonical document


class RefusedError(Exception):
    """A refusal on its way to the caller."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.finding))
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Head:
    """What a request says before its body: header values in order, and who sends it."""

    path: str
    content_types: tuple[str, ...]
    content_encoding: str
    content_length: int | None
    idempotency_keys: tuple[str, ...]
    correlation_ids: tuple[str, ...]
    caller: Caller | None


def refused(status: int, code: str, at: str, text: str, **headers: str) -> Refusal:
    """Make a refusal; underscores in header names stand for dashes."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Refusal(status, Finding(code, Position(at), text), named)


def head_refusal(inlet: HttpInlet, head: Head) -> Refusal | None:
    """Say why a request is refused for what its head says; None where its body may be read."""
    return (
        _caller_refusal(inlet, head)
        or _form_refusal(inlet, head)
        or _size_refusal(inlet, head)
        or _key_refusal(inlet, head)
    )


def arrival_key(inlet: HttpInlet, head: Head) -> str | None:
    """Give what makes this request the same one as an earlier: its Idempotency-Key, within its sender.

    Source: draft-ietf-httpapi-idempotency-key-header, section 2.
    """
    if inlet.identity != "idempotency_key" or not head.idempotency_keys:
        return None
    key = _bare(head.idempotency_keys[0])
    sender = partner_of(inlet, head) or (head.caller.identity if head.caller else None)
    return key if sender is None else f"{sender}/{key}"


def partner_of(inlet: HttpInlet, head: Head) -> str | None:
    """Give the partner who sends: by certificate, else the route's own."""
    return (head.caller.partner if head.caller else None) or inlet.partner


def correlation_id(head: Head) -> str | None:
    """Give the sender's correlation id where it has a form that logs can hold."""
    if len(head.correlation_ids) != 1:
        return None
    (given,) = head.correlation_ids
    return given if _CORRELATION_ID.fullmatch(given) else None


def inlet_for_document(
    inlets: Mapping[str, HttpInlet], document: str, route: str | None, at: str
) -> HttpInlet | Refusal:
    """Find the route for a canonical document: the only one of its type, or the one that is named."""
    fitting = [inlet for inlet in inlets.values() if inlet.document == document]
    if route is not None:
        fitting = [inlet for inlet in fitting if inlet.route == route]
    match fitting:
        case [inlet]:
            return inlet
        case []:
            wanted = f"of type '{shown(document)}'" + (f" on route '{shown(route)}'" if route else "")
            return refused(404, "HTTP-ROUTE", at, f"no route takes canonical documents {wanted}")
    names = ", ".join(sorted(inlet.route for inlet in fitting))
    return refused(
        400, "HTTP-ROUTE-AMBIGUOUS", at, f"several routes take this document; add ?route= one of {names}"
    )


def too_large(inlet: HttpInlet, at: str) -> Refusal:
    """Refuse a body that is larger than this route takes. Source: RFC 9110, 15.5.14."""
    text = (
        f"the body is larger than the {inlet.size_bytes_max} bytes that route '{inlet.route}' takes; split it"
    )
    return refused(413, "HTTP-TOO-LARGE", at, text)


def shown(text: str) -> str:
    """Give a caller's own word as text that can be stored and printed."""
    kept = text[:80]
    return kept if kept.isprintable() else "".join(char if char.isprintable() else "?" for char in kept)


def _caller_refusal(inlet: HttpInlet, head: Head) -> Refusal | None:
    caller = head.caller
    if caller is None:
        if not (inlet.needs_certificate or inlet.partners or inlet.fingerprints):
            return None
        return refused(403, "HTTP-CERTIFICATE", head.path, "this route needs a client certificate; none came")
    is_listed = not inlet.fingerprints or caller.fingerprint in inlet.fingerprints
    is_partner = not inlet.partners or caller.partner in inlet.partners
    is_own = inlet.partner in (None, caller.partner) or caller.fingerprint in inlet.fingerprints
    if is_listed and is_partner and is_own:
        return None
    text = f"the holder of certificate {caller.fingerprint[:16]} may not send on route '{inlet.route}'"
    return refused(403, "HTTP-CERTIFICATE", head.path, text)


def _form_refusal(inlet: HttpInlet, head: Head) -> Refusal | None:
    if head.content_encoding.lower() not in ("", "identity"):
        # A small compressed body may unpack to any size; our senders have no need of it.
        text = f"Content-Encoding '{shown(head.content_encoding)}' is not taken; send the body as it is"
        return refused(415, "HTTP-CONTENT-ENCODING", head.path, text, Accept_Encoding="identity")
    if inlet.content_types == ANY_CONTENT_TYPE:
        return None
    given = head.content_types[0].partition(";")[0].strip().lower() if len(head.content_types) == 1 else ""
    if given in inlet.content_types:
        return None
    wanted = ", ".join(inlet.content_types)
    text = f"Content-Type '{shown(', '.join(head.content_types))}' found; expected {wanted}"
    return refused(415, "HTTP-CONTENT-TYPE", head.path, text, Accept=wanted)


def _size_refusal(inlet: HttpInlet, head: Head) -> Refusal | None:
    if head.content_length is not None and head.content_length > inlet.size_bytes_max:
        return too_large(inlet, head.path)
    return None


def _key_refusal(inlet: HttpInlet, head: Head) -> Refusal | None:
    if inlet.identity != "idempotency_key":
        return None
    if len(head.idempotency_keys) != 1:
        found = f"{len(head.idempotency_keys)} found" if head.idempotency_keys else "none came"
        text = f"this route needs one Idempotency-Key header, the same for each repeat of a request; {found}"
        return refused(400, "HTTP-IDEMPOTENCY-KEY", head.path, text)
    key = _bare(head.idempotency_keys[0])
    if 1 <= len(key) <= KEY_CHARACTERS_MAX and key.isascii() and key.isprintable():
        return None
    text = f"the Idempotency-Key is not 1 to {KEY_CHARACTERS_MAX} printable ASCII characters"
    return refused(400, "HTTP-IDEMPOTENCY-KEY", head.path, text)


def _bare(value: str) -> str:
    """Take the quotes of a structured field's string off. Source: RFC 8941, 3.3.3."""
    is_quoted = len(value) >= 2 and value[0] == value[-1] == '"'
    return value[1:-1] if is_quoted else value


def routes_by_name(inlets: Sequence[HttpInlet]) -> dict[str, HttpInlet]:
    """Give inlets by their route's name."""
    return {inlet.route: inlet for inlet in inlets}
