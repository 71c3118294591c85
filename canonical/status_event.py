"""The status event: something happened to a document in one of the systems."""

from __future__ import annotations

from typing import Literal

from canonical.document import DocumentAboutAnother
from canonical.lines import Sequence
from canonical.model import Model
from canonical.scalars import Code, Text
from canonical.values import DateValue, Quantity

Status = Literal[
    "received", "created", "submitted", "approved", "rejected", "sent", "acknowledged", "changed", "on_hold",
    "released", "implemented", "partly_shipped", "shipped", "partly_received", "goods_received",
    "partly_invoiced", "invoiced", "paid", "cancelled", "closed", "finally_closed", "reopened", "failed",
    "other",
]  # fmt: skip


class LineEvent(Model):
    """What happened to one line."""

    sequence: Sequence
    line_id: Code | None = None
    status: Status
    quantity: Quantity | None = None
    detail: Text | None = None


class StatusEvent(DocumentAboutAnother):
    """One event. Systems send notices, not exports (D365 business events), so most fields may be absent.

    Document key: organisation + subject (type, number, release, revision, line) + status + event number,
    or a content hash where there is none. Order key: organisation + order number of the subject.
    """

    document_type: Literal["status_event"] = "status_event"
    status: Status
    occurred: DateValue | None = None
    system: Text | None = None
    detail: Text | None = None
    lines: tuple[LineEvent, ...] = ()
