"""Files that come too late: everything in them is a new order for a route that is retired.

Such a file is refused before it is accepted, so that its source moves it to where refused files go, with
the reason beside. A file that holds anything else (a change of an order that is open, a set that cannot be
read, a supplier's answer in the same mailbox) is taken, and judged set by set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from adapters.base import DecodeError, Finding, Format, Position
from gateway.crosswalk import CodeTableCache
from gateway.journal.base import Journal
from gateway.journal.types import Arrival
from gateway.naming import Keyed, keyed
from gateway.program import Program, Programs


def too_late(name: str, orders: int = 1) -> Finding:
    """Say that a route is retired, and how many orders were in what is refused."""
    return Finding(
        code="ROUTE-RETIRED",
        at=Position(name),
        text="this route is retired: new orders are no longer taken from the legacy system; "
        "place the order in the cloud ERP",
        facts={"orders": str(orders)},
    )


def is_answered_otherwise(program: Program) -> bool:
    """Tell whether senders of a route are told by an acknowledgment of ours, which rejects each set."""
    return program.acknowledge.kind != "none" and program.acknowledge.by != "legacy"


async def only_new_orders(
    body: bytes,
    arrival: Arrival,
    programs: Programs,
    formats: Callable[[str], Format],
    tables: CodeTableCache,
    journal: Journal,
) -> int:
    """Count a file's sets where every one of them opens an order that nobody knows yet; else 0."""
    program = programs.routes[arrival.route]
    context = replace(program.context, source=arrival.origin.name or arrival.route)
    if program.crosswalks:
        library = replace(context.library, crosswalk=await tables(program.crosswalks), at=arrival.accepted_at)
        context = replace(context, library=library)
    decoder = formats(program.format_name).decoder(context)
    try:
        sets = [*decoder.feed(body), *decoder.finish()[0]]
    except DecodeError:
        return 0
    named: list[Keyed] = []
    for each in sets:
        own = programs.of_set(arrival.route, each.set_type) or program
        named.append(keyed(each, own.naming, arrival.route, arrival.sha256))
    is_new = all(each.opens for each in named) and not await _is_any_known(named, journal)
    return len(named) if is_new else 0


async def _is_any_known(named: Sequence[Keyed], journal: Journal) -> bool:
    orders = tuple(dict.fromkeys(key for each in named for key in each.order_keys))
    documents = tuple(dict.fromkeys(each.document_key for each in named if each.document_key))
    facts = await journal.facts(orders, documents, ())
    return bool(facts.ledger or facts.documents)
