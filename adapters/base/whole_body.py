"""A bounded body that only its end completes: what decoders keep of formats that are judged whole. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.base.findings import Finding
from adapters.base.formats import Decoded, Summary

_WHOLE, _TOO_LARGE = b"+", b"-"  # begins the state


class WholeBody:
    """The half of a ``Decoder`` that collects. A body beyond ``bytes_max`` is dropped, and known as such."""

    def __init__(self, bytes_max: int, resume: bytes | None) -> None:
        state = resume or _WHOLE
        self._bytes_max = bytes_max
        self._body = bytearray(state[1:])
        self.is_too_large = state[:1] == _TOO_LARGE

    def feed(self, chunk: bytes) -> Iterator[Decoded]:
        """Keep the bytes."""
        if len(self._body) + len(chunk) > self._bytes_max:
            self.is_too_large = True
            self._body.clear()
        elif not self.is_too_large:
            self._body += chunk
        return iter(())

    def state(self) -> bytes:
        """Give the bytes so far, and whether they had to be dropped."""
        return (_TOO_LARGE if self.is_too_large else _WHOLE) + bytes(self._body)

    @property
    def content(self) -> bytes:
        """Give the bytes so far."""
        return bytes(self._body)


def unreadable(finding: Finding) -> tuple[list[Decoded], Summary]:
    """Give what a decoder ends with where the body as a whole cannot be read."""
    return [], Summary(0, (finding,), frozenset(), is_readable=False)
