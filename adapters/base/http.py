"""What an adapter asks of the gateway's one HTTP sink. Types only.

An adapter that speaks HTTP brings no HTTP client of its own: the gateway's sink knows TLS and its reload,
time-outs, bounds, and says truly whether a request may have reached the other side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from adapters.base.transport import Sink


@dataclass(frozen=True, slots=True)
class HttpOutlet:
    """One place that requests go to. References (`env:NAME`, `file:PATH`) are resolved by the sink."""

    base: str
    plaintext: bool = False
    certificate: str | None = None
    key: str | None = None
    ca: str | None = None
    basic_user: str | None = None
    basic_password: str | None = None
    connections: int = 16
    connect_timeout_s: float = 5.0
    read_timeout_s: float | None = None
    timeout_s: float = 20.0
    reply_bytes_max: int = 8 * 1024 * 1024


MakeHttpSink: TypeAlias = Callable[[HttpOutlet], Sink]


def no_http(outlet: HttpOutlet) -> Sink:
    """Stand in where nobody lends a sink. Errors: RuntimeError, always."""
    raise RuntimeError(f"no HTTP sink was lent for {outlet.base}")
