"""The plan against zeep on every valid message, what zeep loses and the plan keeps, and writing back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from zeep import Settings
from zeep.helpers import serialize_object
from zeep.wsdl import Document
from zeep.wsdl.messages.multiref import process_multiref
from zeep.xsd.context import XmlParserContext

from adapters.base.formats import EncodeError
from adapters.soap.catalogue_loader import Catalogue
from adapters.soap.encoded import decoded
from adapters.soap.envelope import read_envelope
from adapters.soap.plan import HEADER_KEY, message_fields
from adapters.soap.service import Called, Service
from adapters.soap.types import (
    TEXT_KEY,
    TYPE_KEY,
    ElementModel,
    GroupModel,
    TypeModel,
    local_name,
)
from adapters.soap.wsdl import Message, Operation, Version
from adapters.xml import parse_xml
from tests.adapters.soap.facade_rig import BUDGET, FIXTURES, MMS, STOCK, WSDLS, body_of, fixture, service
from tests.scale import scaled

VALID = sorted(
    f"{folder}/{path.name}"
    for folder in ("requests", "replies")
    for path in (FIXTURES / folder).glob("*.xml")
    if not path.name.startswith("fault")
)


def read(name: str) -> tuple[Service, Operation, Message, Called]:
    """Read a fixture with the service and the message that it belongs to."""
    found = service(BUDGET if "checkBudget" in name else MMS)
    parsed = read_envelope(parse_xml(fixture(name), name), name)
    operation = found.wsdl.operations[Path(name).name.partition(".")[0]]
    if name.startswith("requests"):
        called = found.call(parsed, (), name)
        assert called.operation.name == operation.name
        return found, operation, operation.input, called
    assert operation.output is not None
    return found, operation, operation.output, Called(operation, parsed.version, tuple(parsed.entries), None)


@lru_cache
def zeeps(wsdl: Path) -> Any:
    """Give zeep's own document of a WSDL."""
    catalogue: Any = Catalogue(WSDLS)
    return Document(catalogue.address(wsdl.name), catalogue, settings=Settings(forbid_external=False))


@pytest.fixture(scope="module")
def oracle() -> Any:
    return zeeps(MMS)


def by_zeep(wsdl: Path, operation: str, side: str, message: bytes) -> Any:
    """Read a message as zeep does: by the binding's operation, after it has followed references."""
    document = zeeps(wsdl)
    (binding, *_) = (port.binding for each in document.services.values() for port in each.ports.values())
    body = etree.fromstring(message).find("{*}Body")
    assert body is not None
    process_multiref(body)
    context = XmlParserContext(settings=document.settings)
    read_by = getattr(binding._operations[operation], side).body
    return serialize_object(read_by.parse(body[0], document.types, context=context), dict)


@pytest.mark.parametrize("name", VALID)
def test_the_plan_reads_what_zeep_reads(name: str) -> None:
    """Literal and RPC/encoded alike: arrays, and references that stand elsewhere in the Body."""
    found, operation, message, called = read(name)
    side = "input" if message is operation.input else "output"
    if message.is_encoded and side == "output":
        (entry,) = called.entries
        called = replace(called, entries=(decoded(entry, message.body[0], entry.itersiblings(), name),))
    assert found.problems(called, message, name) == []

    record = found.record(called, message)
    record.pop(HEADER_KEY, None)

    theirs = by_zeep(BUDGET if message.is_encoded else MMS, operation.name, side, fixture(name))
    ours = comparable(record, message.body[0].type)
    assert ours == with_typed_defaults(without_nothing(theirs), ours)


def turns_as_lists(theirs: Any) -> Any:
    """Give a repeated group, which zeep gives turn by turn, as a list for each of its elements."""
    return {key: [turn[key] for turn in theirs["_value_1"]] for key in theirs["_value_1"][0]}


def anything_as_text(theirs: Any) -> Any:
    """Give elements of xs:any, which zeep hands over as elements, as texts."""
    told = [etree.tostring(each, method="c14n", exclusive=True).decode() for each in theirs["_value_1"]]
    return {"Where": theirs["Where"], "any": [each.replace("></deep>", "/>") for each in told]}


# What the sample messages of the third WSDL are, and why zeep's own shape of them is not compared as it is.
SHAPES: dict[tuple[str, str], tuple[dict[str, Any], str, Callable[[Any], Any]]] = {
    ("getLevel", "input"): (
        {"item": "4711", "place": {"Code": "A", "Part": [{"Code": "B", "Part": [{"Code": "C"}]}]}},
        "the same shape: RPC/literal, a type within itself",
        lambda theirs: theirs,
    ),
    ("ping", "input"): (
        {"Ping": "a < b & c"},
        "zeep unwraps a Body that is one text to the bare text",
        lambda theirs: {"Ping": theirs},
    ),
    ("findByItem", "input"): (
        {"Key": ["a", "b"], "Value": ["1", "2"]},
        "zeep gives a repeated group turn by turn",
        turns_as_lists,
    ),
    ("findByItem", "output"): (
        {"Where": {"Code": "X"}, "any": ['<other:Thing xmlns:other="urn:other"><deep/></other:Thing>']},
        "zeep hands xs:any over as elements",
        anything_as_text,
    ),
}


@pytest.mark.parametrize("which", SHAPES, ids=" ".join)
def test_the_plan_reads_what_zeep_reads_of_rpc_literal_bare_and_repeated_groups(
    which: tuple[str, str],
) -> None:
    record, _, as_ours = SHAPES[which]
    found = service(STOCK)
    operation, side = which
    message = getattr(found.wsdl.operations[operation], side)
    written = found.writer(message, Version.SOAP11).write(copy.deepcopy(record))

    called = Called(found.wsdl.operations[operation], Version.SOAP11, (body_of(written),), None)
    theirs = without_nothing(as_ours(by_zeep(STOCK, operation, side, written)))
    assert without_unused_prefixes(found.record(called, message)) == theirs == record


def test_control_what_zeep_reads_is_not_what_another_message_says() -> None:
    found, _, message, called = read("requests/checkBudget.rpc.soap11.xml")

    other = fixture("requests/checkBudget.multiref.soap11.xml")
    theirs = by_zeep(BUDGET, "checkBudget", "input", other)
    assert comparable(found.record(called, message), message.body[0].type) != without_nothing(theirs)


def comparable(value: Any, model: TypeModel) -> Any:
    """Give a record as zeep gives objects: typed values, nothing for nil and empty, no type names."""
    if model.derived and isinstance(value, dict) and TYPE_KEY in value:
        model = next(each for name, each in model.derived.items() if local_name(name) == value[TYPE_KEY])
    if isinstance(value, list) and model.array_item is not None:
        return [comparable(one, model.array_item) for one in value]
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return typed(value, model.kind)
    kinds = {each.key: TypeModel(kind=each.kind) for each in model.attributes}
    types = {each.key: each.type for each in model.elements} | kinds | {TEXT_KEY: TypeModel(kind=model.kind)}
    made = {}
    for key, each in value.items():
        name = {TEXT_KEY: "_value_1"}.get(key, key.removeprefix("@")) if model.attributes else key
        if key == TYPE_KEY:
            continue
        made[name] = (
            [comparable(one, types[key]) for one in each]
            if isinstance(each, list) and types[key].array_item is None
            else comparable(each, types[key])
        )
    return without_nothing(made)


def typed(text: str, kind: str) -> Any:
    from zeep.xsd.types import builtins

    known = {cls._default_qname.localname: cls for cls in builtins._types}
    return known[kind]().pythonvalue(text)


def with_typed_defaults(theirs: Any, ours: Any) -> Any:
    """Type what zeep leaves a text: an attribute that it filled in from its default."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return {key: with_typed_defaults(each, ours.get(key)) for key, each in theirs.items()}
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [with_typed_defaults(one, other) for one, other in zip(theirs, ours, strict=True)]
    return Decimal(theirs) if isinstance(theirs, str) and isinstance(ours, Decimal) else theirs


def without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: without_nothing(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in (None, [], {})}
    if isinstance(value, list):
        return [without_nothing(each) for each in value]
    return value


def test_what_zeep_loses_is_kept() -> None:
    found, _, message, called = read("requests/SubmitPurchaseOrder.soap11.xml")

    order = found.record(called, message)["PurchaseOrder"]
    first, second = order["Line"]

    assert "Manufacturer" in first["Item"]
    assert first["Item"]["Manufacturer"] is None, "nil"
    assert "Project" not in first["Accounting"][0], "absent"
    assert TYPE_KEY not in first["Item"]
    assert second["Item"][TYPE_KEY] == "ImplantItem"
    assert second["Item"]["Lot"] == "L2026-117"


def test_defaults_of_attributes_and_of_empty_elements_are_filled_in() -> None:
    text = fixture("requests/SubmitPurchaseOrder.soap11.xml")
    root = etree.fromstring(text)
    for each in root.iter("{*}Backorders"):
        each.text = None
    for each in root.iter("{*}Total"):
        each.attrib.pop("currency", "")
    found = service()
    called = found.call(read_envelope(root, "x"), (), "x")

    assert found.problems(called, called.operation.input, "x") == []
    order = found.record(called, called.operation.input)["PurchaseOrder"]
    assert order["Backorders"] == "true"
    assert order["Total"]["@currency"] == "USD"


@pytest.mark.parametrize("name", VALID)
def test_what_is_read_is_written_so_that_it_reads_the_same(name: str) -> None:
    found, _, message, called = read(name)
    record = found.record(called, message)

    written = found.writer(message, called.version).write(copy.deepcopy(record))

    again = read_envelope(parse_xml(written, name), name)
    entries = tuple(again.entries)
    if message.is_encoded:
        entries = (decoded(entries[0], message.body[0], again.body, name),)
    recalled = Called(called.operation, again.version, entries, again.header)
    assert found.problems(recalled, message, name) == []
    expected = dict(record)
    if not message.headers or HEADER_KEY not in record:
        expected.pop(HEADER_KEY, None)
    assert found.record(recalled, message) == expected


def test_zeep_reads_what_the_compiled_writer_writes(oracle: Any) -> None:
    found, _, message, called = read("requests/SubmitPurchaseOrder.soap12.xml")
    written = found.writer(message, Version.SOAP12).write(found.record(called, message))

    element = oracle.types.get_element(called.entries[0].tag)
    context = XmlParserContext(settings=oracle.settings)
    theirs, ours = (
        serialize_object(element.parse(each, oracle.types, context=context), dict)
        for each in (called.entries[0], body_of(written))
    )
    assert ours == theirs
    assert ours["PurchaseOrder"]["Total"]["_value_1"] == Decimal("2362.00")


def test_rpc_literal_bare_repeated_groups_and_types_within_themselves() -> None:
    found = service(STOCK)
    operations = found.wsdl.operations
    assert {name: each.style_text for name, each in operations.items()} == {
        "getLevel": "rpc/literal",
        "ping": "document/literal bare",
        "findByItem": "document/literal bare",
        "findByVendor": "document/literal bare",
        "moved": "document/literal bare",
    }
    cases: list[tuple[Message, dict[str, Any]]] = [
        (
            operations["getLevel"].input,
            {"item": "4711", "place": {"Code": "A", "Part": [{"Code": "B", "Part": [{"Code": "C"}]}]}},
        ),
        (operations["ping"].input, {"Ping": "a < b & c"}),
        (operations["findByItem"].input, {"Key": ["a", "b"], "Value": ["1", ""]}),
    ]
    output = operations["findByItem"].output
    assert output is not None
    anything = '<other:Thing xmlns:other="urn:other"><deep/></other:Thing>'
    cases.append((output, {"Where": {"Code": "X"}, "any": [anything]}))
    for message, record in cases:
        written = found.writer(message, Version.SOAP11).write(record)
        called = Called(operations["ping"], Version.SOAP11, (body_of(written),), None)
        assert found.problems(called, message, "x") == [], written
        assert without_unused_prefixes(found.record(called, message)) == record


def without_unused_prefixes(record: dict[str, Any]) -> dict[str, Any]:
    for index, text in enumerate(record.get("any", ())):
        shortened = etree.tostring(etree.fromstring(text), method="c14n", exclusive=True).decode()
        record["any"][index] = shortened.replace("></deep>", "/>")
    return record


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda record: record.pop("Status"), "SOAP-REQUIRED"),
        (lambda record: record.update(Status={"x": "y"}), "SOAP-SHAPE"),
        (lambda record: record.update(PONumber="a\x00b"), "SOAP-CHARACTER"),
        (lambda record: record.update(LineAck="x"), "SOAP-SHAPE"),
    ],
)
def test_what_cannot_be_written_is_told_and_nothing_is_written(change: Any, code: str) -> None:
    message = service().wsdl.operations["SubmitPurchaseOrder"].output
    assert message is not None
    record = {"PONumber": "1", "Status": "RECEIVED"}
    change(record)

    with pytest.raises(EncodeError) as caught:
        service().writer(message, Version.SOAP11).write(record)
    assert [each.code for each in caught.value.findings] == [code]


def test_two_branches_of_a_choice_are_not_written_and_one_is() -> None:
    message = service().wsdl.operations["ValidateSupplier"].input
    writer = service().writer(message, Version.SOAP11)

    assert b":TaxId>9</" in writer.write({"TaxId": "9"})
    for record in ({"TaxId": "9", "VendorId": "1"}, {}):
        with pytest.raises(EncodeError, match="SOAP-CHOICE"):
            writer.write(dict(record))


# --- any record that a type allows ------------------------------------------------------------------

TEXTS = {
    "string": st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=20),
    "boolean": st.sampled_from(["true", "false"]),
    "decimal": st.decimals(-1_000_000, 1_000_000, places=3).map(lambda value: f"{value:f}"),
}


def records(model: TypeModel, depth: int = 0) -> st.SearchStrategy[Any]:
    if model.array_item is not None:
        return st.lists(records(model.array_item, depth + 1), max_size=3)
    if model.kind:
        return TEXTS.get(model.kind, TEXTS["string"])
    return st.builds(dict, st.fixed_dictionaries(dict(_parts(model.content, depth))))


def _parts(group: GroupModel | None, depth: int) -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    for part in group.parts if group is not None else ():
        if isinstance(part, ElementModel):
            if depth > 2 and not part.is_required:
                continue
            value = records(part.type, depth + 1)
            yield part.key, st.lists(value, min_size=1, max_size=3) if part.repeats else value
        elif isinstance(part, GroupModel):
            yield from _parts(part, depth)


@given(st.data())
@settings(max_examples=scaled(60))
def test_any_record_of_a_message_comes_back_as_it_was(data: st.DataObject) -> None:
    found = service(STOCK)
    message = data.draw(
        st.sampled_from(
            [found.wsdl.operations["getLevel"].input, found.wsdl.operations["ping"].input]
            + [
                each.output
                for each in found.wsdl.operations.values()
                if each.name == "getLevel" and each.output
            ]
        )
    )
    element = message.body[0]
    record = data.draw(records(element.type))
    if element.type.is_text:
        record = {element.key: record}

    written = found.writer(message, data.draw(st.sampled_from(Version))).write(record)

    called = Called(found.wsdl.operations["ping"], Version.SOAP11, (body_of(written),), None)
    assert found.problems(called, message, "x") == []
    assert found.record(called, message) == record


def test_the_fields_of_a_message_are_told_as_mappings_know_them() -> None:
    fields = {
        each.name: each for each in message_fields(service().wsdl.operations["SubmitPurchaseOrder"].input)
    }
    order = {each.name: each for each in fields["PurchaseOrder"].fields}
    line = {each.name: each for each in order["Line"].fields}
    item = {each.name: each for each in line["Item"].fields}

    assert order["@type"].required
    assert not order["Note"].required
    assert order["Note"].repeated
    assert {each.name for each in line["Quantity"].fields} == {"value", "@uom"}
    assert {TYPE_KEY, "VendorCatalog", "Gtin", "Lot"} <= set(item)
    assert not item["VendorCatalog"].required, "one branch of a choice"
    assert [each.name for each in fields[HEADER_KEY].fields] == ["RequestHeader"]
