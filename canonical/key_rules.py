"""What keys need to know that documents do not say: whose numbering, which partner, which number rules."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from canonical.model import NO_ENTRIES, Model
from canonical.scalars import Code
from canonical.values import Party, PartyIdentifier, PartyScheme


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
        if not (self.upper_case or self.strip_prefixes or self.strip_suffixes or self.strip_leading_zeros):
            return trimmed(number)
        whole = _upper(trimmed(number)) if self.upper_case else trimmed(number)
        prefix = next((each for each in self._cased(self.strip_prefixes) if whole.startswith(each)), "")
        rest = whole.removeprefix(prefix)
        suffix = next((each for each in self._cased(self.strip_suffixes) if rest.endswith(each)), "")
        rest = rest.removesuffix(suffix) or whole
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


def organisation_name(buyer: Party | None, rules: KeyRules) -> str:
    """Give the organisation whose order numbers these are: the buyer's own where several number apart."""
    return _mapped(buyer, rules.organisations) or rules.organisation


def supplier_name(seller: Party | None, rules: KeyRules) -> str | None:
    """Give who supplies: by the configured table, else the partner itself, else as the document says."""
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
    return f"{identifier.scheme}:{trimmed(identifier.value)}"


def _rank(identifier: PartyIdentifier) -> int:
    return _PREFERENCE.index(identifier.scheme) if identifier.scheme in _PREFERENCE else len(_PREFERENCE)


def trimmed(text: str) -> str:
    """Cut outer blanks by a fixed list: what `str.strip` cuts follows Unicode tables."""
    return text.strip(" \t\r\n\v\f\u00a0")


def _upper(text: str) -> str:
    """Upper-case ASCII letters only: `str.upper` follows Unicode tables that differ between Pythons."""
    return "".join(each.upper() if each.isascii() else each for each in text)
