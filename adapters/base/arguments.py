"""Numbers on a command line: ``type=`` of an argument, with a refusal that says what was found and expected.

argparse puts the option's name before it: ``argument --limit: 'x' is no whole number; expected 1 to 1000``.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def whole_number(least: int, most: int, what: str = "whole number") -> Callable[[str], int]:
    """Give what reads a whole number within bounds. Errors of that: ArgumentTypeError."""

    def read(text: str) -> int:
        # int() alone would take " 7", "1_000" and other scripts' digits.
        if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is no {what}; expected {least} to {most}")
        return int(text)

    return read


def number_above_zero(most: float, what: str = "number") -> Callable[[str], float]:
    """Give what reads a number of more than 0. Errors of that: ArgumentTypeError."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number <= most:  # nan is neither
            raise argparse.ArgumentTypeError(
                f"'{text}' is no {what}; expected more than 0 and at most {most:g}"
            )
        return number

    return read
