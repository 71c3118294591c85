"""Four eyes: whether two names are one person's, and who stands for which role. Pure.

People type their names by hand, at the local socket: "ann", "Ann " and "ANN" are one person, who must not
agree to what she asked for herself, nor stand for two of the roles that must have approved.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence


def is_same_person(one: str, other: str) -> bool:
    """Tell whether two names are one person's: spaces around and letter case do not make another."""
    return name_of(one) == name_of(other)


def name_of(who: str) -> str:
    """Give a name as it is compared; "" for one that names nobody."""
    seen = "".join(each for each in unicodedata.normalize("NFKC", who) if unicodedata.category(each) != "Cf")
    return " ".join(seen.casefold().split())


def one_role_each(wanted: Sequence[str], given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give who stands for each role that is filled: a person for one role, and as many roles as possible.

    ``given``: approvals as (role, who). Who approved in two roles stands for the one that nobody else fills.
    """
    able: dict[str, dict[str, str]] = {}
    for role, who in given:
        able.setdefault(role, {}).setdefault(name_of(who), who)
    taken: dict[str, str] = {}  # person -> role
    for role in wanted:
        _seat(role, able, taken, set())
    return {role: able[role][person] for person, role in taken.items()}


def _seat(role: str, able: Mapping[str, Mapping[str, str]], taken: dict[str, str], asked: set[str]) -> bool:
    """Find somebody for a role and tell whether; who stands for another role leaves it if that has others."""
    for person in able.get(role, ()):
        if person in asked:
            continue
        asked.add(person)
        if person not in taken or _seat(taken[person], able, taken, asked):
            taken[person] = role
            return True
    return False


def unfilled(wanted: Sequence[str], given: Sequence[tuple[str, str]]) -> str:
    """Say which roles nobody stands for, and why where somebody approved as that; "" where none is left."""
    standing = one_role_each(wanted, given)
    missing = [role for role in wanted if role not in standing]
    told = f"not approved by {', '.join(missing)}" if missing else ""
    for role in missing:
        names = sorted({who for approved, who in given if approved == role})
        if names:
            told += (
                f"; {', '.join(names)} approved as {role}, too, and one person stands for one role: another "
                "one must"
            )
    return told
