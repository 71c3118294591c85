"""Which encodings have one byte a character, and which characters are digits in them."""

from __future__ import annotations

import codecs
import importlib
from functools import lru_cache


@lru_cache(maxsize=64)
def is_single_byte(encoding: str) -> bool:
    """Tell whether every byte of an encoding is one character, or none. Errors: LookupError."""
    name = codecs.lookup(encoding).name.replace("-", "_")
    if name in ("ascii", "latin_1", "iso8859_1"):
        return True
    try:
        # Python's own single-byte codecs are the ones that are made of a table.
        return hasattr(importlib.import_module(f"encodings.{name}"), "decoding_table")
    except ImportError:
        return False


@lru_cache(maxsize=64)
def has_ascii_digits_only(encoding: str) -> bool:
    """Tell whether 0 to 9 are an encoding's only decimal characters, so that isdecimal() is enough."""
    if not is_single_byte(encoding):
        return False
    characters = bytes(range(256)).decode(encoding, "ignore")
    return sum(each.isdecimal() for each in characters) == 10
