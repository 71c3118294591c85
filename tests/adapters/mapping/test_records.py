"""Records of every shape: nested, repeated, picked by a code, lists of texts, what nothing reads."""

from typing import Any

import pytest

from adapters.base.findings import Position
from adapters.mapping import MappingContext, MappingError, SourceField
from adapters.mapping.records import source_path
from canonical.registry import DOCUMENT_TYPES
from tests.adapters.mapping.small import CONTEXT, mapping, read, refused, unwritable, write

LINES = """\
groups:
  lines:
    from: BODY.LINE
    fields: {line_id: ID, quantity.value: QTY, quantity.unit: UOM}
    groups:
      schedules: {from: SPLIT, fields: {quantity.value: Q}}
"""


def test_groups_nest_and_number_their_lines() -> None:
    made = mapping("", LINES)
    record = {"BODY": {"LINE": [{"ID": "A", "SPLIT": [{"Q": "1"}, {"Q": "2"}]}, {"ID": "B", "QTY": "3"}]}}

    found = read(made, **record)["lines"]

    assert found[0]["schedules"] == [{"quantity": {"value": "1"}}, {"quantity": {"value": "2"}}]
    assert [line["sequence"] for line in found] == [1, 2]
    assert write(made, lines=found) == record


def test_a_single_record_stands_for_a_list_of_one() -> None:
    assert read(mapping("", LINES), BODY={"LINE": {"ID": "A"}})["lines"] == [{"line_id": "A", "sequence": 1}]


def test_a_source_that_takes_one_record_gets_one_and_refuses_a_second() -> None:
    schema = (
        SourceField("NO"),
        SourceField("BODY", fields=(SourceField("LINE", fields=(SourceField("ID"),)),)),
    )
    made = mapping("", "groups: {lines: {from: BODY.LINE, fields: {line_id: ID}}}\n", schema)

    assert write(made, lines=[{"sequence": 1, "line_id": "A"}]) == {"BODY": {"LINE": {"ID": "A"}}}
    two = [{"sequence": 1, "line_id": "A"}, {"sequence": 2, "line_id": "B"}]
    assert "MAP-OVERFLOW" in unwritable(made, lines=two)[0]


def test_records_are_chosen_by_their_code_and_get_it_back() -> None:
    more = """\
groups:
  notes[kind=delivery]: {from: TXT, when: {T: D}, fields: {text: V}}
  notes[kind=terms]: {from: TXT, when: {T: [Z, Y]}, fields: {text: V}}
"""
    made = mapping("", more)
    texts = [{"T": "D", "V": "dock"}, {"T": "Z", "V": "net 30"}]

    found = read(made, TXT=[*texts, {"T": "other", "V": "x"}])["notes"]

    assert found == [{"text": "dock", "kind": "delivery"}, {"text": "net 30", "kind": "terms"}]
    assert write(made, notes=found) == {"TXT": texts}


def test_fields_are_picked_out_of_coded_records_as_an_idoc_has_them() -> None:
    made = mapping("ship_to.name: E1EDKA1[PARVW=WE].NAME1\nseller.name: E1EDKA1[PARVW=LF].NAME1\n"
                   "seller.address.city: E1EDKA1[PARVW=LF].ORT01")  # fmt: skip
    record = {
        "E1EDKA1": [{"PARVW": "WE", "NAME1": "Dock"}, {"PARVW": "LF", "NAME1": "Acme", "ORT01": "Ames"}]
    }

    found = read(made, **record)

    assert found == {"ship_to": {"name": "Dock"}, "seller": {"name": "Acme", "address": {"city": "Ames"}}}
    assert write(made, **found) == record


def test_named_columns_are_picked_as_a_generic_web_service_has_them() -> None:
    made = mapping("department: Row.field[@column=Dept].val\ncontract: Row.field[@column=Contract].val")
    record = {"Row": {"field": [{"@column": "Dept", "val": "OR"}, {"@column": "Contract", "val": "C1"}]}}

    assert read(made, **record) == {"department": "OR", "contract": "C1"}
    assert write(made, department="OR", contract="C1") == record


def test_a_field_counts_only_under_its_condition_and_writes_it() -> None:
    made = mapping("release: {from: REF, when: {K: RL}}\ncontract: {from: REF, when: {K: CT}}")

    assert read(made, REF="1", K="RL ") == {"release": "1"}
    assert write(made, contract="9") == {"REF": "9", "K": "CT"}
    assert "MAP-CONFLICT" in unwritable(made, contract="9", release="1")[0]


def test_a_negative_condition_reads_and_is_no_promise_of_both_ways() -> None:
    text = "release: {from: REF, when: {K: {not: [X, Y]}}}"

    assert read(mapping(text, direction="read"), REF="1", K="A") == {"release": "1"}
    assert read(mapping(text, direction="read"), REF="1", K="X") == {}
    with pytest.raises(MappingError, match="MAP-INVERSE"):
        mapping(text)


def test_lists_of_texts_come_from_one_field_several_or_a_repeated_one() -> None:
    fields = ["ship_to.address.lines: {from: [A1, A2]}", "ship_to.contacts[0].phones: PHONE"]
    fields += ['ship_to.contacts[0].emails: {from: MAIL, split: ";"}', "ship_to.more_names[0]: N2"]
    made = mapping("\n".join(fields))
    record = {"A1": "Dock 3", "A2": "Wing B", "PHONE": ["1", "2"], "MAIL": "a@x;b@x", "N2": "Annex"}

    found = read(made, **record)

    assert found["ship_to"] == {
        "address": {"lines": ["Dock 3", "Wing B"]},
        "contacts": [{"phones": ["1", "2"], "emails": ["a@x", "b@x"]}],
        "more_names": ["Annex"],
    }
    assert write(made, **found) == record
    assert read(made, PHONE="1")["ship_to"]["contacts"] == [{"phones": ["1"]}]
    assert "MAP-OVERFLOW" in unwritable(made, ship_to={"address": {"lines": ["1", "2", "3"]}})[0]
    assert "MAP-SPLIT" in unwritable(made, ship_to={"contacts": [{"emails": ["a;b"]}]})[0]


def test_what_nothing_reads_is_kept_and_comes_back() -> None:
    made = mapping(
        "ship_to.name: SHIP.NAME\nseller.name: P[T=S].N\nextensions.own: OWN", "rest: extensions\n"
    )
    record: dict[str, Any] = {
        "SHIP": {"NAME": "Dock", "COLOR": "red"},
        "P": [{"T": "S", "N": "Acme"}, {"T": "Q", "N": "who"}],
        "OWN": "o",
        "X": "1",
        "LIST": [{"A": "1"}],
        "BLANK": "",
    }

    document, findings = made.read_document({"NO": "7", **record}, CONTEXT)

    assert findings == ()
    assert document is not None
    kept = {"SHIP": {"COLOR": "red"}, "P": ({"T": "Q", "N": "who"},), "X": "1", "LIST": ({"A": "1"},)}
    assert document.extensions == {"own": "o", "small": kept}
    assert made.write(document, CONTEXT)[0] == {"NO": "7", **{k: v for k, v in record.items() if v}}


def test_totals_are_written_and_verified() -> None:
    made = mapping(
        "", "source: {N: {count: lines}, S: {sum: lines.quantity.value, decimal: {implied: 1}}}\n" + LINES
    )
    lines = [{"sequence": 1, "quantity": {"value": "1.5"}}, {"sequence": 2, "quantity": {"value": "2"}}]

    record = write(made, lines=lines)

    assert (record["N"], record["S"]) == ("2", "35")
    assert read(made, **record)["lines"]
    assert refused(made, **(record | {"N": "3", "S": "x"})) == [
        "in.txt N: the total says 3, but the entries of lines is 2 [MAP-TOTAL]",
    ]
    assert "MAP-NUMBER" in refused(made, **(record | {"S": "x"}))[0]


def test_a_total_is_not_judged_where_a_value_could_not_be_read() -> None:
    made = mapping("", "source: {S: {sum: lines.quantity.value}}\n" + LINES)

    told = refused(made, BODY={"LINE": [{"QTY": "three"}]}, S="3")

    assert [line.rsplit(" ", 1)[1] for line in told] == ["[MAP-NUMBER]"]


def test_a_constant_of_the_source_is_written_and_checked() -> None:
    made = mapping("", "source: {REC: {const: H}}\n")

    assert write(made) == {"REC": "H"}
    assert refused(made, REC="D") == ["in.txt REC: 'D' stands here; expected 'H' [MAP-CONST]"]


def test_a_required_source_field_without_a_value_is_a_finding_on_writing() -> None:
    made = mapping("department: DEPT", schema=(SourceField("NO"), SourceField("DEPT", required=True)))

    assert unwritable(made) == [
        "in.txt DEPT: the source requires this field, and the document has no value for it [MAP-REQUIRED]"
    ]


def test_findings_name_the_record_and_all_come_in_one_pass() -> None:
    made = mapping('order_date: {from: D, date: "%Y%m%d"}', LINES)
    lines = [{"QTY": "1"}, {"QTY": "x", "SPLIT": [{"Q": "1"}, {"Q": "y"}]}, {"QTY": ["1", "2"]}]

    told = refused(made, D="never", BODY={"LINE": lines})

    assert [line.split(": ")[0] for line in told] == [
        "in.txt D",
        "in.txt BODY.LINE[2].QTY",
        "in.txt BODY.LINE[2].SPLIT[2].Q",
        "in.txt BODY.LINE[3].QTY",
    ]


def test_what_the_model_refuses_names_the_source_field() -> None:
    made = mapping("seller.identifiers[scheme=gln].value: GLN", LINES)

    told = refused(made, GLN="9" * 2_000, BODY={"LINE": [{"ID": "1"}, {"ID": "x" * 2_000}, {"UOM": "EA"}]})

    assert [line.split(":")[0] for line in told] == [
        "in.txt GLN",
        "in.txt BODY.LINE[2].ID",
        "in.txt BODY.LINE[3].QTY",
    ]
    assert all(line.endswith("[MAP-MODEL]") for line in told)


def test_the_adapter_may_place_findings_in_its_own_input() -> None:
    made = mapping("payment_terms[0].net_days: DAYS")
    context = MappingContext(source="po.txt", locate=lambda path: Position("po.txt", 3, 12, path))

    assert refused(made, context, DAYS="x")[0].startswith("po.txt:3:12 DAYS: 'x' is no whole number")


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    context = MappingContext(source="in.txt", findings_max=3)

    told = refused(mapping("", LINES), context, BODY={"LINE": [{"QTY": "x"}] * 10})

    assert len(told) == 4
    assert told[-1] == "in.txt: 7 further findings are not shown [MAP-MORE]"


@pytest.mark.parametrize("value", [["a"], {"a": "b"}, 7, b"x", [["a"]]])
def test_a_record_of_the_wrong_shape_gives_findings_never_another_exception(value: object) -> None:
    made = mapping("department: D\nship_to.address.lines: {from: [A, B]}\nseller.name: P[T=S].N\n"
                   'contract: {from: [C1, C2], join: "-"}', LINES + "rest: extensions\n")  # fmt: skip

    for name in ("NO", "D", "A", "P", "C1", "BODY"):
        made.read_document({"NO": "7", name: value}, CONTEXT)
    told = refused(made, D=value, BODY={"LINE": value})
    assert told[0].endswith("stands here; expected one text [MAP-SHAPE]")


def test_a_mapping_writes_no_document_of_another_type() -> None:
    supplier = DOCUMENT_TYPES["supplier"].model_construct(document_type="supplier")

    with pytest.raises(TypeError, match="writes purchase_order, not supplier"):
        mapping().write(supplier, CONTEXT)


def test_a_record_without_anything_mapped_is_left_out_with_a_note() -> None:
    document, findings = mapping("", LINES).read_document(
        {"NO": "7", "BODY": {"LINE": [{}, {"ID": "A"}]}}, CONTEXT
    )

    assert document is not None
    assert [str(finding) for finding in findings] == [
        "in.txt BODY.LINE[1]: the record has nothing that is mapped; it is left out [MAP-EMPTY]"
    ]


def test_points_and_brackets_of_a_name_are_written_with_a_backslash() -> None:
    assert source_path(r"a\.b.c") == ("a.b", "c")
    assert read(mapping(r"department: a\.b.c"), **{"a.b": {"c": "x"}}) == {"department": "x"}


def test_a_zone_that_does_not_exist_is_refused_before_any_record_is_read() -> None:
    with pytest.raises(KeyError):
        MappingContext(source="in.txt", zone="Mars/Olympus")
