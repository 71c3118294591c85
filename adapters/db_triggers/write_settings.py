"""What routes.yaml says about writing documents into a legacy database: which rows, or which procedure."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from adapters.base.settings import Duration, Kind, MappingName, Settings
from adapters.mapping.records import SourcePathError, source_path


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _path(text: str) -> str:
    try:
        source_path(text)
    except SourcePathError as error:
        raise PydanticCustomError("source_path", "{told}", {"told": str(error)}) from error
    return text


ColumnName = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\"'`\[\];]{1,128}$"),
    Kind("name of a table or column, as the database spells it"),
]
ColumnNames = Annotated[
    tuple[ColumnName, ...], BeforeValidator(_as_list), Kind("one column or a list of columns")
]
FieldPath = Annotated[str, AfterValidator(_path), Kind("field of the mapping's record")]
ArgumentKind = Literal["text", "integer", "decimal", "date", "timestamp"]


class RowsWritten(Settings):
    """One table that a document changes: one row, or a row for each record of a list."""

    table: ColumnName
    """The legacy table."""

    on: Literal["insert", "update", "upsert", "delete", "expect"] = "update"
    """What is done. `expect` writes nothing: it says that a legacy job will make this change by itself,
    because of what is written here, so that the feed does not take it for news."""

    each: FieldPath | None = None
    """A list of the mapping's record: a row for each entry. Default: one row."""

    key: ColumnNames = Field(min_length=1)
    """Columns that name the row."""

    columns: dict[ColumnName, FieldPath]
    """Column -> field of the mapping's record; with `each` a field of the entry, or else of the whole
    record. A field without a value is left alone; an inserted row gets the column's default."""

    fixed: dict[ColumnName, str] = Field(default_factory=dict)
    """Column -> a text that is always written."""

    add: ColumnNames = ()
    """Columns to which the value is added instead of replacing them: a quantity received so far."""

    beside: ColumnNames = ()
    """Columns that a later legacy job may change along with these (its user, its time): a change of
    nothing else is still no news."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        written = {**self.columns, **self.fixed}
        if missing := [name for name in (*self.key, *self.add) if name not in written]:
            raise ValueError(f"columns: {', '.join(missing)} has no field; key and add name columns of these")
        if both := sorted(set(self.columns) & set(self.fixed)):
            raise ValueError(f"fixed: {', '.join(both)} stands in columns, too")
        if rest := sorted(set(self.add) & set(self.key)):
            raise ValueError(f"add: {', '.join(rest)} is part of the key")
        if self.on in ("update", "upsert", "expect") and not set(written) - set(self.key):
            raise ValueError("columns: nothing but the key; there is nothing to write")
        return self


class ProcedureCalled(Settings):
    """A stored procedure that a document is given to, in the same transaction."""

    procedure: ColumnName
    """Its name; a schema before it is separated by a point."""

    each: FieldPath | None = None
    """A list of the mapping's record: a call for each entry. Default: one call."""

    arguments: dict[ColumnName, FieldPath]
    """Parameter -> field, in the procedure's order."""

    kinds: dict[ColumnName, ArgumentKind] = Field(default_factory=dict)
    """Parameter -> what it takes, where that is not text."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := sorted(set(self.kinds) - set(self.arguments)):
            raise ValueError(f"kinds: {', '.join(unknown)} is no argument")
        return self


class DocumentWritten(Settings):
    """How documents of one type are written, in one transaction."""

    mapping: MappingName
    """From the canonical document to a record (`direction: write` or `both`)."""

    changes: tuple[RowsWritten | ProcedureCalled, ...] = Field(min_length=1, max_length=50)
    """What is done with the record's fields, in this order."""


class WriteBack(Settings):
    """Canonical documents into legacy tables: each once, and without coming back by the feed."""

    documents: dict[str, DocumentWritten]
    """Document type -> how it is written."""

    echoes: Duration = timedelta(days=2)
    """How long a later legacy job may make the same change once more without its being fed back."""

    timeout: Duration = timedelta(seconds=30)
    """How long to wait for one document to be written."""

    copies: Literal["refuse", "write"] = "refuse"
    """What is done with a copy of a document that the cloud owns."""

    lock_wait: Duration = timedelta(seconds=5)
    """How long to wait for a row that somebody else is changing; then it is tried again later."""

    connections: int = Field(default=2, ge=1, le=16)
    """Connections of its own; nothing else uses them."""
