"""How large the tests run: the one parameter by which `make soak` enlarges them.

`make test` runs at scale 1. `make soak` passes `--soak N` (or set LEGACY_BRIDGE_SOAK=N), and every
test that counts something multiplies its count by it. Ask at collection time with `scaled`
(parameters, `@settings(max_examples=scaled(50))`), inside a test with the fixture `scale`.
"""

from __future__ import annotations

import os

VARIABLE = "LEGACY_BRIDGE_SOAK"
FULL_AT = 6  # the factor of `make soak`


def soak_scale() -> int:
    """Give the factor of this run, 1 unless a soak was asked for."""
    text = os.environ.get(VARIABLE, "1")
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{VARIABLE}={text}: a whole number from 1 up was expected")
    return int(text)


def scaled(count: int, *, most: int | None = None, full: int | None = None) -> int:
    """Give a count enlarged for this run, never above `most`.

    `full`: a number that is promised as such (10,000 histories); a soak reaches it, whatever its factor.
    """
    factor = soak_scale()
    if full is not None:
        return full if factor >= FULL_AT else min(count * factor, full)
    return count * factor if most is None else min(count * factor, most)
