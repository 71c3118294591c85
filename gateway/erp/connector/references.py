"""The reference that a document is found by in an ERP, as long as the ERP's field allows. Pure.

It is derived from the business key and the target, so a replay, a resend and a recovery carry the same.
Chance of two documents sharing one, at ten million documents: 12 characters (60 bits) 4e-5, 10
characters 0.04; so 12 is the least, and what is found is compared in content.
"""

from __future__ import annotations

import hashlib

from adapters.base import Delivery

LENGTH_MIN = 12


def reference_for(delivery: Delivery, length: int) -> str:
    """Give the delivery's reference cut to a field's length: A-Z and 2-7, 26 characters at most."""
    if length < LENGTH_MIN:
        raise ValueError(
            f"a reference of {length} characters is not told apart from others; at least {LENGTH_MIN}"
        )
    return delivery.reference[:length]


def digest_of(rendered: bytes) -> str:
    """Give 12 hex digits of what was sent, for a field that shows whether the same was sent before."""
    return hashlib.sha256(rendered).hexdigest()[:12]
