"""What the three documents have in common, as segments: references, parties, notes, charges, schedules. Pure.

The inverse of `places.py` and its like. Each function puts what it writes on the page; the page knows the
order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.edi_x12 import codes, codes_out, layout, parts_out
from adapters.edi_x12.page import Page
from canonical.lines import Schedule, SubLine
from canonical.values import (
    AllowanceCharge,
    Contact,
    DateValue,
    KindedDate,
    Note,
    Party,
    PaymentTerms,
    Quantity,
    Reference,
    Shipping,
    Tax,
)

MESSAGE_MAX = 264  # MSG01, element 933
NOTE_MAX = 80  # NTE02, PID05, element 352
_MADE_HEADING = "NOTE"


def kept_of(owner: Any) -> Sequence[Mapping[str, Any]]:
    """Give what of an owner's X12 has no other home."""
    kept = owner.extensions.get("x12", ())
    return kept if isinstance(kept, tuple | list) else ()


def order_of(owner: Any, place: str) -> list[str] | None:
    """Give the hint in which order an owner's segments of a place stood."""
    for each in kept_of(owner):
        if each.get("place") == place and "order" in each:
            return list(each["order"])
    return None


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


# -- notes


def notes(page: Page, above: str, owner: Any, level: str, *, loop: str | None = None) -> None:
    """Write notes and their headings, as they were sent or as `layout.py` has it."""
    values: list[Note] = list(owner.notes)
    heads = layout.headings(owner)
    if not values and not heads:
        return
    tokens = note_order(owner, level)
    writer = _Notes(page, above, values, heads, loop, getattr(owner, "description", None) or "")
    for token in tokens:
        writer.write(token)


def note_order(owner: Any, level: str) -> list[str]:
    """Give the segments that an owner's notes are written as."""
    values, heads = owner.notes, layout.headings(owner)
    tokens = order_of(owner, "N9")
    return tokens if tokens and _fits(tokens, values, heads) else layout.note_tokens(values, heads, level)


def describe(page: Page, path: str, owner: Any, level: str, loop: str | None = None) -> None:
    """Write the description in front of all other texts, unless it stood behind one."""
    if owner.description is not None and "PID0" not in note_order(owner, level):
        page.add_below(loop or path, path, ["F", "", "", "", owner.description])


def _fits(tokens: list[str], values: Sequence[Note], heads: Sequence[Reference]) -> bool:
    return sum(each == "N9" for each in tokens) == len(heads) and sum(
        each not in ("N9", "N9H", "PID0") for each in tokens
    ) == len(values)


class _Notes:
    """Notes of one owner on their way out, heading by heading."""

    def __init__(
        self,
        page: Page,
        above: str,
        values: list[Note],
        heads: list[Reference],
        loop: str | None,
        description: str,
    ) -> None:
        self.page, self.above, self.loop = page, above, loop
        self.values, self.heads, self.description = values, heads, description
        self.is_open = False

    def write(self, kind: str) -> None:
        """Write the next note or heading."""
        match kind:
            case "N9":
                self._head(parts_out.reference(self.heads.pop(0)))
            case "N9H":
                self._head([self.values[0].qualifier or "L1", _MADE_HEADING])
            case "N9T":
                note = self.values.pop(0)
                self._head([note.qualifier or "L1", "", note.text])
            case "PID0":
                self._put("PID", ["F", "", "", "", self.description], is_direct=True)
            case "PID" | "NTE":
                self._short(kind)
            case "MTX":
                self._put("MTX", ["", *self.values.pop(0).text.partition("\n")[::2]])
            case "MTXQ":
                note = self.values.pop(0)
                self._put("MTX", [note.qualifier or "", *note.text.partition("\n")[::2]])
            case _:
                for text in pieces(self.values.pop(0).text, MESSAGE_MAX):
                    self._put("MSG", [text])

    def _short(self, segment: str) -> None:
        note = self.values.pop(0)
        before = ["F", note.qualifier or "", "", ""] if segment == "PID" else [note.qualifier or ""]
        for text in pieces(note.text, NOTE_MAX):
            self._put(segment, [*before, text], is_direct=True)

    def _head(self, elements: list[str]) -> None:
        self.is_open = True
        self._put("N9", elements, is_direct=True)

    def _put(self, segment: str, elements: list[str], *, is_direct: bool = False) -> None:
        inside = self.is_open and not is_direct
        path = f"{self.above}N9/{segment}" if inside else f"{self.above}{segment}"
        top = f"{self.above}N9" if inside or segment == "N9" else path
        self.page.add_below(self.loop or top, path, elements)


def pieces(text: str, most: int) -> list[str]:
    """Cut a text into pieces of at most so many characters, at line breaks and blanks where it can be."""
    found: list[str] = []
    for line in text.splitlines() or [""]:
        rest = line
        while len(rest) > most:
            at = rest.rfind(" ", 1, most + 1)
            at = at if at > 0 else most
            found.append(rest[:at])
            rest = rest[at:].lstrip(" ")
        if rest or not found:
            found.append(rest)
    return found


# -- lines


def schedules(page: Page, line: Any, ship_to: Party | None, *, inside: bool) -> None:
    """SCH, and SDQ where a schedule is only a place and a quantity.

    ``inside``: those for the line's ship-to, which stand in its loop; else all others.
    """
    if not inside:
        _spread(page, line, [each for each in line.schedules if _is_spread(each)])
    path = "PO1/N1/SCH" if inside else "PO1/SCH"
    loop = "PO1/N1" if inside else path
    for each in line.schedules:
        if _is_spread(each) or (ship_to is not None and each.ship_to == ship_to) != inside:
            continue
        row = page.attempt(path, lambda each=each: _sch(page, each, inside=inside))  # type: ignore[misc]
        page.add_below(loop, path, row)
        if not inside:
            shipping(page, f"{path}/", each.shipping, "TD5", loop)


def _is_spread(each: Schedule) -> bool:
    to = each.ship_to
    return (
        to is not None
        and len(to.identifiers) == 1
        and to.name is None
        and to.address is None
        and each.quantity is not None
        and each.requested is None
        and not each.dates
    )


def _spread(page: Page, line: Any, values: Sequence[Schedule]) -> None:
    pairs: list[tuple[tuple[str, str], str, str]] = []
    for each in values:
        to, quantity = each.ship_to, each.quantity
        if to is None or quantity is None:
            continue
        elements = parts_out.party(to, "ship_to", page.partner)
        code = page.attempt(
            "PO1/SDQ",
            lambda each=each, q=quantity: [_sdq_unit(page, each, q)],  # type: ignore[misc]
        )
        pairs.append((((code or [""])[0], elements[2]), elements[3], parts_out.number(quantity.value)))
    hinted = [int(size) for size in order_of(line, "PO1/SDQ") or ()]
    sizes = hinted if sum(hinted) == len(pairs) else layout.spread_sizes([key for key, _, _ in pairs])
    at = 0
    for size in sizes:
        part = pairs[at : at + size]
        if part:
            flat = [text for _, place, quantity in part for text in (place, quantity)]
            page.add("PO1/SDQ", [*part[0][0], *flat])
        at += size


def _sdq_unit(page: Page, each: Schedule, quantity: Quantity) -> str:
    return parts_out.unit(quantity.unit, each.raw_codes.get("SDQ01"), page.partner)


def _sch(page: Page, each: Schedule, *, inside: bool) -> list[str]:
    raw, quantity = each.raw_codes, each.quantity
    made = [""] * 12
    if quantity is not None:
        made[0] = parts_out.number(quantity.value)
        made[1] = parts_out.unit(quantity.unit, raw.get("SCH02"), page.partner)
    if each.ship_to is not None and each.ship_to.name and not inside:
        made[2], made[3] = "ST", each.ship_to.name
    made[2], made[3] = raw.get("SCH03", made[2]), raw.get("SCH04", made[3])
    dated = [["002", *parts_out.moment(each.requested)]] if each.requested is not None else []
    dated += [parts_out.dated(value) for value in each.dates]
    for at, row in zip((4, 7), dated, strict=False):
        made[at : at + 3] = row[:3]
    made[10], made[11] = raw.get("SCH11", ""), each.schedule_id or ""
    return made


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


def came_as_x12(document: Any) -> bool:
    """Tell whether a document was read from X12: then it goes out as it came."""
    return document.provenance is not None and "ST02" in document.provenance.control_numbers
