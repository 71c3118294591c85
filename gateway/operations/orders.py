"""The ledger: which side owns which order, and seeding it with the legacy system's open orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.keys import order_key_of
from gateway.journal.moves import UNDER_WAY
from gateway.journal.types import LedgerEntry, Side, Transmitter
from gateway.operations.base import Count, JsonObject, OperationsBase, Person, Text
from gateway.operations.errors import OperationError
from gateway.operations.views import alias_view, delivery_view, document_view, ledger_view

IMPORTED = "imported"
ROWS_MAX = 200_000
SHOWN_MAX = 1_000
PROBLEMS_SHOWN = 5


class OrderRow(BaseModel):
    """One open order of the legacy system, as the import file says it; ``line`` is its line there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int
    order_number: str
    side: Literal["legacy", "cloud"]
    transmitter: Literal["legacy", "gateway", "erp", "none"]
    aliases: list[str]


Rows = Annotated[list[OrderRow], Field(max_length=ROWS_MAX)]


class OrderOperations(OperationsBase):
    """Operations on orders."""

    async def orders_list(
        self, side: str | None = None, route: str | None = None, limit: Count = 100
    ) -> list[JsonObject]:
        """Show ledger entries, newest first."""
        return [ledger_view(each) for each in await self._journal.orders(side=side, route=route, limit=limit)]

    async def orders_show(self, order: Text) -> list[JsonObject]:
        """Show every order that a number or key means. Errors: OperationError where there is none."""
        keys = await self._order_keys(order)
        if not keys:
            raise OperationError(
                "unknown",
                f"no order '{order}' is known; one older than the gateway is known after orders import",
            )
        return [await self._order(key) for key in keys]

    async def orders_diff(self, route: Text, rows: Rows) -> JsonObject:
        """Say what an import would change; nothing is."""
        entries, _ = self._entries(route, rows, "")
        return await self._compared(entries)

    async def orders_import(self, route: Text, rows: Rows, who: Person, why: Text) -> JsonObject:
        """Seed the ledger; entries that exist stay as they are."""
        entries, aliases = self._entries(route, rows, why)
        compared = await self._compared(entries)
        compared["imported"] = await self._journal.import_orders(
            entries, aliases, who, why, self._clock.now()
        )
        self._wake()  # a follow-on may have waited for one of these
        return compared

    async def orders_close(
        self, orders: Annotated[list[Text], Field(min_length=1, max_length=ROWS_MAX)], who: Person, why: Text
    ) -> JsonObject:
        """Mark orders closed; each is given by a number that means one order only, or by its key.

        Errors: OperationError where one means none or several; then nothing is closed.
        """
        keys: dict[str, str] = {}
        problems = []
        for order in orders:
            found = await self._in_ledger(order)
            if len(found) == 1:
                keys[found[0]] = order
            else:
                problems.append(f"{order} ({' or '.join(found) if found else 'no entry in the ledger'})")
        if problems:
            shown = "; ".join(problems[:PROBLEMS_SHOWN])
            more = f"; and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
            raise OperationError(
                "unknown",
                f"these do not mean one order each: {shown}{more}. Nothing was closed; give keys, as "
                "orders list shows them",
            )
        closed = await self._journal.close_orders(list(keys), who, why, self._clock.now())
        return {"orders": len(keys), "closed": closed, "closed_before": len(keys) - closed}

    def _entries(
        self, route: str, rows: list[OrderRow], why: str
    ) -> tuple[list[LedgerEntry], dict[str, list[str]]]:
        configuration = self._configuration()
        rules, now = configuration.key_rules(self._opening(route).source.partner), self._clock.now()
        entries: dict[str, LedgerEntry] = {}
        aliases: dict[str, list[str]] = {}
        for row in rows:
            key = order_key_of(row.order_number, rules)
            if key in entries:
                number, line = row.order_number, row.line
                text = (
                    f"line {line}: order {number} stands in the file before (as key {key}); keep one of them"
                )
                raise OperationError("refused", f"{text}. Nothing was imported")
            entries[key] = LedgerEntry(
                order_key=key,
                side=Side(row.side),
                transmitter=Transmitter(row.transmitter),
                route=route,
                stage=IMPORTED,
                reason=f"imported: {why}" if why else IMPORTED,
                opened_at=now,
            )
            aliases[key] = list(dict.fromkeys((row.order_number.strip(), *row.aliases)))
        return list(entries.values()), aliases

    async def _compared(self, entries: list[LedgerEntry]) -> JsonObject:
        known = (await self._journal.facts([each.order_key for each in entries], (), ())).ledger
        differing = [
            {
                "order_key": each.order_key,
                "wanted": each.side.value,
                "known": known[each.order_key].side.value,
            }
            for each in entries
            if each.order_key in known and known[each.order_key].side is not each.side
        ]
        new = [each for each in entries if each.order_key not in known]
        return {
            "rows": len(entries),
            "new": {side.value: sum(1 for each in new if each.side is side) for side in Side},
            "known": len(entries) - len(new),
            "differing": differing[:SHOWN_MAX],
            "differing_count": len(differing),
        }

    async def _order(self, key: str) -> JsonObject:
        entry = (await self._journal.facts((key,), (), ())).ledger.get(key)
        deliveries = await self._journal.deliveries(order_key=key)
        return {
            "order_key": key,
            "ledger": ledger_view(entry) if entry is not None else None,
            "moving": await self._moving(key),
            "aliases": await self._names(key, sorted({each.target for each in deliveries})),
            "documents": [document_view(each) for each in await self._journal.documents(order_key=key)],
            "deliveries": [delivery_view(each) for each in deliveries],
        }

    async def _moving(self, key: str) -> JsonObject | None:
        """Give where an order is on its way to, and the batch of its move; None for one that is at rest."""
        under_way = await self._journal.moves(states=sorted(UNDER_WAY), order_key=key)
        return {"to": under_way[0].to.value, "batch": under_way[0].batch} if under_way else None

    async def _names(self, key: str, targets: Sequence[str]) -> list[JsonObject]:
        """Give an order's names, each with those of the targets that told it: two may number it alike."""
        nobodys = set(await self._journal.aliases(key, ""))
        told = {each: set(await self._journal.aliases(key, each)) - nobodys for each in targets}
        return [
            alias_view(row, [each for each in targets if row in told[each]])
            for row in await self._journal.aliases(key)
        ]
