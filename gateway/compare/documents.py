"""Two canonical documents, compared by meaning.

Numbers count by value, dates by the day (and by the instant, where both say one), quantities by what
they amount to in one unit, lines by their key and not by their place. What only says how something was
sent (raw codes, qualifiers, extensions, provenance) is no meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from canonical.document import CanonicalDocument
from canonical.lines import ItemLine, SubLine
from canonical.model import Model
from canonical.scalars import plain_digits
from canonical.values import ClinicalCase, DateValue, Note, Party, Price, Quantity, Reference
from gateway.compare.matching import Pair, paired
from gateway.compare.rules import CompareRules
from gateway.journal.comparisons import Difference, DifferenceKind

FREE_TEXT = "(free text)"
_TEXT_MAX = 300  # characters of a value that are kept

NO_MEANING = frozenset({
    "provenance", "schema_version", "raw_codes", "extensions", "qualifier", "basis_code", "may_be_phi",
    "description_may_be_phi", "sequence", "document_type",
})  # fmt: skip
_SAME_UNITS = {"C62": "EA"}  # UN/ECE Recommendation 20 "one" and X12 355 "each"


def compare_documents(
    legacy: CanonicalDocument, cloud: CanonicalDocument, rules: CompareRules
) -> Iterator[Difference | None]:
    """Give the differences one by one, and None after each entry of a list, so that a caller may pause.

    Two documents of different types differ in that, and are compared no further.
    """
    if legacy.document_type != cloud.document_type:
        yield _value("document_type", "document_type", legacy.document_type, cloud.document_type)
        return
    currencies = (_text_of(getattr(legacy, "currency", None)), _text_of(getattr(cloud, "currency", None)))
    for each in _Walk(rules, currencies).models("", "", legacy, cloud):
        if each is None or rules.is_compared(each.pattern):
            yield each


class _Walk:
    """One comparison on its way. ``currencies``: what an amount without a currency is in, on each side."""

    def __init__(self, rules: CompareRules, currencies: tuple[str, str]) -> None:
        self._rules = rules
        self._currencies = currencies
        self._items: tuple[str, ...] = ()  # identifiers of the line that we are in
        self._is_phi = False

    def models(self, path: str, pattern: str, legacy: Model, cloud: Model) -> Iterator[Difference | None]:
        names = dict.fromkeys((*type(legacy).model_fields, *type(cloud).model_fields))
        keyed_by_item = (
            isinstance(legacy, ItemLine) and self._rules.key_of(pattern.removesuffix("[]")) == "item"
        )
        outer = (self._items, self._is_phi)
        if isinstance(legacy, ItemLine) and isinstance(cloud, ItemLine):
            self._items = tuple(dict.fromkeys(each.value for each in (*cloud.item_ids, *legacy.item_ids)))
        self._is_phi = self._is_phi or _hides(legacy) or _hides(cloud)
        for name in names:
            if name in NO_MEANING or (name == "line_id" and keyed_by_item):
                continue
            inner = f"{path}.{name}" if path else name
            shape = f"{pattern}.{name}" if pattern else name
            ours = (getattr(legacy, name, None), getattr(cloud, name, None))
            if not self._rules.is_compared(shape):
                continue
            yield from self._field(inner, shape, name, *ours, (legacy, cloud))
        self._items, self._is_phi = outer

    def _field(
        self, path: str, pattern: str, name: str, legacy: Any, cloud: Any, around: tuple[Model, Model]
    ) -> Iterator[Difference | None]:
        if name == "currency":
            yield from self._currency(path, pattern, legacy, cloud, around)
        elif _is_empty(legacy) and _is_empty(cloud):
            return
        elif _is_empty(legacy):
            if self._rules.untold == "differs":
                yield self._difference("extra", path, pattern, "", self._shown(name, cloud))
        elif _is_empty(cloud):
            yield self._difference("missing", path, pattern, self._shown(name, legacy), "")
        else:
            yield from self._both(path, pattern, name, legacy, cloud, around)

    def _both(
        self, path: str, pattern: str, name: str, legacy: Any, cloud: Any, around: tuple[Model, Model]
    ) -> Iterator[Difference | None]:
        match legacy, cloud:
            case Quantity(), Quantity():
                yield from self._quantities(path, pattern, legacy, cloud)
            case Price(), Price():
                yield from self._prices(path, pattern, legacy, cloud, around)
            case DateValue(), DateValue():
                yield from self._dates(path, pattern, legacy, cloud)
            case Model(), Model():
                yield from self.models(path, pattern, legacy, cloud)
            case tuple(), tuple():
                yield from self._lists(path, pattern, legacy, cloud)
            case dict(), dict():
                yield from self._mappings(path, pattern, legacy, cloud)
            case _:
                yield from self._scalars(path, pattern, name, legacy, cloud)

    def _scalars(self, path: str, pattern: str, name: str, legacy: Any, cloud: Any) -> Iterator[Difference]:
        if isinstance(legacy, Decimal) and isinstance(cloud, Decimal):
            if not self._rules.tolerates(pattern, legacy, cloud):
                yield self._difference("value", path, pattern, plain_digits(legacy), plain_digits(cloud))
        elif name == "line_id" or name.endswith("line_id"):
            if _without_zeros(str(legacy)) != _without_zeros(str(cloud)):
                yield self._difference("value", path, pattern, str(legacy), str(cloud))
        elif _meaning(legacy) != _meaning(cloud):
            kind: DifferenceKind = "text" if self._is_free(name) else "value"
            yield self._difference(kind, path, pattern, self._shown(name, legacy), self._shown(name, cloud))

    def _currency(
        self, path: str, pattern: str, legacy: Any, cloud: Any, around: tuple[Model, Model]
    ) -> Iterator[Difference]:
        """An amount without a currency is in the document's."""
        if isinstance(around[0], CanonicalDocument):
            yield from (each for each in self._plain(path, pattern, legacy, cloud))
            return
        amounts = [getattr(each, "amount", None) for each in around]
        theirs, ours = legacy or self._currencies[0], cloud or self._currencies[1]
        if None not in amounts and theirs and ours and theirs != ours:
            yield self._difference("value", path, pattern, theirs, ours)

    def _plain(self, path: str, pattern: str, legacy: Any, cloud: Any) -> Iterator[Difference]:
        if legacy == cloud:
            return
        if not legacy:
            if self._rules.untold == "differs":
                yield self._difference("extra", path, pattern, "", str(cloud))
        elif not cloud:
            yield self._difference("missing", path, pattern, str(legacy), "")
        else:
            yield self._difference("value", path, pattern, str(legacy), str(cloud))

    def _quantities(self, path: str, pattern: str, legacy: Quantity, cloud: Quantity) -> Iterator[Difference]:
        ratio = self._ratio(legacy.unit, cloud.unit)
        if ratio is None:
            shown = (legacy.unit or "", cloud.unit or "")
            yield self._difference("unit", f"{path}.unit", f"{pattern}.unit", *shown)
            ratio = Fraction(1)
        if not self._rules.tolerates(f"{pattern}.value", legacy.value, Fraction(cloud.value) * ratio):
            shown = (plain_digits(legacy.value), plain_digits(cloud.value))
            yield self._difference("value", f"{path}.value", f"{pattern}.value", *shown)

    def _prices(
        self, path: str, pattern: str, legacy: Price, cloud: Price, around: tuple[Model, Model]
    ) -> Iterator[Difference]:
        """Two prices are equal where one of a unit costs the same: 120 a hundred is 1.20 each."""
        units = [
            price.base_unit or getattr(getattr(line, "quantity", None), "unit", None)
            for price, line in zip((legacy, cloud), around, strict=True)
        ]
        ratio = self._ratio(units[0], units[1])
        if ratio is None:
            if legacy.base_unit or cloud.base_unit:
                shown = (units[0] or "", units[1] or "")
                yield self._difference("unit", f"{path}.base_unit", f"{pattern}.base_unit", *shown)
            ratio = Fraction(1)
        theirs = Fraction(legacy.amount) / Fraction(legacy.base_quantity or 1)
        ours = Fraction(cloud.amount) / Fraction(cloud.base_quantity or 1) / ratio
        if not self._rules.tolerates(f"{pattern}.amount", theirs, ours):
            shown = (_per_one(legacy), _per_one(cloud))
            yield self._difference("value", f"{path}.amount", f"{pattern}.amount", *shown)
        yield from self._currency(
            f"{path}.currency", f"{pattern}.currency", legacy.currency, cloud.currency, (legacy, cloud)
        )
        if legacy.basis and cloud.basis and legacy.basis != cloud.basis:
            yield self._difference("value", f"{path}.basis", f"{pattern}.basis", legacy.basis, cloud.basis)

    def _ratio(self, legacy: str | None, cloud: str | None) -> Fraction | None:
        """Give how many of legacy's unit one of ours is; None where nobody says: it is never guessed."""
        theirs, ours = (_SAME_UNITS.get(unit or "", unit or "") for unit in (legacy, cloud))
        if theirs == ours or (not theirs and self._rules.untold == "ignored"):
            return Fraction(1)
        if not theirs or not ours:
            return None
        of_theirs, of_ours = (self._rules.factors(self._items, unit) for unit in (theirs, ours))
        return Fraction(of_ours) / Fraction(of_theirs) if of_theirs and of_ours else None

    def _dates(self, path: str, pattern: str, legacy: DateValue, cloud: DateValue) -> Iterator[Difference]:
        if legacy.at is not None and cloud.at is not None:
            if legacy.at != cloud.at:
                yield self._difference("value", path, pattern, legacy.at.isoformat(), cloud.at.isoformat())
        elif legacy.date != cloud.date:
            yield self._difference("value", path, pattern, legacy.date.isoformat(), cloud.date.isoformat())
        elif legacy.at is not None:
            yield self._difference("missing", f"{path}.at", f"{pattern}.at", legacy.at.isoformat(), "")

    def _lists(
        self, path: str, pattern: str, legacy: tuple[Any, ...], cloud: tuple[Any, ...]
    ) -> Iterator[Difference | None]:
        shape = f"{pattern}[]"
        for each in paired(legacy, cloud, self._rules.key_of(pattern)):
            yield from self._entries(f"{path}[{each.name}]", shape, each)
            yield None

    def _entries(self, path: str, shape: str, pair: Pair) -> Iterator[Difference | None]:
        if pair.legacy is None:
            if self._rules.untold == "differs" or isinstance(pair.cloud, ItemLine):
                yield self._difference("extra", path, shape, "", self._entry(pair.cloud))
        elif pair.cloud is None:
            yield self._difference("missing", path, shape, self._entry(pair.legacy), "")
        elif isinstance(pair.legacy, DateValue) and isinstance(pair.cloud, DateValue):
            yield from self._dates(path, shape, pair.legacy, pair.cloud)
        elif isinstance(pair.legacy, Model) and isinstance(pair.cloud, Model):
            yield from self.models(path, shape, pair.legacy, pair.cloud)
        elif _meaning(pair.legacy) != _meaning(pair.cloud):
            name = shape.rsplit(".", 1)[-1].removesuffix("[]")
            shown = (self._shown(name, pair.legacy), self._shown(name, pair.cloud))
            yield self._difference("value", path, shape, *shown)

    def _mappings(
        self, path: str, pattern: str, legacy: dict[str, Any], cloud: dict[str, Any]
    ) -> Iterator[Difference | None]:
        for name in sorted({*legacy, *cloud}):
            inner = (f"{path}.{name}", f"{pattern}.{name}", name, legacy.get(name), cloud.get(name))
            yield from self._field(*inner, (_NOTHING, _NOTHING))

    def _difference(
        self, kind: DifferenceKind, path: str, pattern: str, legacy: str, cloud: str
    ) -> Difference:
        if self._is_phi:
            legacy, cloud = (FREE_TEXT if each else "" for each in (legacy, cloud))
        return Difference("document", kind, pattern, path, legacy[:_TEXT_MAX], cloud[:_TEXT_MAX])

    def _is_free(self, name: str) -> bool:
        return self._is_phi or name in ("text", "description", "terms")

    def _shown(self, name: str, value: Any) -> str:
        return FREE_TEXT if self._is_free(name) else self._entry(value)

    def _entry(self, value: Any) -> str:
        match value:
            case None:
                return ""
            case Note():
                return FREE_TEXT
            case Model() if _hides(value):
                return FREE_TEXT
            case Model():
                parts = (
                    f"{name} {self._shown(name, getattr(value, name))}"
                    for name in type(value).model_fields
                    if name not in NO_MEANING and not _is_empty(getattr(value, name))
                )
                return ", ".join(parts)
            case tuple():
                return "; ".join(self._entry(each) for each in value)
            case Decimal():
                return plain_digits(value)
            case datetime() | date():
                return value.isoformat()
            case _:
                return str(value)


class _Nothing(Model):
    """Stands for what a mapping's values stand in."""


_NOTHING = _Nothing()


def _value(path: str, pattern: str, legacy: str, cloud: str) -> Difference:
    return Difference("document", "value", pattern, path, legacy, cloud)


def _hides(model: Model) -> bool:
    """Tell whether what a model says may be about a patient: then only that it differs is kept."""
    match model:
        case ClinicalCase():
            return True
        case Reference(may_be_phi=True) | Party(may_be_phi=True):
            return True
        case SubLine(description_may_be_phi=True):
            return True
        case _:
            return False


def _is_empty(value: Any) -> bool:
    return value is None or value in ((), {})


def _meaning(value: Any) -> Any:
    """Give what a text says: blanks around and doubled inside it say nothing."""
    return " ".join(value.split()) if isinstance(value, str) else value


def _without_zeros(text: str) -> str:
    return text.strip().lstrip("0") or "0"


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _per_one(price: Price) -> str:
    per = f" per {plain_digits(price.base_quantity)}" if price.base_quantity else ""
    return f"{plain_digits(price.amount)}{per}"
