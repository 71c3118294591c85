"""TA1, 997 and 999: which is written, with which codes, and what one that came in says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.base import Verdict
from adapters.edi_x12.config import X12Partner
from tests.adapters.edi_x12.rig import ENVELOPE, FORMAT, ORDER, Read, context, interchange, read

WANTS_999 = replace(ENVELOPE, acknowledgment="999")
BAD = "BEG*00*SA*PO1**20260304|PO1*1*three*EA*9.99**VN|CTT*1"


def acknowledged(
    body: bytes, partner: X12Partner | None = None, envelope: object = ENVELOPE, **changes: object
) -> list[list[str]]:
    """Give the segments of the acknowledgment of the first interchange, without their line breaks."""
    made = replace(envelope, partner_settings=partner, **changes)  # type: ignore[type-var]
    about = read(body, context(partner)).summary.interchanges[0]
    written = FORMAT.acknowledge(about, {}, made)  # type: ignore[arg-type]
    return [] if written is None else segments_of(written)


def segments_of(written: bytes) -> list[list[str]]:
    return [each.split("*") for each in written.decode().replace("\n", "").split("~")[:-1]]


def named(segments: list[list[str]], name: str) -> list[list[str]]:
    return [each[1:] for each in segments if each[0] == name]


def asking(body: bytes) -> bytes:
    """Ask for a TA1: ISA14 = 1."""
    return body.replace(b"*000000101*0*T", b"*000000101*1*T")


# -- TA1


def test_a_ta1_is_written_where_isa14_asks_for_it_in_front_of_the_first_group() -> None:
    segments = acknowledged(asking(interchange(ORDER)))

    assert [each[0] for each in segments[:3]] == ["ISA", "TA1", "GS"]
    assert named(segments, "TA1") == [["000000101", "260304", "0930", "A", "000"]]
    assert named(acknowledged(interchange(ORDER)), "TA1") == []


@pytest.mark.parametrize(
    ("old", "new", "code", "note"),
    [
        (b"IEA*1*000000101", b"IEA*1*000000109", "E", "001"),
        (b"IEA*1*", b"IEA*7*", "E", "021"),
        (b"IEA*1*000000101~", b"", "E", "023"),
        (b"*0*T*>", b"*0*P*>", "R", "020"),
    ],
)
def test_a_fault_of_the_envelope_is_told_by_ta1_unasked(old: bytes, new: bytes, code: str, note: str) -> None:
    body = interchange(ORDER)
    assert old in body

    assert [each[3:] for each in named(acknowledged(body.replace(old, new)), "TA1")] == [[code, note]]


def test_a_refused_envelope_gets_a_ta1_alone() -> None:
    segments = acknowledged(interchange(ORDER).replace(b"*0*T*>", b"*0*P*>"))

    assert [each[0] for each in segments] == ["ISA", "TA1", "IEA"]
    assert segments[-1] == ["IEA", "0", "000004711"]


def test_an_interchange_too_broken_to_have_groups_gets_a_ta1() -> None:
    body = interchange(ORDER)
    no_groups = body[: body.index(b"GS*")] + b"IEA*1*000000101~"

    assert [each[3:] for each in named(acknowledged(no_groups), "TA1")] == [["R", "021"]]
    assert named(acknowledged(body[: body.index(b"GS*")]), "TA1")[0][3:] == ["R", "023"]


def test_a_partner_may_want_always_or_never_a_ta1() -> None:
    never, always = (
        X12Partner(interchange_acknowledgment="never"),
        X12Partner(interchange_acknowledgment="always"),
    )

    assert named(acknowledged(asking(interchange(ORDER)), never), "TA1") == []
    assert named(acknowledged(interchange(ORDER), always), "TA1") == [
        ["000000101", "260304", "0930", "A", "000"]
    ]


def test_a_trailer_that_condemns_is_a_refusal_once_the_sets_are_refused() -> None:
    partner = X12Partner(envelope_counts="reject")
    body = interchange(ORDER).replace(b"IEA*1*", b"IEA*7*")
    about = read(body, context(partner)).summary.interchanges[0]
    envelope = replace(ENVELOPE, partner_settings=partner)
    taken, refused = (FORMAT.acknowledge(about, {0: verdict}, envelope) for verdict in
                      (Verdict.ACCEPTED, Verdict.REJECTED))  # fmt: skip

    assert taken is not None
    assert refused is not None
    assert named(segments_of(taken), "TA1")[0][3:] == ["E", "021"]
    assert named(segments_of(refused), "TA1")[0][3:] == ["R", "021"]


def test_a_control_number_of_an_earlier_file_refuses_the_envelope() -> None:
    segments = acknowledged(interchange(ORDER), repeats=("ISA13",))

    assert named(segments, "TA1")[0][3:] == ["R", "025"]


def test_the_second_of_two_equal_control_numbers_is_told_so() -> None:
    twice = interchange(ORDER) * 2
    partner = X12Partner(duplicates="reject")
    first, second = read(twice, context(partner)).summary.interchanges
    envelope = replace(ENVELOPE, partner_settings=partner)

    good, bad = (FORMAT.acknowledge(each, {}, envelope) for each in (first, second))
    assert good is not None
    assert bad is not None
    assert named(segments_of(good), "TA1") == []
    assert named(segments_of(bad), "TA1")[0][3:] == ["R", "025"]


# -- 997 and 999


def test_both_say_the_same_at_the_same_places() -> None:
    old, new = acknowledged(interchange(ORDER, BAD)), acknowledged(interchange(ORDER, BAD), None, WANTS_999)

    assert named(old, "AK3") == named(new, "IK3") == [["PO1", "3", "PO1", "8"]]
    assert named(old, "AK4") == named(new, "IK4") == [["2", "330", "6", "three"], ["7", "234", "2"]]
    assert named(old, "AK5") == named(new, "IK5") == [["A"], ["R", "5"]]
    assert named(old, "AK9") == named(new, "AK9") == [["P", "2", "2", "1"]]


def test_a_999_names_what_makes_an_element_necessary() -> None:
    assert named(acknowledged(interchange(BAD), None, WANTS_999), "CTX") == [
        ["SITUATIONAL TRIGGER", "PO1", "3", "PO1", "6"]
    ]
    assert named(acknowledged(interchange(BAD)), "CTX") == []


def test_a_999_is_of_its_guide_and_its_envelope_of_a_version_that_knows_it() -> None:
    segments = acknowledged(interchange(ORDER), None, WANTS_999)

    assert named(segments, "GS")[0][-1] == "005010X231A1"
    assert named(segments, "ST") == [["999", "0001", "005010X231A1"]]
    assert (segments[0][11], segments[0][12]) == ("^", "00501")


@pytest.mark.parametrize("version", ["004010", "005010", "004010VICS"])
def test_a_997_is_of_the_version_of_what_it_acknowledges(version: str) -> None:
    segments = acknowledged(interchange(ORDER, version=version))

    assert named(segments, "GS")[0][-1] == version
    assert named(segments, "AK1") == [["PO", "101"] + ([version] if version >= "005" else [])]


def test_a_partner_may_have_a_version_of_its_own_for_acknowledgments() -> None:
    partner = X12Partner(acknowledgment_version="005010X231")

    assert named(acknowledged(interchange(ORDER), partner, WANTS_999), "GS")[0][-1] == "005010X231"


def test_a_copy_of_bad_data_that_would_break_the_acknowledgment_is_left_out() -> None:
    bad = "BEG*00*SA*PO1**20260304|PO1*1*th>ree*EA"

    assert named(acknowledged(interchange(bad)), "AK4") == [["2", "330", "6"]]


def test_the_copy_is_cut_at_99_characters() -> None:
    bad = f"BEG*00*SA*PO1**20260304|PO1*1*{'x' * 300}*EA"

    assert [len(each[3]) for each in named(acknowledged(interchange(bad)), "AK4")] == [99]


@pytest.mark.parametrize(
    ("sets", "ak3"),
    [
        ("PO1*1*5*EA", ["BEG", "2", "", "3"]),
        (f"BEG*00*SA*PO1**20260304|{'|'.join(['CUR*BY*USD'] * 2)}|PO1*1*5*EA", ["CUR", "4", "", "5"]),
        ("BEG*00*SA*PO1**20260304|ZZ1*X|PO1*1*5*EA", None),
        ("BEG*00*SA*PO1**20260304|PO1*1*5*EA|CUR*BY*USD|BEG*00*SA*PO2**20260304", ["BEG", "5", "", "7"]),
    ],
)
def test_segments_are_named_at_their_place_with_what_is_wrong(sets: str, ak3: list[str] | None) -> None:
    found = named(acknowledged(interchange(sets)), "AK3")

    assert [each for each in found if each[:2] == (ak3 or [""])[:2]] == ([ak3] if ak3 else [])


def test_a_set_that_no_guide_knows_is_told_as_not_supported_where_it_is_not_passed_on() -> None:
    body = interchange("BSN*00*S1*20260304*0930", gs="SH").replace(b"ST*850", b"ST*856")
    refusing = X12Partner(unknown_sets="reject")

    assert named(acknowledged(body, refusing), "AK5") == [["R", "1"]]
    assert named(acknowledged(body), "AK5") == [["A"]]
    assert named(acknowledged(body, replace_pass(refusing)), "AK5") == [["A"]]


def replace_pass(partner: X12Partner) -> X12Partner:
    return partner.model_copy(update={"pass_through": ("856",)})


def test_a_group_number_that_comes_again_is_told_at_the_group() -> None:
    body = interchange(ORDER)
    group = body[body.index(b"GS*") : body.index(b"IEA*")]
    twice = body.replace(group, group * 2).replace(b"IEA*1*", b"IEA*2*")

    assert [each[4:] for each in named(acknowledged(twice), "AK9")] == [[], ["19"]]


# -- what came in


def answered(body: bytes) -> Read:
    made = FORMAT.acknowledge(read(body).summary.interchanges[0], {}, ENVELOPE)
    assert made is not None
    return read(made)


def test_what_we_write_is_read_back_by_the_number_that_it_is_about() -> None:
    sent = read(interchange(ORDER, BAD))
    back = answered(interchange(ORDER, BAD))

    (receipt,) = back.sets[0].receipts
    assert receipt.key == next(each.key for each in sent.sets[0].control_keys if each.name == "GS06")
    assert receipt.verdict is Verdict.REJECTED
    assert receipt.text == "997: group PO 101, 1 of 2 sets accepted; refused: 850 0002"


def test_a_ta1_is_read_back_by_the_interchange_that_it_is_about() -> None:
    sent = read(interchange(ORDER))
    back = answered(asking(interchange(ORDER)))

    (receipt,) = back.summary.receipts
    assert receipt.key == sent.sets[0].control_keys[0].key
    assert receipt.verdict is Verdict.ACCEPTED


def test_the_numbers_of_our_own_envelopes_are_those_that_answers_name() -> None:
    about = read(interchange(ORDER))
    wrapped = FORMAT.wrap([each.raw for each in about.sets], about.summary.interchanges[0], ENVELOPE)
    answer = FORMAT.acknowledge(read(wrapped).summary.interchanges[0], {}, ENVELOPE)
    assert answer is not None

    (receipt,) = read(answer).sets[0].receipts
    assert receipt.key in {each.key for each in FORMAT.control_keys(wrapped)}


def test_an_acknowledgment_counts_under_no_number_of_its_own() -> None:
    assert answered(interchange(ORDER)).sets[0].control_keys == ()


def test_which_numbers_may_come_again_is_the_partners_affair() -> None:
    strict = X12Partner(unique=("ISA13", "GS06", "ST02"), duplicates="reject")
    free = X12Partner(unique=())
    keys = read(interchange(ORDER), context(strict)).sets[0].control_keys

    assert [(each.name, each.on_repeat) for each in keys] == [
        ("ISA13", "reject"), ("GS06", "reject"), ("ST02", "reject"),
    ]  # fmt: skip
    assert {each.on_repeat for each in read(interchange(ORDER), context(free)).sets[0].control_keys} == {
        "ignore"
    }
