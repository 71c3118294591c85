"""Code tables of the journal, ready for mappings: read when a version changed, kept until then.

DESIGN section 6: a miss parks the document. The tables are versioned and dated; a message is looked up
as of its acceptance, in the version that is current when it is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import CodeRow, CodeTable, CodeTables
from gateway.journal.base import Journal


class CodeTableCache:
    """The tables that were used last; a look at the version tells whether one was loaded anew."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kept: dict[str, CodeTable] = {}

    async def __call__(self, words: Mapping[str, str]) -> CodeTables:
        """Give tables by the words that mappings use. ``words``: word -> table in the journal."""
        return CodeTables({word: await self._table(table) for word, table in words.items()})

    async def _table(self, name: str) -> CodeTable:
        version = await self._journal.crosswalk_version(name)
        kept = self._kept.get(name)
        if kept is None or kept.version != version:
            version, rows = await self._journal.crosswalk(name)
            kept = CodeTable(
                version, [CodeRow(each.legacy, each.cloud, each.valid_from, each.valid_to) for each in rows]
            )
            self._kept[name] = kept
        return kept
