"""Four eyes: whether two names are one person's. Pure.

People type their names by hand, at the local socket: "ann", "Ann " and "ANN" are one person, who must not
agree to what she asked for herself.
"""

from __future__ import annotations

import unicodedata


def is_same_person(one: str, other: str) -> bool:
    """Tell whether two names are one person's: spaces around and letter case do not make another."""
    return name_of(one) == name_of(other)


def name_of(who: str) -> str:
    """Give a name as it is compared; "" for one that names nobody."""
    seen = "".join(each for each in unicodedata.normalize("NFKC", who) if unicodedata.category(each) != "Cf")
    return " ".join(seen.casefold().split())
