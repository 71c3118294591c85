"""What every planned delivery has: here its reference, which must never change for what was sent before."""

from __future__ import annotations

import base64
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery_plans import reference_of


@given(st.text(), st.sampled_from(["live", "shadow", "close"]), st.lists(st.text(), max_size=3))
def test_a_reference_is_the_beginning_of_a_hash_in_base32(target: str, role: str, parts: list[str]) -> None:
    digest = hashlib.sha256("\x1f".join((target, role, *parts)).encode("utf-8", "surrogatepass")).digest()

    assert reference_of(target, role, *parts) == base64.b32encode(digest)[:26].decode()  # type: ignore[arg-type]
