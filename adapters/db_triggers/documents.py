"""From changed rows to messages: which changes make one, what must be read for it, and its bytes. Pure.

A row whose images are whole is a message of its own. Where a document has parts in other tables, or a row is
read again, the changes at hand of one document make one message, which says so: they are *merged*.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from json.encoder import encode_basestring as quoted  # in C, and without a new encoder for each text

from adapters.db_triggers.config import TableSettings
from adapters.db_triggers.images import image_of, key_of, key_values, record_of
from adapters.db_triggers.outbox import Change, Operation

Tables = Mapping[str, TableSettings]
Rows = Sequence[Mapping[str, object]]


class ComposeError(Exception):
    """A change names no row of the settings' tables; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Changes that make one message. ``changes`` are in order, the last one gives the message its name."""

    table: str  # of the document: the parent's, for changes of parts
    key: tuple[str | None, ...]
    changes: tuple[Change, ...]
    key_names: tuple[str, ...] = ()
    reads_row: bool = False  # its row is read again
    reads_children: bool = False

    @property
    def last(self) -> Change:
        """Give the newest change."""
        return self.changes[-1]

    @property
    def lane(self) -> str:
        """Give what it is kept in order with."""
        return self.changes[0].lane

    @property
    def reads(self) -> bool:
        """Tell whether anything must be read for it."""
        return self.reads_row or self.reads_children


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for a draft: its row, None where it is gone, and the rows below it by name."""

    row: Mapping[str, object] | None
    children: Mapping[str, Rows]


def drafts_of(changes: Sequence[Change], tables: Tables) -> list[Draft]:
    """Give the messages that changes make, in order of their first change.

    What cannot be composed (a table without settings, a key that is none) stays a message of its own:
    its decoding parks it by name.
    """
    merged: dict[tuple[str, tuple[str | None, ...]], int] = {}
    drafts: list[Draft] = []
    for change in changes:
        settings = tables.get(change.table)
        try:
            table, key = document_of(change, tables)
        except ComposeError:
            drafts.append(Draft(change.table, (), (change,)))
            continue
        whole = tables.get(table, settings)
        is_image = change.before is not None or change.after is not None
        reads_children = whole is not None and bool(whole.children)
        reads_row = whole is not None and (whole.reread or not is_image or table != change.table)
        names = whole.key if whole is not None else ()
        made = Draft(table, key, (change,), names, reads_row or reads_children, reads_children)
        at = merged.get((table, key)) if made.reads else None
        if at is not None:
            drafts[at] = replace(made, changes=(*drafts[at].changes, change))
            continue
        if made.reads:
            merged[table, key] = len(drafts)
        drafts.append(made)
    return drafts


def document_of(change: Change, tables: Tables) -> tuple[str, tuple[str | None, ...]]:
    """Give the table and key of the document that a change is about. Errors: ComposeError."""
    settings = tables.get(change.table)
    try:
        key = tuple(key_values(change.key))
    except ValueError as error:
        raise ComposeError(f"the key {change.key!r} is no JSON array") from error
    if settings is not None and len(key) != len(settings.key):
        raise ComposeError(f"the key {change.key!r} has not {len(settings.key)} values")
    if settings is None or settings.part_of is None:
        return change.table, key
    parent = tables[settings.part_of]
    names = settings.parent_key or parent.key
    try:
        own = dict(zip(settings.key, key, strict=True)) | _image(change)
    except ValueError as error:
        raise ComposeError(f"an image of {change.key!r} is no JSON object") from error
    if missing := [name for name in names if name not in own]:
        raise ComposeError(f"{', '.join(missing)} is neither in the key nor in the image")
    return settings.part_of, tuple(own[name] for name in names)


def _image(change: Change) -> dict[str, str | None]:
    return dict(record_of(change.after if change.after is not None else change.before))


def operation_of(draft: Draft, reading: Reading | None) -> str:
    """Say what happened to a document: the change's own word, or what all merged changes come to."""
    if reading is None:
        return draft.last.operation
    if reading.row is None:
        return Operation.DELETE
    own = {change.operation for change in draft.changes if change.table == draft.table}
    every = {change.operation for change in draft.changes}
    if Operation.INSERT in own:
        return Operation.INSERT
    return Operation.READ if every == {Operation.READ} else Operation.UPDATE


def body_of(draft: Draft, reading: Reading | None) -> bytes:
    """Write a message: one JSON object. Images stand in it as the trigger wrote them, byte for byte."""
    last = draft.last
    after, before = last.after, last.before
    if reading is not None:
        after = image_of(reading.row) if reading.row is not None else None
        own = [change for change in draft.changes if change.table == draft.table]
        before = own[0].before if own else None
        if reading.row is None and before is None:  # the row is gone: all that is known of it is its name
            before = image_of(dict(zip(draft.key_names, draft.key, strict=False)))
    if draft.table != last.table:
        key = key_of(draft.key)
    else:
        key = last.key if draft.key else _json_or_text(last.key)  # with values it was read as JSON already
    more = ""
    if reading is not None:
        merged = ",".join(quoted(f"{each.table} {each.operation} {each.id}") for each in draft.changes)
        more = f',"children":{_children(reading.children)},"merged":[{merged}]'
    return (
        f'{{"table":{quoted(draft.table)},"operation":{quoted(operation_of(draft, reading))},"key":{key},'
        f'"before":{_json_or_text(before)},"after":{_json_or_text(after)},"id":{last.id},'
        f'"transaction":{_json(last.transaction)},"origin":{_json(last.origin or None)},'
        f'"fingerprint":{_json(last.fingerprint)},"changed_at":{_json(last.created_at)}{more}}}'
    ).encode()


def arrival_key(feed: str, draft: Draft, body: bytes) -> str:
    """Name a message: its row's id, and its content, since a truncated table may count from 1 again."""
    return f"{feed}:{draft.last.id}:{hashlib.sha256(body).hexdigest()[:24]}"


def _children(children: Mapping[str, Rows]) -> str:
    lists = (f"{_json(name)}:[{','.join(_tree(row) for row in rows)}]" for name, rows in children.items())
    return "{" + ",".join(lists) + "}"


def _tree(row: Mapping[str, object]) -> str:
    """Write a row; a value that is a list of rows holds the rows below it."""
    plain = {name: value for name, value in row.items() if not isinstance(value, list)}
    nested = {name: value for name, value in row.items() if isinstance(value, list)}
    image = image_of(plain)
    if not nested:
        return image
    inner = ",".join(
        f"{_json(name)}:[{','.join(_tree(each) for each in rows)}]" for name, rows in nested.items()
    )
    return f"{image[:-1]}{',' if plain else ''}{inner}}}"


def _json(value: str | None) -> str:
    return quoted(value) if value is not None else "null"


def _json_or_text(image: str | None) -> str:
    """Give an image as it is; what is no JSON becomes a JSON text, which decoding then names."""
    if image is None:
        return "null"
    try:
        json.loads(image)
    except ValueError:
        return _json(image)
    return image
