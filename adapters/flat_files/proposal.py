"""A proposed layout on its way: what is written of it so far, and the guesses that all forms share. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from adapters.layouts.dates import DateForm

_DATES = "CCYYMMDD YYMMDD MM/DD/CCYY CCYY-MM-DD MMDDCCYY CCYYDDD".split()  # noqa: SIM905


@dataclass(slots=True)
class Proposal:
    """A proposed layout file and what the reader must know about it."""

    text: str = ""
    notes: list[str] = field(default_factory=list)


def date_form(samples: Sequence[str]) -> str | None:
    """Give the form in which all samples are dates of our time; None where there is none."""
    if len(samples) < 2:
        return None
    for form in _DATES:
        made = DateForm.parse(form, 70 if "CC" not in form else None)
        read = [made.read(each) for each in samples]
        if all(each is not None and "1970" <= each[:4] <= "2069" for each in read):
            return form
    return None


def pivot(form: str) -> list[str]:
    """Say from which year on two digits of one are read, where a form has only two."""
    return [] if "CC" in form else ["pivot: 70"]


def parent_line(
    groups: dict[str, list[str]] | dict[str, list[Sequence[str]]], name: str, order: Sequence[str]
) -> list[str]:
    """Guess whose child a type is: the type before it that always comes first, and more rarely."""
    names = list(groups)
    counts = {each: len(groups[each]) for each in names}
    if (order[-1] == name and counts[name] == 1) or (order[0] == name and counts[name] == 1):
        return ['    occurs: "1"']
    earlier = [each for each in names[: names.index(name)] if counts[each] > 1]
    if not earlier:
        return []
    behind = Counter(before for before, here in pairwise(order) if here == name)
    likely = [each for each in earlier if behind[each]]
    chosen = likely[-1] if likely else earlier[-1]
    return [f"    parent: {safe_name(chosen)}"]


def tell_types(groups: dict[str, list[str]] | dict[str, list[Sequence[str]]], proposal: Proposal) -> None:
    """Note how many records there are of each type."""
    if len(groups) > 1:
        counted = ", ".join(f"{name} {len(members)}" for name, members in groups.items())
        proposal.notes.append(f"types of records: {counted}")


def safe_name(text: str) -> str:
    """Make a name that a layout may have out of what stands in a file."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text.strip()) or "FIELD"
    return name if re.match(r"[A-Za-z_]", name) else f"R{name}"


def unique_name(name: str, names: set[str]) -> str:
    """Give a name that is not among those given before, and put it to them."""
    made, number = name, 2
    while made in names:
        made, number = f"{name}_{number}", number + 1
    names.add(made)
    return made


def example(samples: Sequence[str]) -> str:
    """Show one value beside the guess. A sample of a real file may name people: it is the user's own."""
    filled = [each.strip() for each in samples if each.strip()]
    if not filled:
        return ""
    shown = "".join(character if character.isprintable() else "?" for character in filled[0])[:24]
    return f"    # {shown}"
