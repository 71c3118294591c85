"""The two keys of a document: which document it is, and which order it belongs to. Pure.

The *document key* dedupes: equal keys are the same business document, arrived again. The *order key*
is followed: everything about one order carries it, all releases of a blanket share it.
Keys are printable ASCII, `<kind>:<version>|part|part...`; `%`, `|`, blanks and everything that is not
ASCII are percent-encoded, so that no two lists of parts give one key. They outlive releases of this
program: whatever changes one needs a new version number (tests/canonical/test_keys.py, golden table).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from pydantic import Field

from canonical.document import SAME_AS_ORIGINAL, CanonicalDocument, Purpose
from canonical.model import NO_ENTRIES, Model
from canonical.purchase_order import PurchaseOrder
from canonical.registry import content_hash
from canonical.scalars import Code
from canonical.values import DateValue, Party, PartyIdentifier, PartyScheme

KEY_VERSION = 1


class NumberRule(Model):
    """How one partner's numbers of one kind are brought to the form that keys use.

    Applied in this order: outer blanks (always), upper case, one prefix, one suffix, leading zeros.
    The document itself keeps the number as sent.
    """

    upper_case: bool = Field(default=False, description="ASCII letters count as upper case")
    strip_prefixes: tuple[Code, ...] = Field(default=(), description="the first that matches is cut off")
    strip_suffixes: tuple[Code, ...] = Field(default=(), description="the first that matches is cut off")
    strip_leading_zeros: bool = Field(default=False, description="00042 and 42 are one number")

    def apply(self, number: str) -> str:
        """Give the number in its key form; a number that would vanish whole stays as it was."""
        trimmed = _upper(number.strip()) if self.upper_case else number.strip()
        prefix = next((each for each in self._cased(self.strip_prefixes) if trimmed.startswith(each)), "")
        rest = trimmed.removeprefix(prefix)
        suffix = next((each for each in self._cased(self.strip_suffixes) if rest.endswith(each)), "")
        rest = rest.removesuffix(suffix) or trimmed
        return (rest.lstrip("0") or "0") if self.strip_leading_zeros and rest else rest

    def _cased(self, affixes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_upper(each) for each in affixes) if self.upper_case else affixes


class KeyRules(Model):
    """What keys need to know that documents do not say: whose numbering, which partner, which rules."""

    organisation: Code = Field(description="the buyer organisation whose order numbers these are")
    organisations: dict[Code, Code] = Field(
        default=NO_ENTRIES,
        description="buyer identifier (`gln:0614141000012`) -> organisation, where several number apart",
    )
    supplier: Code | None = Field(default=None, description="the supplier, where the partner is one")
    suppliers: dict[Code, Code] = Field(
        default=NO_ENTRIES, description="seller identifier (`assigned_by_buyer:44`) -> supplier"
    )
    order_number: NumberRule = NumberRule()
    release_number: NumberRule = NumberRule()
    invoice_number: NumberRule = NumberRule()
    receipt_number: NumberRule = NumberRule()
    requisition_number: NumberRule = NumberRule()
    shipment_number: NumberRule = NumberRule()


Parts = tuple[str | None, ...]


def document_key(document: CanonicalDocument, rules: KeyRules) -> str:
    """Give the key by which a repeat of this business document is recognised."""
    return _key(document.document_type, _PARTS[document.document_type](document, rules))


def order_keys(document: CanonicalDocument, rules: KeyRules) -> tuple[str, ...]:
    """Give the keys of all orders that a document names by the buyer's number, each once.

    Empty where only a seller's or an ERP's number is there: resolve `order_references` first, then
    use `order_key_of`.
    """
    buyer = getattr(document, "buyer", None)
    numbers = (order.number for order in document.named_orders)
    return tuple(dict.fromkeys(order_key_of(number, rules, buyer) for number in numbers if number))


def order_key(document: CanonicalDocument, rules: KeyRules) -> str | None:
    """Give the key of the (first) order that a document belongs to, None where it names none."""
    return next(iter(order_keys(document, rules)), None)


def order_key_of(number: str, rules: KeyRules, buyer: Party | None = None) -> str:
    """Give the order key of a buyer's order number: configured buyer organisation + number."""
    return _key("order", (_organisation(buyer, rules), rules.order_number.apply(number)))


def _order(document: PurchaseOrder, rules: KeyRules) -> Parts:
    return (
        _organisation(document.buyer, rules),
        rules.order_number.apply(document.number),
        _release(document.release, rules),
        *_edition(document, document.purpose, document.revision),
    )


_PARTS: Mapping[str, Callable[[Any, KeyRules], Parts]] = MappingProxyType(
    {
        "purchase_order": _order,
    }
)


def _edition(document: CanonicalDocument, purpose: Purpose, revision: str | None) -> Parts:
    """Tell a cancel or replace from its original, and two of them from each other.

    Revision 0 is the original. Without a revision, content tells: a second replace that says something
    else is another document, one that says the same is a repeat.
    """
    number = _revision(revision)
    if purpose in SAME_AS_ORIGINAL:
        return (number,)
    return (number, purpose, None if number else _content(document))


def _revision(revision: str | None) -> str:
    return (revision or "").strip().lstrip("0")


def _release(release: str | None, rules: KeyRules) -> str | None:
    return rules.release_number.apply(release) if release else None


def _content(document: CanonicalDocument) -> str:
    """128 bits are enough to tell the editions of one number apart."""
    return content_hash(document)[:32]


def _date(value: DateValue | None) -> str | None:
    return value.date.isoformat() if value else None


def _organisation(buyer: Party | None, rules: KeyRules) -> str:
    return _mapped(buyer, rules.organisations) or rules.organisation


def _supplier(seller: Party | None, rules: KeyRules) -> str | None:
    return _mapped(seller, rules.suppliers) or rules.supplier or party_key(seller)


def _mapped(party: Party | None, names: Mapping[str, str]) -> str | None:
    if party is None or not names:
        return None
    return next((names[name] for name in map(identifier_text, party.identifiers) if name in names), None)


_PREFERENCE: tuple[PartyScheme, ...] = (
    "gln", "duns4", "duns", "hin", "internal", "assigned_by_buyer", "assigned_by_seller", "vendor_site",
)  # fmt: skip


def party_key(party: Party | None) -> str | None:
    """Give who a party is, by its most lasting identifier, else by its name; None where it has neither."""
    if party is None:
        return None
    if party.identifiers:
        return identifier_text(min(party.identifiers, key=_rank))
    name = " ".join(_upper(party.name or "").split())
    return f"name:{name}" if name else None


def identifier_text(identifier: PartyIdentifier) -> str:
    """Write an identifier as configuration names it: `gln:0614141000012`."""
    return f"{identifier.scheme}:{identifier.value.strip()}"


def _rank(identifier: PartyIdentifier) -> int:
    return _PREFERENCE.index(identifier.scheme) if identifier.scheme in _PREFERENCE else len(_PREFERENCE)


def _upper(text: str) -> str:
    """Upper-case ASCII letters only: `str.upper` follows Unicode tables that differ between Pythons."""
    return "".join(each.upper() if each.isascii() else each for each in text)


def _key(kind: str, parts: Parts) -> str:
    encoded = (quote(part or "", safe="/#+=,:;@!$&*()") for part in parts)
    return "|".join((f"{kind}:{KEY_VERSION}", *encoded))
