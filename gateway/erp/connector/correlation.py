"""The headers by which one order is followed through two systems' logs: ours, and W3C Trace Context. Pure.

The trace id comes from the correlation id, so that every step of every delivery of one message is one
trace; the span id from the delivery and the step. Source: W3C Trace Context, section 3.2 (version 00).
"""

from __future__ import annotations

import hashlib

from adapters.base import Delivery

CORRELATION_HEADER = "X-Correlation-Id"


def correlation_headers(delivery: Delivery, step: str) -> tuple[tuple[str, str], ...]:
    """Give the headers of one step's request; a correlation id that is no header value is left out."""
    text = delivery.correlation_id
    trace_id = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    span_id = hashlib.sha256(f"{delivery.delivery_id}/{step}".encode()).hexdigest()[:16]
    trace = ("traceparent", f"00-{trace_id}-{span_id}-01")
    if not text or not text.isascii() or not text.isprintable():
        return (trace,)
    return ((CORRELATION_HEADER, text), trace)
