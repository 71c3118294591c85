"""A proposal for anything at all: a layout to correct, or a sentence; never another exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.flat_files.checking import check_file
from adapters.flat_files.infer import InferError, infer
from adapters.layouts import compile_layout
from tests.scale import scaled

_LINES = (
    st.lists(st.text("HDT0123456789 ,;|\"'ABé=\\", max_size=24), max_size=12).map("\n".join).map(str.encode)
)


@settings(max_examples=scaled(150))
@given(st.binary(max_size=300) | _LINES)
def test_any_bytes_give_a_proposal_or_a_sentence(body: bytes) -> None:
    try:
        proposal = infer(body, "sample")
    except InferError:
        return
    assert proposal.text.startswith("layout: sample\n")
    assert proposal.notes


def test_columns_kinds_and_parents_are_guessed_from_what_all_lines_share() -> None:
    body = b"".join(
        f"H{n:<6}202611{n + 10:02}\n".encode() + b"".join(f"D{i:03}{i * 7:05}EA\n".encode() for i in range(3))
        for n in range(1, 7)
    )
    proposal = infer(body, "orders")
    layout = compile_layout(proposal.text, "orders.yaml")

    assert layout.records["D"].parent == "H"
    assert "date(CCYYMMDD)" in proposal.text
    assert "type: int(8)" in proposal.text  # two numbers side by side: nobody can see where one ends
    assert proposal.notes[-1] == "by this layout: 24 records, 0 findings, written back the same"
    assert not check_file(layout, body, "orders.txt").is_bad
