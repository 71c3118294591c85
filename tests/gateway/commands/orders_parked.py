"""Orders that arrive at a running gateway or are parked there, and what was printed without its wrapping."""

from __future__ import annotations

from tests.gateway.commands.documents import interchange
from tests.gateway.commands.running import Running


def arrived(gateway: Running, *orders: str, translate: bool = True) -> str:
    """Let orders arrive in one interchange; give the message."""
    message: str = gateway.do(gateway.bench.arrive(interchange(*orders), translate=translate))
    return message


def parked(gateway: Running, *orders: str) -> str:
    """Let the ERP refuse orders; give the first exception."""
    exception: str = gateway.do(gateway.bench.park(arrived(gateway, *orders)))
    return exception


def one_line(text: str) -> str:
    """Give what was wrapped as one line."""
    return " ".join(text.split())
