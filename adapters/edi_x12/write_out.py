"""What the three documents have in common, as segments: references, parties, charges, lines, totals. Pure.

The inverse of `places.py` and its like. Each function puts what it writes on the page; the page knows the
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.edi_x12 import codes, codes_out, layout, parts_out
from adapters.edi_x12.as_sent import came_as_x12, order_of
from adapters.edi_x12.notes_out import describe, notes
from adapters.edi_x12.page import Page
from canonical.lines import SubLine
from canonical.values import (
    AllowanceCharge,
    Contact,
    DateValue,
    KindedDate,
    Party,
    PaymentTerms,
    Reference,
    Shipping,
    Tax,
)


def contacts(page: Page, path: str, values: Sequence[Contact], loop: str | None = None) -> None:
    """PER."""
    for each in values:
        page.add_below(loop or path, path, parts_out.contact(each))


def references(page: Page, path: str, values: Sequence[Reference], loop: str | None = None) -> None:
    """REF; those that may be about a patient head notes instead."""
    for each in values:
        if not each.may_be_phi:
            page.add_below(loop or path, path, parts_out.reference(each))


def terms(page: Page, values: Sequence[PaymentTerms]) -> None:
    """ITD."""
    for each in values:
        page.add("ITD", page.attempt("ITD", lambda each=each: parts_out.terms(each)))  # type: ignore[misc]


def shipping(
    page: Page, above: str, values: Sequence[Shipping], segment: str, loop: str | None = None
) -> None:
    """FOB, and TD5 or CAD."""
    for each in values:
        freight = parts_out.freight(each)
        if freight:
            page.add_below(loop or f"{above}FOB", f"{above}FOB", freight)
    for each in values:
        carried = parts_out.carrier(each, segment)
        if carried:
            page.add_below(loop or f"{above}{segment}", f"{above}{segment}", carried)


def charges(page: Page, path: str, values: Sequence[AllowanceCharge], loop: str | None = None) -> None:
    """SAC."""
    for each in values:
        made = page.attempt(path, lambda each=each: parts_out.charge(each, page.partner))  # type: ignore[misc]
        if made:
            page.add_below(loop or path, path, made)


def taxes(page: Page, path: str, values: Sequence[Tax]) -> None:
    """TXI."""
    for each in values:
        page.add(path, parts_out.tax(each))


def dates(
    page: Page,
    path: str,
    values: Sequence[KindedDate],
    requested: DateValue | None = None,
    order: list[str] | None = None,
) -> None:
    """DTM; what was requested stands first, or where it stood."""
    rows = [
        made
        for each in values
        if (made := page.attempt(path, lambda each=each: parts_out.dated(each)))  # type: ignore[misc]
    ]
    if requested is not None:
        at = min(len(order) - 1, len(rows)) if order else 0
        rows.insert(at, ["002", *parts_out.moment(requested)])
    for row in rows:
        page.add(path, row)


def party(page: Page, path: str, value: Party, role: str, loop: str | None = None) -> None:
    """N1 with all that stands behind it."""
    top = loop or path
    page.add_below(top, path, parts_out.party(value, role, page.partner))
    for row in parts_out.texts(value.more_names, value.raw_codes.get("N2")):
        page.add_below(top, f"{path}/N2", row)
    if value.address is not None:
        for row in parts_out.texts(value.address.lines, value.raw_codes.get("N3")):
            page.add_below(top, f"{path}/N3", row)
        place = parts_out.place(value)
        if place:
            page.add_below(top, f"{path}/N4", place)
    references(page, f"{path}/REF", value.references, top)
    contacts(page, f"{path}/PER", value.contacts, top)


def header_parties(page: Page, document: Any) -> None:
    """N1 of the header, in the order sent or in ours."""
    fields = [(name, getattr(document, name)) for name in layout.PARTY_FIELDS]
    named = [(name, each) for name, each in fields if each is not None]
    others = [(each.role, each) for each in document.parties]
    order = order_of(document, "N1")
    for role, each in _ordered(named, others, order) if order else [*named, *others]:
        party(page, "N1", each, role)


def _ordered(
    named: list[tuple[str, Party]], others: list[tuple[str, Any]], order: list[str]
) -> list[tuple[str, Party]]:
    """Put parties in the order of their codes; a hint that does not fit them is worth nothing."""
    waiting, rest, made = dict(named), list(others), []
    coded = {name: parts_out.party_code(each, name) for name, each in named}
    for code in order:
        field = next((name for name in waiting if coded[name] == code), None)
        if field is not None:
            made.append((field, waiting.pop(field)))
        elif rest:
            made.append(rest.pop(0))
    return [*named, *others] if waiting or rest else made


def sub_lines(page: Page, values: Sequence[SubLine], above: str, level: str) -> None:
    """SLN with what stands behind it."""
    top = f"{above}SLN"
    for each in values:
        page.add_below(top, top, page.attempt(top, lambda each=each: _sln(page, each)))  # type: ignore[misc]
        before = len(page.part.segments[top])
        describe(page, f"{top}/PID", each, level, top)
        notes(page, f"{top}/", each, level, loop=top)
        references(page, f"{top}/REF", each.references, top)
        charges(page, f"{top}/SAC", each.allowances_charges, top)
        behind = page.part.segments[top][before:]
        behind.sort(key=lambda segment: page.ranks[_loop_of(segment[0], top)])  # stable: loops stay whole
        page.part.segments[top][before:] = behind


def _loop_of(path: str, above: str) -> str:
    return f"{above}/{path.removeprefix(above).split('/')[1]}"


def _sln(page: Page, each: SubLine) -> list[str]:
    raw, quantity = each.raw_codes, each.quantity
    relation = codes_out.code(each.relationship, raw.get("SLN03"), codes.SUB_LINES, codes_out.SUB_LINES, "O")
    ids = parts_out.item_ids(each.item_ids, (), page.partner)
    return [
        each.sub_line_id or "",
        each.parent_id or "",
        relation,
        parts_out.number(quantity.value) if quantity else "",
        parts_out.unit(quantity.unit, raw.get("SLN05"), page.partner) if quantity else "",
        *parts_out.price(each.price, None),
        raw.get("SLN08", ""),
        *ids,
    ]


def line_head(page: Page, line: Any, segment: str) -> list[str]:
    """Give the elements of a PO1 or IT1."""
    raw, quantity, price = line.raw_codes, line.quantity, line.price
    sent_unit = raw.get(f"{segment}03")
    head = [
        line.line_id or "",
        parts_out.raw_number(quantity.value, raw.get(f"{segment}02")) if quantity else "",
        parts_out.unit(quantity.unit, sent_unit, page.partner) if quantity else sent_unit or "",
        *parts_out.price(price, raw.get(f"{segment}04")),
    ]
    if price is None:
        head[4] = raw.get(f"{segment}05", "")
    gaps = [(int(name[3:]) - 6) // 2 for name, text in raw.items() if text == "" and name[:3] == segment]
    return head + parts_out.item_ids(line.item_ids, gaps, page.partner)


def line_body(page: Page, line: Any, above: str, level: str) -> None:
    """Write what lines of all three sets have: prices, measures, texts, packaging, references, charges."""
    if line.list_price is not None:
        page.add(f"{above}CTP", ["", "LPR", parts_out.number(line.list_price.amount)])
    for each in line.attributes:
        measured = parts_out.measure(each)
        if measured:
            page.add(f"{above}MEA", measured)
    describe(page, f"{above}PID", line, level)
    notes(page, above, line, level)
    if line.packaging is not None:
        page.add(f"{above}PO4", parts_out.packaging(line.packaging))
    references(page, f"{above}REF", line.references)
    charges(page, f"{above}SAC", line.allowances_charges)
    taxes(page, f"{above}TXI", line.taxes)
    if line.amount is not None and page.has(f"{above}AMT"):
        page.add(f"{above}AMT", ["1", parts_out.number(line.amount)])


def totals(page: Page, document: Any, value: Any, lines: int) -> None:
    """CTT and the amount behind it; counted by us where the document came without."""
    if value is None:
        if page.partner.outbound.line_count == "always" and not came_as_x12(document):
            page.add("CTT", [str(lines)])
        return
    counted = lines if value.line_count is None and not came_as_x12(document) else value.line_count
    if counted is not None:
        row = [
            parts_out.number(counted),
            parts_out.number(value.quantity_hash),
            *parts_out.measured(value.weight),
            *parts_out.measured(value.volume),
        ]
        page.add("CTT", row)
    if value.amount is not None:
        page.add_below("CTT", "CTT/AMT", ["TT", parts_out.number(value.amount.amount)])
