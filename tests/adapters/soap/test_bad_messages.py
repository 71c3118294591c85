"""Each row of what zeep takes and must not, and each attack on an XML parser: the right fault, in bounds."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.base.facade import Admitted
from tests.adapters.soap.facade_rig import (
    BUDGET,
    FIXTURES,
    SOAP11,
    SOAP12,
    admitted,
    call,
    denied,
    envelope,
    facade,
    fault_of,
    fixture,
)

BAD = {
    "bad_boolean": "Backorders: Element 'Backorders': the value is not a valid value of the atomic type",
    "bad_date": "OrderDate: Element 'OrderDate': the value is not a valid value",
    "bad_enumeration": "attribute 'type': [facet 'enumeration'] the value is not an element of the set",
    "bad_integer": "/Line[1]/LineNumber: Element 'LineNumber': the value is not a valid value",
    "both_branches_of_a_choice": "/Line[2]/Item/Gtin: Element 'Gtin': This element is not expected",
    "decimal_exponent": "/Line[2]/UnitPrice: Element 'UnitPrice': the value is not a valid value",
    "decimal_infinity": "/Total: Element 'Total': the value is not a valid value",
    "decimal_letters": "/Line[1]/UnitPrice: Element 'UnitPrice': the value is not a valid value",
    "decimal_nan": "/Line[2]/Quantity: Element 'Quantity': the value is not a valid value",
    "hostile_type": "/Line[2]/Item: Element 'Item', attribute 'type': The type definition",
    "required_attribute_missing": "/Line[1]/Quantity: Element 'Quantity': The attribute 'uom' is required",
    "too_long": "PONumber: Element 'PONumber': [facet 'maxLength']",
    "unknown_attribute": "attribute 'approved': The attribute 'approved' is not allowed",
    "unqualified_child": "VendorId: Element 'VendorId': This element is not expected",
}


def test_the_table_names_every_bad_fixture() -> None:
    assert {path.name.partition(".")[0] for path in (FIXTURES / "bad").glob("*.xml")} == set(BAD)


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_refused_with_the_schemas_own_place(name: str, version: str) -> None:
    body = fixture(f"bad/{name}.soap11.xml").replace(SOAP11.encode(), version.encode())

    found = denied(facade().admit(call(body, version)))

    code, reason = fault_of(found.answer.body)
    assert (code, found.answer.status) == (
        ("soap:Client", 500) if version == SOAP11 else ("soap:Sender", 400)
    )
    assert BAD[name] in reason, reason
    assert reason.startswith("line ")
    assert found.finding.code == "SOAP-INVALID"
    assert (found.finding.at.line or 0) > 10
    assert found.route == "po"
    detail = etree.fromstring(found.answer.body).find(".//{urn:mercy-health:mms:common:v2}ServiceFault")
    assert detail is not None
    assert detail.findtext("{*}Code") == "INVALID_REQUEST"


def test_no_value_of_a_bad_message_is_repeated_in_fault_or_finding() -> None:
    body = fixture("requests/SubmitPurchaseOrder.soap11.xml")
    for secret, where in ((b"2362.00", "price"), (b"Syringe, 10 mL, luer lock", "text"), (b"12", "quantity")):
        marked = body.replace(b">" + secret + b"<", b">" + b"SECRET-" * 40 + b"<", 1)
        assert marked != body, where
        found = denied(facade().admit(call(marked)))
        assert b"SECRET" not in found.answer.body, where
        assert "SECRET" not in str(found.finding), where


def test_the_valid_message_is_taken_in_both_versions() -> None:
    for version in (SOAP11, SOAP12):
        body = fixture("requests/SubmitPurchaseOrder.soap11.xml").replace(SOAP11.encode(), version.encode())
        assert isinstance(facade().admit(call(body, version)), Admitted)


# --- attacks on the parser --------------------------------------------------------------------------

ORDER = fixture("requests/SubmitPurchaseOrder.soap11.xml")
DECLARATION, REST = ORDER[: ORDER.index(b"?>") + 2], ORDER[ORDER.index(b"?>") + 2 :]
TEN = b"&a;" * 10


def with_type(document_type: bytes, entity: bytes = b"&x;") -> bytes:
    return DECLARATION + document_type + REST.replace(b"Syringe, 10 mL", entity, 1)


ATTACKS: dict[str, tuple[bytes, str]] = {
    "a file as entity": (
        with_type(b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "XML-DTD",
    ),
    "an address as entity": (
        with_type(b'<!DOCTYPE s [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>'), "XML-DTD",
    ),
    "a parameter entity": (
        with_type(b'<!DOCTYPE s [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>'), "XML-DTD",
    ),
    "an external DTD": (with_type(b'<!DOCTYPE s SYSTEM "http://127.0.0.1:9/x.dtd">', b"x"), "XML-DTD"),
    "billion laughs": (
        with_type(
            b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">'
            + b"".join(
                b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in range(98, 106)
            )
            + b"]>",
            b"&i;",
        ),
        "XML-DTD",
    ),
    "quadratic": (
        with_type(b'<!DOCTYPE s [<!ENTITY a "' + b"a" * 50_000 + b'">]>', b"&a;" * 5_000), "XML-DTD",
    ),
    "an internal entity in UTF-16": (
        with_type(b'<!DOCTYPE s [<!ENTITY x "y">]>').decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "XML-DTD",
    ),
    "300 levels": (envelope("<a>" * 300 + "</a>" * 300), "XML-DEPTH"),
    "10,000 levels": (envelope("<a>" * 10_000 + "</a>" * 10_000), "XML-DEPTH"),
    "one text of 11 MB": (envelope("<a>" + "x" * 11_000_000 + "</a>"), "XML-SIZE"),
    "60,000 attributes": (
        envelope("<a " + " ".join(f'a{n}="1"' for n in range(60_000)) + "/>"), "XML-ATTRS",
    ),
    "a million empty elements": (envelope("<a/>" * 1_000_000), "XML-ELEMENTS"),
    "half a message": (ORDER[: len(ORDER) // 2], "XML-SYNTAX"),
    "UTF-7": (ORDER.replace(b"UTF-8", b"UTF-7"), "XML-ENCODING"),
    "no XML": (b"%PDF-1.7", "XML-SYNTAX"),
    "nothing but blanks": (b"   ", "XML-SYNTAX"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_the_parser_is_refused_in_bounded_time_and_memory(name: str) -> None:
    body, code = ATTACKS[name]
    served = facade(body_bytes_max=16 * 1024 * 1024) if name != "one text of 11 MB" else facade()

    tracemalloc.start()
    began = time.process_time()
    found = denied(served.admit(call(body, headers=(("Content-Type", "text/xml"),))))
    spent_s, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.finding.code == code
    assert fault_of(found.answer.body)[0] == "soap:Client"
    assert b"root:" not in found.answer.body
    assert spent_s < 5, "a bound, not a benchmark"
    assert peak < 8 * len(body) + 4_000_000


# --- SOAP encoding ----------------------------------------------------------------------------------

ENCODED = (
    'xmlns:b="urn:mercy-health:mms:budget:v1" xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)
REST_OF_CALL = "<amount>1</amount><fiscalPeriod>2026-11</fiscalPeriod>"
SPLIT = "<costCenter>1</costCenter><account>2</account><percent>3</percent>"


def budget(splits: str, others: str = "") -> Any:
    body = envelope(
        f"<b:checkBudget><splits>{splits}</splits>{REST_OF_CALL}</b:checkBudget>{others}", declared=ENCODED
    )
    return facade(BUDGET, "checkBudget", {}, reply="pass_through").admit(call(body))


def record(found: Any) -> Any:
    return admitted(found).state.asked.record  # type: ignore[attr-defined]


def test_arrays_and_references_are_followed_wherever_they_stand() -> None:
    direct = record(budget(f"<any-name>{SPLIT}</any-name><item>{SPLIT}</item>"))
    one = f'<multiRef id="s" enc:root="0">{SPLIT}</multiRef>'
    by_reference = record(budget('<item href="#s"/><item href="#s"/>', one))
    chained = record(budget('<item href="#r"/><item href="#s"/>', f'{one}<multiRef id="r" href="#s"/>'))

    assert direct == by_reference == chained
    assert direct["splits"] == [{"costCenter": "1", "account": "2", "percent": "3"}] * 2
    whole = envelope(
        f'<b:checkBudget><splits href="#a"/>{REST_OF_CALL}</b:checkBudget>'
        f'<multiRef id="a"><item>{SPLIT}</item></multiRef>',
        declared=ENCODED,
    )
    served = facade(BUDGET, "checkBudget", {}, reply="pass_through")
    assert record(served.admit(call(whole)))["splits"] == [direct["splits"][0]]


def test_accessors_come_in_any_order_and_carry_any_type() -> None:
    shuffled = (
        '<percent xsi:type="enc:decimal">3</percent><account xsi:type="xsd:string">2</account>'
        '<costCenter xsi:type="xsd:string">1</costCenter>'
    )
    assert record(budget(f"<item>{shuffled}</item>"))["splits"] == [
        {"costCenter": "1", "account": "2", "percent": "3"}
    ]


MULTIREF: dict[str, tuple[str, str, str]] = {
    "to itself": ('<item href="#a"/>', '<multiRef id="a" href="#a"/>', "leads to itself"),
    "in a circle": (
        '<item href="#a"/>', '<multiRef id="a"><costCenter href="#a"/></multiRef>', "leads to itself",
    ),
    "to nowhere": ('<item href="#nobody"/>', "", "leads to no element"),
    "out of the message": ('<item href="http://127.0.0.1:9/x"/>', "", "leads to no element"),
    "to a file": ('<item href="file:///etc/passwd"/>', "", "leads to no element"),
    "two of one id": (
        '<item href="#a"/>', f'<multiRef id="a">{SPLIT}</multiRef><multiRef id="a">{SPLIT}</multiRef>',
        "same id",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MULTIREF)
def test_a_reference_that_leads_astray_is_refused(name: str) -> None:
    splits, others, told = MULTIREF[name]
    found = denied(budget(splits, others))

    assert found.finding.code == "SOAP-MULTIREF"
    assert told in found.finding.text


def test_references_that_expand_without_end_cost_no_more_than_the_budget() -> None:
    """The facts' 1,005 bytes became 540 kB and 4.8 s in zeep."""
    levels = "".join(
        f'<multiRef id="m{n}">' + f'<x href="#m{n + 1}"/>' * 10 + "</multiRef>" for n in range(1, 12)
    )
    served = facade(BUDGET, "checkBudget", {}, reply="pass_through")
    body = envelope(
        f'<b:checkBudget><splits href="#m1"/>{REST_OF_CALL}</b:checkBudget>{levels}<multiRef id="m12"/>',
        declared=ENCODED,
    )
    assert len(body) < 4_000

    began = time.process_time()
    found = denied(served.admit(call(body)))

    assert found.finding.code == "SOAP-MULTIREF"
    assert "more than 20000 elements" in found.finding.text
    assert time.process_time() - began < 5, "a bound, not a benchmark"


def test_an_array_that_is_sent_in_part_is_refused() -> None:
    found = denied(budget(f'<item enc:position="[3]">{SPLIT}</item>'))
    assert found.finding.code == "SOAP-ARRAY"


def test_what_an_encoded_message_says_is_judged_by_the_schema_too(tmp_path: Path) -> None:
    found = denied(budget(f"<item>{SPLIT.replace('>3<', '>three<')}</item>"))
    assert found.finding.code == "SOAP-INVALID"
    assert "percent" in found.finding.at.path
    surplus = denied(budget(f"<item>{SPLIT}<approved>yes</approved></item>"))
    assert surplus.finding.code == "SOAP-INVALID"
    assert "approved" in surplus.finding.text
