"""What a shadow may ask: an allow-list of hosts, methods and paths, held in the sink itself. Pure.

It judges the request as it would go out, so that nothing above the sink (a target, a setting, a later
version of either) can widen it. A method in a header or in the query is a method, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from adapters.base import Request
from gateway.security.scopes import writing_scopes

_OVERRIDES = frozenset({"x-http-method-override", "x-http-method", "x-method-override", "x-original-method"})
_TUNNELS = ("_method=", "$batch", "x-http-method=")
READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be asked of one host. ``path``: what the path must begin with."""

    host: str
    methods: frozenset[str]
    path: str = ""


@dataclass(frozen=True, slots=True)
class ShadowGuard:
    """The rule of one shadow endpoint."""

    mode: Literal["validate", "sandbox"]
    allowed: tuple[Allowed, ...]
    write_scopes: tuple[str, ...] = ()

    def blocks(self, request: Request, host: str, path: str, query: str) -> str:
        """Say why a request must not leave; "" where it may. ``path`` and ``query`` as they would be sent."""
        method = request.method.upper()
        overriding = [name for name, _ in request.headers if name.lower() in _OVERRIDES]
        if overriding:
            return f"shadow: blocked, header {overriding[0]} stands for another method"
        if any(word in f"{_unescaped(path)}?{_unescaped(query)}".lower() for word in _TUNNELS):
            return "shadow: blocked, the address carries other requests or another method"
        if "/../" in f"{_unescaped(path)}/" or "/./" in f"{_unescaped(path)}/":
            return "shadow: blocked, the path climbs out of what is allowed"
        for each in self.allowed:
            if (
                fnmatchcase(host.lower(), each.host.lower())
                and method in each.methods
                and _below(path, each.path)
            ):
                return ""
        return f"shadow: blocked, {method} at {host} is not on the shadow's allow-list"

    def closes(self, scopes: Iterable[str] | None) -> str:
        """Say why a credential closes the shadow leg: in mode validate it must not be able to write."""
        if self.mode != "validate" or scopes is None:
            return ""
        writing = writing_scopes(scopes, self.write_scopes)
        if not writing:
            return ""
        return (
            f"shadow: closed, its token may write ({', '.join(writing)}); give the shadow a credential that "
            "only reads"
        )


def _below(path: str, prefix: str) -> bool:
    wanted = prefix.strip("/")
    found = path.strip("/")
    return not wanted or found == wanted or found.startswith(f"{wanted}/")


_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def _unescaped(text: str) -> str:
    """Undo escapes as often as they were made: %2524batch is $batch to a lenient server."""
    for _ in range(4):
        undone = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
        if undone == text:
            break
        text = undone
    return text
