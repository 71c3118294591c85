"""Verifying a signed purchase order of 50 lines, against what xmlsec alone needs for the same signature.

Both are given the same parsed envelope; ours judges ids, algorithms, references, coverage and age around
the same library call. CPU time, medians of paired runs in one process.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

from adapters.soap.wsse import Verified, verifier
from adapters.soap.wsse_names import DSIG
from adapters.soap.wsse_settings import InboundSecurity, OutboundSecurity
from adapters.soap.wsse_write import seal, secure
from adapters.xml import Keep, parse_xml
from benchmarks.table import Row
from simulators.soap_mms.envelope import COMMON, PURCHASING, SOAP11

LINES = 50
PAIRS = 9
REPEATS = 30
BAR = 1.2
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def run() -> list[Row]:
    """Measure all rows."""
    certificate, key = _pair()
    secrets = {"env:CERT": certificate, "env:KEY": key}
    body = _signed(secrets)
    return [_verification(body, secrets), _signing(secrets)]


def _verification(body: bytes, secrets: dict[str, str]) -> Row:
    judge = verifier(
        InboundSecurity.model_validate({"signers": ({"certificate": "env:CERT"},)}), secrets.__getitem__
    )
    bare_key = xmlsec.Key.from_memory(secrets["env:CERT"].encode(), xmlsec.constants.KeyDataFormatCertPem)

    def ours(envelope: etree._Element) -> None:
        found = judge.verify(envelope, "benchmark", NOW, "hash")
        if not isinstance(found, Verified):
            raise AssertionError(found)

    def bare(envelope: etree._Element) -> None:
        context = xmlsec.SignatureContext()
        xmlsec.tree.add_ids(envelope, ["Id"])  # in C, whatever has one
        context.key = bare_key
        context.verify(next(envelope.iter(f"{{{DSIG}}}Signature")))

    ratios, times = [], []
    for _ in range(PAIRS):
        before = _seconds(bare, body)
        own = _seconds(ours, body)
        after = _seconds(bare, body)
        ratios.append(own / ((before + after) / 2))
        times.append(own)
    ratio = statistics.median(ratios)
    figure = f"{1 / statistics.median(times):,.0f}/s"
    return Row("WS-Security: verify a 50-line order", figure, ratio, f"<= {BAR} x xmlsec", ratio <= BAR)


def _signing(secrets: dict[str, str]) -> Row:
    """Tell what signing costs; there is no bar for it."""
    made = seal(
        OutboundSecurity.model_validate({"signature": {"certificate": "env:CERT", "key": "env:KEY"}}),
        secrets.__getitem__,
    )
    order = _order()
    seconds = _seconds(lambda envelope: secure(envelope, made, NOW, bytes(16)), order)
    return Row("WS-Security: sign a 50-line order", f"{1 / seconds:,.0f}/s", None, "-", True)


def _seconds(work: Callable[[etree._Element], None], body: bytes) -> float:
    """Give CPU seconds for one; parsing is not counted, each run gets a fresh tree."""
    envelopes = [parse_xml(body, "benchmark", keep=Keep.EVERYTHING) for _ in range(REPEATS)]
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        for envelope in envelopes:
            work(envelope)
        return (time.process_time() - begun) / REPEATS
    finally:
        gc.enable()


def _signed(secrets: dict[str, str]) -> bytes:
    envelope = parse_xml(_order(), "benchmark")
    policy = OutboundSecurity.model_validate({"signature": {"certificate": "env:CERT", "key": "env:KEY"}})
    secure(envelope, seal(policy, secrets.__getitem__), NOW, bytes(range(16)))
    return etree.tostring(envelope)


def _order() -> bytes:
    lines = "".join(
        f"<p:Line><p:LineNumber>{each}</p:LineNumber><p:Item><c:VendorCatalog>8881-{each}</c:VendorCatalog>"
        f"<c:BuyerItem>10{each}</c:BuyerItem>"
        f"<c:Description>Item number {each}, sterile</c:Description></p:Item>"
        f'<p:Quantity uom="BX">{each}</p:Quantity><p:UnitPrice currency="USD">18.5{each}</p:UnitPrice>'
        "<p:NeedBy>2026-11-26</p:NeedBy>"
        + "".join(
            f"<p:Accounting percent='{percent}'><c:CostCenter>{center}</c:CostCenter>"
            "<c:Account>614000</c:Account></p:Accounting>"
            for percent, center in ((60, "7310"), (40, "7320"))
        )
        + "</p:Line>"
        for each in range(1, LINES + 1)
    )
    return (
        f'<e:Envelope xmlns:e="{SOAP11}" xmlns:p="{PURCHASING}" xmlns:c="{COMMON}"><e:Header/><e:Body>'
        '<p:SubmitPurchaseOrder><p:PurchaseOrder type="STANDARD"><p:PONumber>1</p:PONumber>'
        "<p:OrderDate>2026-11-20</p:OrderDate><p:VendorId>V-1</p:VendorId><p:ShipTo><c:LocationCode>D</c:LocationCode>"
        f'</p:ShipTo>{lines}<p:Total currency="USD">1</p:Total></p:PurchaseOrder></p:SubmitPurchaseOrder>'
        "</e:Body></e:Envelope>"
    ).encode()


def _pair() -> tuple[str, str]:
    key = generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    certificate = dated.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    return certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
