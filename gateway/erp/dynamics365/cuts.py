"""Cutting lines down to what stays of them: reduced, taken away or stopped, each as it was read. Pure.

No entity lets a line be cancelled, or its deliver remainder be set, as the client does: a line of which
goods came is reduced to them, another is removed or stopped (`cancel`). All of it is written with the ETag
that was read, so goods received meanwhile are seen first, and sent twice it changes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gateway.erp.connector.series import Answer, Ask, Call, Read, Write
from gateway.erp.dynamics365.addresses import LINES, RECEIPT_LINES, changed, found_by, removed, rows
from gateway.erp.dynamics365.standing import StandingLine, standing_lines
from gateway.erp.odata.literals import Value

if TYPE_CHECKING:
    from gateway.erp.dynamics365.target import Dynamics365

TRIES = 3
CHANGED_MEANWHILE = frozenset({404, 412})


@dataclass(frozen=True, slots=True)
class Cut:
    """A line and what stays of it: less than is ordered."""

    line: StandingLine
    keeps: Decimal


Decide = Callable[[Sequence[StandingLine]], Sequence[Cut]]


def open_lines(lines: Sequence[StandingLine]) -> list[Cut]:
    """Cut whatever is open down to what was received."""
    return [Cut(each, each.received) for each in lines if not each.is_over]


def read_lines(
    connector: Dynamics365, keys: Mapping[str, str], mark: str
) -> Generator[Ask, Answer, list[StandingLine]]:
    """Read an order's lines as they stand; none where there is no such order. Errors: StuckError."""
    found = yield Read(f"lines:{mark}", found_by(LINES, **keys))
    came = yield Read(f"receipts:{mark}", found_by(RECEIPT_LINES, **keys))
    return standing(connector, keys, found.fields, came.fields)


def standing(
    connector: Dynamics365, keys: Mapping[str, str], lines: Any, receipts: Any
) -> list[StandingLine]:
    """Give an order's lines as two answers show them. Errors: StuckError."""
    try:
        return standing_lines(rows(lines) or (), rows(receipts) or ())
    except (ValueError, KeyError, TypeError) as error:
        text = f"order {keys['PurchaseOrderNumber']} cannot be read: {error}"
        raise connector.place.stuck("ORDER-NOT-READ", text) from error


def cut_lines(
    connector: Dynamics365, keys: Mapping[str, str], decide: Decide
) -> Generator[Ask, Answer, list[StandingLine]]:
    """Cut lines until nothing is left to cut; give them as they stood before the last cuts.

    What somebody changed meanwhile is read again, at most three times. Errors: StuckError.
    """
    for attempt in range(1, TRIES + 1):
        lines = yield from read_lines(connector, keys, str(attempt))
        for cut in decide(lines):
            write = Write(
                f"cut:{cut.line.number}.{attempt}", _call(connector, keys, cut), effect=connector.repeatable
            )
            answer = yield write
            if answer.status in CHANGED_MEANWHILE:
                break
        else:
            return lines
    text = f"order {keys['PurchaseOrderNumber']} was changed {TRIES} times meanwhile; retry this"
    raise connector.place.stuck("ERP-CHANGED-MEANWHILE", text)


def _call(connector: Dynamics365, keys: Mapping[str, str], cut: Cut) -> Call:
    line_keys: dict[str, Value] = {**keys, "LineNumber": cut.line.number}
    if cut.keeps:
        return changed(LINES, line_keys, {"OrderedPurchaseQuantity": cut.keeps}, cut.line.etag)
    if connector.settings.cancel == "stop_lines":
        return changed(LINES, line_keys, {"IsLineStopped": "Yes"}, cut.line.etag)
    return removed(LINES, line_keys, cut.line.etag)
