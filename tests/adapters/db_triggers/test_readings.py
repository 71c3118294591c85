"""What the rendered script says of the rows that it captures, by the settings of who reads them."""

from __future__ import annotations

from typing import Any

from adapters.db_triggers.config import DbEndpoint, DbPartner, DbSettings
from adapters.db_triggers.ddl import readings

ORDERS = {
    "po_hdr": {"key": "po_no", "children": {"LINES": {"table": "po_line", "by": "po_no", "order": "line_no"}}}
}
LINES = {"po_line": {"key": ["po_no", "line_no"], "part_of": "po_hdr"}}
MAPPED = DbSettings.model_validate({"mappings": {"po_hdr": "order"}})
CHANGED = DbSettings.model_validate({"mappings": {"po_hdr": "order"}, "updates": {"po_hdr": "order_change"}})


def endpoint(tables: dict[str, Any]) -> DbEndpoint:
    return DbEndpoint.model_validate({"dialect": "sqlite", "file": "x.db", "tables": tables})


def test_new_updated_and_deleted_rows_are_told_with_the_mapping_that_reads_them() -> None:
    (told,) = readings(endpoint(ORDERS), [CHANGED])

    assert told.startswith("po_hdr: a new row is read by mapping 'order'; an updated row is read by mapping")
    assert "'order_change', as a change (settings.updates)" in told
    assert "a deleted row is parked for a person" in told
    assert "Its rows of po_line are read with it, hence the right to select." in told
    assert "A change of po_line alone is not captured" in told
    assert "not captured" not in readings(endpoint(ORDERS | LINES), [CHANGED])[0]


def test_an_update_without_a_mapping_of_its_own_is_told_as_an_order_sent_again() -> None:
    (told,) = readings(endpoint(ORDERS), [MAPPED])

    assert "an updated row is read by mapping 'order', as a new row is (an order would be sent again" in told


def test_a_row_of_a_part_is_told_as_an_update_of_its_document() -> None:
    (_, told) = readings(endpoint(ORDERS | LINES), [CHANGED])

    assert told == (
        "po_line, inserted and updated and deleted rows: the row of po_hdr is read again, by mapping "
        "'order_change', as a change (settings.updates)."
    )


def test_updates_that_no_trigger_captures_are_told_as_a_mistake() -> None:
    tables = {"po_hdr": {**ORDERS["po_hdr"], "operations": ["insert"]}}

    (told,) = readings(endpoint(tables), [CHANGED])

    assert "an updated row" not in told
    assert "settings.updates names mapping 'order_change' for its updates, and no trigger below" in told
    assert "no trigger" not in readings(endpoint(tables), [MAPPED])[0]


def test_the_route_s_settings_go_before_the_partner_s_and_without_a_route_nothing_is_told() -> None:
    partner = DbPartner.model_validate(
        {"mappings": {"po_hdr": "theirs"}, "updates": {"po_hdr": "their_change"}, "deletes": "map"}
    )

    (told,) = readings(endpoint(ORDERS), [MAPPED, partner])

    assert "a new row is read by mapping 'order'" in told
    assert "an updated row is read by mapping 'their_change'" in told
    assert "a deleted row is read by mapping 'order'" in told
    assert readings(endpoint(ORDERS), []) == []


def test_a_table_that_no_mapping_reads_is_told_as_parked() -> None:
    (told,) = readings(endpoint(ORDERS), [DbSettings()])

    assert "a new row is parked for a person, for no mapping reads it" in told
    assert "an updated row is read by no mapping, and parked" in told
