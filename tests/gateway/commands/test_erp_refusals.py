"""What `erp check` says of an ERP that does not let us in."""

from __future__ import annotations

import pytest

from adapters.base import Reply
from gateway.commands.erp import _refusal


@pytest.mark.parametrize(
    "status, told",
    [(401, "does not accept these credentials"), (403, "may not read this"), (404, "status 404")],
)
def test_a_refused_password_is_not_called_a_missing_right(status: int, told: str) -> None:
    finding = _refusal("erp", Reply(status, b""))

    assert finding is not None
    assert told in finding.text
