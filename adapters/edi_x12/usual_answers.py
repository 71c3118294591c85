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
from adapters.edi_x12.usual_lines import AnswerForm, UsualAnswer, UsualLines
from canonical.acknowledgment import LineResponse
from canonical.assembly import Assemble, assembler, kept_text, part_text, quote
from canonical.lines import ItemLine
from canonical.values import DateValue

_NAMES = frozenset(
    {
        "sequence", "line_id", "item_ids", "description", "description_may_be_phi", "quantity", "price",
        "status", "accepted", "responses",
    }
)  # fmt: skip


@dataclass(eq=False, frozen=True, slots=True)
class _Known:
    """What one way of answering means by a partner's profile, whatever the quantity."""

    plain: PlainAnswer | None
    promise: DateValue | None


@lru_cache(maxsize=256)
def _memory(statuses: Iterable[tuple[str, str]], status_from: str, zone: str) -> dict[AnswerForm, _Known]:
    """Give what is known of answers where a profile reads them so."""
    return {}


def _responder(reader: Reader) -> Callable[[UsualAnswer, int], tuple[LineResponse, DateValue | None]]:
    """Give what reads an ACK: the response and the date that it promises."""
    reading = reader.partner.acknowledgments
    memory = _memory(tuple(reading.statuses.items()), reading.status_from, reader.zone)

    def respond(answer: UsualAnswer, index: int) -> tuple[LineResponse, DateValue | None]:
        form, value = answer
        known = memory.get(form)
        if known is not None and known.plain is not None:
            plain = known.plain
            return plain.of(parts_in.quantity(value, plain.unit)), known.promise
        response = read_answer(reader, form.with_quantity(value), index)
        promise = promised([response])
        if known is None:
            if len(memory) >= HEAD_VALUES_MAX:
                memory.clear()
            memory[form] = _Known(plain_answer(response), promise)
        return response, promise

    return respond


def read_usual_answers(reader: Reader, model: type[ItemLine], lines: UsualLines, index: int) -> int:
    """Add lines to the document; the index of their first segment comes in, that of their last goes out."""
    shapes, respond = _shapes(model), _responder(reader)
    for number, value, quantity, item, price, qualifier, reference, answer in lines:
        sequence = len(reader.lines) + 1
        reader.line_indexes.append(index)
        reader.quantities.append(value)
        index += 2 + (qualifier is not None) + (answer is not None)
        given: dict[str, Any] = {
            "sequence": sequence,
            "line_id": number,
            "item_ids": item.item_ids,
            "description": item.description,
            "description_may_be_phi": True,
            "quantity": quantity,
            "price": price,
        }
        made = None if qualifier is None else parts_in.plain_reference(qualifier, reference)
        if made is not None:
            given["references"] = (made,)
        response, promise = (None, None) if answer is None else respond(answer, index - 1)
        if response is not None:
            given["responses"] = [response]
        if response is None or response.status not in ACCEPTING or response.item_ids:
            reader.lines.append(given)
            continue
        accepted = response.quantity or quantity
        blank, assemble = shapes[(made is not None) + 2 * (promise is not None)]
        values = {**blank, **given, "status": response.status, "accepted": accepted, "responses": (response,)}
        text = (
            f'{{"sequence":{sequence},"line_id":{quote(number)}{item.text},"quantity":{part_text(quantity)}'
        )
        if made is not None:
            text += f',"references":[{kept_text(made)}]'
        text += f',"price":{part_text(price)},"status":"{response.status}","accepted":{part_text(accepted)}'
        if promise is not None:
            values["promised"] = promise
            text += f',"promised":{part_text(promise)}'
        reader.lines.append(assemble(values, f'{text},"responses":[{part_text(response)}]}}'))
    return index - 1


@cache
def _shapes(model: type[ItemLine]) -> tuple[tuple[dict[str, Any], Assemble], ...]:
    """Give what makes lines: plain, with a REF, with a promised date, with both."""
    extras: tuple[set[str], ...] = (set(), {"references"}, {"promised"}, {"references", "promised"})
    return tuple(assembler(model, _NAMES | extra) for extra in extras)
