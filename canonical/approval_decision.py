"""The approval decision: what an approver said about a requisition, order or invoice."""

from __future__ import annotations

from typing import Literal

from canonical.document import DocumentAboutAnother
from canonical.scalars import Code, Text
from canonical.values import Contact, DateValue, Money

Decision = Literal[
    "approved", "rejected", "returned", "delegated", "escalated", "withdrawn", "pending", "other",
]  # fmt: skip


class ApprovalDecision(DocumentAboutAnother):
    """One decision of one approver at one step.

    Document key: organisation + subject (type, number, release, revision, line) + decision number, or
    step and content hash where there is none. Order key: organisation + order number of the subject.
    """

    document_type: Literal["approval_decision"] = "approval_decision"
    decision: Decision
    decided: DateValue | None = None
    approver: Contact | None = None
    on_behalf_of: Contact | None = None
    delegated_to: Contact | None = None
    step: Code | None = None
    is_final: bool | None = None
    amount: Money | None = None
    policy: Text | None = None
