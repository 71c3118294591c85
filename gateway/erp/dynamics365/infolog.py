"""What Dynamics 365 says is wrong: the Infolog behind a sentence that says nothing. Pure.

`Write failed for table row of type '...'. Infolog: Warning: Item 'X' is blocked for 'Purchase order'.;
Warning: validateWrite failed on data source ...`: what counts stands behind `Infolog:`, amid generic parts.
Source: public reports of its OData errors; the words of the classes are assumed, in English only: a tenant
whose service account speaks another language gets REFUSED for all, which parks and never repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters.base import Reply
from gateway.erp.connector.errors import ErpError, ErrorClass, plain
from gateway.erp.odata.messages import problem_of

_GENERIC = re.compile(
    r"\b(?:validateWrite|validateField|validateDelete|insert|update|write) failed on (?:data source|table)"
    r"|^Write failed for table row|^An error has occurred\.?$",
    re.I,
)
_PREFIX = re.compile(r"^(?:Warning|Error|Info):\s*", re.I)
_CLASSES = (
    (re.compile(r"already exists", re.I), ErrorClass.DUPLICATE),
    (
        re.compile(
            r"(?:fiscal|ledger) period .*(?:not open|closed|on hold)|period .*is (?:not open|closed)", re.I
        ),
        ErrorClass.CLOSED_PERIOD,
    ),
    (
        re.compile(r"deadlock|update conflict|locked by another|another user changed", re.I),
        ErrorClass.LOCKED,
    ),
)
_FIELDS = (
    (re.compile(r"^Item '|'Item number'", re.I), "ItemNumber"),
    (re.compile(r"'Vendor account'|^Vendor ", re.I), "OrderVendorAccountNumber"),
    (re.compile(r"'Quantity'", re.I), "OrderedPurchaseQuantity"),
    (re.compile(r"'Unit'|\bunit of measure\b", re.I), "PurchaseUnitSymbol"),
    (re.compile(r"'Procurement category'", re.I), "ProcurementProductCategoryName"),
    (re.compile(r"'Currency'", re.I), "CurrencyCode"),
    (re.compile(r"'Site'", re.I), "ReceivingSiteId"),
    (re.compile(r"'Warehouse'", re.I), "ReceivingWarehouseId"),
    (re.compile(r"^Invoice number|'Invoice number'|'Invoice'", re.I), "InvoiceNumber"),
)
_NAMED = re.compile(r"(?:property|field) '([A-Za-z]\w*)'", re.I)

THROTTLES = (
    (re.compile(r"number of requests", re.I), "too many requests in 300 s: lower limits.rate_per_s"),
    (re.compile(r"execution time", re.I), "too much execution time in 300 s: lower limits.concurrent"),
    (re.compile(r"concurrent requests", re.I), "too many requests at the same time: lower limits.concurrent"),
    (
        re.compile(r"utilization|busy|resource", re.I),
        "the environment's resources are exhausted: set this application's throttling priority there",
    ),
)


def read_errors(reply: Reply) -> list[ErpError]:
    """Give the errors of a refusal, the useful words only; nothing where the body is none of Dynamics'."""
    problem = problem_of(reply.body)
    if problem is None:
        return []
    text = problem.inner_text or problem.text
    messages = list(_messages(text)) or [plain(text)]
    code = problem.code or ("Infolog" if "Infolog" in problem.inner_text else "")  # its own are empty
    return [ErpError(code, each, _field(each), _kind(each)) for each in messages]


def is_rolled_back(reply: Reply) -> bool:
    """Tell whether an answer of 500 says that a write failed, and so was undone as a whole."""
    problem = problem_of(reply.body)
    return problem is not None and "Infolog" in problem.inner_text


def throttle_reason(reply: Reply) -> str:
    """Say which of the four limits a 429 is about."""
    problem = problem_of(reply.body)
    text = problem.text if problem is not None else ""
    said = problem.inner_text if problem is not None else ""
    for pattern, reason in THROTTLES:
        if pattern.search(f"{text} {said}"):
            return f"status 429: {reason}"
    return "status 429: throttled"


def _messages(text: str) -> Iterator[str]:
    _, mark, said = text.partition("Infolog:")
    for part in (said if mark else text).split(";"):
        message = _PREFIX.sub("", part.strip())
        if message and not _GENERIC.search(message):
            yield plain(message)


def _kind(message: str) -> ErrorClass:
    return next((kind for pattern, kind in _CLASSES if pattern.search(message)), ErrorClass.REFUSED)


def _field(message: str) -> str:
    """Give the field that a message is about: its own name for it, or the one behind a label."""
    by_label = next((name for pattern, name in _FIELDS if pattern.search(message)), "")
    named = _NAMED.search(message)
    return by_label or (named[1] if named else "")
