"""Names that stand on several levels: read in document order only where they cannot be mistaken."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.mapping import Mapping, MappingContext, SourceField
from adapters.mapping.run import Run
from adapters.soap.document_order import is_told_by_name, names_below
from adapters.soap.fused import fused_reader
from adapters.soap.plan import MessagePlan, PlanCompiler
from adapters.soap.types import ElementModel, GroupModel, TypeModel, source_fields
from adapters.soap.wsdl import Message
from tests.adapters.soap.test_fused import told
from tests.scale import scaled

CONTEXT = MappingContext("order.xml", "America/Chicago")
MAPPING = """
mapping: two_levels
document: purchase_order
direction: read
fields:
  number: Number
groups:
  lines:
    from: Line
    fields:
      line_id: Id
      description: Item.Text
      notes[0].text: NOTE
  notes:
    from: Note
    fields: {text: .}
source:
  Line.Item.NOTE: ignore
"""


def text(name: str, *, is_required: bool = False, repeats: bool = False) -> ElementModel:
    return ElementModel(name, name, TypeModel(kind="string"), is_required=is_required, repeats=repeats)


def record(name: str, *parts: ElementModel, repeats: bool = False) -> ElementModel:
    return ElementModel(name, name, TypeModel(content=GroupModel("sequence", list(parts))), repeats=repeats)


def order_of(inner_note: str) -> ElementModel:
    """Give an order whose lines and items have notes of that name; the order's own are called Note."""
    item = record("Item", text("Text"), text(inner_note))
    line = record("Line", text("Id", is_required=True), item, text(inner_note), repeats=True)
    return record("Order", text("Number", is_required=True), line, text("Note", repeats=True))


@st.composite
def orders(draw: st.DrawFn, inner_note: str) -> bytes:
    def some(name: str, most: int = 1) -> str:
        word = st.text("abc", min_size=1, max_size=3)
        return "".join(f"<{name}>{draw(word)}</{name}>" for _ in range(draw(st.integers(0, most))))

    lines = "".join(
        f"<Line><Id>{number}</Id>{item}{some(inner_note)}</Line>"
        for number in range(1, draw(st.integers(1, 4)))
        for item in (draw(st.sampled_from(["", f"<Item>{some('Text')}{some(inner_note)}</Item>"])),)
    )
    return f"<Order><Number>7</Number>{lines}{some('Note', 2)}</Order>".encode()


@given(st.data())
@settings(max_examples=scaled(100))
def test_one_name_on_three_levels_is_read_as_the_record_says(data: st.DataObject) -> None:
    inner_note = data.draw(st.sampled_from(["Note", "Remark"]))
    model = order_of(inner_note)
    message = Message((model,))
    fields: tuple[SourceField, ...] = source_fields(model.type)
    mapping = Mapping.load(MAPPING.replace("NOTE", inner_note), "m.yaml", fields)
    element = etree.fromstring(data.draw(orders(inner_note)))

    fused = fused_reader(message, mapping.root)(element, Run(CONTEXT))

    by_record, findings = mapping.read(MessagePlan(message, PlanCompiler()).read([element]), CONTEXT)
    assert not findings
    assert told(fused, mapping) == told(by_record, mapping)


def test_a_name_that_may_follow_its_parent_keeps_a_type_from_being_read_in_document_order() -> None:
    assert is_told_by_name(order_of("Remark").type) is False, "an item's remark, or its line's?"
    assert is_told_by_name(record("Line", record("Item", text("Text")), text("Note")).type)
    assert not is_told_by_name(record("Line", record("Item", text("Note")), text("Note")).type)
    assert is_told_by_name(record("Line", text("Note"), record("Item", text("Note"))).type), "it stood before"


def test_a_repeated_parent_s_own_name_below_itself_is_ambiguous() -> None:
    inner = record("Part", text("Part"), repeats=True)

    assert not is_told_by_name(record("Order", inner).type)
    assert is_told_by_name(record("Order", record("Part", text("Piece"), repeats=True)).type)


def test_any_content_types_within_themselves_and_free_order_are_walked_child_by_child() -> None:
    free = TypeModel(content=GroupModel("all", [text("A"), text("B")]))
    within = TypeModel(content=GroupModel("sequence", []))
    within.content = GroupModel("sequence", [ElementModel("Again", "Again", within)])

    assert not is_told_by_name(TypeModel(has_any=True))
    assert not is_told_by_name(TypeModel(kind="anyType"))
    assert not is_told_by_name(free)
    assert not is_told_by_name(within)
    assert names_below(within) == {"Again"}
