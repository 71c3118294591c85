"""Why an operation was not carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class OperationError(Exception):
    """Nothing was changed; the text is a whole sentence that says what to do.

    ``code``: "unknown" (no such thing), "refused" (it would be wrong), "stale" (it moved meanwhile),
    "bad_request", "stopped" (needs a running gateway), "forbidden" (by the token's roles), "failed".
    ``findings`` say more, as JSON.
    """

    def __init__(self, code: str, text: str, findings: tuple[Mapping[str, Any], ...] = ()) -> None:
        super().__init__(text)
        self.code = code
        self.findings = findings
