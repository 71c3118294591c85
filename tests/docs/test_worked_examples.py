"""Worked examples of pages that no session acts out: they are taken by the code that they are written for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from adapters.base import CodeTables
from canonical.goods_receipt import GoodsReceipt
from canonical.registry import parse_document, to_json
from gateway.app import format_by_name
from gateway.compiling import writes_of
from gateway.config import Configuration, load_text
from gateway.journal.types import Side
from gateway.moving import cannot_take
from gateway.writing import written
from tests.docs.pages import PROJECT, blocks

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


def example(page: str, file: str) -> str:
    (found,) = [each for each in blocks((PROJECT / "docs" / page).read_text()) if each.file == file]
    return "\n".join(found.lines) + "\n"


def loaded(text: str) -> Configuration:
    configuration = load_text(text, folder=Path())
    assert isinstance(configuration, Configuration), [str(each) for each in configuration]
    return configuration


def test_the_folder_of_moving_orders_takes_a_moved_order_as_an_850() -> None:
    configuration = loaded(example("moving-orders.md", "routes.yaml"))
    route = configuration.routes["po.acme"]
    assert cannot_take(configuration.rule(route), Side.LEGACY, route.write.keys()) is None

    order = parse_document(
        {
            "schema_version": "1.0",
            "document_type": "purchase_order",
            "number": "410042",
            "order_date": {"date": "2026-01-15"},
            "seller": {
                "name": "ACME MEDICAL SUPPLY",
                "identifiers": [{"scheme": "assigned_by_buyer", "value": "ACME"}],
            },
            "lines": [
                {
                    "sequence": 1,
                    "line_id": "1",
                    "quantity": {"value": "4", "unit": "BX"},
                    "price": {"amount": "18.40"},
                    "item_ids": [{"scheme": "vendor", "value": "ACM-100217"}],
                }
            ],
        }
    )
    writing = writes_of(configuration, route)["mms-in"]
    number = writing.control_numbers.lowest
    body = written(writing, format_by_name, to_json(order), number, "test", CodeTables({}), NOW, NOW)

    assert isinstance(body, bytes), body
    assert b"*ZZ*MERCYHUB       *ZZ*MERCYMMS       *" in body
    assert b"*700000000*" in body
    assert b"BEG*00*" in body


def test_without_a_line_of_it_the_folder_of_moving_orders_takes_none() -> None:
    text = example("moving-orders.md", "routes.yaml")
    for line, told in (
        ("    transmitter: {legacy: gateway, cloud: erp}\n", "transmitter: {legacy: none}"),
        ("    write: {mms-in: {format: edi_x12, partner: mms}}\n", "write: {mms-in:"),
    ):
        assert line in text
        configuration = loaded(text.replace(line, ""))
        route = configuration.routes["po.acme"]
        assert told in str(cannot_take(configuration.rule(route), Side.LEGACY, route.write.keys()))


def test_the_receipt_that_is_posted_is_one_and_the_address_takes_its_type() -> None:
    text = example("how-to/post-a-receipt.md", "receipt.json")
    page = (PROJECT / "docs" / "how-to" / "post-a-receipt.md").read_text()
    receipt = parse_document(text.encode())

    assert isinstance(receipt, GoodsReceipt)
    assert [each.order_line_id for each in receipt.lines] == ["1", "2"]
    assert re.findall(r"/v1/documents/(\w+)", page) == [receipt.document_type]
