"""What an order has come to, line by line, from the documents that the journal has of it. Pure.

Ordered is what the order and the buyer's changes say, received what receipts say without returns,
invoiced what invoices say without credits. A quantity counts only in the unit of its order line: one in
another unit, or for a line that the order does not have, is a problem, and a person must look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from canonical.document import CanonicalDocument
from canonical.goods_receipt import GoodsReceipt
from canonical.invoice import Invoice
from canonical.lines import FollowOnLine, ItemLine, PlacedLine
from canonical.order_change import OrderChange
from canonical.purchase_order import PurchaseOrder, PurchaseOrderLine
from canonical.values import Price, Quantity
from gateway.journal.moves import MoveLine

ZERO = Decimal(0)

_IsThis = Callable[[CanonicalDocument, FollowOnLine], bool | None]


@dataclass(frozen=True, slots=True)
class OrderState:
    """One order as its documents tell it.

    ``order`` is the order as last placed or changed: None where the journal has none. ``problems`` are
    sentences, each of which keeps a machine from saying how much of the order is left.
    """

    order: PurchaseOrder | None = None
    lines: tuple[MoveLine, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def value(self) -> Decimal:
        """Give what is ordered, in money."""
        return sum((value_of(each, each.ordered) for each in self.lines), ZERO)


def value_of(line: MoveLine, quantity: Decimal) -> Decimal:
    """Give what a quantity of a line is worth; nothing where no price is known."""
    return quantity * line.price if line.price is not None else ZERO


def order_state(
    documents: Iterable[CanonicalDocument],
    is_this: Callable[[CanonicalDocument, FollowOnLine], bool | None] = lambda document, line: True,
    start: OrderState | None = None,
) -> OrderState:
    """Tell what an order has come to. ``documents``: all of it, in the order of their arrival.

    ``start``: what it had come to before the first of them.
    ``is_this``: whether a line of a receipt or invoice is about this order; None where nobody can tell.
    """
    fold = _Fold()
    if start is not None:
        fold = _Fold(start.order, {each.line: each for each in start.lines}, list(start.problems))
    for document in documents:
        match document:
            case PurchaseOrder():
                fold.place(document)
            case OrderChange() if document.initiator == "buyer":
                fold.change(document)
            case GoodsReceipt():
                fold.receive(document, is_this)
            case Invoice():
                fold.invoice(document, is_this)
    return fold.state()


def differs(told: Sequence[MoveLine], known: Sequence[MoveLine]) -> str:
    """Say where a file and the journal do not agree about an order's lines; "" where they do."""
    theirs, ours = {each.line: each for each in told}, {each.line: each for each in known}
    if theirs.keys() != ours.keys():
        return f"{_only_in(theirs, ours)}; reconcile them first"
    for name, line in theirs.items():
        for what in ("ordered", "received", "invoiced"):
            said, has = getattr(line, what), getattr(ours[name], what)
            if said != has:
                return f"line {name}: the file says {what} {said}, the journal {has}; reconcile them first"
    return ""


def _only_in(theirs: Iterable[str], ours: Iterable[str]) -> str:
    """Say which lines are in the file or in the journal only."""
    parts = []
    for where, names in (
        ("file", sorted(set(theirs) - set(ours))),
        ("journal", sorted(set(ours) - set(theirs))),
    ):
        if names:
            what = f"line {names[0]} is" if len(names) == 1 else f"lines {', '.join(names)} are"
            parts.append(f"{what} in the {where} only")
    return ", and ".join(parts)


def line_name(line: ItemLine, order_lines: Sequence[PurchaseOrderLine] = ()) -> str | None:
    """Name a line as its order names it: by the order's line id, else by an item that only one line has."""
    named = getattr(line, "order_line_id", None) or line.line_id
    names = {_own_name(each): each for each in order_lines}
    if not order_lines or (named is not None and named in names):
        return named or str(line.sequence)
    items = {each.value for each in line.item_ids}
    found = [
        name for name, each in names.items() if items & {identifier.value for identifier in each.item_ids}
    ]
    return found[0] if len(found) == 1 else None


def _own_name(line: PlacedLine) -> str:
    return line.line_id or str(line.sequence)


def unit_price(price: Price | None) -> Decimal | None:
    """Give the price of one unit; None where there is none."""
    if price is None:
        return None
    return price.amount / (price.base_quantity or Decimal(1))


@dataclass(slots=True)
class _Fold:
    order: PurchaseOrder | None = None
    lines: dict[str, MoveLine] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def state(self) -> OrderState:
        return OrderState(self.order, tuple(self.lines.values()), tuple(dict.fromkeys(self.problems)))

    def place(self, order: PurchaseOrder) -> None:
        """Take an order, or one that replaces it; a later cancellation leaves nothing ordered."""
        if order.purpose == "cancellation":
            self._cancel()
            return
        if order.purpose == "confirmation" and self.order is not None:
            return
        known, self.order, self.lines = self.lines, order, {}
        for line in order.lines:
            name = _own_name(line)
            if name in self.lines:
                self.problems.append(f"the order has two lines {name}")
            self.lines[name] = self._placed(name, line, known.get(name))
        for name, before in known.items():
            self.lines.setdefault(name, replace(before, ordered=ZERO))

    def _placed(self, name: str, line: PlacedLine, known: MoveLine | None) -> MoveLine:
        quantity = line.quantity
        if quantity is None:
            self.problems.append(f"line {name} has no quantity")
        unit = (quantity.unit if quantity is not None else None) or ""
        price = line.price
        if price is not None and price.base_unit not in (None, unit):
            self.problems.append(f"line {name} is priced per {price.base_unit} and ordered in {unit}")
        return MoveLine(
            line=name,
            ordered=quantity.value if quantity is not None else ZERO,
            received=known.received if known is not None else ZERO,
            invoiced=known.invoiced if known is not None else ZERO,
            unit=unit,
            price=unit_price(price),
        )

    def _cancel(self) -> None:
        self.lines = {name: replace(line, ordered=ZERO) for name, line in self.lines.items()}

    def change(self, change: OrderChange) -> None:
        """Take a change of the buyer's: quantities and prices of its lines are the new ones.

        One that cancels leaves nothing ordered, whatever lines it names.
        """
        if change.purpose == "cancellation":
            self._cancel()
            return
        if self.order is None:
            self.problems.append("a change came without its order")
            return
        by_name = {_own_name(each): each for each in self.order.lines}
        for line in change.lines:
            name = line.line_id or line_name(line, self.order.lines)
            if name is None:
                self.problems.append(
                    f"a change is about a line that is not told apart (line {line.sequence})"
                )
            elif line.action == "delete" and name in self.lines:
                self.lines[name] = replace(self.lines[name], ordered=ZERO)
                if name in by_name:
                    by_name[name] = _with_quantity(by_name[name], ZERO)
            elif line.action == "add" or name in self.lines:
                by_name[name] = self._changed(name, line, by_name.get(name))
            else:
                self.problems.append(f"a change is about line {name}, which the order does not have")
        self.order = self.order.model_copy(update={"lines": tuple(by_name.values())})

    def _changed(self, name: str, line: PlacedLine, before: PurchaseOrderLine | None) -> PurchaseOrderLine:
        fields = {key: value for key in PurchaseOrderLine.model_fields if (value := getattr(line, key, None))}
        fields |= {"line_id": name}
        if before is not None:
            fields["sequence"] = before.sequence
            merged = before.model_copy(update=fields)
        else:
            sequence = max((each.sequence for each in self.order.lines), default=0) if self.order else 0
            merged = PurchaseOrderLine(**{**fields, "sequence": sequence + 1 + len(self.lines)})
        self.lines[name] = self._placed(name, merged, self.lines.get(name))
        return merged

    def receive(self, receipt: GoodsReceipt, is_this: _IsThis) -> None:
        """Take a receipt; a correction says what was wrong in words that differ, so a person must look."""
        sign = {"receipt": 1, "return": -1, "reversal": -1, "inspection": 0}.get(receipt.kind)
        if sign is None:
            text = f"receipt {receipt.number} is a {receipt.kind}, which nobody can count by itself"
            self.problems.append(text)
            return
        for line in receipt.lines if sign else ():
            quantity = line.accepted or line.quantity
            self._count(line, quantity, sign, "received", f"receipt {receipt.number}", is_this(receipt, line))

    def invoice(self, invoice: Invoice, is_this: _IsThis) -> None:
        """Take an invoice or credit."""
        if invoice.invoice_type == "pro_forma":
            return
        sign = -1 if invoice.debit_credit == "credit" else 1
        for line in invoice.lines:
            where = f"invoice {invoice.number}"
            self._count(line, line.quantity, sign, "invoiced", where, is_this(invoice, line))

    def _count(
        self,
        line: FollowOnLine,
        quantity: Quantity | None,
        sign: int,
        what: str,
        where: str,
        is_this: bool | None,
    ) -> None:
        if is_this is not True:
            if is_this is None:
                self.problems.append(f"{where} is about several orders, and a line of it does not say which")
            return
        lines = self.order.lines if self.order is not None else ()
        name = line_name(line, lines)
        known = self.lines.get(name) if name is not None else None
        if known is None or quantity is None:
            self.problems.append(f"{where} has a line that no line of the order answers to")
            return
        if (quantity.unit or known.unit) != known.unit:
            self.problems.append(
                f"{where} counts line {known.line} in {quantity.unit}, and the order in {known.unit}"
            )
            return
        counted = getattr(known, what) + sign * quantity.value
        changed = replace(known, received=counted) if what == "received" else replace(known, invoiced=counted)
        self.lines[known.line] = changed


def _with_quantity(line: PurchaseOrderLine, value: Decimal) -> PurchaseOrderLine:
    unit = line.quantity.unit if line.quantity is not None else None
    return line.model_copy(update={"quantity": Quantity(value=value, unit=unit)})
