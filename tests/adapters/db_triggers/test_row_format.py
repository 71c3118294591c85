"""Changed rows as bytes and as documents: what does not map is named by table, key and column."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import DecodeContext, Decoded, Level, Library, SourceText, Summary
from adapters.db_triggers.config import DbPartner, DbSettings, TableSettings
from adapters.db_triggers.decoder import judged
from adapters.db_triggers.documents import Reading, arrival_key, body_of, drafts_of
from adapters.db_triggers.format import RowFormat
from adapters.db_triggers.outbox import Change, lane_of
from canonical.purchase_order import PurchaseOrder

MAPPING = """
mapping: orders
document: purchase_order
direction: read
trim: right
fields:
  number: po_no
  order_date: {from: po_dt, date: "%Y%m%d", absent: ["00000000"]}
source: {_change: ignore, note: ignore}
groups:
  lines:
    from: LINES
    source: {po_no: ignore}
    fields:
      line_id: line_no
      quantity.value: {from: qty, decimal: {}}
      quantity.unit: uom
"""
TABLES = {
    "po_hdr": TableSettings.model_validate(
        {"key": "po_no", "children": {"LINES": {"table": "po_line", "by": "po_no"}}}
    ),
    "po_line": TableSettings.model_validate({"key": ["po_no", "line_no"], "part_of": "po_hdr"}),
    "stock": TableSettings.model_validate({"key": "no"}),
}

LINES = {"LINES": [{"po_no": "PO7   ", "line_no": 1, "qty": Decimal("10.500"), "uom": "EA"}]}


def change(number: int, table: str, operation: str, key: list[Any], **images: Any) -> Change:
    """Give a change with images as a trigger writes them."""
    texts = {name: json.dumps(image) if image is not None else None for name, image in images.items()}
    told = json.dumps(key)
    parent = lane_of("po_hdr", json.dumps(key[:1])) if table == "po_line" else lane_of(table, told)
    return Change(number, table, operation, told, parent, **texts)


def decoded(body: bytes, **settings: Any) -> tuple[list[Decoded], Summary]:
    context = DecodeContext(
        "m1",
        "test",
        settings=DbSettings.model_validate({"mappings": {"po_hdr": "orders"}, **settings}),
        library=Library({"orders": SourceText("orders.yaml", MAPPING)}),
    )
    decoder = RowFormat().decoder(context)
    first = [each for at in range(0, len(body), 7) for each in decoder.feed(body[at : at + 7])]
    found, summary = decoder.finish()
    return [*first, *found], summary


def one(body: bytes, **settings: Any) -> Decoded:
    (found,), _ = decoded(body, **settings)
    return found


def order(date: str = "20261102", **row: Any) -> bytes:
    after = {"po_no": "PO7   ", "po_dt": date, "note": None, **row}
    draft = drafts_of([change(1, "po_hdr", "I", ["PO7   "], after=after)], {})[0]
    return body_of(draft, Reading(after, LINES))


def codes(found: Decoded) -> list[tuple[str, str]]:
    return [(finding.code, str(finding.at)) for finding in found.findings]


def test_a_row_and_the_rows_below_it_are_one_document() -> None:
    draft = drafts_of([change(1, "po_hdr", "I", ["PO7"], after={"po_no": "PO7"})], TABLES)[0]
    lines = [
        {"po_no": "PO7   ", "line_no": 1, "qty": Decimal("10.500"), "uom": "EA"},
        {"po_no": "PO7   ", "line_no": 2, "qty": Decimal("1E+2"), "uom": "BX"},
    ]
    row = {"po_no": "PO7   ", "po_dt": "20261102", "note": None}
    document = one(body_of(draft, Reading(row, {"LINES": lines}))).document

    assert isinstance(document, PurchaseOrder)
    assert document.number == "PO7"
    quantities = [(line.line_id, str(line.quantity and line.quantity.value)) for line in document.lines]
    assert quantities == [("1", "10.500"), ("2", "100")]


def test_what_does_not_map_is_named_by_table_key_and_column() -> None:
    found = one(order("20261341"))

    assert found.document is None
    assert found.set_type == "po_hdr"
    assert codes(found) == [("MAP-DATE", "po_hdr[PO7   ] po_dt")]


def test_a_table_without_a_mapping_is_named() -> None:
    found = one(body_of(drafts_of([change(1, "item", "I", ["a"], after={"no": "a"})], {})[0], None))

    assert [finding.code for finding in found.findings] == ["DB-TABLE"]
    assert "item" in found.findings[0].text


@pytest.mark.parametrize(
    "operation, code", [("T", "DB-TRUNCATED"), ("X", "DB-OPERATION"), ("D", "DB-DELETED")]
)
def test_an_operation_that_says_no_state_is_parked_by_its_own_code(operation: str, code: str) -> None:
    body = body_of(drafts_of([change(1, "po_hdr", operation, ["PO7"], before={"po_no": "PO7"})], {})[0], None)

    assert [finding.code for finding in one(body).findings] == [code]


def test_a_deleted_row_is_mapped_from_its_before_image_where_the_settings_say_so() -> None:
    body = body_of(drafts_of([change(1, "po_hdr", "D", ["PO7"], before={"po_no": "PO7"})], {})[0], None)
    found = one(body, deletes="map")

    assert isinstance(found.document, PurchaseOrder)
    assert found.document.number == "PO7"


def test_merged_changes_are_named_as_such() -> None:
    changes = [
        change(1, "po_hdr", "I", ["PO7"], after={"po_no": "PO7"}),
        change(2, "po_line", "I", ["PO7", 1], after={"po_no": "PO7", "line_no": 1}),
        change(3, "po_line", "U", ["PO7", 1], after={"po_no": "PO7", "line_no": 1}),
    ]
    (draft,) = drafts_of(changes, TABLES)
    found = one(body_of(draft, Reading({"po_no": "PO7"}, LINES)))

    assert found.document is not None
    notes = [finding for finding in found.findings if finding.code == "DB-MERGED"]
    assert [note.level for note in notes] == [Level.NOTE]
    assert "po_hdr I 1, po_line I 2, po_line U 3" in notes[0].text


def test_a_change_of_a_part_is_a_change_of_its_document() -> None:
    (draft,) = drafts_of(
        [change(9, "po_line", "U", ["PO7", 2], after={"po_no": "PO7", "line_no": 2})], TABLES
    )
    told = json.loads(body_of(draft, Reading({"po_no": "PO7"}, {"LINES": []})))

    assert (told["table"], told["key"], told["operation"]) == ("po_hdr", ["PO7"], "U")


def test_rows_with_whole_images_are_never_merged() -> None:
    changes = [change(n, "stock", "U", ["a"], after={"no": "a", "qty": n}) for n in (1, 2)]

    assert [len(draft.changes) for draft in drafts_of(changes, TABLES)] == [1, 1]


@pytest.mark.parametrize(
    "broken",
    [
        Change(1, "po_hdr", "I", "not json", "po_hdr:x", after="{}"),
        Change(1, "po_hdr", "I", "[1, 2, 3]", "po_hdr:x", after="{}"),
        Change(1, "po_line", "I", '["PO7", 1]', "po_hdr:x", after="not json"),
        Change(1, "po_hdr", "I", '{"po_no": 1}', "po_hdr:x", after="[]"),
        Change(1, "po_hdr", "I", '["PO7"]', "po_hdr:x"),
    ],
)
def test_what_a_trigger_wrote_wrongly_is_parked_and_breaks_nothing(broken: Change) -> None:
    (draft,) = drafts_of([broken], TABLES if broken.after is not None else {})
    found, summary = decoded(body_of(draft, None))
    told = [finding for each in found for finding in each.findings] + list(summary.findings)

    assert all(each.document is None for each in found)
    assert told
    assert all(finding.level is Level.REJECTED for finding in told)


@given(st.binary(max_size=200))
def test_any_bytes_give_findings_and_no_other_error(body: bytes) -> None:
    found, summary = decoded(body)

    assert summary.findings or all(each.findings or each.document for each in found)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5).filter(lambda name: name not in ("LINES", "_change")),
        st.none() | st.text(max_size=20) | st.decimals(allow_nan=False, allow_infinity=False) | st.integers(),
        max_size=5,
    )
)
def test_numbers_and_texts_keep_every_digit_and_character(row: dict[str, Any]) -> None:
    from adapters.db_triggers.images import image_of, record_of, text_of

    assert record_of(image_of(row)) == {name: text_of(value) for name, value in row.items()}


def test_the_same_row_has_the_same_name_and_another_content_another_one() -> None:
    first, other = (
        drafts_of([change(5, "stock", "U", ["a"], after={"no": "a", "qty": n})], TABLES)[0] for n in (1, 2)
    )
    key = arrival_key("outbox", first, body_of(first, None))

    assert key == arrival_key("outbox", first, body_of(first, None))
    assert key != arrival_key("outbox", other, body_of(other, None))
    assert key.startswith("outbox:5:")


def test_mappings_of_the_partner_hold_where_the_route_names_none() -> None:
    context = DecodeContext(
        "m1", "test", partner_settings=DbPartner(mappings={"po_hdr": "orders"}),  # type: ignore[dict-item]
        library=Library({"orders": SourceText("orders.yaml", MAPPING)}),
    )  # fmt: skip
    decoder = RowFormat().decoder(context)
    list(decoder.feed(order()))
    (found,), _ = decoder.finish()

    assert found.document is not None


UPDATES = """
mapping: changes
document: order_change
direction: read
trim: both
fields: {order.number: po_no, revision: _change.id}
"""


def updated(operation: str, id_: int = 9) -> bytes:
    after = {"po_no": "PO7   ", "po_dt": "20261102", "note": None}
    draft = drafts_of([change(id_, "po_hdr", operation, ["PO7   "], after=after)], {})[0]
    return body_of(draft, Reading(after, LINES))


@pytest.mark.parametrize(
    "operation, document_type", [("I", "purchase_order"), ("R", "purchase_order"), ("U", "order_change")]
)
def test_updates_are_read_by_a_mapping_of_their_own(operation: str, document_type: str) -> None:
    texts = {"orders": SourceText("orders.yaml", MAPPING), "changes": SourceText("changes.yaml", UPDATES)}
    settings = {"mappings": {"po_hdr": "orders"}, "updates": {"po_hdr": "changes"}}
    context = DecodeContext(
        "m1", "test", settings=DbSettings.model_validate(settings), library=Library(texts)
    )  # fmt: skip
    decoder = RowFormat().decoder(context)
    list(decoder.feed(updated(operation)))
    (found,), _ = decoder.finish()

    assert found.document is not None
    assert found.document.document_type == document_type
    assert found.findings == ()


def test_an_update_that_is_read_as_an_order_again_says_which_setting_is_missing() -> None:
    assert codes(one(updated("I"))) == []
    assert codes(one(updated("U"))) == [("DB-UPDATE", "po_hdr[PO7   ]")]


@pytest.mark.parametrize("operation", ["I", "R", "U"])
def test_an_order_whose_lines_are_not_there_is_parked_and_says_what_comes_next(operation: str) -> None:
    after = {"po_no": "PO7", "po_dt": "20261102", "note": None}
    draft = drafts_of([change(1, "po_hdr", operation, ["PO7"], after=after)], {})[0]
    for body in (body_of(draft, Reading(after, {"LINES": []})), body_of(draft, None)):
        found = one(body)

        assert found.document is None
        assert ("DB-NO-LINES", "po_hdr[PO7]") in codes(found)


def test_an_order_whose_mapping_reads_no_lines_may_have_none() -> None:
    bare = MAPPING.partition("groups:")[0]
    draft = drafts_of([change(1, "po_hdr", "I", ["PO7"], after={"po_no": "PO7"})], {})[0]
    context = DecodeContext(
        "m1", "test", settings=DbSettings.model_validate({"mappings": {"po_hdr": "orders"}}),
        library=Library({"orders": SourceText("orders.yaml", bare)}),
    )  # fmt: skip
    decoder = RowFormat().decoder(context)
    list(decoder.feed(body_of(draft, None)))

    assert decoder.finish()[0][0].document is not None


def test_check_tells_of_a_table_whose_updates_would_be_parked() -> None:
    library = Library(
        {"orders": SourceText("orders.yaml", MAPPING), "changes": SourceText("changes.yaml", UPDATES)}
    )

    def told(**settings: Any) -> list[tuple[str, str, Level]]:
        found = judged(DbSettings.model_validate({"mappings": {"po_hdr": "orders"}, **settings}), library)
        return [(finding.code, finding.at.path, finding.level) for finding in found]

    assert told() == [("DB-UPDATE", "mappings.po_hdr", Level.NOTE)]
    assert told(updates={"po_hdr": "changes"}) == []


def test_check_judges_the_mappings_that_settings_name() -> None:
    settings = DbSettings.model_validate({"mappings": {"po_hdr": "orders"}, "updates": {"po_hdr": "orders"}})
    broken = Library({"orders": SourceText("orders.yaml", MAPPING.replace("number: po_no", "numbr: po_no"))})

    assert judged(settings, Library({"orders": SourceText("orders.yaml", MAPPING)})) == []
    assert "MAP-PATH" in [finding.code for finding in judged(settings, broken)]
