"""An order's numbers, lines and schedules in two worlds: written on a reply, read by follow-ons. Pure.

An alias names an order by `number`; `line` is our line sequence as text (`2`), with a schedule's place
behind a stroke (`2/1`), and `line_number` is the ERP's id of it. `sent:2` gives the id that the order's
sender gave line 2, by which later documents name it. A release of a blanket is an ERP order of its own
under one order key: `line` is then `release:` and the release, `line_number` stays empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.base import Alias, AliasKind, Delivery
from canonical.document import OrderReference
from canonical.lines import FollowOnLine, ItemLine
from gateway.erp.connector.series import Place

RELEASE = "release:"
SENT = "sent:"


@dataclass(frozen=True, slots=True)
class ErpLine:
    """One line of an ERP order: our sequence, the ERP's id, and its schedules' ids in order."""

    sequence: int
    number: str
    schedules: tuple[str, ...] = ()


def order_aliases(
    number: str, lines: Iterable[ErpLine], ours: Sequence[ItemLine] = (), release: str | None = None
) -> tuple[Alias, ...]:
    """Give all names of an order that the ERP numbered, with the sender's line ids beside the ERP's.

    `ours`: the lines of the document as sent; later documents name a line by the sender's id.
    """
    erp = AliasKind.ERP
    made = [Alias(erp, number)]
    if release is not None:
        made.append(Alias(erp, number, f"{RELEASE}{release}"))
    for line in lines:
        place = str(line.sequence)
        made.append(Alias(erp, number, place, line.number))
        for at, schedule in enumerate(line.schedules, start=1):
            made.append(Alias(erp, number, f"{place}/{at}", schedule))
    # Kind and number are the ERP's here too: a BUYER alias would claim this number for the legacy system.
    made += [Alias(erp, number, f"{SENT}{line.sequence}", line.line_id) for line in ours if line.line_id]
    return tuple(made)


def names_as_sent(number: str, aliases: Iterable[Alias]) -> dict[str, str]:
    """Give, for each line id of the ERP's order, what the order's sender calls that line.

    A line to which its sender gave no id is called by its place in the order. Where each schedule is a line
    there, all of a line's are called as it is; schedules that are counted anew in each line are no lines.
    """
    kinds = (AliasKind.ERP, AliasKind.LEFT)
    own = [each for each in aliases if each.kind in kinds and each.number == number and each.line]
    named = [(each.line or "", each.line_number) for each in own if each.line_number]
    sent = {line.removeprefix(SENT): theirs for line, theirs in named if line.startswith(SENT)}
    lines = {theirs: sent.get(line, line) for line, theirs in named if line.isdecimal()}
    schedules = [(line.partition("/")[0], theirs) for line, theirs in named if "/" in line]
    return {theirs: sent.get(line, line) for line, theirs in schedules} | lines


class ErpOrder:
    """The ERP's order that a follow-on is about, as the alias table knows it."""

    def __init__(self, number: str, aliases: Iterable[Alias]) -> None:
        self.number = number
        own = [
            (each.line, each.line_number)
            for each in aliases
            if each.kind is AliasKind.ERP and each.number == number and each.line and each.line_number
        ]
        self._erp = {line: theirs for line, theirs in own if not line.startswith(SENT)}
        self._sent = [(sent, line.removeprefix(SENT)) for line, sent in own if line.startswith(SENT)]

    def line_number(self, line: FollowOnLine | ItemLine) -> str | None:
        """Give the ERP's id of the line that a line is about, None where it cannot be told for sure."""
        sequence = self.sequence(line)
        return self._erp.get(sequence) if sequence is not None else None

    def line_numbers(self, line: FollowOnLine | ItemLine) -> tuple[str, ...]:
        """Give the ERP's ids of what stands for a line there: its schedules', where it has some."""
        sequence = self.sequence(line)
        if sequence is None:
            return ()
        mark = f"{sequence}/"
        schedules = tuple(theirs for name, theirs in self._erp.items() if name.startswith(mark))
        return schedules or tuple(theirs for name, theirs in self._erp.items() if name == sequence)

    def sequence(self, line: FollowOnLine | ItemLine) -> str | None:
        """Give our sequence of the order's line: by the id that its sender gave it, else by the ERP's.

        An id without leading zeros counts as the same, where that leaves one line. Without any id the
        order must have one line; a place in the list proves nothing, since suppliers leave lines out.
        """
        named = getattr(line, "order_line_id", None) or line.line_id
        if named is None:
            lines = [each for each in self._erp if each.isdecimal()]
            return lines[0] if len(lines) == 1 else None
        for is_same in (_equal, _equal_without_zeros):
            by_sender = {sequence for sent, sequence in self._sent if is_same(sent, named)}
            if len(by_sender) == 1:
                return by_sender.pop()
        by_erp = [
            sequence
            for sequence, theirs in self._erp.items()
            if sequence.isdecimal() and _equal_without_zeros(theirs, named)
        ]
        return by_erp[0] if len(by_erp) == 1 and not self._sent else None


def erp_order(delivery: Delivery, reference: OrderReference, place: Place) -> ErpOrder:
    """Give the ERP's order that a follow-on names. Errors: StuckError ERP-ORDER-*."""
    numbers = list(dict.fromkeys(each.number for each in delivery.aliases if each.kind is AliasKind.ERP))
    if reference.erp_number is not None and reference.erp_number in numbers:
        numbers = [reference.erp_number]
    elif reference.number in numbers:  # the supplier sees the ERP's own number
        numbers = [str(reference.number)]
    elif len(numbers) > 1:
        mark = f"{RELEASE}{reference.release}"
        numbers = [
            each.number for each in delivery.aliases if each.kind is AliasKind.ERP and each.line == mark
        ]
    if len(numbers) == 1:
        return ErpOrder(numbers[0], delivery.aliases)
    if numbers or len({each.number for each in delivery.aliases if each.kind is AliasKind.ERP}) > 1:
        raise place.stuck(
            "ERP-ORDER-UNCLEAR",
            f"order {reference.number} has several orders in the ERP (releases of a blanket), and the"
            f" document names release {reference.release or 'none'}; find the right one and enter"
            " this by hand, then resolve it",
            "order.release",
        )
    raise place.stuck(
        "ERP-ORDER-UNKNOWN",
        f"no ERP order is known for {reference.number}; if it was entered there by hand, import its number"
        " (`legacy-bridge orders import`), then retry",
        "order.number",
    )


def _equal(theirs: str, named: str) -> bool:
    return theirs == named


def _equal_without_zeros(theirs: str, named: str) -> bool:
    return theirs.lstrip("0") == named.lstrip("0")
