"""The gateway's own small tables in the legacy database, besides the outbox. Pure: names and types.

They are there because only what commits together with the legacy rows is certain: that a document was
written, what of it may come back by a legacy job, and how far a snapshot has come. ``db render`` makes them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Integer, MetaData, String, Table, Text

WRITTEN = "legacy_bridge_written"
ECHO = "legacy_bridge_echo"
ORIGIN = "legacy_bridge_origin"  # SQLite only: there are no session variables
SNAPSHOT = "legacy_bridge_snapshot"

SHAPE = "legacy_bridge_shape"

TIME = String(32)  # UTC, ISO 8601, written by the gateway: the same text in every dialect


def written_table(schema: str | None = None) -> Table:
    """Documents that were written, by the reference that a delivery carries through every repeat."""
    return Table(
        WRITTEN,
        MetaData(),
        Column("reference", String(64), primary_key=True),
        Column("content_hash", String(64), nullable=False),
        Column("written_at", TIME, nullable=False),
        schema=schema,
    )


def echo_table(schema: str | None = None) -> Table:
    """What was written to a row, as a hash a column. ``after_id``: only outbox rows past it can be echoes.

    ``row_hash``: SHA-256 of the table's name and the key in its normal form (``echo.row_hash``).
    """
    return Table(
        ECHO,
        MetaData(),
        Column("row_hash", String(64), primary_key=True),
        Column("after_id", BigInteger, nullable=False),
        Column("contents", Text, nullable=False),
        Column("written_at", TIME, nullable=False),
        schema=schema,
    )


def snapshot_table(schema: str | None = None) -> Table:
    """Snapshots that were asked for, and how far each has come. ``last_key``: JSON array, None at first.

    Inserting a row with state ``wanted`` is the signal. Keys are JSON arrays of texts; ``from_key`` and
    ``to_key`` (both inclusive) may be null.
    """
    return Table(
        SNAPSHOT,
        MetaData(),
        Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
        Column("source_table", String(128), nullable=False),
        Column("state", String(16), nullable=False),  # wanted, running, done, cancelled, refused
        Column("from_key", Text),
        Column("to_key", Text),
        Column("last_key", Text),
        Column("rows_total", BigInteger),
        Column("rows_done", BigInteger, nullable=False),
        Column("why", String(200)),
        Column("changed_at", TIME),
        schema=schema,
    )


def shape_table(schema: str | None = None) -> Table:
    """For which columns the triggers of a table were rendered. The rendered script fills it."""
    return Table(
        SHAPE,
        MetaData(),
        Column("source_table", String(128), primary_key=True),
        Column("schema_fingerprint", String(64), nullable=False),
        schema=schema,
    )


def origin_table() -> Table:
    """SQLite's mark: a row that exists only inside the gateway's own transaction."""
    return Table(ORIGIN, MetaData(), Column("origin", String(64), nullable=False))
