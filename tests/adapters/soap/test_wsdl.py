"""Reading WSDLs: what loads, what is refused and why, and that nothing is ever fetched."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.base.facade import Denied, FacadeAnswer
from adapters.soap.driver_wsdl import WsdlError, read_wsdl
from adapters.soap.wsdl import Version
from tests.adapters.soap.facade_rig import BUDGET, MMS, PATH, STOCK, WSDLS, call, facade
from tests.samples import samples_dir


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that anything tries to open fails the test that did."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_sample_wsdls_are_read_whole() -> None:
    mms = read_wsdl(MMS)
    assert [(port.name, port.version, len(port.operations)) for port in mms.ports] == [
        ("Soap11", Version.SOAP11, 8),
        ("Soap12", Version.SOAP12, 8),
    ]
    order = mms.operations["SubmitPurchaseOrder"]
    assert order.style_text == "document/literal wrapped"
    assert order.soap_action == "urn:mercy-health:mms:SubmitPurchaseOrder"
    assert [each.key for each in order.input.headers] == ["RequestHeader"]
    assert list(order.faults) == ["ServiceFault"]
    assert set(mms.documents) == {"materials_management.wsdl", "common.xsd", "purchasing.xsd"}
    assert mms.findings == ()
    assert read_wsdl(BUDGET).operations["checkBudget"].style_text == "rpc/encoded"
    assert read_wsdl(STOCK).operations["moved"].output is None


@pytest.mark.corpus
def test_every_sample_of_real_systems_loads_or_says_why_not() -> None:
    folder = samples_dir()
    assert folder is not None
    told = dict(_told(folder / "soap"))
    assert told == {
        "adempiere-modeladservice__soap.wsdl": "SOAP-WSDL",  # it uses a type that it does not declare
        "agresso-timesheet__list_parameter.wsdl": 17,
        "evac-orderrelation-rpcenc__evacsyncservice_spclient.wsdl": 2,
        "hl7-style-mix__wsdl_style_mix.wsdl": 1,
        "iteminformation__soap.wsdl": 1,
        "netsuite-platform-strict__netsuite.wsdl": "SOAP-IMPORT",  # its schemas are not in the folder
        "retail__mworder.wsdl": 56,
        "sap-pi-store-wsse__soap.wsdl": 2,
        "sap__op_co_sdsls_esr_cust_return_repl.wsdl": 1,
        "sap__op_co_sdsls_esr_sales_order_repl.wsdl": 1,
        "ws-policy__ws-policy.wsdl": "XML-SYNTAX",  # a prefix that is not declared
        "wsse-basic__soap.wsdl": 1,
    }


def _told(folder: Path) -> Iterator[tuple[str, int | str]]:
    for path in sorted(folder.glob("*.wsdl")):
        try:
            wsdl = read_wsdl(path)
        except WsdlError as error:
            yield path.name, error.finding.code
        else:
            assert wsdl.schema is not None, wsdl.findings
            yield path.name, len(wsdl.operations)


@pytest.mark.corpus
def test_every_sample_that_loads_is_served() -> None:
    folder = samples_dir()
    assert folder is not None
    for path in sorted((folder / "soap").glob("*.wsdl")):
        try:
            operation = next(iter(read_wsdl(path).operations))
        except WsdlError:
            continue
        served = facade(path, operation, {}, reply="pass_through")
        page = served.look(call(b"", method_query="wsdl"))
        assert isinstance(page, FacadeAnswer), path
        assert f"https://gateway:8443{PATH}".encode() in page.body


# --- what is refused --------------------------------------------------------------------------------


def planted(tmp_path: Path, change: tuple[str, str]) -> Path:
    """Copy the sample WSDL into a folder of its own, changed."""
    for each in WSDLS.iterdir():
        shutil.copy(each, tmp_path)
    path = tmp_path / MMS.name
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    return path


IMPORT = 'schemaLocation="common.xsd"'


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://schemas.example/common.xsd", "is not fetched"),
        ("https://schemas.example/common.xsd", "is not fetched"),
        ("file:///etc/passwd", "is not fetched"),
        ("ftp://schemas.example/common.xsd", "is not fetched"),
        ("//schemas.example/common.xsd", "is not fetched"),
        ("/etc/passwd", "cannot be read"),
        ("../../../../../../etc/passwd", "cannot be read"),
        ("%2e%2e/%2e%2e/etc/passwd", "leads out of"),
        ("..%2f..%2fetc/passwd", "leads out of"),
        ("sub\\..\\..\\passwd", "leads out of"),
        ("nowhere.xsd", "cannot be read"),
    ],
)
def test_an_import_from_outside_the_folder_is_refused(tmp_path: Path, location: str, told: str) -> None:
    path = planted(tmp_path, (IMPORT, f'schemaLocation="{location}"'))

    with pytest.raises(WsdlError, match=told) as caught:
        read_wsdl(path)
    assert caught.value.finding.code == "SOAP-IMPORT"
    assert "root:" not in str(caught.value)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.xsd").write_bytes((WSDLS / "common.xsd").read_bytes())
    path = planted(tmp_path / "inside", (IMPORT, 'schemaLocation="link.xsd"'))
    (tmp_path / "inside" / "link.xsd").symlink_to(tmp_path / "secret.xsd")

    with pytest.raises(WsdlError, match="leads out of"):
        read_wsdl(path)


@pytest.mark.parametrize(
    ("prolog", "code"),
    [
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd">', "XML-DTD"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "XML-DTD"),
        ('<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>', "XML-DTD"),
    ],
)
@pytest.mark.parametrize("name", ["materials_management.wsdl", "common.xsd"])
def test_a_document_type_in_a_wsdl_or_its_schemas_is_refused(
    tmp_path: Path, prolog: str, code: str, name: str
) -> None:
    path = planted(tmp_path, (IMPORT, IMPORT))
    target = tmp_path / name
    target.write_text(target.read_text().replace("?>\n", f"?>\n{prolog}", 1))

    with pytest.raises(WsdlError) as caught:
        read_wsdl(path)
    assert caught.value.finding.code == code


@pytest.mark.parametrize(
    "change",
    [
        ('message="tns:SubmitInvoice"', 'message="tns:Nobody"'),
        ('element="pur:SubmitInvoice"', 'element="pur:Nobody"'),
    ],
)
def test_an_operation_whose_message_is_missing_is_named_and_the_others_are_there(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    wsdl = read_wsdl(planted(tmp_path, change))

    assert len(wsdl.operations) == 7
    assert "SubmitInvoice" not in wsdl.operations
    assert {each.code for each in wsdl.findings} == {"SOAP-WSDL"}
    assert any("SubmitInvoice" in each.text for each in wsdl.findings)


def test_a_port_whose_binding_is_missing_is_named_and_the_other_is_there(tmp_path: Path) -> None:
    wsdl = read_wsdl(planted(tmp_path, ('binding="tns:MaterialsManagementSoap11"', 'binding="tns:Nobody"')))

    assert [port.name for port in wsdl.ports] == ["Soap12"]
    assert [(each.code, "Soap11" in each.text) for each in wsdl.findings] == [("SOAP-PORT", True)]


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (
            ('xmlns:pur="urn:mercy-health:mms:purchasing:v2"', 'xmlns:pur="urn:another"'),
            "SOAP-NO-OPERATIONS",
            "SubmitRequisition",
        ),
        (("</wsdl:definitions>", ""), "XML-SYNTAX", "not well-formed"),
    ],
)
def test_what_keeps_a_wsdl_from_being_served_is_named(
    tmp_path: Path, change: tuple[str, str], code: str, told: str
) -> None:
    with pytest.raises(WsdlError, match=told) as caught:
        read_wsdl(planted(tmp_path, change))
    assert caught.value.finding.code == code


def test_a_wsdl_without_a_soap_port_never_serves_nothing_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "empty.wsdl"
    path.write_text('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:x"/>')

    with pytest.raises(WsdlError) as caught:
        read_wsdl(path)
    assert caught.value.finding.code == "SOAP-NO-OPERATIONS"


def test_a_chain_of_types_that_is_too_deep_is_a_finding(tmp_path: Path) -> None:
    xs = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    types = "".join(
        f'<xs:complexType name="T{n}"><xs:sequence><xs:element name="e" type="t:T{n + 1}"/></xs:sequence>'
        "</xs:complexType>"
        for n in range(1_500)
    )
    schema = (
        f'<xs:schema {xs} xmlns:t="urn:mercy-health:mms:common:v2" '
        'targetNamespace="urn:mercy-health:mms:common:v2">'
        f'{types}<xs:complexType name="T1500"/><xs:element name="RequestHeader" type="t:T0"/>'
        '<xs:element name="ServiceFault" type="t:T0"/></xs:schema>'
    )
    path = planted(tmp_path, (IMPORT, IMPORT))
    (tmp_path / "common.xsd").write_text(schema)

    with pytest.raises(WsdlError) as caught:
        read_wsdl(path)
    assert caught.value.finding.code == "SOAP-WSDL"


# --- what is given out ------------------------------------------------------------------------------


def look(query: str) -> FacadeAnswer | Denied:
    return facade().look(call(b"", method_query=query))


def test_the_wsdl_is_given_with_our_address_and_ways_to_its_schemas() -> None:
    page = look("wsdl")
    assert isinstance(page, FacadeAnswer)
    text = page.body.decode()

    assert page.content_type.startswith("text/xml")
    assert text.count(f'location="https://gateway:8443{PATH}"') == 2
    assert "mms.mercy.example" not in text
    assert f'schemaLocation="https://gateway:8443{PATH}?xsd=common.xsd"' in text
    schema = look("xsd=purchasing.xsd")
    assert isinstance(schema, FacadeAnswer)
    assert f'schemaLocation="https://gateway:8443{PATH}?xsd=common.xsd"'.encode() in schema.body


@pytest.mark.parametrize("query", ["WSDL", "wsdl=", "Wsdl", "wsdl=materials_management.wsdl", "singleWsdl"])
def test_clients_spell_the_question_in_many_ways(query: str) -> None:
    page = look(query)
    assert isinstance(page, FacadeAnswer)
    assert b"definitions" in page.body


@pytest.mark.parametrize(
    "query",
    [
        "xsd=../../../../etc/passwd",
        "xsd=/etc/passwd",
        "xsd=..%2f..%2fetc%2fpasswd",
        "xsd=http://example/x.xsd",
        "xsd=file:///etc/passwd",
        "xsd=budget_rpc.wsdl",  # in the folder, and no part of this WSDL
        "xsd=common.xsd%00",
        "xsd=",
        "xsd=%0d%0aX-Evil:%201",
        "wsdl=routes.yaml",
        "wsdl=<script>alert(1)</script>",
    ],
)
def test_nothing_but_the_wsdls_own_documents_is_given_out(query: str) -> None:
    page = look(query)

    assert isinstance(page, Denied), page
    assert page.answer.status == 404
    assert page.answer.content_type.startswith("text/plain")
    assert b"root:" not in page.answer.body
    assert b"\r\n" not in page.answer.body
    assert page.finding.code == "SOAP-NO-PAGE"
