"""Code tables between the two worlds: showing one, comparing it with a file, loading a new version."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gateway.journal.types import CrosswalkRow
from gateway.operations.base import JsonObject, OperationsBase, Person, Text
from gateway.operations.errors import OperationError

ROWS_MAX = 500_000


class TableRow(BaseModel):
    """One row as the file says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    legacy: str
    cloud: str
    valid_from: str
    valid_to: str
    facts: dict[str, str]


Rows = Annotated[list[TableRow], Field(max_length=ROWS_MAX)]


class CrosswalkOperations(OperationsBase):
    """Operations on code tables."""

    async def crosswalk_list(self) -> list[JsonObject]:
        """Show the tables that the configuration names, with how many rows each has."""
        found = []
        for table in dict.fromkeys(self._configuration().crosswalks.values()):
            version, rows = await self._journal.crosswalk(table)
            found.append({"table": table, "version": version, "rows": len(rows)})
        return found

    async def crosswalk_show(self, table: Text) -> JsonObject:
        """Show the current version of a table."""
        version, rows = await self._journal.crosswalk(table)
        return {"table": table, "version": version, "rows": [_view(each) for each in rows]}

    async def crosswalk_diff(self, table: Text, rows: Rows) -> JsonObject:
        """Say what loading these rows would change. Errors: OperationError for a table nobody names."""
        self._require_named(table)
        version, now = await self._journal.crosswalk(table)
        before = {(each.legacy, each.valid_from): each for each in now}
        after = {(each.legacy, each.valid_from): each for each in map(_row, rows)}
        return {
            "table": table,
            "version": version,
            "rows": len(rows),
            "added": [_view(each) for key, each in after.items() if key not in before],
            "removed": [_view(each) for key, each in before.items() if key not in after],
            "changed": [
                {"from": _view(before[key]), "to": _view(each)}
                for key, each in after.items()
                if key in before and before[key] != each
            ],
        }

    async def crosswalk_load(self, table: Text, rows: Rows, who: Person, why: Text) -> JsonObject:
        """Replace a table by a new version; what waits for it can be tried again."""
        difference = await self.crosswalk_diff(table, rows)
        version = await self._journal.load_crosswalk(
            table, [_row(each) for each in rows], who, why, self._clock.now()
        )
        return difference | {"version": version}

    def _require_named(self, table: str) -> None:
        """Refuse a table that no mapping can use: its name is a mistake, or it is not configured yet."""
        known = sorted(set(self._configuration().crosswalks.values()))
        if table not in known:
            text = f"the configuration names no code table '{table}'; its crosswalks are: {', '.join(known)}"
            raise OperationError("unknown", text if known else f"{text}none")


def _row(row: TableRow) -> CrosswalkRow:
    return CrosswalkRow(row.legacy, row.cloud, row.valid_from, row.valid_to, dict(row.facts))


def _view(row: CrosswalkRow) -> JsonObject:
    return {
        "legacy": row.legacy,
        "cloud": row.cloud,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "facts": dict(row.facts),
    }
