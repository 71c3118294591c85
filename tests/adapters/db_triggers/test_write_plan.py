"""What a document becomes: row changes by the settings, values by the column's type, nothing rounded."""

from __future__ import annotations

import contextlib
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.base import Library, SourceText
from adapters.base.registry import EndpointError
from adapters.db_triggers.binding import ColumnType, UnfitValueError, column_type, normal, value_of
from adapters.db_triggers.fingerprint import Column
from adapters.db_triggers.target import judge_write
from adapters.db_triggers.write_plan import Call, RowChange, UnwritableError, WritePlan, plan_of
from adapters.db_triggers.write_settings import WriteBack
from adapters.db_triggers.write_statements import RowStatements, UnfitRowError, call
from adapters.mapping import Mapping
from canonical.registry import parse_document
from tests.adapters.db_triggers.hospital import settings_for
from tests.adapters.db_triggers.servers import Database
from tests.adapters.db_triggers.writing import LIBRARY, RECEIPT_MAPPING, WRITE_BACK, pair, receipt

CHANGE = RowChange("po_line", "update", {"po_no": "P-1", "line_no": "3"}, {"qty_rcvd": "2.50"}, ("qty_rcvd",))
COLUMNS = (
    Column("po_no", "character(10)"), Column("line_no", "integer"), Column("qty_rcvd", "numeric(11,3)"),
)  # fmt: skip


def planned(written: dict[str, Any], document: dict[str, Any], mapping: str = RECEIPT_MAPPING) -> WritePlan:
    settings = WriteBack.model_validate(
        {"documents": {"goods_receipt": {"mapping": "m", "changes": [written]}}}
    )
    compiled = Mapping.load(mapping, "m.yaml")
    made = parse_document(json.dumps(document).encode())
    return plan_of(made, "R1", settings.documents["goods_receipt"], compiled, "receipt.json")


def test_each_entry_of_a_list_is_a_row_and_borrows_what_the_document_says() -> None:
    written = WRITE_BACK["documents"]["goods_receipt"]["changes"][0]
    plan = planned(written, receipt("RC-1", "P-1", _1="2", _3="1"))

    first, second = plan.changes
    assert isinstance(first, RowChange)
    assert isinstance(second, RowChange)
    assert first.key == {"rcpt_no": "RC-1", "line_no": "1"}
    assert first.values == {"po_no": "P-1       ", "qty": "2", "rcpt_dt": "20261121", "src": "BRIDGE"}
    assert second.key == {"rcpt_no": "RC-1", "line_no": "3"}
    assert WritePlan.from_json(plan.to_json()) == plan


def test_a_key_without_a_value_is_refused_by_name() -> None:
    written = WRITE_BACK["documents"]["goods_receipt"]["changes"][1]
    nameless = receipt("RC-1", "P-1", _1="2")
    del nameless["lines"][0]["order_line_id"]

    with pytest.raises(UnwritableError) as caught:
        planned(written, nameless)

    assert [(each.code, each.at.path) for each in caught.value.findings] == [("DB-KEY", "po_line.line_no")]


def test_a_document_of_which_nothing_is_written_is_told() -> None:
    written = WRITE_BACK["documents"]["goods_receipt"]["changes"][1]

    with pytest.raises(UnwritableError, match="DB-NOTHING"):
        planned(written, receipt("RC-1", "P-1"))


def test_the_content_hash_follows_what_is_written_not_the_reference() -> None:
    plan = WritePlan("R1", (CHANGE,))
    other = RowChange("po_line", "update", CHANGE.key, {"qty_rcvd": "2.51"}, ("qty_rcvd",))

    assert plan.content_hash == WritePlan("R2", (CHANGE,)).content_hash
    assert plan.content_hash != WritePlan("R1", (other,)).content_hash


def test_statements_quote_names_and_bind_values_by_the_columns_type() -> None:
    made = RowStatements(CHANGE, COLUMNS, "postgresql", "mms")

    update = made.update()
    assert update.sql == (
        'update "mms"."po_line" set "qty_rcvd" = coalesce("qty_rcvd", 0) + :p2 '
        'where "po_no" = :p0 and "line_no" = :p1'
    )
    assert dict(update.parameters) == {"p0": "P-1", "p1": 3, "p2": Decimal("2.50")}
    assert (
        RowStatements(CHANGE, COLUMNS, "mariadb", None).delete().sql.startswith("delete from `po_line` where")
    )
    assert (
        RowStatements(CHANGE, COLUMNS, "mssql", None)
        .read()
        .sql.startswith("select [qty_rcvd] from [po_line]")
    )


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    change = RowChange("po_line", "update", {"po_no": "P-12345678901"}, {"qty_rcvd": "many", "price": "1"})

    with pytest.raises(UnfitRowError) as caught:
        RowStatements(change, COLUMNS, "postgresql", None)

    found = [(each.column, each.code) for each in caught.value.columns]
    assert found == [("po_no", "DB-LENGTH"), ("qty_rcvd", "DB-NUMBER"), ("price", "DB-COLUMN")]


@pytest.mark.parametrize(
    "dialect, sql",
    [
        ("postgresql", 'call "mms"."book"(:p0, :p1)'),
        ("mariadb", "call `mms`.`book`(:p0, :p1)"),
        ("mssql", "exec [mms].[book] :p0, :p1"),
        ("oracle", 'begin "mms"."book"(:p0, :p1); end;'),
    ],
)
def test_a_procedure_is_called_in_the_dialects_words(dialect: Any, sql: str) -> None:
    made = call(Call("mms.book", {"no": "P-1", "qty": "2.5"}, {"qty": "decimal"}), dialect)

    assert made.sql == sql
    assert dict(made.parameters) == {"p0": "P-1", "p1": Decimal("2.5")}


@pytest.mark.parametrize(
    "declared, expected",
    [
        ("character varying(40)", ColumnType("text", 40)),
        ("char(10)", ColumnType("char", 10)),
        ("CHAR(10)", ColumnType("char", 10)),
        ("decimal(11,3)", ColumnType("decimal", 11, 3)),
        ("NUMBER(9)", ColumnType("decimal", 9, 0)),
        ("int(11) unsigned", ColumnType("integer", 11)),
        ("timestamp(6) without time zone", ColumnType("timestamp", 6)),
        ("timestamp without time zone", ColumnType("timestamp")),
        ("double precision", ColumnType("float")),
        ("tsvector", ColumnType("other")),
        ("", ColumnType("other")),
    ],
)
def test_a_type_is_read_as_catalogs_spell_it(declared: str, expected: ColumnType) -> None:
    assert column_type(declared) == expected


@pytest.mark.parametrize(
    "text, declared, dialect, value",
    [
        ("P-1       ", "char(10)", "postgresql", "P-1       "),
        ("P-1", "CHAR(5)", "oracle", "P-1  "),
        ("3.000", "integer", "postgresql", 3),
        ("2.5", "decimal(11,3)", "sqlite", "2.5"),
        ("2026-11-20", "date", "postgresql", date(2026, 11, 20)),
        (
            "2026-11-20T08:30:00-06:00",
            "timestamp without time zone",
            "postgresql",
            datetime(2026, 11, 20, 14, 30),
        ),
        ("1", "boolean", "postgresql", True),
        ("0.000", "decimal(11,3)", "postgresql", Decimal(0)),
        ("2.5000", "decimal(11,3)", "postgresql", Decimal("2.5")),
        ("1200", "number(5,-2)", "oracle", Decimal(1200)),
        ("0", "number(5,-2)", "oracle", Decimal(0)),
        (f"{'9' * 30}.125", "decimal(38,3)", "postgresql", Decimal(f"{'9' * 30}.125")),
    ],
)
def test_a_text_becomes_what_the_driver_takes(text: str, declared: str, dialect: Any, value: object) -> None:
    assert value_of(text, column_type(declared), dialect) == value


@pytest.mark.parametrize(
    "text, declared, code",
    [
        ("P-12345678901", "char(10)", "DB-LENGTH"),
        ("2.5", "integer", "DB-PRECISION"),
        ("2.0001", "decimal(11,3)", "DB-PRECISION"),
        ("123456789", "decimal(11,3)", "DB-PRECISION"),
        ("10000000000000000000000000", "decimal(11,3)", "DB-PRECISION"),
        (f"{'9' * 30}.1251", "decimal(38,3)", "DB-PRECISION"),
        ("1250", "number(5,-2)", "DB-PRECISION"),
        ("1e1000000", "integer", "DB-PRECISION"),
        ("1e400", "double precision", "DB-PRECISION"),
        ("NaN", "decimal(11,3)", "DB-NUMBER"),
        ("20261120x", "date", "DB-DATE"),
        ("noon", "timestamp", "DB-DATE"),
        ("perhaps", "boolean", "DB-BOOLEAN"),
    ],
)
def test_what_would_be_cut_or_rounded_is_refused(text: str, declared: str, code: str) -> None:
    with pytest.raises(UnfitValueError) as caught:
        value_of(text, column_type(declared), "postgresql")

    assert caught.value.code == code


@given(
    st.text(max_size=30)
    | st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,6})?", fullmatch=True)
)
def test_any_text_for_any_column_is_taken_or_refused_never_anything_else(text: str) -> None:
    for declared in ("char(10)", "integer", "decimal(11,3)", "date", "timestamp", "boolean", "real", "jsonb"):
        with contextlib.suppress(UnfitValueError):
            value_of(text, column_type(declared), "postgresql")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**8), max_value=10**8))
def test_the_normal_form_of_a_number_is_that_of_its_text(number: Decimal) -> None:
    assert normal(number) == normal(f"{number:f}")


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"key": ["po_no"], "columns": {"qty": "QTY"}}, "po_no has no field"),
        ({"key": ["po_no"], "columns": {"po_no": "PO_NO"}}, "nothing but the key"),
        ({"key": ["a"], "columns": {"a": "A", "b": "B"}, "fixed": {"b": "x"}}, "b stands in columns, too"),
        ({"key": ["a"], "columns": {"a": "A", "b": "B"}, "add": ["a"]}, "a is part of the key"),
        ({"key": ["a"], "columns": {"a": "A..B"}}, "no source path"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        WriteBack.model_validate(
            {"documents": {"goods_receipt": {"mapping": "m", "changes": [{"table": "t", **wrong}]}}}
        )


def test_check_tells_of_documents_and_mappings_that_do_not_fit(sqlite: Database) -> None:
    changes = WRITE_BACK["documents"]["acknowledgment"]["changes"]
    wrong = {
        "documents": {
            "purchase_ordr": {"mapping": "db_answer", "changes": changes},
            "invoice": {"mapping": "db_answer", "changes": changes},
            "goods_receipt": {"mapping": "nowhere", "changes": changes},
        }
    }
    found = judge_write("mms-db", settings_for(sqlite, write_back=wrong), LIBRARY)

    assert {finding.code for finding in found} == {"DB-WRITE"}
    assert "there is no document type" in found[0].text
    assert any("does not write documents of type invoice" in each.text for each in found)
    assert any("there is no mapping 'nowhere'" in each.text for each in found)
    with pytest.raises(EndpointError):
        pair(settings_for(sqlite, write_back=wrong))


def test_check_tells_of_a_table_that_is_written_by_another_key_than_it_is_fed_by(sqlite: Database) -> None:
    tables = {"po_hdr": {"key": ["po_no", "vend_no"]}}
    settings = settings_for(sqlite, tables=tables, write_back=WRITE_BACK)

    assert any(
        "is fed by the key po_no, vend_no" in each.text for each in judge_write("x", settings, LIBRARY)
    )


def test_a_mapping_that_asks_code_tables_is_refused_because_they_are_not_there_when_writing(
    sqlite: Database,
) -> None:
    asking = RECEIPT_MAPPING.replace(
        "received: {from", "receiver.name: {from: R, crosswalk: people}\n  received: {from"
    )
    library = Library(mappings={**LIBRARY.mappings, "db_receipt": SourceText("db_receipt.yaml", asking)})
    found = judge_write("mms-db", settings_for(sqlite, write_back=WRITE_BACK), library)

    assert any("asks code tables (people)" in each.text for each in found)
