"""What a shadow's credential may do, as far as the tenant tells: by its token's scopes, by what it allows.

Nothing is written to find out. Where neither tells, the answer is that nobody knows: the allow-list in
the sink holds all the same, but a credential that only reads is the better wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from adapters.base import Effect, NoReply, Reply, Request, Sink
from gateway.erp.shadow_guard import READING, ShadowGuard
from gateway.security.scopes import writing_scopes

PROBE = Request("probe", Effect.READ, "OPTIONS", "", timeout_s=5.0)


@dataclass(frozen=True, slots=True)
class Rights:
    """What was found out, and how."""

    may: Literal["only_read", "write", "unknown"]
    text: str


async def probed_rights(sink: Sink, guard: ShadowGuard) -> Rights:
    """Ask a tenant what our credential may do. Nothing of it changes anything there."""
    reply = await sink.send(PROBE)
    granted: frozenset[str] | None = getattr(sink, "granted", None)
    return rights_of(guard, granted, reply)


def rights_of(guard: ShadowGuard, granted: frozenset[str] | None, reply: Reply | NoReply) -> Rights:
    """Judge what a token's scopes and an answer to OPTIONS say (RFC 9110 section 10.2.1: Allow)."""
    if granted is not None:
        writing = writing_scopes(granted, guard.write_scopes)
        if writing:
            return Rights("write", f"its token may write: {', '.join(writing)}")
        return Rights("only_read", f"its token has no scope that writes: {', '.join(sorted(granted))}")
    allow = reply.header("Allow") if isinstance(reply, Reply) else None
    if allow is not None:
        methods = {each.strip().upper() for each in allow.split(",") if each.strip()}
        if methods and methods <= READING:
            return Rights("only_read", f"the tenant allows {', '.join(sorted(methods))} alone")
        # What a resource offers to somebody is no proof of what it lets us do.
        return Rights("unknown", f"the tenant offers {', '.join(sorted(methods))}, to whom it does not say")
    if isinstance(reply, NoReply):
        return Rights("unknown", f"the tenant was not asked: {reply.reason}")
    return Rights("unknown", "neither token nor tenant says what the credential may do")
