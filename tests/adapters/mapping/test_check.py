"""What check says of a mapping file: every mistake, with line and column, before anything is read."""

import pytest

from adapters.base.findings import Level
from adapters.base.yaml import load_yaml
from adapters.mapping import Mapping, MappingError, SourceField, check_mapping
from tests.adapters.mapping.orders import ORDER, SCHEMA
from tests.adapters.mapping.small import checked, yaml

SMALL = (SourceField("NO"),)


def test_a_good_mapping_has_only_notes() -> None:
    findings = check_mapping(load_yaml(ORDER, "mms_po.yaml"), SCHEMA)

    assert {finding.level for finding in findings} == {Level.NOTE}


def test_all_mistakes_of_form_are_told_at_once_with_their_places() -> None:
    text = """\
mapping: small
document: purchase_order
direction: sideways
fields:
  number: {from: NO, dat: "%Y"}
  order_date: {from: D, const: X}
  urgency: {from: P, codes: {R: rush}, decimal: {implied: many}}
groups:
  lines: {fields: {line_id: ID}}
extra: 1
"""

    assert checked(text) == [
        "m.yaml:3:1 direction: input should be 'read', 'write' or 'both' [MAP-FORM]",
        "m.yaml:5:22 fields.number.dat: 'dat' is not a key here [MAP-FORM]",
        "m.yaml:6:3 fields.order_date: say exactly one of from, first_of and const [MAP-FORM]",
        "m.yaml:7:50 fields.urgency.decimal.implied: input should be a valid integer,"
        " unable to parse string as an integer [MAP-FORM]",
        "m.yaml:9:3 groups.lines.from: 'from' is missing [MAP-FORM]",
        "m.yaml:10:1 extra: 'extra' is not a key here [MAP-FORM]",
    ]


@pytest.mark.parametrize("text", ["", "[a, b]", "just a text", "mapping: {a: b}\ndocument: [x]"])
def test_a_file_of_another_form_is_a_finding(text: str) -> None:
    assert all(line.endswith("[MAP-FORM]") for line in checked(text))
    assert checked(text)


def test_an_unknown_document_type_lists_those_there_are() -> None:
    told = checked("mapping: m\ndocument: order\nfields: {number: NO}\n")

    assert told[0].startswith("m.yaml:2:1 document: there is no document 'order'; there are purchase_order")


@pytest.mark.parametrize(
    "field, expected",
    [
        ("numbr: A", "PurchaseOrder has no 'numbr'; it has document_type"),
        ("lines: A", "'lines' is not a single value; it is a list: use a group"),
        ("lines.line_id: A", "there is nothing below 'lines'; it is a list"),
        ("buyer: A", "'buyer' is not a single value; name one of its fields: name"),
        ("number.x: A", "there is nothing below 'number'"),
        ("extensions: A", "'extensions' is not a single value; add a name of your own"),
        ("buyer[0].name: A", "'buyer' is no list"),
        ("buyer.identifiers[color=red].value: A", "PartyIdentifier has no code 'color'"),
        ("buyer.identifiers[scheme=glnn].value: A", "'glnn' is no scheme; expected one of gln"),
        ("ship_to.more_names[x=y]: A", "are texts; name them as [0]"),
        ("Number!: A", "is no canonical path"),
        ("release: A.", "names no field at its end"),
        ("release: 'A[B].C'", "selects by 'B'; expected NAME=TEXT"),
        ("release: {from: A, when: {'B..C': x}}", "is no source path"),
    ],
)
def test_a_path_that_does_not_exist_says_what_there_is(field: str, expected: str) -> None:
    (told,) = checked(yaml(field))

    assert told.startswith("m.yaml:6:3 fields.")
    assert expected in told
    assert told.endswith("[MAP-PATH]")


@pytest.mark.parametrize(
    "field, expected",
    [
        ("urgency: {const: fast}", "'fast' is not allowed; expected one of normal, rush"),
        ("urgency: {from: A, codes: {R: fast}}", "'fast' is not allowed"),
        ("urgency: {from: A, codes: {R: rush}, other: fast}", "'fast' is not allowed"),
        ("backorders_allowed: {from: A, codes: {Y: maybe}}", "'maybe' is neither true nor false"),
        ("payment_terms[0].net_days: {from: A, default: soon}", "'soon' is no number"),
        ("order_date: {const: today}", "'today' is no date"),
        ("order_date: {from: A, date: '%m/%d'}", "names no year"),
        ("order_date: {from: A, date: '%y%m%d'}", "has a year of two digits; say pivot"),
        ("order_date: {from: A, date: '%Y%m'}", "names no day"),
        ("order_date: {from: A, date: '%Q'}", "'%Q' is no part of a date"),
        ("order_date: {from: A, date: '%Y%m%d%d'}", "names a part of the date twice"),
        ("order_date: {from: A, date: '%Y%m%d %I%M'}", "has %I without %p"),
        ("order_date: {from: A, date: '%Y%m%d', zone: Mars/Olympus}", "'Mars/Olympus' is no time zone"),
        ("provenance.sent_at: {from: A, date: '%Y%m%d'}", "the pattern needs a time"),
        ("release: {from: A, date: '%Y%m%d'}", "the canonical value is no date"),
        ("release: {from: A, decimal: {implied: 2}}", "the canonical value is no decimal number"),
        ("order_date: {from: A, crosswalk: days}", "a crosswalk gives a text"),
    ],
)
def test_a_converter_that_does_not_fit_its_value_is_told(field: str, expected: str) -> None:
    (told,) = checked(yaml(field))

    assert told.startswith("m.yaml:6:")
    assert expected in told
    assert told.endswith("[MAP-VALUE]")


def test_a_wrong_word_in_a_code_map_is_placed_at_its_own_line() -> None:
    text = yaml("urgency:\n  from: P\n  codes:\n    R: rush\n    S: fast")

    assert checked(text)[0].startswith("m.yaml:10:7 fields.urgency.codes.S: 'fast' is not allowed")


def test_required_canonical_fields_that_nothing_fills_are_told() -> None:
    text = """\
mapping: m
document: purchase_order
fields:
  release: R
  buyer.identifiers[scheme=gln].qualifier: Q
  totals.amount.currency: C
groups:
  lines:
    from: L
    fields:
      quantity.unit: U
"""

    assert checked(text) == [
        "m.yaml:3:1 fields: nothing fills number, which PurchaseOrder requires [MAP-UNFILLED]",
        "m.yaml:3:1 fields: nothing fills buyer.identifiers[].value,"
        " which PartyIdentifier requires [MAP-UNFILLED]",
        "m.yaml:3:1 fields: nothing fills totals.amount.amount, which Money requires [MAP-UNFILLED]",
        "m.yaml:10:5 groups.lines.fields: nothing fills quantity.value,"
        " which Quantity requires [MAP-UNFILLED]",
    ]


def test_source_fields_that_nothing_reads_are_told_with_their_own_place() -> None:
    inner = (SourceField("ID"), SourceField("COLOR"))
    at = load_yaml("x: 1", "layout.yaml").at
    schema = (*SMALL, SourceField("FAX", at=at), SourceField("L", repeated=True, fields=inner))

    told = checked(yaml("", "groups:\n  lines:\n    from: L\n    fields: {line_id: ID}\n"), schema)

    assert told == [
        "m.yaml:4:1 fields: nothing reads the source field FAX (layout.yaml:1:1);"
        " map it, or list it as ignore [MAP-UNREAD]",
        "m.yaml:10:5 groups.lines.fields: nothing reads the source field COLOR;"
        " map it, or list it as ignore [MAP-UNREAD]",
    ]


def test_ignoring_or_keeping_the_rest_answers_for_unread_fields() -> None:
    schema = (*SMALL, SourceField("FAX"))

    assert checked(yaml("", "source: {FAX: ignore}\n"), schema) == []
    assert checked(yaml("", "rest: extensions\n"), schema) == []


def test_a_source_field_that_does_not_exist_is_told_with_those_that_do() -> None:
    (told,) = checked(yaml("release: REL"), SMALL)

    assert told == "m.yaml:6:3 fields.release: the source has no field REL; it has NO [MAP-SOURCE]"


def test_a_source_field_that_must_be_written_and_is_not_is_told() -> None:
    schema = (*SMALL, SourceField("REC", required=True))

    told = checked(yaml("", "source: {REC: ignore}\n"), schema)

    assert told == [
        "m.yaml:4:1 fields: nothing writes the source field REC, which the source requires [MAP-UNFILLED]"
    ]


def test_what_an_optional_record_requires_counts_once_something_of_it_is_written() -> None:
    optional = SourceField("REC", fields=(SourceField("A", required=True), SourceField("B")))
    required = SourceField("REC", required=True, fields=optional.fields)
    refusal = (
        "m.yaml:4:1 fields: nothing writes the source field REC.A, which the source requires [MAP-UNFILLED]"
    )
    unread = "source: {REC.A: ignore, REC.B: ignore}\n"

    assert checked(yaml("", unread), (*SMALL, optional)) == []
    assert checked(yaml("", unread), (*SMALL, required)) == [refusal]
    written = "source: {REC.A: ignore, REC.B: {const: x}}\n"
    assert checked(yaml("", written), (*SMALL, optional)) == [refusal]


@pytest.mark.parametrize(
    "field",
    [
        "release: {first_of: [NO, R]}",
        "release: {from: R, upper: yes}",
        "release: {from: R, only: read}",
        "release: {from: R, when: {K: {not: X}}}",
    ],
)
def test_what_cannot_be_inverted_is_refused_where_both_ways_are_promised(field: str) -> None:
    (told,) = checked(yaml(field))

    assert told.startswith("m.yaml:6:3 fields.release: this cannot be mapped both ways: ")
    assert told.endswith("[MAP-INVERSE]")
    assert checked(yaml(field, direction="read")) == []
    assert Mapping.load(yaml(field, direction="read"), "m.yaml").losses


def test_a_total_over_what_is_no_list_or_no_number_is_told() -> None:
    told = checked(
        yaml("", "source:\n  A: {count: number}\n  B: {sum: lines.line_id}\n  C: {sum: lines.x}\n")
    )

    assert [line.split(":")[1] for line in told] == ["8", "9", "10"]
    assert all(line.endswith("[MAP-PATH]") for line in told)


def test_parts_and_wholes_of_one_value_do_not_mix() -> None:
    told = checked(yaml("order_date: D\norder_date.text: T"))

    assert "MAP-PATH" in told[0]
    assert "named by index and by selector" in checked(
        yaml("notes[0].text: A\nnotes[kind=delivery].text: B")
    )[0]  # fmt: skip


def test_a_mapping_that_is_refused_is_not_compiled() -> None:
    with pytest.raises(MappingError) as caught:
        Mapping.load(yaml("a: A\nb: B"), "m.yaml")

    assert [finding.code for finding in caught.value.findings] == ["MAP-PATH", "MAP-PATH"]
