"""What messages are called: by the time at which they were taken, then by chance. Pure.

Ids that follow each other in time stand side by side in every index of the journal that begins with one,
so a commit writes few pages of it, however large it has grown. Drawn by chance alone, each would be on a page
of its own.
"""

from __future__ import annotations

from datetime import datetime
from itertools import product

_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"  # five bits each, in the order in which texts are sorted
_PAIRS = ["".join(pair) for pair in product(_LETTERS, repeat=2)]
_STEPS_PER_S = 8_000  # an eighth of a millisecond: the finest that a day has room for in 30 bits


def new_message_id(at: datetime, token: str) -> str:
    """Give ``m``, the day as YYMMDD, its time in six letters, and the first ten letters of a token.

    ``at``: UTC. ``token``: letters a-z and 2-7 drawn by chance, five bits each.
    """
    seconds = at.hour * 3_600 + at.minute * 60 + at.second
    steps = seconds * _STEPS_PER_S + at.microsecond * _STEPS_PER_S // 1_000_000
    time = _PAIRS[steps >> 20] + _PAIRS[steps >> 10 & 1023] + _PAIRS[steps & 1023]
    day = f"{at.year % 100:02}{at.month:02}{at.day:02}"  # strftime takes three times as long
    return f"m{day}{time}{token[:10]}"
