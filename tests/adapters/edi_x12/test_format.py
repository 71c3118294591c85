"""What the gateway asks the format about an input's first bytes, and how it finds the adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base.registry import adapter
from adapters.edi_x12.config import X12Partner
from tests.adapters.edi_x12.rig import FORMAT, ORDER, context, interchange, numbered, read
from tests.adapters.edi_x12.test_golden import CASES


def test_the_registry_finds_the_adapter_by_its_folder() -> None:
    found = adapter("edi_x12")

    assert found.partner is X12Partner
    assert found.format is not None
    assert found.format().name == "edi_x12"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_readable_case_is_recognised(case: Path) -> None:
    assert FORMAT.recognises(case.read_bytes()[:4096]) == (case.stem != "not_x12")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<?xml version='1.0'?>",
        b'{"document_type": 1}',
        b"STATUS;OK",
        b"ST\n",
        b"GS",
        b"ISA",
        b"\xff" * 9,
    ],
)
def test_other_inputs_are_not_taken_for_x12(head: bytes) -> None:
    assert not FORMAT.recognises(head)


@pytest.mark.parametrize(("code", "urgent"), [("RO", True), ("EO", True), ("SA", False)])
def test_a_rush_order_shows_in_the_first_bytes(code: str, urgent: bool) -> None:
    assert FORMAT.is_urgent(interchange(f"BEG*00*{code}*PO1**20260304|PO1*1*1*EA")) is urgent


def test_the_identity_is_who_to_whom_and_the_control_number() -> None:
    assert FORMAT.identity(interchange(ORDER)) == "ZZ/MERCYMMS/ZZ/MEDSUPPLY/000000101"
    assert FORMAT.identity(numbered(1, ORDER).encode()) is None


def test_a_bare_set_needs_a_named_partner() -> None:
    bare = numbered(1, ORDER).encode()

    assert read(bare).sets[0].document is not None
    assert "X12-PARTNER" in read(bare, context(name=None)).codes


def test_the_environment_of_the_sender_must_be_ours() -> None:
    body = interchange(ORDER)

    assert read(body, context(environment="production")).codes == ["X12-ENV"]
    assert read(body.replace(b"*0*T*>", b"*0*P*>"), context(environment="production")).codes == []


def test_a_set_without_a_guide_passes_and_names_its_orders() -> None:
    body = interchange("BSN*00*S1*20260304*0930|HL*1**S|PRF*PO1|PRF*PO2|PRF*PO1").replace(
        b"ST*850", b"ST*856"
    )

    made = read(body).sets[0]

    assert (made.is_passed_through, made.document, made.order_numbers) == (True, None, ("PO1", "PO2"))
