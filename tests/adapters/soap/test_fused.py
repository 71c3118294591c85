"""The fused reader against the way by records: the same documents, the same findings, whatever comes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.mapping import Mapping, MappingContext
from adapters.mapping.fused import IrregularError, NotFusedError
from adapters.mapping.run import Run, UnfitError
from adapters.soap.envelope import read_envelope
from adapters.soap.format import read_document, request_fields
from adapters.soap.fused import ReadFused, fused_reader
from adapters.soap.receive import Received
from adapters.soap.wsdl import Operation, Version
from adapters.xml import parse_xml
from canonical.registry import DOCUMENT_TYPES, content_hash, to_json
from tests.adapters.soap.facade_rig import BUDGET, FIXTURES, fixture, service
from tests.adapters.soap.test_plan import records
from tests.scale import scaled

CONTEXT = MappingContext("fused.xml", "America/Chicago")
ORDER = (FIXTURES / "mappings" / "purchase_order.yaml").read_text()
PUR = "{urn:mercy-health:mms:purchasing:v2}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
CASES = [("SubmitPurchaseOrder", "purchase_order"), ("CheckBudget", "check_budget")]


def operation_of(name: str) -> Operation:
    return service().wsdl.operations[name]


def mapping_of(name: str, text: str) -> Mapping:
    return Mapping.load(text, "m.yaml", request_fields(operation_of(name).input))


def request_of(body: bytes) -> Received:
    called = service().call(read_envelope(parse_xml(body, "x"), "x"), (), "x")
    return Received(service(), called, None)


def told(fields: dict[str, Any], mapping: Mapping) -> tuple[Any, ...]:
    """Give all that a document of these fields tells: itself, which fields it states, its JSON text."""
    document = DOCUMENT_TYPES[mapping.document_type].model_validate(fields)
    return document, document.model_dump(exclude_unset=True), to_json(document), content_hash(document)


def both_ways(request: Received, mapping: Mapping, fused: ReadFused) -> tuple[Any, Any, bool]:
    """Read a message both ways; tell, too, whether the fused reader did it by itself."""
    by_record = mapping.read_document(request.record(), CONTEXT)
    run = Run(CONTEXT)
    try:
        fused(request.called.entries[0], run)
        by_itself = not run.findings
    except (IrregularError, UnfitError):
        by_itself = False
    return read_document(request, mapping, fused, CONTEXT), by_record, by_itself


@pytest.mark.parametrize("version", ["soap11", "soap12"])
@pytest.mark.parametrize(("name", "file"), CASES)
def test_a_fixture_gives_the_same_fields_both_ways_and_the_fused_reader_needs_no_help(
    name: str, file: str, version: str
) -> None:
    mapping = mapping_of(name, (FIXTURES / "mappings" / f"{file}.yaml").read_text())
    fused = fused_reader(operation_of(name).input, mapping.root)
    request = request_of(fixture(f"requests/{name}.{version}.xml"))

    assert told(fused(request.called.entries[0], Run(CONTEXT)), mapping) == told(
        mapping.read(request.record(), CONTEXT)[0], mapping
    )
    ours, theirs, by_itself = both_ways(request, mapping, fused)
    assert by_itself
    assert ours == theirs
    assert ours[0] is not None


def change(body: bytes, work: Callable[[etree._Element], None]) -> bytes:
    root = etree.fromstring(body)
    work(root)
    return etree.tostring(root)


def line(root: etree._Element) -> etree._Element:
    found = root.find(f".//{PUR}Line")
    assert found is not None
    return found


def _add_comment(root: etree._Element) -> None:
    line(root).insert(1, etree.Comment("in between"))


def _unknown_unit(root: etree._Element) -> None:
    line(root).find(f"{PUR}Quantity").set("uom", "FURLONG")  # type: ignore[union-attr]


def _late_first(root: etree._Element) -> None:
    entry = line(root)
    entry.insert(0, entry[2])


def _long_number(root: etree._Element) -> None:
    line(root).find(f"{PUR}UnitPrice").text = "1" * 60  # type: ignore[union-attr]


def _no_number(root: etree._Element) -> None:
    line(root).find(f"{PUR}UnitPrice").text = "1e3"  # type: ignore[union-attr]


def _unknown_type(root: etree._Element) -> None:
    line(root)[1].set(f"{XSI}type", "Nothing")


def _nil_price(root: etree._Element) -> None:
    price = line(root).find(f"{PUR}UnitPrice")
    assert price is not None
    price.text = None
    price.set(f"{XSI}nil", "true")


def _bad_date(root: etree._Element) -> None:
    line(root).find(f"{PUR}NeedBy").text = "tomorrow"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "work",
    [
        _add_comment,
        _unknown_unit,
        _late_first,
        _long_number,
        _no_number,
        _unknown_type,
        _nil_price,
        _bad_date,
    ],
)
def test_what_is_odd_is_told_as_it_was_before(work: Callable[[etree._Element], None]) -> None:
    mapping = mapping_of("SubmitPurchaseOrder", ORDER)
    fused = fused_reader(operation_of("SubmitPurchaseOrder").input, mapping.root)
    body = change(fixture("requests/SubmitPurchaseOrder.soap11.xml"), work)
    called = service().call(read_envelope(etree.fromstring(body), "x"), (), "x")  # comments are kept
    request = Received(service(), called, None)
    said: list[Any] = []
    for read in (
        lambda: mapping.read_document(request.record(), CONTEXT),
        lambda: read_document(request, mapping, fused, CONTEXT),
    ):
        try:
            said.append(read())
        except Exception as error:  # noqa: BLE001 - both must say the same
            said.append((type(error), str(error)))

    assert said[0] == said[1]


@given(st.data())
@settings(max_examples=scaled(60))
def test_any_valid_message_gives_the_same_both_ways(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([each for each, _ in CASES]))
    mapping, fused = COMPILED[name]
    message = operation_of(name).input
    record = data.draw(records(message.body[0].type))
    written = service().writer(message, Version.SOAP11)
    try:
        body = written.write(copy.deepcopy(record))
    except Exception:  # noqa: BLE001 - two branches of a choice, and the like
        return
    request = request_of(body)
    ours, theirs, _ = both_ways(request, mapping, fused)
    assert ours == theirs


COMPILED: dict[str, tuple[Mapping, ReadFused]] = {}
for _name, _file in CASES:
    _mapping = mapping_of(_name, (FIXTURES / "mappings" / f"{_file}.yaml").read_text())
    COMPILED[_name] = _mapping, fused_reader(operation_of(_name).input, _mapping.root)


def test_encoded_messages_are_read_by_way_of_records() -> None:
    message = service(BUDGET).wsdl.operations["checkBudget"].input
    with pytest.raises(NotFusedError):
        fused_reader(message, COMPILED["CheckBudget"][0].root)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("groups:\n  notes:", "rest: extensions\ngroups:\n  notes:"),
        (
            "    fields:\n      line_id:",
            "    source: {LineNumber: {const: '1'}}\n    fields:\n      line_id:",
        ),
        ("PurchaseOrder.PONumber", '"soap:Header.RequestHeader.MessageId"'),
    ],
    ids=["what is left over", "a constant that is checked", "a header"],
)
def test_a_mapping_with_more_than_the_fused_reader_knows_is_left_to_the_record(old: str, new: str) -> None:
    assert old in ORDER
    mapping = mapping_of("SubmitPurchaseOrder", ORDER.replace(old, new))

    with pytest.raises(NotFusedError):
        fused_reader(operation_of("SubmitPurchaseOrder").input, mapping.root)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("description: Item.Description", "description: {first_of: [Item.Description, Note]}"),
        ("requested: NeedBy", "requested: {from: NeedBy, when: {LineNumber: ['1']}}"),
        ("line_id: LineNumber", "line_id: {from: LineNumber, trim: both, absent: ['2']}"),
        ("from: Accounting", "from: Accounting\n        when: {CostCenter: ['7320']}"),
        ("order_date: PurchaseOrder.OrderDate", "dates[kind=order]: PurchaseOrder.OrderDate"),
        ("BX: BX, CS: CA", "BX: CA, CS: CA"),
        ("from: PurchaseOrder.Note", "from: PurchaseOrder.ShipTo.Street"),
    ],
)
def test_each_way_of_mapping_gives_the_same_both_ways(old: str, new: str) -> None:
    assert old in ORDER
    mapping = mapping_of(
        "SubmitPurchaseOrder", ORDER.replace(old, new).replace("BX: BX, ", "", "BX: CA" in new)
    )
    try:
        fused = fused_reader(operation_of("SubmitPurchaseOrder").input, mapping.root)
    except NotFusedError:
        assert "Street" in new, "the street is read twice"
        return
    request = request_of(fixture("requests/SubmitPurchaseOrder.soap11.xml"))
    ours, theirs, by_itself = both_ways(request, mapping, fused)

    assert ours == theirs
    assert ours[0] is not None, ours[1]
    assert by_itself
    assert told(fused(request.called.entries[0], Run(CONTEXT)), mapping) == told(
        mapping.read(request.record(), CONTEXT)[0], mapping
    )
