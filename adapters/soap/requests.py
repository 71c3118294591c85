"""Requests that we write: a document as an operation's envelope, and the headers by which it is known again.

Pure. Bytes that pass through are not written here, and `is_written` tells the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.base import Delivery, Effect, Request, Stuck
from adapters.soap.client import CallPlan, Client, HeaderFacts, UnwritableError
from canonical.document import CanonicalDocument

DOCUMENT_HEADER = "X-Bridge-Document"
REFERENCE_HEADER = "X-Bridge-Reference"
CORRELATION_HEADER = "X-Correlation-Id"

Headers = Sequence[tuple[str, str]]


def facts_of(delivery: Delivery, now: datetime, *, is_test: bool) -> HeaderFacts:
    """Give what the header blocks of a delivery's requests may say."""
    return HeaderFacts(
        delivery.reference,
        now,
        delivery.document_key or "",
        delivery.order_key or "",
        delivery.correlation_id,
        is_test,
        delivery.role,
    )


def written(
    client: Client,
    step: str,
    effect: Effect,
    plan: CallPlan,
    document: CanonicalDocument,
    facts: HeaderFacts,
    source: str,
    more: Headers = (),
) -> Request | Stuck:
    """Write a document as a request; Stuck with all findings where it cannot be."""
    try:
        body = plan.write(document, facts, source)
    except UnwritableError as error:
        return Stuck(error.findings)
    headers = (
        *plan.headers(),
        (CORRELATION_HEADER, facts.correlation_id),
        (DOCUMENT_HEADER, document.document_type),
        *(((REFERENCE_HEADER, facts.reference),) if client.settings.addressing else ()),
        *more,
    )
    return Request(step, effect, "POST", "", body, plain_headers(headers), client.timeout_s)


def plain_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    """Give the headers that HTTP can carry as they are."""
    return tuple((name, text) for name, text in headers if text.isascii() and text.isprintable())


def is_written(request: Request) -> bool:
    """Tell a request that was written from a document from bytes that pass through."""
    return bool(header_of(request, DOCUMENT_HEADER))


def header_of(request: Request, name: str) -> str:
    """Give a header of a request, "" where it has none."""
    return next((text for header, text in request.headers if header == name), "")
