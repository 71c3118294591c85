"""The outbox table: what a trigger writes about one changed row, and what the feed reads.

Row triggers and statement triggers write the same rows, one for each changed row of a legacy table, in
the transaction of the change. The feed deletes a row once the journal has it. Pure: names and types.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Table

DEFAULT_NAME = "legacy_bridge_outbox"

# Columns, in the order of the DDL. All names are lower case and no reserved word of any dialect.
ID = "id"
SOURCE_TABLE = "source_table"
OPERATION = "operation"
ROW_KEY = "row_key"
LANE = "lane"
BEFORE = "before_image"
AFTER = "after_image"
TRANSACTION = "transaction_id"
ORIGIN = "origin"
FINGERPRINT = "schema_fingerprint"
CREATED_AT = "created_at"
COLUMNS = (
    ID,
    SOURCE_TABLE,
    OPERATION,
    ROW_KEY,
    LANE,
    BEFORE,
    AFTER,
    TRANSACTION,
    ORIGIN,
    FINGERPRINT,
    CREATED_AT,
)

LANE_CHARS = 255
"""A lane is cut to this length, so that a long key never fails the user's own write. Two keys that are
alike so far share a lane, which only orders them together."""


class Operation(StrEnum):
    """What happened to a row. An update that changes the key is written as DELETE and INSERT."""

    INSERT = "I"
    UPDATE = "U"
    DELETE = "D"
    READ = "R"  # nothing happened: a snapshot read the row


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the outbox, as it was read.

    ``before`` and ``after`` are JSON objects as text (column name -> value), None where there is none: an
    insert has no ``before``, a delete no ``after``. A row with neither says only which row changed.
    """

    id: int
    table: str
    operation: str  # see Operation; what a trigger wrote is judged when it is decoded
    key: str  # the row's key as a JSON array, in the order of the settings: ["0012","3"]
    lane: str  # what is kept in order: table + key, of the parent for parts of a document
    before: str | None = None
    after: str | None = None
    transaction: str | None = None  # the database's own number, where it has one
    origin: str | None = None  # the mark of who wrote; None or "": somebody else than the gateway
    fingerprint: str | None = None  # of the table's columns, when the trigger was rendered
    created_at: str | None = None  # UTC, ISO 8601, as the database's clock said


def outbox_table(name: str = DEFAULT_NAME, schema: str | None = None) -> Table:
    """Describe an outbox for statements. The DDL for a DBA is rendered elsewhere, by dialect.

    ``id`` grows with each row and is never used again (identity; AUTOINCREMENT on SQLite). The index
    (lane, id) serves "the oldest row of a lane"; texts compare byte by byte (utf8mb4_bin on MariaDB).
    """
    # Here, because settings and decoder need the names alone, and the import takes a quarter of a second.
    from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text
    from sqlalchemy.types import NullType

    return Table(
        name,
        MetaData(),
        Column(ID, BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column(SOURCE_TABLE, String(128), nullable=False),
        Column(OPERATION, String(1), nullable=False),
        Column(ROW_KEY, Text, nullable=False),
        Column(LANE, String(LANE_CHARS), nullable=False),
        Column(BEFORE, Text),
        Column(AFTER, Text),
        Column(TRANSACTION, String(64)),
        Column(ORIGIN, String(64)),
        Column(FINGERPRINT, String(64)),
        # timestamp with time zone; DATETIME(6) in UTC; text on SQLite: the driver gives what it has.
        Column(CREATED_AT, NullType, nullable=False),
        schema=schema,
    )


def lane_of(table: str, key: str) -> str:
    """Give the lane of a row: what triggers compute in SQL, left(table || ':' || key, 255)."""
    return f"{table}:{key}"[:LANE_CHARS]
