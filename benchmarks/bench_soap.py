"""SOAP: a request to a validated canonical document, a reply written, a large WSDL read; each against zeep.

The floor is `etree.fromstring` of the same bytes, by lxml's defaults and without any check. CPU time, medians
of paired runs in one process: each pair measures both sides one after the other.
"""

from __future__ import annotations

import copy
import gc
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lxml import etree
from zeep import Settings
from zeep.helpers import serialize_object
from zeep.wsdl import Document
from zeep.xsd.context import XmlParserContext

from adapters.mapping import Mapping, MappingContext
from adapters.soap.catalogue_loader import Catalogue
from adapters.soap.driver_wsdl import read_wsdl
from adapters.soap.format import read_document, request_fields
from adapters.soap.fused import fused_reader
from adapters.soap.receive import opened, received
from adapters.soap.service import Service
from adapters.soap.wsdl import Version
from benchmarks.table import Row
from canonical.document import CanonicalDocument

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "soap"
SOAP11 = "{http://schemas.xmlsoap.org/soap/envelope/}"
LINES = 50
ORDERS = 40  # other orders of the same hospital, read in turn
CATALOG_ITEMS = 2_000
PAIRS = 15
TYPES = 2_000
CONTEXT = MappingContext(source="benchmark", zone="America/Chicago")
CANONICAL_BAR, CANONICAL_AIM, ZEEP_BAR, WRITER_BAR, LOAD_BAR = 7.0, 5.0, 8.0, 10.0, 2.0


def run() -> list[Row]:
    """Measure all rows."""
    theirs: Any = Catalogue(FIXTURES / "wsdl")
    document = Document(
        theirs.address("materials_management.wsdl"), theirs, settings=Settings(forbid_external=False)
    )
    ours = Service(read_wsdl(FIXTURES / "wsdl" / "materials_management.wsdl"))
    return [*_request(ours, document), _writer(ours, document), _load()]


def order_of(lines: int, seed: int = 0) -> bytes:
    """Give the sample order with so many lines: its own two, in turn, of a hospital's catalog."""
    chance = random.Random(seed)
    root = etree.fromstring((FIXTURES / "requests" / "SubmitPurchaseOrder.soap11.xml").read_bytes())
    order = root.find(f"{SOAP11}Body")[0][0]  # type: ignore[index]
    pair = [line for line in order if line.tag.endswith("}Line")]
    place = order.index(pair[-1])
    for number in range(3, lines + 1):
        line = copy.deepcopy(pair[(number - 1) % 2])
        line[0].text = str(number)
        _vary(line, chance)
        order.insert(place + number - 2, line)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _vary(line: etree._Element, chance: random.Random) -> None:
    """Order another item and another quantity: items come from a catalog, where each keeps what it is."""
    item = chance.randrange(CATALOG_ITEMS)
    own = {"VendorCatalog": f"8881-{item:04}", "BuyerItem": f"1{item:05}", "Gtin": f"008875{item:08}"}
    for element in line.iter():
        name = etree.QName(element).localname
        if name in own:
            element.text = own[name]
        elif name == "Quantity":
            element.text = str(chance.randint(1, 400))
        elif name == "UnitPrice":
            element.text = f"{item % 900 + 1}.{item % 97:02}"
        elif name == "Serial":
            element.text = f"SN-{chance.randrange(10**6):06}"


def _request(ours: Service, document: Any) -> list[Row]:
    bodies = [order_of(LINES, seed) for seed in range(ORDERS)]
    body = bodies[0]
    turns = {name: itertools.cycle(bodies) for name in ("ours", "zeep", "floor")}
    message = ours.wsdl.operations["SubmitPurchaseOrder"].input
    text = (FIXTURES / "mappings" / "purchase_order.yaml").read_text()
    mapping = Mapping.load(text, "purchase_order.yaml", request_fields(message))
    fused = fused_reader(message, mapping.root)

    def canonical() -> CanonicalDocument:
        body = next(turns["ours"])
        request = received(ours, opened(body, "benchmark", size_bytes_max=4_000_000), (), "benchmark")
        assert not ours.problems(request.called, message, "benchmark")
        made, findings = read_document(request, mapping, fused, CONTEXT)
        assert made is not None, findings
        return made

    element = document.types.get_element("{urn:mercy-health:mms:purchasing:v2}SubmitPurchaseOrder")

    def by_zeep() -> CanonicalDocument:
        root = etree.fromstring(next(turns["zeep"]))
        value = element.parse(
            root.find(f"{SOAP11}Body")[0],  # type: ignore[index]
            document.types,
            context=XmlParserContext(settings=document.settings),
        )
        made, findings = mapping.read_document(_texts(serialize_object(value, dict)), CONTEXT)
        assert made is not None, findings
        return made

    # zeep loses the derived type's name and what nil was: all else must be the same document.
    assert len(canonical().lines) == len(by_zeep().lines) == LINES  # type: ignore[attr-defined]
    floor = _ratio(canonical, lambda: etree.fromstring(next(turns["floor"])), 10)
    slower = _ratio(by_zeep, canonical, 2)
    size = f"{LINES} lines, {len(body)} bytes"
    return [
        Row(
            f"SOAP request to canonical document, {size}, of etree.fromstring",
            f"{floor.ours_s * 1e3:.2f} ms",
            floor.ratio,
            f"<= {CANONICAL_BAR:g} (aim {CANONICAL_AIM:g})",
            floor.ratio <= CANONICAL_BAR,
        ),
        Row(
            "the same by zeep and the same mapping, of ours",
            f"{slower.ours_s * 1e3:.2f} ms",
            slower.ratio,
            f">= {ZEEP_BAR:g}",
            slower.ratio >= ZEEP_BAR,
        ),
    ]


def _texts(value: Any) -> Any:
    """Give what zeep made as a record of texts, with the names that the mapping knows."""
    match value:
        case dict():
            named = {_NAMES.get(key, key): _texts(each) for key, each in value.items() if each is not None}
            return {key: each for key, each in named.items() if each != []}
        case list():
            return [_texts(each) for each in value]
        case bool():
            return "true" if value else "false"
    return str(value)


_NAMES = {name: f"@{name}" for name in ("type", "currency", "uom", "percent")} | {"_value_1": "value"}


def _writer(ours: Service, document: Any) -> Row:
    message = ours.wsdl.operations["SubmitPurchaseOrder"].input
    body = order_of(LINES)
    request = received(ours, opened(body, "benchmark", size_bytes_max=4_000_000), (), "benchmark")
    record = request.record()
    writer = ours.writer(message, Version.SOAP11)
    element = document.types.get_element("{urn:mercy-health:mms:purchasing:v2}SubmitPurchaseOrder")
    value = element.parse(
        request.called.entries[0], document.types, context=XmlParserContext(settings=document.settings)
    )

    def by_zeep() -> bytes:
        root = etree.Element(f"{SOAP11}Envelope")
        element.render(etree.SubElement(root, f"{SOAP11}Body"), value)
        return etree.tostring(root)

    assert len(etree.fromstring(by_zeep())[0][0][0]) == len(etree.fromstring(writer.write(record))[-1][0][0])
    measured = _ratio(by_zeep, lambda: writer.write(record), 4)
    return Row(
        f"a message of {LINES} lines written: zeep's render, of ours",
        f"{measured.theirs_s * 1e3:.2f} ms ours",
        measured.ratio,
        f">= {WRITER_BAR:g}",
        measured.ratio >= WRITER_BAR,
    )


def _load() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.wsdl"
        path.write_text(large_wsdl(TYPES))
        size = path.stat().st_size / 1e6

        def by_zeep() -> None:
            catalogue: Any = Catalogue(path.parent)
            Document(catalogue.address(path.name), catalogue, settings=Settings(forbid_external=False))

        measured = _ratio(lambda: read_wsdl(path), by_zeep, 1, pairs=3)
    return Row(
        f"WSDL of {size:.1f} MB, {TYPES} types, ready to serve, of zeep's own load",
        f"{measured.ours_s:.2f} s",
        measured.ratio,
        f"<= {LOAD_BAR:g}",
        measured.ratio <= LOAD_BAR,
    )


def large_wsdl(types: int) -> str:
    """Write a WSDL with so many types of some thirty fields each, each used by the next operation."""
    fields = "".join(
        f'<xs:element name="Field{n}" type="xs:{kind}" minOccurs="0"/>'
        for n, kind in enumerate(["string", "decimal", "date", "boolean", "int"] * 6)
    )
    declared = "".join(
        f'<xs:complexType name="T{n}"><xs:sequence>{fields}</xs:sequence></xs:complexType>'
        f'<xs:element name="E{n}" type="t:T{n}"/>'
        for n in range(types)
    )
    operations = range(types // 20)
    messages = "".join(
        f'<wsdl:message name="M{n}"><wsdl:part name="p" element="t:E{n}"/></wsdl:message>' for n in operations
    )
    ports = "".join(
        f'<wsdl:operation name="O{n}"><wsdl:input message="t:M{n}"/><wsdl:output message="t:M{n}"/>'
        "</wsdl:operation>"
        for n in operations
    )
    body = '<soap:body use="literal"/>'
    bound = "".join(
        f'<wsdl:operation name="O{n}"><soap:operation soapAction="urn:{n}"/>'
        f"<wsdl:input>{body}</wsdl:input><wsdl:output>{body}</wsdl:output></wsdl:operation>"
        for n in operations
    )
    return (
        '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:large" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        f'targetNamespace="urn:large"><wsdl:types><xs:schema targetNamespace="urn:large">{declared}'
        f'</xs:schema></wsdl:types>{messages}<wsdl:portType name="P">{ports}</wsdl:portType>'
        '<wsdl:binding name="B" type="t:P"><soap:binding '
        f'transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</wsdl:binding>'
        '<wsdl:service name="S"><wsdl:port name="P" binding="t:B"><soap:address location="http://x/"/>'
        "</wsdl:port></wsdl:service></wsdl:definitions>"
    )


class _Measured:
    def __init__(self, ours_s: float, theirs_s: float, ratio: float) -> None:
        self.ours_s, self.theirs_s, self.ratio = ours_s, theirs_s, ratio


def _ratio(
    ours: Callable[[], object], theirs: Callable[[], object], repeats: int, *, pairs: int = PAIRS
) -> _Measured:
    """Give the median ratio of pairs, each the best of a few short runs: others use this machine, too."""
    ours(), theirs()
    pairs_s = [(_best(ours, repeats), _best(theirs, repeats * 4 if repeats > 1 else 1)) for _ in range(pairs)]
    ratio = statistics.median(one / other for one, other in pairs_s)
    return _Measured(
        statistics.median(each for each, _ in pairs_s), statistics.median(each for _, each in pairs_s), ratio
    )


def _best(work: Callable[[], object], repeats: int) -> float:
    gc.collect()
    return min(_timed(work, repeats) for _ in range(3 if repeats > 1 else 1))


def _timed(work: Callable[[], object], repeats: int) -> float:
    began = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - began) / repeats
