"""The audit log: who changed what and why, and whether the log itself is whole."""

from __future__ import annotations

from gateway.operations.base import Count, JsonObject, OperationsBase
from gateway.operations.views import audit_view


class AuditOperations(OperationsBase):
    """Operations on the audit log."""

    async def audit_list(self, limit: Count = 100) -> list[JsonObject]:
        """Show the newest entries, oldest first."""
        return [audit_view(each) for each in await self._journal.audit(limit=limit)]

    async def audit_verify(self) -> JsonObject:
        """Check the chain of hashes and the head that is kept outside the journal."""
        fault = await self._journal.verify_audit()
        newest = await self._journal.audit(limit=1)
        return {"is_whole": fault is None, "fault": fault, "entries": newest[-1].number if newest else 0}
