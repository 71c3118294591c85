"""An 855's usual lines, each with the supplier's one answer -> canonical lines.

What each field says is what `answer_places.py` and `answer_reading.py` read from the same segments. A line
whose answer leaves anything to be worked out stays a plain part and is worked out with the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from adapters.edi_x12 import parts_in
from adapters.edi_x12.answer_places import PlainAnswer, plain_answer, read_answer
from adapters.edi_x12.answer_reading import ACCEPTING, promised
from adapters.edi_x12.grammar import HEAD_VALUES_MAX
from adapters.edi_x12.reader import Reader
from adapters.edi_x12.usual_lines import AnswerForm, UsualAnswer, UsualLine, UsualLines
from canonical.acknowledgment import LineResponse
from canonical.assembly import Assemble, assembler, kept_text, part_text, quote
from canonical.lines import ItemLine
from canonical.values import DateValue, Quantity, Reference

_NAMES = frozenset(
    {"sequence", "line_id", "item_ids", "quantity", "price", "status", "accepted", "responses"}
)


@dataclass(eq=False, frozen=True, slots=True)
class _Known:
    """What one way of answering means by a partner's profile, whatever the quantity."""

    plain: PlainAnswer | None
    promise: DateValue | None


@lru_cache(maxsize=256)
def _memory(statuses: Iterable[tuple[str, str]], status_from: str, zone: str) -> dict[AnswerForm, _Known]:
    """Give what is known of answers where a profile reads them so."""
    return {}


Respond = Callable[[UsualAnswer, int, str, Quantity], tuple[LineResponse, DateValue | None]]


def _responder(reader: Reader) -> Respond:
    """Give what reads an ACK: the response and the date that it promises.

    It is told what the line's own quantity is, as sent and as it is: mostly the ACK's is the same.
    """
    reading = reader.partner.acknowledgments
    known_of = _memory(tuple(reading.statuses.items()), reading.status_from, reader.zone).get

    def respond(
        answer: UsualAnswer, index: int, value: str, quantity: Quantity
    ) -> tuple[LineResponse, DateValue | None]:
        form, told = answer
        known = known_of(form)
        if known is None or known.plain is None:
            return _learned(reader, answer, index)
        plain = known.plain
        if told != value or plain.unit != quantity.unit:
            quantity = parts_in.quantity(told, plain.unit)
        return plain.of(quantity), known.promise

    return respond


def _learned(reader: Reader, answer: UsualAnswer, index: int) -> tuple[LineResponse, DateValue | None]:
    reading = reader.partner.acknowledgments
    memory = _memory(tuple(reading.statuses.items()), reading.status_from, reader.zone)
    form, told = answer
    response = read_answer(reader, form.with_quantity(told), index)
    promise = promised([response])
    if form not in memory:
        if len(memory) >= HEAD_VALUES_MAX:
            memory.clear()
        memory[form] = _Known(plain_answer(response), promise)
    return response, promise


def read_usual_answers(reader: Reader, model: type[ItemLine], lines: UsualLines, index: int) -> int:
    """Add lines to the document; the index of their first segment comes in, that of their last goes out."""
    shapes, respond, kept = _shapes(model), _responder(reader), kept_text
    add, counted, began = reader.lines.append, reader.quantities.append, reader.line_indexes.append
    sequence = len(reader.lines)
    for line in lines:
        number, value, quantity, item, price, qualifier, reference, answer = line
        sequence += 1
        began(index)
        counted(value)
        is_described = item.description is not None
        index += 1 + is_described + (qualifier is not None) + (answer is not None)
        made = None if qualifier is None else parts_in.plain_reference(qualifier, reference)
        response, promise = (None, None) if answer is None else respond(answer, index - 1, value, quantity)
        if response is None or response.status not in ACCEPTING or response.item_ids:
            add(_to_work_out(sequence, line, made, response))
            continue
        accepted = response.quantity or quantity
        blank, assemble = shapes[(made is not None) + 2 * (promise is not None) + 4 * is_described]
        values = blank.copy()
        values["sequence"], values["line_id"], values["item_ids"] = sequence, number, item.item_ids
        values["description"], values["description_may_be_phi"] = item.description, is_described
        values["quantity"], values["price"] = quantity, price
        values["status"], values["accepted"], values["responses"] = response.status, accepted, (response,)
        many = kept(quantity) or part_text(quantity)
        text = f'{{"sequence":{sequence},"line_id":{quote(number)}{item.text},"quantity":{many}'
        if made is not None:
            values["references"] = (made,)
            text += f',"references":[{kept(made)}]'
        if accepted is not quantity:
            many = kept(accepted) or part_text(accepted)
        text += f',"price":{kept(price) or part_text(price)},"status":"{response.status}","accepted":{many}'
        if promise is not None:
            values["promised"] = promise
            text += f',"promised":{part_text(promise)}'
        add(assemble(values, f'{text},"responses":[{part_text(response)}]}}'))
    return index - 1


def _to_work_out(
    sequence: int, line: UsualLine, made: Reference | None, response: LineResponse | None
) -> dict[str, Any]:
    """Give a line as a plain part, whose answer `answer_reading.py` works out with the others."""
    number, _, quantity, item, price, *_ = line
    given: dict[str, Any] = {
        "sequence": sequence,
        "line_id": number,
        "item_ids": item.item_ids,
        "quantity": quantity,
        "price": price,
    }
    if item.description is not None:
        given["description"], given["description_may_be_phi"] = item.description, True
    if made is not None:
        given["references"] = (made,)
    if response is not None:
        given["responses"] = [response]
    return given


@cache
def _shapes(model: type[ItemLine]) -> tuple[tuple[dict[str, Any], Assemble], ...]:
    """Give what makes lines: plain, with a REF, with a promised date, with both; then those with a PID."""
    extras: tuple[set[str], ...] = (set(), {"references"}, {"promised"}, {"references", "promised"})
    described = {"description", "description_may_be_phi"}
    return tuple(assembler(model, _NAMES | extra | more) for more in (set(), described) for extra in extras)
