from decimal import Decimal

import pytest
from hypothesis import given

from canonical.document import CanonicalDocument
from canonical.privacy import MASK, masked
from canonical.purchase_order import PurchaseOrder
from canonical.registry import parse_document, to_json
from tests.canonical.strategies import any_document

PATIENT = "Doe, Jane"


def order(**fields: object) -> PurchaseOrder:
    document = parse_document({"document_type": "purchase_order", "number": "1", **fields})
    assert isinstance(document, PurchaseOrder)
    return document


@pytest.mark.parametrize(
    "fields",
    [
        {"notes": [{"text": PATIENT}]},
        {"lines": [{"sequence": 1, "notes": [{"text": PATIENT, "kind": "clinical"}]}]},
        {"lines": [{"sequence": 1, "sub_lines": [{"notes": [{"text": PATIENT}]}]}]},
        {"lines": [{"sequence": 1, "description": PATIENT, "description_may_be_phi": True}]},
        {"lines": [{"sequence": 1, "sub_lines": [{"description": PATIENT, "description_may_be_phi": True}]}]},
        {"references": [{"kind": "case", "number": PATIENT, "may_be_phi": True}]},
        {"references": [{"kind": "case", "number": "7", "description": PATIENT, "may_be_phi": True}]},
        {"ship_to": {"name": PATIENT, "may_be_phi": True}},
        {"ship_to": {"address": {"lines": [PATIENT]}, "may_be_phi": True}},
        {"lines": [{"sequence": 1, "ship_to": {"contacts": [{"name": PATIENT}], "may_be_phi": True}}]},
        {"clinical_case": {"patient": PATIENT}},
        {"clinical_case": {"extensions": {"x": PATIENT}}},
        {"extensions": {"x12.MSG": [{"MSG01": PATIENT}]}},
        {"lines": [{"sequence": 1, "extensions": {"x": {"y": PATIENT}}}]},
    ],
)
def test_what_may_name_a_patient_is_masked_wherever_it_stands(fields: dict[str, object]) -> None:
    document = order(**fields)

    assert PATIENT.encode() in to_json(document)
    assert PATIENT.encode() not in to_json(masked(document))
    assert PATIENT.encode() in to_json(document), "the document itself must not change"


def test_a_number_in_an_extension_is_masked_too_for_it_may_be_a_patient_s() -> None:
    assert masked(order(extensions={"mrn": 12345678})).extensions == {"mrn": MASK}


def test_a_note_counts_as_phi_until_someone_says_otherwise() -> None:
    spoken_for = order(notes=[{"text": "Ring the bell", "may_be_phi": False}])

    assert masked(order(notes=[{"text": "Ring the bell"}])).notes[0].text == MASK
    assert masked(spoken_for) is spoken_for


def test_what_is_no_phi_stays() -> None:
    document = order(
        notes=[{"text": PATIENT}], lines=[{"sequence": 1, "description": "GLOVE", "quantity": {"value": "2"}}]
    )
    line = masked(document).lines[0]

    assert line.description == "GLOVE"
    assert line.quantity is not None
    assert line.quantity.value == Decimal(2)


@given(any_document())
def test_a_masked_document_is_a_valid_document_and_masking_it_again_changes_nothing(
    document: CanonicalDocument,
) -> None:
    once = masked(document)

    assert parse_document(to_json(once)) == once
    assert masked(once) == once
