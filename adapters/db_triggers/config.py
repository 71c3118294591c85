"""What routes.yaml says about a legacy database: how it is reached, which tables, by which feed.

Every field is declared here once; the configuration reference and ``check`` come from it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from adapters.base.settings import Duration, Kind, LocalPath, MappingName, PresentFile, SecretRef, Settings
from adapters.db_triggers.outbox import DEFAULT_NAME
from adapters.db_triggers.write_settings import WriteBack

Dialect = Literal["postgresql", "mariadb", "mysql", "sqlite", "mssql", "oracle"]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# Quoted by the dialect wherever they are used; refused here is only what no legacy schema has.
SqlName = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\"'`\[\];]{1,128}$"),
    Kind("name of a table or column, as the database spells it"),
]
SqlNames = Annotated[tuple[SqlName, ...], BeforeValidator(_as_list), Kind("one column or a list of columns")]


class ChildSettings(Settings):
    """Rows of another table that belong to a document: they are read when the change is picked up."""

    table: SqlName
    """Table of the rows."""

    by: SqlNames
    """Its columns that hold the parent's key, in the order of the parent's `key`."""

    order: SqlNames = ()
    """Columns that they are sorted by."""

    children: dict[str, ChildSettings] = Field(default_factory=dict)
    """Rows below each of these rows; `by` then names the columns that hold the columns of `key`."""

    key: SqlNames = ()
    """Columns by which rows below name this one; only with `children`."""


class TableSettings(Settings):
    """One legacy table whose changes are fed."""

    key: SqlNames = Field(min_length=1)
    """Columns that name a row. Changes of one row stay in order."""

    part_of: SqlName | None = None
    """Another table of this list, of whose documents these rows are a part (lines of an order). A change
    here makes that document be read again."""

    parent_key: SqlNames = ()
    """With `part_of`: columns here that hold the parent's key. Default: columns of the same names."""

    children: dict[str, ChildSettings] = Field(default_factory=dict)
    """Name in the mapping -> rows of another table that complete the document, read at pick-up."""

    reread: bool = False
    """The row is read again at pick-up, as it is then. Changes in between are merged, and say so."""

    columns: SqlNames = ()
    """Columns in the images. Default: all."""

    operations: Annotated[tuple[Literal["insert", "update", "delete"], ...], BeforeValidator(_as_list)] = (
        "insert",
        "update",
        "delete",
    )
    """What is fed; the rest is not captured, and dropped where a trigger captures it."""

    trigger: Literal["row", "statement"] = "row"
    """Which trigger is rendered. `statement` costs bulk changes less; PostgreSQL and SQL Server have it."""


class OutboxFeed(Settings):
    """An outbox that triggers fill: every committed change once, in order for each row."""

    kind: Literal["outbox"] = "outbox"
    """`outbox`."""

    name: SqlName = DEFAULT_NAME
    """Table that triggers write into."""

    order: Literal["row", "none"] = "row"
    """`row`: changes of one row stay in order. `none`: the fastest drain, for rows that are events."""

    notify: bool = False
    """PostgreSQL: the trigger wakes the feed at each commit. It costs concurrent writers more than half
    of their rate; the feed polls as well."""


class StatusFeed(Settings):
    """A change table that exists already, whose rows carry a status: they are marked, not deleted."""

    kind: Literal["status_column"]
    """`status_column`."""

    name: SqlName
    """The change table."""

    id: SqlName
    """Its column by which rows are ordered; grows with each row."""

    status: SqlName
    """Its status column."""

    new: str
    """Status of rows not taken yet."""

    taken: str
    """Status that a row gets once the journal has it."""

    key: SqlNames = Field(min_length=1)
    """Its columns that name the changed row."""

    table: SqlName | None = None
    """The table whose rows changed, one of `tables`; or say `table_column`. Without either, the change
    table's own row is what is mapped, under the change table's name."""

    table_column: SqlName | None = None
    """Its column that names the table."""

    operation: SqlName | None = None
    """Its column that says what happened."""

    operations: dict[str, Literal["I", "U", "D"]] = Field(default_factory=dict)
    """What stands in `operation` -> insert, update, delete. Default: I, U, D stand there."""


class CursorFeed(Settings):
    """No change table at all: rows whose number or time is past the last one seen."""

    kind: Literal["cursor"]
    """`cursor`."""

    table: SqlName
    """The table, one of `tables`."""

    column: SqlName
    """Its column that grows: a number, or a time of the last change."""

    holds: Literal["id", "timestamp"]
    """What the column holds."""

    transaction: SqlName | None = None
    """PostgreSQL: a column with the writing transaction's number (`xid8 DEFAULT pg_current_xact_id()`).
    With it no committed row is missed."""

    settle: Duration = timedelta(seconds=30)
    """Without `transaction`: how old a value must be before it is passed. A transaction that is open for
    longer can lose rows. Times are the database's."""


Feed = Annotated[OutboxFeed | StatusFeed | CursorFeed, Field(discriminator="kind")]


class DbEndpoint(Settings):
    """A legacy database: changes are fed from it, and documents are written back into it."""

    dialect: Dialect
    """Which database it is. `mssql` and `oracle` were never run against a server by us."""

    host: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.:_/-]{1,253}$")
    """Name or address; for PostgreSQL also the folder of its socket."""

    port: int | None = Field(default=None, ge=1, le=65_535)
    """Port. Default: the dialect's."""

    database: str | None = Field(default=None, min_length=1, max_length=128)
    """Database (Oracle: service name)."""

    file: LocalPath | None = None
    """SQLite: the file."""

    user: str | None = Field(default=None, min_length=1, max_length=128)
    """Who we are there: a database user of our own, with the rights that `db render` lists."""

    password: SecretRef | None = None
    """Its password."""

    ca: PresentFile | None = None
    """CA certificates (PEM) that the server's certificate must be signed by."""

    plaintext: bool = False
    """Connect without TLS: on this machine, or in a network that protects it."""

    db_schema: SqlName | None = Field(default=None, alias="schema")
    """Schema of the outbox and the tables. Default: the user's."""

    feed: Feed = OutboxFeed()
    """How changes are found."""

    tables: dict[SqlName, TableSettings] = Field(default_factory=dict)
    """The legacy tables, by name."""

    write_back: WriteBack | None = None
    """How documents are written into this database. Default: none are."""

    origin: str = Field(default="legacy-bridge", pattern=r"^[A-Za-z0-9_.:-]{1,64}$")
    """The mark of what the gateway itself writes; rows that carry it are not fed back."""

    batch: int = Field(default=500, ge=1, le=5_000)
    """Rows taken at once."""

    poll: Duration = timedelta(milliseconds=250)
    """How soon it is looked again after rows were found."""

    poll_max: Duration = timedelta(seconds=2)
    """How far the pause grows while nothing is found."""

    connect_timeout: Duration = timedelta(seconds=10)
    """How long to wait for a connection."""

    statement_timeout: Duration = timedelta(seconds=30)
    """How long to wait for one statement; a lock held by a long-running writer ends here."""

    schema_check: Duration = timedelta(seconds=30)
    """How often the tables' columns are compared with those that the triggers were rendered for, and how
    often it is looked whether the database asks for a snapshot."""

    @model_validator(mode="after")
    def _reachable(self) -> DbEndpoint:
        if self.dialect == "sqlite":
            if self.file is None or self.host is not None:
                raise ValueError("sqlite is a file on this machine: expected file, and no host")
        elif self.file is not None or self.host is None or self.database is None or self.user is None:
            raise ValueError(f"{self.dialect} is a server: expected host, database and user, and no file")
        return self

    @model_validator(mode="after")
    def _tables_fit(self) -> DbEndpoint:
        for name, table in self.tables.items():
            parent = self.tables.get(table.part_of or "")
            if table.part_of is not None and (parent is None or parent.part_of is not None):
                known = ", ".join(sorted(each for each in self.tables if self.tables[each].part_of is None))
                raise ValueError(f"tables.{name}.part_of: expected one of {known}")
            if parent is not None and len(table.parent_key or parent.key) != len(parent.key):
                raise ValueError(f"tables.{name}.parent_key: expected {len(parent.key)} columns")
        feed = self.feed
        if isinstance(feed, (StatusFeed, CursorFeed)) and feed.table and feed.table not in self.tables:
            raise ValueError(f"feed.table: expected one of {', '.join(sorted(self.tables)) or 'tables'}")
        return self


class DbSettings(Settings):
    """How changed rows are read. Routes of one endpoint share a feed: the first route's settings hold."""

    mappings: dict[str, MappingName] = Field(default_factory=dict)
    """Table -> mapping between its columns and the canonical document, by its name under `mappings`."""

    updates: dict[str, MappingName] = Field(default_factory=dict)
    """Table -> mapping for changes of rows that were there, most often to an `order_change`. Default: as
    `mappings`; an order that is sent again with other content is parked."""

    deletes: Literal["map", "park"] | None = None
    """A deleted row is mapped from its before image, or parked for a person (`park`, the default)."""


class DbPartner(Settings):
    """The same for all of a partner's routes, where they do not say otherwise."""

    mappings: dict[str, MappingName] = Field(default_factory=dict)
    """Table -> mapping, by its name under `mappings`."""

    updates: dict[str, MappingName] = Field(default_factory=dict)
    """Table -> mapping for changes of rows that were there."""

    deletes: Literal["map", "park"] | None = None
    """What becomes of a deleted row: `map` or `park`."""
