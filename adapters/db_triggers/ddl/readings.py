"""What the gateway makes of the rows that the triggers capture, in sentences for the DBA. Pure.

The script shows what is written into the outbox; why it is captured stands in a route's settings, which a DBA
does not have. Where the two do not fit, the sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.db_triggers.config import ChildSettings, DbEndpoint, DbPartner, DbSettings, TableSettings

Reading = DbSettings | DbPartner


def readings(settings: DbEndpoint, every: Sequence[Reading]) -> list[str]:
    """Give a paragraph for each fed table.

    ``every``: a route's settings, then its partner's; the first that names a table counts.
    """
    if not every:
        return []
    return [_told(settings, name, table, every) for name, table in settings.tables.items()]


def _told(settings: DbEndpoint, name: str, table: TableSettings, every: Sequence[Reading]) -> str:
    parent = table.part_of
    if parent is not None:
        words = " and ".join(f"{each}d" if each.endswith("e") else f"{each}ed" for each in table.operations)
        return f"{name}, {words} rows: the row of {parent} is read again, {_updates(parent, every)}."
    told = "; ".join(_of_operations(name, table, every))
    return f"{name}: {told}.{_parts(settings, table)}{_misfit(name, table, every)}"


def _parts(settings: DbEndpoint, table: TableSettings) -> str:
    """Say what is read with a row, and what of it no trigger captures."""
    children = list(dict.fromkeys(_children(table)))
    if not children:
        return ""
    told = f" Its rows of {', '.join(children)} are read with it, hence the right to select."
    if silent := [each for each in children if each not in settings.tables]:
        told += (
            f" A change of {', '.join(silent)} alone is not captured: only that of a table among the "
            "endpoint's tables is, with part_of."
        )
    return told


def _of_operations(name: str, table: TableSettings, every: Sequence[Reading]) -> Iterator[str]:
    for operation in table.operations:
        match operation:
            case "insert":
                yield f"a new row is {_by(_mapping(name, every))}"
            case "update":
                yield f"an updated row is read {_updates(name, every)}"
            case "delete":
                yield f"a deleted row is {_deletes(name, every)}"


def _children(table: TableSettings | ChildSettings) -> Iterator[str]:
    for child in table.children.values():
        yield child.table
        yield from _children(child)


def _by(mapping: str | None) -> str:
    return (
        "parked for a person, for no mapping reads it" if mapping is None else f"read by mapping '{mapping}'"
    )


def _updates(name: str, every: Sequence[Reading]) -> str:
    """Say how an update is read: by a mapping of its own, or as the same document sent again."""
    own = next((each.updates[name] for each in every if name in each.updates), None)
    if own is not None:
        return f"by mapping '{own}', as a change (settings.updates)"
    mapping = _mapping(name, every)
    if mapping is None:
        return "by no mapping, and parked for a person"
    return f"by mapping '{mapping}', as a new row is (an order would be sent again, and parked)"


def _deletes(name: str, every: Sequence[Reading]) -> str:
    word = next((each.deletes for each in every if each.deletes is not None), "park")
    return "parked for a person" if word == "park" else _by(_mapping(name, every))


def _misfit(name: str, table: TableSettings, every: Sequence[Reading]) -> str:
    """Say where settings ask for what no trigger captures."""
    asked = next((each.updates[name] for each in every if name in each.updates), None)
    if asked is None or "update" in table.operations:
        return ""
    return (
        f" settings.updates names mapping '{asked}' for its updates, and no trigger below captures them: add "
        "update to its operations at the endpoint, render anew, or take it out of updates."
    )


def _mapping(name: str, every: Sequence[Reading]) -> str | None:
    return next((each.mappings[name] for each in every if name in each.mappings), None)
