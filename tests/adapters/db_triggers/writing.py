"""Documents, mappings and settings of the write-back tests."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import UTC, datetime
from typing import Any, TypeAlias

from adapters.base import Delivery, Library, Origin, Outcome, Request, SourceText
from adapters.base.registry import EndpointSetup
from adapters.db_triggers.config import DbEndpoint
from adapters.db_triggers.sink import DbSink
from adapters.db_triggers.target import DbTarget, db_target
from canonical.registry import parse_document, to_json
from tests.adapters.db_triggers.hospital import secret

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

Mms: TypeAlias = tuple[DbTarget, DbSink]

RECEIPT_MAPPING = """
mapping: db_receipt
document: goods_receipt
direction: write
fields:
  number: RCPT_NO
  "orders[0].number": {from: PO_NO, pad: {width: 10, char: " ", side: right}}
  received: {from: RCPT_DT, date: "%Y%m%d"}
groups:
  lines:
    from: LINES
    fields:
      order_line_id: LINE_NO
      quantity.value: QTY
"""
ANSWER_MAPPING = """
mapping: db_answer
document: acknowledgment
direction: write
fields:
  order.number: {from: PO_NO, pad: {width: 10, char: " ", side: right}}
  response: {from: ACK, codes: {AC: accepted, RJ: rejected}}
  acknowledged: {from: ACK_DT, date: "%Y%m%d"}
"""
LIBRARY = Library(
    mappings={
        "db_receipt": SourceText("db_receipt.yaml", RECEIPT_MAPPING),
        "db_answer": SourceText("db_answer.yaml", ANSWER_MAPPING),
    }
)
WRITE_BACK: dict[str, Any] = {
    "documents": {
        "goods_receipt": {
            "mapping": "db_receipt",
            "changes": [
                {
                    "table": "receipt",
                    "on": "insert",
                    "each": "LINES",
                    "key": ["rcpt_no", "line_no"],
                    "columns": {
                        "rcpt_no": "RCPT_NO", "line_no": "LINE_NO", "po_no": "PO_NO", "qty": "QTY",
                        "rcpt_dt": "RCPT_DT",
                    },
                    "fixed": {"src": "BRIDGE"},
                },
                {
                    "table": "po_line",
                    "on": "update",
                    "each": "LINES",
                    "key": ["po_no", "line_no"],
                    "columns": {"po_no": "PO_NO", "line_no": "LINE_NO", "qty_rcvd": "QTY"},
                    "add": ["qty_rcvd"],
                },
                {
                    "table": "po_hdr",
                    "on": "update",
                    "key": ["po_no"],
                    "columns": {"po_no": "PO_NO"},
                    "fixed": {"po_sts": "PR"},
                    "beside": ["chg_user"],
                },
            ],
        },
        "acknowledgment": {
            "mapping": "db_answer",
            "changes": [
                {
                    "table": "po_hdr",
                    "on": "update",
                    "key": ["po_no"],
                    "columns": {"po_no": "PO_NO", "ack_sts": "ACK", "ack_dt": "ACK_DT"},
                    "beside": ["chg_user"],
                }
            ],
        },
    }
}  # fmt: skip


class StoppedClock:
    """Time that only moves when somebody sleeps."""

    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(min(duration_s, 0.05))


class Counted:
    """Chance, counted."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def random(self) -> float:
        return 0.5

    def token(self) -> str:
        return f"{next(self._numbers):016d}"


def endpoint(settings: DbEndpoint, library: Library = LIBRARY) -> EndpointSetup:
    return EndpointSetup("mms-db", "test", settings, StoppedClock(), Counted(), secret, library)


def pair(settings: DbEndpoint) -> tuple[DbTarget, DbSink]:
    """Give target and sink of an endpoint."""
    setup = endpoint(settings)
    target = db_target(setup)
    assert target is not None
    return target, DbSink(setup)


def receipt(number: str, order: str, **quantities: str) -> dict[str, Any]:
    """Give a goods receipt; quantities by line, as `_1="2"`."""
    lines = [
        {"sequence": at, "order_line_id": line.lstrip("_"), "quantity": {"value": value, "unit": "EA"}}
        for at, (line, value) in enumerate(quantities.items(), start=1)
    ]
    return {
        "document_type": "goods_receipt",
        "number": number,
        "received": {"date": "2026-11-21"},
        "orders": [{"number": order}],
        "lines": lines,
    }


def answer(order: str, response: str = "accepted") -> dict[str, Any]:
    return {
        "document_type": "acknowledgment",
        "order": {"number": order},
        "response": response,
        "acknowledged": {"date": "2026-11-21"},
    }


def delivery(document: dict[str, Any], reference: str = "R1", **more: Any) -> Delivery:
    canonical = to_json(parse_document(json.dumps(document).encode()))
    facts: dict[str, Any] = {
        "delivery_id": f"d-{reference}", "message_id": "m1", "target": "mms-db", "role": "live",
        "reference": reference, "canonical": canonical, "body": canonical, "origin": Origin("http", AT),
        "document_key": None, "order_key": None, "correlation_id": "c1", "accepted_at": AT, **more,
    }  # fmt: skip
    return Delivery(**facts)


def requested(target: DbTarget, sent: Delivery) -> Request:
    """Give the first request of a delivery."""
    request = target.next_request(sent, (), AT)
    assert isinstance(request, Request), request
    return request


async def write(mms: Mms, sent: Delivery) -> Outcome:
    """Send one document as the delivery worker does, once; give what the target makes of the answer."""
    target, sink = mms
    request = requested(target, sent)
    reply = await sink.send(request)
    return target.interpret(request, reply)
