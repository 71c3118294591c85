"""The budget check: whether there is money for a requisition or order."""

from __future__ import annotations

from typing import Literal

from canonical.document import DocumentAboutAnother
from canonical.model import NO_ENTRIES, Model
from canonical.scalars import Code, Extensions, Text
from canonical.values import DateValue, Distribution, Money

BudgetResult = Literal["pass", "warn", "fail", "not_supported", "asked"]
"""`asked`: this is the question, nobody has answered yet. `not_supported`: the system has no budget check
(SAP S/4HANA and D365 publish none), which is no pass."""


class FundsCheck(Model):
    """The result for one account and period."""

    line_id: Code | None = None
    distribution: Distribution | None = None
    period: Text | None = None
    result: BudgetResult
    requested: Money | None = None
    available: Money | None = None
    budget: Money | None = None
    detail: Text | None = None
    extensions: Extensions = NO_ENTRIES


class BudgetCheck(DocumentAboutAnother):
    """The answer of a budget check, as of one moment; or the question, where `result` is `asked`.

    Document key: organisation + subject (type, number, release, revision, line) + check number, or a
    content hash where there is none. Order key: organisation + order number of the subject.
    """

    document_type: Literal["budget_check"] = "budget_check"
    result: BudgetResult
    checked: DateValue | None = None
    requested: Money | None = None
    available: Money | None = None
    detail: Text | None = None
    funds: tuple[FundsCheck, ...] = ()
