"""What an HTTP reply means for a request, whatever the ERP: the table that all HTTP targets share. Pure.

The question is always: was it done, surely not, or perhaps? What may have been done is in doubt.
Rules: DESIGN section 7; RFC 9110 section 15 (status codes), RFC 9457 (problem details).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adapters.base import (
    Effect,
    Finding,
    InDoubt,
    NoReply,
    Outcome,
    Position,
    Rejected,
    Reply,
    Request,
    Transient,
    TransientKind,
)
from canonical.registry import DocumentError, read_json

LEGACY_IN_DOUBT = "LEGACY-IN-DOUBT"  # nobody knows what became of a request, and nobody can look it up
HTML_SCANNED_BYTES = 64 * 1024
FINDINGS_MAX = 100
TEXT_MAX = 500
NESTING_MAX = 6

_HTML = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)", re.I | re.S)
_LOG_IN = re.compile(
    rb"type\s*=\s*[\"']?password|name\s*=\s*[\"']?SAMLRequest|<title>[^<]{0,80}(?:sign[ -]?in|log[ -]?[io]n)",
    re.I,
)
_SORRY = re.compile(rb"sorry|unavailable|maintenance|try again|overload|gateway|temporar", re.I)
_LOG_IN_ADDRESS = re.compile(r"log-?in|sign-?in|logon|sso|saml|oauth|authorize|idp", re.I)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class StatusRules:
    """What an endpoint declares about its statuses; `place` names it in findings."""

    place: str
    success: frozenset[int]
    unprocessed: frozenset[int]  # sure to mean that nothing was done


def classify(request: Request, reply: Reply | NoReply, rules: StatusRules) -> Outcome | None:
    """Say what a reply means, or None where it is a success whose body the target must read."""
    if isinstance(reply, NoReply):
        return _unanswered(request.effect, reply)
    if reply.status in rules.success:
        return _page(request.effect, reply) if is_html(reply) else None
    if 300 <= reply.status < 400:
        return _redirected(request.effect, reply)
    if reply.status in rules.unprocessed:
        return _unprocessed(reply)
    return _refused(request.effect, reply, rules)


def unknown(effect: Effect, reason: str, kind: TransientKind = TransientKind.ERROR) -> Transient | InDoubt:
    """Say that nobody knows: harmless for a read and for what can be repeated, a doubt for a write."""
    return InDoubt(reason) if effect is Effect.WRITE else Transient(reason, kind)


def is_html(reply: Reply) -> bool:
    """Tell whether the body is a web page, whatever its content type says."""
    return _HTML.match(reply.body[:HTML_SCANNED_BYTES]) is not None


def retry_after_s(reply: Reply) -> float | None:
    """Give Retry-After in seconds; the sink has turned dates into seconds already."""
    text = (reply.header("Retry-After") or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _unanswered(effect: Effect, reply: NoReply) -> Outcome:
    kind = TransientKind.CREDENTIAL if reply.kind == "credential" else TransientKind.OUTAGE
    if reply.written == "none":
        return Transient(reply.reason, kind)
    return unknown(effect, reply.reason, kind)


def _page(effect: Effect, reply: Reply) -> Outcome:
    head = reply.body[:HTML_SCANNED_BYTES]
    if _LOG_IN.search(head):
        return Transient("a log-in page came instead of an answer", TransientKind.CREDENTIAL)
    if _SORRY.search(head):
        return unknown(effect, "a maintenance page came instead of an answer", TransientKind.OUTAGE)
    return unknown(effect, "a web page came instead of an answer")


def _redirected(effect: Effect, reply: Reply) -> Outcome:
    """301, 307 and 308 say that nothing was done here; 302 and 303 may follow work that was done."""
    location = _plain(reply.header("Location") or "nowhere").partition("?")[0]
    reason = f"status {reply.status} points to {location}; redirects are not followed"
    if reply.status in (301, 307, 308) or _LOG_IN_ADDRESS.search(location):
        return Transient(f"{reason}: check base and credentials", TransientKind.CREDENTIAL)
    return unknown(effect, reason)


def _unprocessed(reply: Reply) -> Transient:
    kinds = {
        429: TransientKind.THROTTLE,
        502: TransientKind.OUTAGE,
        503: TransientKind.OUTAGE,
        504: TransientKind.OUTAGE,
    }
    kind = kinds.get(reply.status, TransientKind.ERROR)
    return Transient(f"status {reply.status}", kind, retry_after_s(reply))


def _refused(effect: Effect, reply: Reply, rules: StatusRules) -> Outcome:
    reason = f"status {reply.status}"
    match reply.status:
        case 401 | 403 | 407:
            return Transient(f"{reason}: the credentials were refused", TransientKind.CREDENTIAL)
        case 429:
            return Transient(reason, TransientKind.THROTTLE, retry_after_s(reply))
        case 423 | 425:  # locked, too early: said before anything is done
            return Transient(reason, TransientKind.ERROR, retry_after_s(reply))
        case 408 | 500:
            return _with_wait(unknown(effect, reason), reply)
        case 502 | 503 | 504:
            return _with_wait(unknown(effect, reason, TransientKind.OUTAGE), reply)
        case status if 400 <= status < 500:
            return Rejected(problem_findings(reply, rules.place))
        case _:
            return unknown(effect, reason)


def _with_wait(outcome: Transient | InDoubt, reply: Reply) -> Outcome:
    if isinstance(outcome, Transient):
        return Transient(outcome.reason, outcome.kind, retry_after_s(reply))
    return outcome


# --- what a refusal says ------------------------------------------------------------------------------


def problem_findings(reply: Reply, place: str) -> tuple[Finding, ...]:
    """Give one finding for each field that a refusal names, or one for the whole.

    Reads problem details (RFC 9457) with `errors` as a list or by field, and OData's `error.details`
    and `error.innererror.errordetails`; anything else becomes one finding with the first words.
    """
    code = f"ERP-{reply.status}"
    body = _json(reply)
    title = _title(body)
    found = [
        Finding(code, Position(place, path=field), f"{text or title or 'the value is refused'}")
        for field, text in _field_problems(body)
    ]
    if found:
        return tuple(found[:FINDINGS_MAX])
    return (Finding(code, Position(place), f"status {reply.status}: {title or _first_words(reply)}"),)


def _json(reply: Reply) -> Any:
    try:
        return read_json(reply.body)
    except DocumentError:
        return None


def _title(body: Any) -> str:
    match body:
        case {"detail": str(text)} | {"title": str(text)} | {"message": str(text)}:
            return _plain(text)
        case {"error": {"message": str(text)}} | {"error": {"message": {"value": str(text)}}}:
            return _plain(text)
        case {"error": str(text)}:
            return _plain(text)
        case _:
            return ""


def _field_problems(body: Any) -> Iterator[tuple[str, str]]:
    match body:
        case {"errors": list(entries)} | {"error": {"details": list(entries)}}:
            yield from (_entry(each) for each in entries[:FINDINGS_MAX])
        case {"errors": dict(fields)}:
            for field, texts in list(fields.items())[:FINDINGS_MAX]:
                for text in texts if isinstance(texts, list) else [texts]:
                    yield _plain(field), _plain(text)
        case {"error": {"innererror": {"errordetails": list(entries)}}}:
            yield from (_entry(each) for each in entries[:FINDINGS_MAX])


def _entry(entry: Any) -> tuple[str, str]:
    if not isinstance(entry, dict):
        return "", _plain(entry)
    field = next(
        (entry[name] for name in ("field", "pointer", "path", "name", "target") if entry.get(name)), ""
    )
    text = next(
        (entry[name] for name in ("message", "detail", "reason", "title", "code") if entry.get(name)), ""
    )
    return _plain(field), _plain(text)


def _first_words(reply: Reply) -> str:
    if is_html(reply):
        return "a web page, not an answer of the ERP"
    return _plain(reply.body[:TEXT_MAX].decode("utf-8", "replace")) or "no reason given"


def _plain(value: object) -> str:
    return _CONTROL.sub(" ", str(value)).strip()[:TEXT_MAX]
