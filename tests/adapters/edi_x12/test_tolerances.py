"""What is read though X12 has it otherwise: each tolerance is a note, and may be refused to a partner."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.base import Level
from adapters.edi_x12.config import X12Partner
from tests.adapters.edi_x12.rig import ORDER, context, interchange, numbered, read

CLEAN = interchange(ORDER, ORDER)
NEEDS: dict[str, bytes] = {
    "X12-BOM": b"\xef\xbb\xbf" + CLEAN,
    "X12-BLANKS": CLEAN.replace(b"~PO1", b"~  PO1"),
    "X12-WRAP": CLEAN.replace(b"PO1*1*5", b"PO1*1\r\n*5"),
    "X12-EMPTY-SEGMENT": CLEAN.replace(b"~PO1", b"~~PO1"),
    "X12-ISA-WIDTH": CLEAN.replace(b"MERCYMMS       ", b"MERCYMMS"),
    "X12-ISA-PADDING": CLEAN.replace(
        b"MERCYMMS       ", "MERCYMMS\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0".encode()
    ),
    "X12-ISA12": CLEAN.replace(b"*U*00401*", b"*U*00200*"),
    "X12-ISA16": CLEAN.replace(b"*0*T*>~", b"*0*T~"),
    "X12-ISA-VALUE": CLEAN.replace(b"*260304*0930*U", b"*2603AA*0930*U"),
    "X12-GS-VALUE": CLEAN.replace(b"*20260304*0930*101", b"*260304*0930*101"),
    "X12-GS01": CLEAN.replace(b"GS*PO", b"GS*IN"),
    "X12-LEADING": b"Dear all, here is the file: " + CLEAN,
    "X12-TRAILING": CLEAN.replace(b"9.99~", b"9.99***~"),
    "X12-ENCODING": CLEAN.replace(b"PO1*1*5*EA*9.99", b"PO1*1*5*EA*9.99**VN*caf\xe9"),
    "X12-STRAY": CLEAN.replace(b"~GS*", b"~ZZZ*what~GS*", 1),
}
AT_THE_END = {
    "X12-NO-TERMINATOR": CLEAN.removesuffix(b"~"),
    "X12-BLANKS": CLEAN + b"   ",
    "X12-STRAY": CLEAN + b"\nregards, the EDI team\n",
}


@pytest.mark.parametrize("code", NEEDS)
def test_a_tolerance_is_a_note_and_changes_nothing_else(code: str) -> None:
    result = read(NEEDS[code])

    assert {finding.code for finding in result.findings} == {code}
    assert {finding.level for finding in result.findings} == {Level.NOTE}
    assert all(each.document is not None for each in result.sets)
    assert len(result.sets) == 2


@pytest.mark.parametrize("code", NEEDS)
def test_a_partner_that_may_not_need_it_is_refused_what_needs_it(code: str) -> None:
    partner = X12Partner(refuse=(code,))
    result = read(NEEDS[code], context(partner))

    refused = [each for each in result.sets if each.document is None]
    assert refused
    assert any(finding.code == code and "may not need" in finding.text for finding in refused[0].findings)
    assert [each.document is not None for each in read(CLEAN, context(partner)).sets] == [True, True]


@pytest.mark.parametrize("code", AT_THE_END)
def test_what_only_the_end_shows_condemns_the_interchange_as_a_unit(code: str) -> None:
    partner = X12Partner(refuse=(code,))
    result = read(AT_THE_END[code], context(partner))

    assert code in {finding.code for finding in result.summary.findings if finding.level is Level.REJECTED}
    assert {unit.kind for unit in result.summary.rejected_units} == {"interchange"}
    assert read(AT_THE_END[code]).summary.rejected_units == frozenset()


def test_a_file_of_many_interchanges_groups_types_and_versions_is_read_set_by_set() -> None:
    other = interchange(ORDER, version="005010").replace(b"000000101", b"000000102")
    notice = interchange("BSN*00*S1*20260304*0930", gs="SH").replace(b"ST*850", b"ST*856")
    group = (
        notice[notice.index(b"GS*") : notice.index(b"IEA*")]
        .replace(b"*101*X", b"*102*X")
        .replace(b"GE*1*101", b"GE*1*102")
    )
    mixed = CLEAN.replace(b"IEA*1*", group + b"IEA*2*")

    result = read(mixed + b"\r\n" + other)

    assert [each.set_type for each in result.sets] == ["850", "850", "856", "850"]
    assert [each.interchange for each in result.sets] == [0, 0, 0, 1]
    assert len(result.summary.interchanges) == 2
    assert {finding.code for finding in result.findings} == {"X12-NO-GUIDE", "X12-ISA12"}


def test_bare_sets_are_read_where_the_caller_names_the_partner() -> None:
    bare = (numbered(1, ORDER) + numbered(2, ORDER)).encode()

    assert [each.document is not None for each in read(bare).sets] == [True, True]
    assert [each.document is not None for each in read(bare, context(name=None)).sets] == [False, False]
    strict = context(X12Partner(refuse=("X12-BARE",)))
    assert [each.document is not None for each in read(bare, strict).sets] == [False, False]


def test_a_declared_encoding_is_read_without_a_note() -> None:
    body = CLEAN.replace(b"PO1*1*5*EA*9.99", b"PO1*1*5*EA*9.99**VN*caf\xe9 \x80 5")
    result = read(body, context(X12Partner(encoding="cp1252")))

    assert result.codes == []
    document = result.sets[0].document
    assert document is not None
    assert document.lines[0].item_ids[0].value == "café € 5"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["utf-16", "cp037", "no-such-thing"])
def test_an_encoding_that_cannot_be_read_is_refused_in_the_configuration(name: str) -> None:
    with pytest.raises(ValidationError, match="expected one such as"):
        X12Partner(encoding=name)
