"""A requisition; and a budget check, which needs a stored draft: stored, checked, removed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.base import Delivery, Effect, Finished
from canonical.budget_check import BudgetCheck
from canonical.requisition import Requisition
from gateway.erp.connector.errors import findings_of
from gateway.erp.connector.rendering import Rendering, without_nothing
from gateway.erp.connector.series import Answer, Hit, LookUp, Series, StuckError, Write
from gateway.erp.json_paths import text_at
from gateway.erp.oracle_fusion.errors import oracle_errors
from gateway.erp.oracle_fusion.references import Reference
from gateway.erp.oracle_fusion.requisition_bodies import requisition_body
from gateway.erp.oracle_fusion.resources import members, own_path
from gateway.erp.oracle_fusion.settings import OracleDefaults

if TYPE_CHECKING:
    from gateway.erp.oracle_fusion.connector import OracleFusion

REQUISITIONS = "purchaseRequisitions"
SUBMITTED = frozenset({"APPROVED", "PENDING APPROVAL", "SUBMITTED"})
# What checkFunds answers, in our words.
RESULTS: Mapping[str, str] = {
    "SUCCESS": "pass",
    "PASSED": "pass",
    "PASS": "pass",
    "WARNING": "warn",
    "PASSED WITH WARNINGS": "warn",
    "FAILED": "fail",
    "FAIL": "fail",
    "NOT APPLICABLE": "not_supported",
}


def requisition(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Create a requisition and submit it."""
    document = delivery.document
    assert isinstance(document, Requisition)  # noqa: S101 - the kind says so
    reference = Reference(delivery, connector.settings.reference_field)
    body = connector.rendered(delivery, lambda r, d: requisition_body(document, r, d))
    created = yield _create(connector, reference, body, document.number)
    number, path = text_at(created.fields, "Requisition"), own_path(created.fields, REQUISITIONS)
    if text_at(created.fields, "DocumentStatus") in SUBMITTED:
        return Finished(number)
    resources = connector.resources
    look_up = LookUp(resources.query(REQUISITIONS, {"Requisition": number}), _hits_submitted)
    yield Write("submit", resources.action(path, "submitRequisition"), look_up, is_unique=True)
    return Finished(number)


def budget_check(connector: OracleFusion, delivery: Delivery, now: datetime) -> Series:
    """Store a draft, have its funds checked, remove it, whatever the check came to.

    The delivery's own number is the result: pass, warn, fail or not_supported.
    """
    document = delivery.document
    assert isinstance(document, BudgetCheck)  # noqa: S101
    reference = Reference(delivery, connector.settings.reference_field)
    body = connector.rendered(delivery, lambda r, d: _check_body(document, r, d))
    created = yield _create(connector, reference, body, f"budget check {document.subject.number}")
    path = own_path(created.fields, REQUISITIONS)
    # It changes no stored field and reserves nothing: asked again, it says the same.
    checked = yield Write(
        "check_funds", connector.resources.action(path, "checkFunds"), effect=Effect.REPEATABLE
    )
    # A draft that is gone already was removed by an attempt that we never heard of.
    yield Write("remove", connector.resources.delete(path), effect=Effect.REPEATABLE)
    if checked.status >= 400:
        errors = oracle_errors(checked.reply)
        raise StuckError(*findings_of(connector.name, checked.status, errors))
    word = text_at(checked.fields, "result").upper()
    result = RESULTS.get(word)
    if result is None:
        text = f"checkFunds answers '{word[:80]}', which is none of {', '.join(RESULTS)}; decide by hand"
        raise connector.place.stuck("ERP-BUDGET-ANSWER", text)
    return Finished(result)


def _create(connector: OracleFusion, reference: Reference, body: Mapping[str, Any], title: str) -> Write:
    resources = connector.resources
    look_up = LookUp(resources.query(REQUISITIONS, reference.condition), lambda each: _hits(each, reference))
    create = resources.create(REQUISITIONS, lambda: {**body, **reference.fields(title)})
    return Write("create", create, look_up, looks_first=True)


def _check_body(check: BudgetCheck, rendering: Rendering, defaults: OracleDefaults) -> dict[str, Any]:
    """Give a draft of one line for each amount to be checked, priced at 1: its quantity is its amount."""
    funds = [(each.requested, each.distribution) for each in check.funds] or [(check.requested, None)]
    lines: list[dict[str, Any]] = []
    for number, (money, distribution) in enumerate(funds, start=1):
        if money is None:
            rendering.required(None, "the amount to be checked", f"funds[{number - 1}].requested")
            continue
        account = rendering.account(distribution) if distribution is not None else None
        distributions = [
            without_nothing({"DistributionNumber": 1, "Quantity": money.amount, "ChargeAccount": account})
        ]
        lines.append(
            without_nothing(
                {
                    "LineNumber": number,
                    "LineTypeCode": defaults.line_type,
                    "CategoryName": defaults.category,
                    "ItemDescription": "Budget check",
                    "Quantity": money.amount,
                    "Price": 1,
                    "UOM": "Each",
                    "CurrencyCode": money.currency or defaults.currency,
                    "DestinationTypeCode": "EXPENSE",
                    "RequesterEmail": defaults.requester_email or defaults.preparer_email,
                    "distributions": distributions,
                }
            )
        )
    bu = rendering.required(defaults.requisitioning_bu or defaults.procurement_bu, "requisitioning_bu", "")
    preparer = rendering.required(defaults.preparer_email, "preparer_email", "")
    return {"RequisitioningBU": bu, "PreparerEmail": preparer, "ExternallyManagedFlag": False, "lines": lines}


def _hits(answer: Answer, reference: Reference) -> Sequence[Hit] | str:
    found = members(answer)
    if found is None:
        return "the look-up's reply is no collection; expected `items`"
    ours = [each for each in found if reference.is_in(each)]
    if found and not ours:
        return f"the look-up for {reference.text} gave others' documents: the ERP ignores the filter"
    return [
        Hit(text_at(each, "Requisition"), each, () if reference.says_the_same(each) else ("content",))
        for each in ours
    ]


def _hits_submitted(answer: Answer) -> Sequence[Hit]:
    return [
        Hit(text_at(each, "Requisition"), each)
        for each in members(answer) or ()
        if text_at(each, "DocumentStatus") in SUBMITTED
    ]
