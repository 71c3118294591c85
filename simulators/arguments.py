"""Numbers on a simulator's command line: ``type=`` of an argument. A refusal says what is expected."""

from __future__ import annotations

import argparse
import math

PORT_MAX = 65_535


def port(text: str) -> int:
    """Read a TCP port, 0 for a free one. Errors: ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal()) or int(text) > PORT_MAX:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; expected 0 to {PORT_MAX}")
    return int(text)


def count(text: str) -> int:
    """Read how many, or which: a whole number. Errors: ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number; expected 0 or more")
    return int(text)


def seconds(text: str) -> float:
    """Read a time in seconds. Errors: ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds; expected 0 or more, as 1.5")
    return number
