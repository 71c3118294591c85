"""What of a message must be remembered so that a replay of it is known, and the judging of it.

The memory is the journal's (`SourceMemory.remember_once`), so it holds after a restart. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Once:
    """One thing that may come only once.

    Remembered under `key` with `content_hash` until `expires_at`: the same hash again is a repeat of the
    same call, another one a replay.
    """

    key: str
    content_hash: str
    expires_at: datetime


def once(kind: str, value: bytes, content_hash: str, identity: str, expires_at: datetime) -> Once:
    """Give the mark of a nonce or a signature: same value, bytes and identity is a repeat."""
    mark = hashlib.sha256(value).hexdigest()
    whole = hashlib.sha256(f"{content_hash}\n{identity}".encode()).hexdigest()
    return Once(f"{kind}/{mark}", whole, expires_at)
