"""Both ways lose nothing: `encode(decode(bytes)) == bytes`, `decode(encode(document)) == document`.

Sets are drawn from our own guides, so every place and every element of the three sets in both versions is
reached; documents are drawn from what such sets decode to, and from nothing but canonical fields.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Envelope, Level
from adapters.edi_x12.config import InterchangeId, X12Partner
from adapters.edi_x12.delimiters import Delimiters
from adapters.edi_x12.encode import WrittenSet, write_set
from adapters.edi_x12.functional_groups import GROUP_OF_SET
from adapters.edi_x12.guide import guide_for
from adapters.edi_x12.profile import Outbound
from canonical.document import CanonicalDocument
from canonical.model import Model
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.values import (
    AllowanceCharge,
    Contact,
    DateValue,
    ItemIdentifier,
    Note,
    Party,
    PartyIdentifier,
    PaymentTerms,
    Price,
    Quantity,
    Reference,
    Tax,
)
from tests.adapters.edi_x12.random_sets import Maker
from tests.adapters.edi_x12.rig import FORMAT, context, read
from tests.adapters.edi_x12.test_golden import CASES, read_case
from tests.scale import scaled

SETS = [(kind, version) for kind in ("850", "855", "810") for version in ("004010", "005010")]
ZONE = "America/Chicago"
PLAIN = Delimiters(b"*", b">", b"~")


def partner(version: str = "004010", **outbound: object) -> X12Partner:
    return X12Partner(
        isa=(InterchangeId(qualifier="ZZ", id="MEDSUPPLY"),),
        us=InterchangeId(qualifier="ZZ", id="MERCYMMS"),
        version=version,
        outbound=Outbound.model_validate({"line_break": "none", **outbound}),
    )


def envelope(of: X12Partner) -> Envelope:
    at = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
    return Envelope(101, at, "test", zone=ZONE, partner_settings=of)


def interchange_of(segments: list[str], kind: str, version: str) -> bytes:
    isa_version = "00501" if version == "005010" else "00401"
    isa11 = "^" if version == "005010" else "U"
    whole = [f"ST*{kind}*0001", *segments, f"SE*{len(segments) + 2}*0001"]
    return (
        "ISA*00*          *00*          *ZZ*MERCYMMS       *ZZ*MEDSUPPLY      *260304*0930*"
        f"{isa11}*{isa_version}*000000101*0*T*>~"
        f"GS*{GROUP_OF_SET[kind]}*MERCYMMS*MEDSUPPLY*20260304*0930*101*X*{version}~"
        + "".join(f"{each}~" for each in whole)
        + "GE*1*101~IEA*1*000000101~"
    ).encode()


def decoded(body: bytes, of: X12Partner) -> CanonicalDocument | None:
    """Give the document of an interchange of one clean set, None where anything is wrong with it."""
    result = read(body, context(of))
    if any(each.level is not Level.NOTE for each in result.findings):
        return None
    return result.sets[0].document


def without_provenance(document: CanonicalDocument) -> CanonicalDocument:
    return document.model_copy(update={"provenance": None})


@pytest.mark.parametrize(("kind", "version"), SETS)
@pytest.mark.parametrize("density", [0.15, 0.5])
def test_any_clean_interchange_is_written_back_byte_for_byte(kind: str, version: str, density: float) -> None:
    of = partner(version)
    guide = guide_for(kind, version, of)
    assert guide is not None
    clean, wanted = 0, scaled(25)
    for seed in range(3 * wanted):
        body = interchange_of(Maker(guide, seed, density).segments(), kind, version)
        document = decoded(body, of)
        if document is None:
            continue  # notes that contradict each other can leave a drawn segment unclean
        assert FORMAT.encode([document], envelope(of)) == body, f"seed {seed}"
        clean += 1
        if clean == wanted:
            return
    pytest.fail(f"only {clean} of {3 * wanted} drawn sets were clean")


@pytest.mark.parametrize(("kind", "version"), SETS)
def test_any_decoded_document_comes_back_equal(kind: str, version: str) -> None:
    of = partner(version)
    guide = guide_for(kind, version, of)
    assert guide is not None
    compared = 0
    for seed in range(10_000, 10_000 + scaled(40)):
        document = decoded(interchange_of(Maker(guide, seed, 0.3).segments(), kind, version), of)
        if document is not None:
            again = decoded(FORMAT.encode([document], envelope(of)), of)
            assert again is not None
            assert without_provenance(again) == without_provenance(document), f"seed {seed}"
            compared += 1
    assert compared > 20


# -- documents that never were X12

M = TypeVar("M", bound=Model)

words = st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), min_size=2, max_size=12)
amounts = st.decimals(Decimal("0.01"), Decimal("99999"), places=2)
counts = st.integers(1, 99_999).map(Decimal)
days = st.dates(date(2020, 1, 1), date(2035, 12, 31)).map(
    lambda day: DateValue(date=day, zone=ZONE, text=f"{day:%Y%m%d}")
)
some = st.one_of(st.none(), words)


def parts(model: type[M], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[M]:
    """Give a model from fields; those that come out as None are left out."""

    def made(values: dict[str, Any]) -> M:
        return model(**{name: value for name, value in values.items() if value is not None})

    return st.fixed_dictionaries(fields).map(made)


quantities = parts(Quantity, value=counts, unit=st.sampled_from(["EA", "BX", "CA"]))
prices = st.one_of(
    parts(Price, amount=amounts),
    amounts.map(lambda a: Price(amount=a, basis="per_hundred", basis_code="HP", base_quantity=Decimal(100))),
)
schemes = st.sampled_from(["vendor", "buyer", "manufacturer", "gtin"])
item_ids = st.lists(parts(ItemIdentifier, scheme=schemes, value=words), max_size=4).map(tuple)
identifiers = parts(
    PartyIdentifier, scheme=st.sampled_from(["gln", "duns", "hin", "assigned_by_buyer"]), value=words
)
parties = parts(Party, name=words, identifiers=identifiers.map(lambda each: (each,)))
references = parts(Reference, kind=st.just("requisition"), number=words, qualifier=st.just("RQ"))
charges = parts(
    AllowanceCharge,
    indicator=st.sampled_from(["allowance", "charge"]),
    kind=st.just("freight"),
    amount=amounts,
    raw_codes=st.just({"SAC02": "D240"}),
).map(
    lambda each: each.model_copy(
        update={"raw_codes": {"SAC01": "C" if each.indicator == "charge" else "A", **each.raw_codes}}
    )
)
terms = parts(PaymentTerms, code=st.just("05"), net_days=st.integers(1, 90), description=some)
taxes = parts(Tax, kind=st.just("state"), amount=amounts, raw_codes=st.just({"TXI01": "ST"}))
contacts = parts(
    Contact, role=st.just("order"), name=words, phones=words.map(lambda each: (each,)),
    raw_codes=st.just({"PER01": "OC"}),
)  # fmt: skip
maybe_days, maybe_parties = st.one_of(st.none(), days), st.one_of(st.none(), parties)
lines = st.lists(
    parts(
        PurchaseOrderLine,
        sequence=st.just(1),
        line_id=words,
        quantity=quantities,
        price=st.one_of(st.none(), prices),
        item_ids=item_ids,
        requested=maybe_days,
        ship_to=maybe_parties,
        allowances_charges=st.lists(charges, max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=4,
).map(lambda made: tuple(each.model_copy(update={"sequence": n}) for n, each in enumerate(made, 1)))
notes = st.builds(Note, text=words, kind=st.just("general"), qualifier=st.just("L1"))
orders = parts(
    PurchaseOrder,
    number=words,
    release=some,
    order_date=days,
    order_type=st.just("new"),
    requested=maybe_days,
    raw_codes=st.just({"BEG01": "00", "BEG02": "NE"}),
    buyer=parties,
    ship_to=maybe_parties,
    references=st.lists(references, max_size=3).map(tuple),
    payment_terms=st.lists(terms, max_size=2).map(tuple),
    taxes=st.lists(taxes, max_size=2).map(tuple),
    contacts=st.lists(contacts, max_size=2).map(tuple),
    notes=st.lists(notes, max_size=2).map(tuple),
    lines=lines,
)


@given(orders)
@settings(max_examples=scaled(60), deadline=None)
def test_an_order_made_of_canonical_fields_comes_back_equal(order: PurchaseOrder) -> None:
    of = partner(line_count="as_sent")

    again = decoded(FORMAT.encode([order], envelope(of)), of)

    assert again is not None
    assert without_provenance(again) == order


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_golden_case_is_written_back_unless_something_is_wrong_with_it(case: Path) -> None:
    settings_file = case.with_suffix(".partner.json")
    text = settings_file.read_text() if settings_file.exists() else "{}"
    of = X12Partner.model_validate_json(text)
    version = "005010" if b"005010" in case.read_bytes()[:400] else "004010"
    result = read_case(case)
    for each in result.sets:
        is_wrong = any(finding.level is not Level.NOTE for finding in each.findings)
        if each.document is None or is_wrong:
            continue
        around = each.document.provenance
        assert around is not None
        facts = result.summary.interchanges[each.interchange].facts
        delimiters = Delimiters.from_json(facts["delimiters"])  # type: ignore[arg-type]
        control = around.control_numbers["ST02"]
        in_latin1 = delimiters.terminator == b"\x85"  # which UTF-8 does not have alone
        update = {"version": version, "encoding": "latin-1" if in_latin1 else of.encoding}
        written = write_set(each.document, control, of.model_copy(update=update), delimiters, ZONE)
        assert isinstance(written, WrittenSet), written
        if not TOLERATED & {finding.code for finding in each.findings}:
            assert written.body.strip() == each.raw.strip()


# What is tolerated on the way in is not written again.
TOLERATED = {"X12-WRAP", "X12-TRAILING", "X12-ENCODING", "X12-BLANKS", "X12-EMPTY-SEGMENT"}
